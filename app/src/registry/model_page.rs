//! One registered model: what it is for, and its versions.

use super::{
    alias::AliasActions,
    api::{DeleteModel, DescribeModel, ModelDetail, get_model},
    describe::{Description, DescriptionField},
    versions_table::{RowContext, VersionsTable},
    words::{GoneNote, TagChips, note_gone, page_of_models},
};
use crate::{
    components::{
        ConfirmDialog, CopyButton, Crumb, DialogActions, Fact, FormError, FormState, Glyph, LoadingPage, Page, Time, Tone, count,
        page_or_error, role_in, use_me, use_team, use_toasts, when_done,
    },
    error::AppError,
    live::{kept_current, use_live},
};
use domain::model::{Change, RegisteredModel, Role};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};

#[derive(Clone, Copy)]
struct Actions {
    describe: ServerAction<DescribeModel>,
    delete: ServerAction<DeleteModel>,
    aliases: AliasActions,
    delete_version: ServerAction<super::api::DeleteVersion>,
}

#[component]
pub fn ModelPage() -> impl IntoView {
    let (team, me, live, params) = (use_team(), use_me(), use_live(), use_params_map());
    let name = Memo::new(move |_| params.with(|p| p.get_str("model").unwrap_or_default().to_owned()));
    let changes = live.changes_in(team.into(), |event| matches!(event.change, Change::Models | Change::Promotions));
    let aliases = AliasActions { set: ServerAction::new(), remove: ServerAction::new() };
    let actions = Actions { describe: ServerAction::new(), delete: ServerAction::new(), aliases, delete_version: ServerAction::new() };
    follow(team, actions, changes);
    let first = Resource::new(
        move || (team.get(), name.get()),
        move |(team, name)| async move {
            live.positioned().await;
            let writes = me.await.ok().flatten().and_then(|me| role_in(&me, &team)) >= Some(Role::Member);
            Ok::<_, AppError>((get_model(team, name).await?, writes))
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Model" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |(first, writes)| view! { <ModelView team first writes changes actions /> })
            })}
        </Transition>
    }
}

/// What is seen once an action is done.
fn follow(team: Memo<String>, actions: Actions, changes: RwSignal<u32>) {
    let (toasts, navigate) = (use_toasts(), use_navigate());
    let done = move |words: String| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, words);
    };
    when_done(actions.describe, move |()| done("Description saved.".to_owned()));
    when_done(actions.aliases.set, move |alias| done(format!("Alias {alias} set.")));
    when_done(actions.aliases.remove, move |()| done("Alias removed.".to_owned()));
    when_done(actions.delete_version, move |()| done("Version deleted.".to_owned()));
    when_done(actions.delete, move |()| {
        toasts.show(Tone::Good, "Model deleted.");
        navigate(&page_of_models(&team.get_untracked()), NavigateOptions::default());
    });
}

#[component]
fn ModelView(team: String, first: ModelDetail, writes: bool, changes: RwSignal<u32>, actions: Actions) -> impl IntoView {
    let (name, list, gone) = (first.model.name.clone(), page_of_models(&team), RwSignal::new(false));
    let again = (team.clone(), name.clone());
    let detail = kept_current(
        first,
        0,
        move || changes.get(),
        move |_| {
            let asked = get_model(again.0.clone(), again.1.clone());
            async move {
                let answer = asked.await;
                note_gone(&answer, gone);
                answer
            }
        },
    );
    let model = Memo::new(move |_| detail.with(|d| d.model.clone()));
    let versions = Memo::new(move |_| detail.with(|d| d.versions.clone()));
    let description = Memo::new(move |_| model.with(|m| m.description.clone().unwrap_or_default()));
    let html = Memo::new(move |_| detail.with(|d| d.description.clone()));
    let protected = Memo::new(move |_| detail.with(|d| d.protected.clone()));
    let shared =
        RowContext { team: team.clone(), model: name.clone(), writes, protected, aliases: actions.aliases, delete: actions.delete_version };
    let (for_delete, for_describe) = ((team.clone(), name.clone()), (team.clone(), name.clone()));
    let counted = Memo::new(move |_| versions.with(Vec::len));
    let delete =
        move || writes.then(|| view! { <DeleteDialog team=for_delete.0 name=for_delete.1 versions=counted action=actions.delete /> });
    view! {
        <Page title=name crumbs=vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Models", list.clone())] actions=delete>
            <GoneNote what="model" gone href=list />
            <FormError form=FormState::of(actions.aliases.set) />
            <FormError form=FormState::of(actions.aliases.remove) />
            <FormError form=FormState::of(actions.delete_version) />
            <div class="run-overview section-gap">
                <Facts model />
                <Description html>
                    {writes.then(|| view! { <DescribeDialog team=for_describe.0 name=for_describe.1 text=description action=actions.describe /> })}
                </Description>
            </div>
            <section aria-labelledby="versions-head">
                <div class="section-head">
                    <h2 id="versions-head">"Versions"</h2>
                </div>
                <VersionsTable versions shared />
            </section>
        </Page>
    }
}

#[component]
fn Facts(model: Memo<RegisteredModel>) -> impl IntoView {
    let (name, by, made) = model.with_untracked(|m| (m.name.clone(), m.created_by.clone(), m.created_at));
    let tags = Memo::new(move |_| model.with(|m| m.tags.clone()));
    let changed = Signal::derive(move || model.with(|m| m.updated_at));
    view! {
        <section class="card pad" aria-label="Facts">
            <dl class="profile">
                <Fact name="Name">
                    <span class="mono wrap">{name.clone()}</span>
                    <CopyButton text=name label="Copy name" />
                </Fact>
                <Fact name="Made by">{by}</Fact>
                <Fact name="Made">
                    <Time at=made />
                </Fact>
                <Fact name="Changed">
                    <Time at=changed />
                </Fact>
                {move || {
                    let tags = tags.get();
                    (!tags.is_empty()).then(|| view! { <Fact name="Tags"><TagChips tags /></Fact> })
                }}
            </dl>
        </section>
    }
}

#[component]
fn DescribeDialog(team: String, name: String, text: Memo<String>, action: ServerAction<DescribeModel>) -> impl IntoView {
    let form = FormState::of(action);
    view! {
        <ConfirmDialog trigger="Edit" title="Edit description" form sole=true glyph=Glyph::Pencil>
            <ActionForm action>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=name />
                <DescriptionField text form />
                <DialogActions form label="Save description" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}

#[component]
fn DeleteDialog(team: String, name: String, versions: Memo<usize>, action: ServerAction<DeleteModel>) -> impl IntoView {
    let form = FormState::of(action);
    let title = format!("Delete model {name}");
    let (model, of) = (name.clone(), team.clone());
    let lost = move || {
        let versions = count(versions.get(), "version", "versions");
        format!(
            "Model {model} goes for everyone in team {of}: its {versions}, aliases, tags and descriptions. Clients that load it are refused. \
             The files stay with the runs and logged models that made them. This cannot be undone."
        )
    };
    view! {
        <ConfirmDialog trigger="Delete model" title form sole=true glyph=Glyph::Trash class="btn btn-ghost">
            <p>{lost}</p>
            <ActionForm action>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=name />
                <DialogActions form label="Delete model" />
            </ActionForm>
        </ConfirmDialog>
    }
}
