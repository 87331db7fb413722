//! The catalogue of environments, for administrators.

use super::{
    EnvironmentLogo,
    api::{RemoveEnvironment, SetEnvironmentEnabled, list_environments},
};
use crate::components::{
    ConfirmDialog, DialogActions, EmptyState, FilterBar, FormError, FormState, Glyph, Icon, LoadingPage, Page, SearchField, StatusBadge,
    SubmitButton, Tone, mib, page_or_error, query_value, use_toasts, when_done, with_query,
};
use crate::live::{kept_current, use_live};
use domain::model::{Change, EnvironmentChoice};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

#[derive(Clone, Copy)]
struct CatalogueActions {
    enable: ServerAction<SetEnvironmentEnabled>,
    remove: ServerAction<RemoveEnvironment>,
}

/// The catalogue of environments.
#[component]
pub fn EnvironmentsPage() -> impl IntoView {
    let (live, toasts) = (use_live(), use_toasts());
    let actions = CatalogueActions { enable: ServerAction::new(), remove: ServerAction::new() };
    let changes = live.changes(|event| event.change == Change::Environments);
    let first = Resource::new(
        || (),
        move |()| async move {
            live.positioned().await;
            list_environments().await
        },
    );
    when_done(actions.enable, move |()| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Catalogue changed.");
    });
    when_done(actions.remove, move |()| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, "Environment deleted.");
    });
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Environments" /> }>
            {move || Suspend::new(async move { page_or_error(first.await, |first| view! { <Catalogue first changes actions /> }) })}
        </Transition>
    }
}

fn arranged(all: &[EnvironmentChoice], text: &str, sort: &str) -> Vec<EnvironmentChoice> {
    let text = text.trim().to_lowercase();
    let has = |c: &&EnvironmentChoice| {
        let e = &c.environment;
        [&e.name, &e.title, &e.description].iter().any(|part| part.to_lowercase().contains(&text))
    };
    let mut found: Vec<EnvironmentChoice> = all.iter().filter(has).cloned().collect();
    found.sort_by(|a, b| {
        let (a, b) = (&a.environment, &b.environment);
        match sort {
            "-changed" => b.updated_at.cmp(&a.updated_at),
            _ => (a.title.to_lowercase(), &a.name).cmp(&(b.title.to_lowercase(), &b.name)),
        }
    });
    found
}

#[component]
fn Catalogue(first: Vec<EnvironmentChoice>, changes: RwSignal<u32>, actions: CatalogueActions) -> impl IntoView {
    let all = kept_current(first, 0, move || changes.get(), |_| list_environments());
    let count = Signal::derive(move || all.with(Vec::len));
    let none = Memo::new(move |_| all.with(Vec::is_empty));
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| all.with(|all| arranged(all, &text.read(), &sort.read())));
    let unmatched = move || !none.get() && found.with(Vec::is_empty);
    let (query, path) = (use_query_map(), use_location().pathname);
    let order = move |value: &'static str, label: &'static str| {
        let href = move || with_query(&path.read(), &query.read(), "sort", value);
        view! {
            <a class="chip" href=href data-noscroll="true" aria-current=move || (*sort.read() == value).then_some("true")>
                {label}
            </a>
        }
    };
    let add = || {
        view! {
            <a class="btn btn-primary" href="/admin/environments/new">
                <Icon glyph=Glyph::Plus />
                "Add environment"
            </a>
        }
    };
    view! {
        <Page title="Environments" count lead="What people can launch: a program, its versions and their packages." actions=add>
            <FormError form=FormState::of(actions.enable) />
            <FormError form=FormState::of(actions.remove) />
            <FilterBar label="Filter environments">
                <SearchField label="Find by name or text" />
                <div class="chips" role="group" aria-label="Order">
                    {order("", "By name")}
                    {order("-changed", "Last changed first")}
                </div>
            </FilterBar>
            {move || unmatched().then(|| view! { <p class="empty">"No environment matches. Try fewer letters."</p> })}
            <ul class="cards">
                <For each=move || found.get() key=|c| (c.environment.name.clone(), c.environment.updated_at, c.cached_versions.clone()) let:choice>
                    <EntryCard choice actions />
                </For>
            </ul>
            {move || {
                none.get()
                    .then(|| view! { <EmptyState glyph=Glyph::Boxes title="The catalogue is empty" text="Add an environment so that people can launch notebooks." /> })
            }}
        </Page>
    }
}

#[component]
fn EntryCard(choice: EnvironmentChoice, actions: CatalogueActions) -> impl IntoView {
    let environment = choice.environment;
    let (tone, glyph, word) = match (environment.enabled, choice.unavailable.is_some()) {
        (false, _) => (Tone::Neutral, Glyph::CirclePause, "Withdrawn"),
        (true, true) => (Tone::Warning, Glyph::TriangleAlert, "Unavailable"),
        (true, false) => (Tone::Good, Glyph::CircleCheck, "Available"),
    };
    let (name, enabled) = (environment.name.clone(), environment.enabled);
    let cached = choice.cached_versions;
    let versions = environment
        .versions
        .iter()
        .map(|version| {
            let is_cached = cached.contains(&version.name);
            let title = match (&version.deprecated, is_cached) {
                (Some(_), _) => "Deprecated",
                (None, true) => "Cached: starts in seconds",
                (None, false) => "Made on first use",
            };
            view! {
                <li class="chip" class:faded=version.deprecated.is_some() title=title>
                    {is_cached.then(|| view! { <Icon glyph=Glyph::Check /> })}
                    {version.name.clone()}
                    <span class="sr-only">{format!(" ({title})")}</span>
                </li>
            }
        })
        .collect_view();
    let resources = environment.default_resources;
    let size = match resources.gpus {
        0 => format!("{} CPU, {}", resources.cpus, mib(u64::from(resources.memory_mib))),
        gpus => format!("{} CPU, {}, {gpus} GPU", resources.cpus, mib(u64::from(resources.memory_mib))),
    };
    let seen_by = if environment.visible_to.is_empty() { "All teams".to_owned() } else { environment.visible_to.join(", ") };
    let href = format!("/admin/environments/{name}");
    view! {
        <li class="card catalogue-card">
            <div class="catalogue-card-head">
                <EnvironmentLogo logo=environment.logo />
                <div class="grow">
                    <h2>
                        <a href=href.clone()>{environment.title}</a>
                    </h2>
                    <p class="muted mono">{environment.name}</p>
                </div>
                <StatusBadge tone glyph text=word />
            </div>
            <div class="catalogue-card-body">
                <p class="soft">{environment.description}</p>
                {choice.unavailable.map(|why| view! { <p class="small warning-text">{why}</p> })}
                <ul class="row">{versions}</ul>
                <p class="muted small">{size} " · " {seen_by}</p>
            </div>
            <div class="card-foot">
                <a class="btn btn-sm" href=href>
                    <Icon glyph=Glyph::Pencil />
                    "Edit"
                </a>
                <EntryActions name enabled actions />
            </div>
        </li>
    }
}

#[component]
fn EntryActions(name: String, enabled: bool, actions: CatalogueActions) -> impl IntoView {
    let (enable, remove) = (FormState::of(actions.enable), FormState::of(actions.remove));
    let word = if enabled { "Withdraw" } else { "Offer" };
    let (for_enable, title) = (name.clone(), format!("Delete environment {name}"));
    view! {
        <ActionForm action=actions.enable>
            <input type="hidden" name="name" value=for_enable />
            <input type="hidden" name="enabled" value=(!enabled).to_string() />
            <SubmitButton form=enable label=word class="btn btn-sm btn-ghost" />
        </ActionForm>
        <ConfirmDialog trigger="Delete" title form=remove class="btn btn-sm btn-ghost">
            <p>"Nobody can launch it any more. It must not be used by any notebook; withdraw it instead to keep those."</p>
            <ActionForm action=actions.remove>
                <input type="hidden" name="name" value=name />
                <DialogActions form=remove label="Delete environment" />
            </ActionForm>
        </ConfirmDialog>
    }
}
