//! Who held an alias when, and the way back to an earlier version.

use super::{
    api::{RemoveHolder, RollBack, get_history},
    words::{holder_text, page_of_request},
};
use crate::{
    components::{
        ConfirmDialog, Crumb, DialogActions, EmptyState, Field, FormError, FormState, Glyph, LoadingPage, Page, StatusBadge, Textarea,
        Time, Tone, page_or_error, use_team, use_toasts, when_done,
    },
    live::{kept_current, use_live},
    registry::words::{page_of_model, page_of_models, page_of_version},
};
use domain::model::{AliasHistory, AliasHolder, Change};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

#[component]
pub fn AliasPage() -> impl IntoView {
    let (team, live, params, toasts) = (use_team(), use_live(), use_params_map(), use_toasts());
    let part = move |name: &'static str| Memo::new(move |_| params.with(|p| p.get_str(name).unwrap_or_default().to_owned()));
    let (model, alias) = (part("model"), part("alias"));
    let changes = live.changes_in(team.into(), |event| matches!(event.change, Change::Models | Change::Promotions));
    let (back, remove) = (ServerAction::<RollBack>::new(), ServerAction::<RemoveHolder>::new());
    when_done(back, move |version| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, format!("Rolled back to version {version}."));
    });
    when_done(remove, move |()| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Alias removed.");
    });
    let first = Resource::new(
        move || (team.get(), model.get(), alias.get()),
        move |(team, model, alias)| async move {
            live.positioned().await;
            get_history(team, model, alias).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Alias" /> }>
            {move || Suspend::new(async move {
                let of = Of { team: team.get_untracked(), model: model.get_untracked(), alias: alias.get_untracked() };
                page_or_error(first.await, |first| view! { <History of first changes back remove /> })
            })}
        </Transition>
    }
}

/// Which alias of which model.
#[derive(Clone)]
struct Of {
    team: String,
    model: String,
    alias: String,
}

/// The newest entry of each version, and whether it may be brought back.
fn ways_back(history: &AliasHistory) -> Vec<(AliasHolder, bool)> {
    let mut seen = Vec::new();
    let way = |holder: &AliasHolder| {
        let first = holder.version.is_some() && !seen.contains(&holder.version);
        seen.push(holder.version);
        (holder.clone(), first && holder.exists && holder.version != history.holder && history.may_roll_back)
    };
    history.holders.iter().map(way).collect()
}

#[component]
fn History(
    of: Of,
    first: AliasHistory,
    changes: RwSignal<u32>,
    back: ServerAction<RollBack>,
    remove: ServerAction<RemoveHolder>,
) -> impl IntoView {
    let again = of.clone();
    let history =
        kept_current(first, 0, move || changes.get(), move |_| get_history(again.team.clone(), again.model.clone(), again.alias.clone()));
    let rows = Memo::new(move |_| history.with(ways_back));
    let holder = Memo::new(move |_| history.with(|h| h.holder));
    let protected = Memo::new(move |_| history.with(|h| h.protected));
    let removable = Memo::new(move |_| history.with(|h| h.may_remove && h.holder.is_some()));
    let none = Memo::new(move |_| rows.with(Vec::is_empty));
    let crumbs = vec![
        Crumb::new(of.team.clone(), format!("/t/{}", of.team)),
        Crumb::new("Models", page_of_models(&of.team)),
        Crumb::new(of.model.clone(), page_of_model(&of.team, &of.model)),
    ];
    let (for_rows, for_remove) = (of.clone(), of.clone());
    let row = move |(entry, way): (AliasHolder, bool)| view! { <Row of=for_rows.clone() entry way back /> }.into_any();
    let status = move || {
        view! {
            {move || {
                if protected.get() {
                    view! { <StatusBadge tone=Tone::Info glyph=Glyph::Lock text="Protected" /> }.into_any()
                } else {
                    view! { <StatusBadge tone=Tone::Neutral text="Not protected" /> }.into_any()
                }
            }}
            <span class="muted">{move || holder.get().map_or_else(|| "No version holds it".to_owned(), |v| format!("Version {v} holds it"))}</span>
        }
    };
    let actions = move || {
        move || {
            let of = for_remove.clone();
            removable.get().then(|| view! { <RemoveDialog of remove /> })
        }
    };
    view! {
        <Page title=format!("{} of {}", of.alias, of.model) crumbs status actions>
            <FormError form=FormState::of(back) />
            <FormError form=FormState::of(remove) />
            {move || {
                let row = row.clone();
                if none.get() {
                    view! { <EmptyState glyph=Glyph::Rocket title="No version has held it yet" text="Promote a version on its page; this page then says who held the alias when." /> }.into_any()
                } else {
                    view! { <HistoryTable rows row=ViewRow::new(row) /> }.into_any()
                }
            }}
        </Page>
    }
}

type ViewRow = Callback<(AliasHolder, bool), AnyView>;

#[component]
fn HistoryTable(rows: Memo<Vec<(AliasHolder, bool)>>, row: ViewRow) -> impl IntoView {
    view! {
        <div class="table-wrap">
            <table class="table stacked">
                <caption class="sr-only">"Holders of the alias, the newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Holder"</th>
                        <th scope="col">"How"</th>
                        <th scope="col">"By"</th>
                        <th scope="col">"When"</th>
                        <th scope="col" class="th-actions"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || rows.get() key=Clone::clone children=move |one: (AliasHolder, bool)| row.run(one) />
                </tbody>
            </table>
        </div>
    }
}

/// What happened, in words.
fn how(entry: &AliasHolder) -> &'static str {
    match entry.how.as_str() {
        "promoted" => "Promoted",
        "rolled back" => "Rolled back",
        "removed" => "Removed",
        "deleted" => "Gone with its version",
        "imported" => "Imported",
        "found" => "Held it before this history begins",
        _ => "Set",
    }
}

#[component]
fn Row(of: Of, entry: AliasHolder, way: bool, back: ServerAction<RollBack>) -> impl IntoView {
    let holder = match entry.version {
        Some(version) if entry.exists => {
            view! { <a href=page_of_version(&of.team, &of.model, version)>{holder_text(Some(version))}</a> }.into_any()
        }
        Some(version) => view! { {holder_text(Some(version))} <span class="muted">" (deleted)"</span> }.into_any(),
        None => view! { <span class="muted">{holder_text(None)}</span> }.into_any(),
    };
    let words = how(&entry);
    let how = match &entry.request {
        Some(id) => view! { <a href=page_of_request(&of.team, id)>{words}</a> }.into_any(),
        None => view! { {words} }.into_any(),
    };
    let reason = entry.reason.clone().map(|reason| view! { <span class="sub wrap">{reason}</span> });
    let dialog = entry.version.filter(|_| way).map(|version| view! { <RollBackDialog of version back /> });
    view! {
        <tr>
            <th scope="row">{holder}</th>
            <td data-label="How">{how} {reason}</td>
            <td data-label="By" class="wrap">{entry.by}</td>
            <td data-label="When">
                <Time at=entry.at />
            </td>
            <td class="actions">{dialog}</td>
        </tr>
    }
}

#[component]
fn RollBackDialog(of: Of, version: i64, back: ServerAction<RollBack>) -> impl IntoView {
    let form = FormState::of(back);
    let Of { team, model, alias } = of;
    let what =
        format!("{alias} points to version {version} of {model} at once. Gates are not asked again; the audit trail says who did it.");
    view! {
        <ConfirmDialog trigger=format!("Roll back to version {version}") title=format!("Roll {alias} back to version {version}") form class="btn btn-sm">
            <p>{what}</p>
            <ActionForm action=back>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=model />
                <input type="hidden" name="alias" value=alias />
                <input type="hidden" name="version" value=version.to_string() />
                <Field label="Reason" name="reason" id=format!("reason-{version}") form help="May stay empty.">
                    <Textarea rows=2 />
                </Field>
                <DialogActions form label="Roll back" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}

#[component]
fn RemoveDialog(of: Of, remove: ServerAction<RemoveHolder>) -> impl IntoView {
    let form = FormState::of(remove);
    let Of { team, model, alias } = of;
    let lost = format!("Clients that load models:/{model}@{alias} are refused until a version holds the alias again.");
    view! {
        <ConfirmDialog trigger="Remove alias" title=format!("Remove alias {alias}") form sole=true class="btn btn-ghost">
            <p>{lost}</p>
            <ActionForm action=remove>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=model />
                <input type="hidden" name="alias" value=alias />
                <Field label="Reason" name="reason" id="remove-reason" form help="May stay empty.">
                    <Textarea rows=2 />
                </Field>
                <DialogActions form label="Remove alias" />
            </ActionForm>
        </ConfirmDialog>
    }
}
