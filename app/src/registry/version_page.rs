//! One version of a model: where it comes from, what it takes and gives, its files, and how to load it.

use super::{
    alias::{AliasActions, Aliases, SetAliasDialog},
    api::{DeleteVersion, DescribeVersion, VersionDetail, get_version},
    describe::{Description, DescriptionField},
    lineage::LineageSection,
    signature::Signature,
    snippet::Snippet,
    source_run::SourceRunCard,
    version_facts::Facts,
    version_files::VersionFiles,
    versions_table::DeleteVersionDialog,
    words::{GoneNote, StageChip, loading, note_gone, page_of_model, page_of_models},
};
use crate::{
    components::{
        ConfirmDialog, Crumb, DialogActions, FormError, FormState, Glyph, Icon, LoadingPage, Page, Tone, page_or_error, role_in, use_me,
        use_team, use_toasts, when_done,
    },
    error::AppError,
    live::{kept_current, use_live},
    promotion::{ModelCard, api::SaveCard, page_of_promotion},
};
use domain::model::{Change, Role};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};

#[derive(Clone, Copy)]
struct Actions {
    describe: ServerAction<DescribeVersion>,
    delete: ServerAction<DeleteVersion>,
    card: ServerAction<SaveCard>,
    aliases: AliasActions,
}

#[component]
pub fn VersionPage() -> impl IntoView {
    let (team, me, live, params) = (use_team(), use_me(), use_live(), use_params_map());
    let part = move |name: &'static str| Memo::new(move |_| params.with(|p| p.get_str(name).unwrap_or_default().to_owned()));
    let (model, version) = (part("model"), part("version"));
    let changes = live.changes_in(team.into(), |event| matches!(event.change, Change::Models | Change::Promotions));
    let aliases = AliasActions { set: ServerAction::new(), remove: ServerAction::new() };
    let actions = Actions { describe: ServerAction::new(), delete: ServerAction::new(), card: ServerAction::new(), aliases };
    follow(team, model, actions, changes);
    let first = Resource::new(
        move || (team.get(), model.get(), version.get()),
        move |(team, model, version)| async move {
            live.positioned().await;
            let writes = me.await.ok().flatten().and_then(|me| role_in(&me, &team)) >= Some(Role::Member);
            Ok::<_, AppError>((get_version(team, model, version).await?, writes))
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Version" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |(first, writes)| view! { <VersionView team first writes changes actions /> })
            })}
        </Transition>
    }
}

/// What is seen once an action is done.
fn follow(team: Memo<String>, model: Memo<String>, actions: Actions, changes: RwSignal<u32>) {
    let (toasts, navigate) = (use_toasts(), use_navigate());
    let done = move |words: String| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, words);
    };
    when_done(actions.describe, move |()| done("Description saved.".to_owned()));
    when_done(actions.card, move |()| done("Model card saved.".to_owned()));
    when_done(actions.aliases.set, move |alias| done(format!("Alias {alias} set.")));
    when_done(actions.aliases.remove, move |()| done("Alias removed.".to_owned()));
    when_done(actions.delete, move |()| {
        toasts.show(Tone::Good, "Version deleted.");
        navigate(&page_of_model(&team.get_untracked(), &model.get_untracked()), NavigateOptions::default());
    });
}

#[component]
fn VersionView(team: String, first: VersionDetail, writes: bool, changes: RwSignal<u32>, actions: Actions) -> impl IntoView {
    let (model, number, gone) = (first.version.name.clone(), first.version.version, RwSignal::new(false));
    let again = (team.clone(), model.clone());
    let detail = kept_current(
        first,
        0,
        move || changes.get(),
        move |_| {
            let asked = get_version(again.0.clone(), again.1.clone(), number.to_string());
            async move {
                let answer = asked.await;
                note_gone(&answer, gone);
                answer
            }
        },
    );
    let version = Memo::new(move |_| detail.with(|d| d.version.clone()));
    let files = Memo::new(move |_| detail.with(|d| d.files.clone()));
    let run = Memo::new(move |_| detail.with(|d| d.run.clone()));
    let card = Signal::derive(move || detail.with(|d| d.card.clone()));
    let aliases = Memo::new(move |_| version.with(|v| v.aliases.clone()));
    let stage = Memo::new(move |_| version.with(|v| v.stage));
    let description = Memo::new(move |_| version.with(|v| v.description.clone().unwrap_or_default()));
    let html = Memo::new(move |_| detail.with(|d| d.description.clone()));
    let protected = Memo::new(move |_| detail.with(|d| d.protected.clone()));
    let of = StoredValue::new((team.clone(), model.clone()));
    let list = page_of_models(&team);
    let home = page_of_model(&team, &model);
    let crumbs = vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Models", list), Crumb::new(model.clone(), home.clone())];
    let status = move || {
        view! {
            {move || {
                let (team, model) = of.get_value();
                view! { <Aliases team model aliases=aliases.get() protected writes actions=actions.aliases /> }
            }}
            {move || view! { <StageChip stage=stage.get() /> }}
        }
    };
    let buttons = move || writes.then(|| view! { <Buttons team=team model=model version=number aliases actions /> });
    let title = of.with_value(|(_, model)| format!("{model} version {number}"));
    view! {
        <Page title crumbs status actions=buttons>
            <GoneNote what="version" gone href=home />
            <FormError form=FormState::of(actions.aliases.set) />
            <FormError form=FormState::of(actions.aliases.remove) />
            <FormError form=FormState::of(actions.delete) />
            <div class="run-overview section-gap">
                <Facts team=of.with_value(|(team, _)| team.clone()) version files run />
                <div class="stack">
                    <Description html>
                        {writes
                            .then(|| {
                                let (team, model) = of.get_value();
                                view! { <DescribeDialog team model version=number text=description action=actions.describe /> }
                            })}
                    </Description>
                    {
                        let (team, model) = of.get_value();
                        view! { <ModelCard team model version=number card writes action=actions.card /> }
                    }
                    <LoadIt model=of.with_value(|(_, model)| model.clone()) version=number aliases />
                    {move || run.get().map(|run| view! { <SourceRunCard team=of.with_value(|(team, _)| team.clone()) run /> })}
                </div>
            </div>
            <div class="stack">
                {
                    let (team, model) = of.get_value();
                    view! { <LineageSection team model version=number changes /> }
                }
                {move || {
                    files.with(|f| f.says.clone().map(|says| (says, f.example.clone()))).map(|(says, example)| view! { <Signature says example /> })
                }}
                <section class="stack" aria-labelledby="files-head">
                    <h2 id="files-head">"Files"</h2>
                    {move || {
                        let (team, model) = of.get_value();
                        view! { <VersionFiles team model version=number files=files.with(|f| f.files.clone()) /> }
                    }}
                </section>
            </div>
        </Page>
    }
}

#[component]
fn Buttons(team: String, model: String, version: i64, aliases: Memo<Vec<String>>, actions: Actions) -> impl IntoView {
    let (for_delete, of) = (team.clone(), model.clone());
    let promote = page_of_promotion(&team, &model, version);
    view! {
        <a class="btn btn-primary" href=promote>
            <Icon glyph=Glyph::Rocket />
            "Promote"
        </a>
        <SetAliasDialog team model version actions=actions.aliases class="btn" />
        // What it says of aliases changes with them.
        {move || {
            view! { <DeleteVersionDialog team=for_delete.clone() model=of.clone() version aliases=aliases.get() delete=actions.delete class="btn btn-ghost" /> }
        }}
    }
}

/// How clients load it: by its number, and by each alias.
#[component]
fn LoadIt(model: String, version: i64, aliases: Memo<Vec<String>>) -> impl IntoView {
    let by_number = loading(&format!("models:/{model}/{version}"));
    let by_alias = move || {
        let lines = |alias: String| {
            let text = loading(&format!("models:/{model}@{alias}"));
            view! {
                <p class="muted">{format!("By the alias {alias}, whichever version it points to:")}</p>
                <Snippet text label=format!("Copy lines for {alias}") />
            }
        };
        aliases.get().into_iter().map(lines).collect_view()
    };
    view! {
        <section class="card panel" aria-labelledby="load-head">
            <h2 id="load-head">"Load it"</h2>
            <Snippet text=by_number label="Copy lines for this version" />
            {by_alias}
        </section>
    }
}

#[component]
fn DescribeDialog(team: String, model: String, version: i64, text: Memo<String>, action: ServerAction<DescribeVersion>) -> impl IntoView {
    let form = FormState::of(action);
    view! {
        <ConfirmDialog trigger="Edit" title="Edit description" form sole=true glyph=Glyph::Pencil>
            <ActionForm action>
                <input type="hidden" name="team" value=team />
                <input type="hidden" name="model" value=model />
                <input type="hidden" name="version" value=version.to_string() />
                <DescriptionField text form />
                <DialogActions form label="Save description" class="btn btn-primary" />
            </ActionForm>
        </ConfirmDialog>
    }
}
