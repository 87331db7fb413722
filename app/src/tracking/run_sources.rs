//! What a run came from and what came of it: data, models, versions, other runs; and what it ran in.

use super::{
    sources_api::{CHILDREN, OtherRun, Sources, run_sources},
    words::{RunBadge, page_of_run},
};
use crate::{
    components::{CopyButton, ErrorNote, Loading, Time},
    live::kept_current,
    previews::FileText,
    registry::page_of_version,
};
use domain::model::{ReadDataset, RunId, Tag};
use leptos::prelude::*;

/// What is drawn of the sources.
type Drawn = fn(&str, Sources) -> AnyView;

fn sources(team: String, run: RunId, changes: RwSignal<u32>, draw: Drawn) -> impl IntoView {
    let place = StoredValue::new((team, run));
    let ask = move || {
        let (team, run) = place.get_value();
        run_sources(team, run)
    };
    let begun = changes.get_untracked();
    let first = Resource::new(|| (), move |()| ask());
    view! {
        <Transition fallback=|| view! { <Loading /> }>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => {
                        let found = kept_current(first, begun, move || changes.get(), move |_| ask());
                        let found = Memo::new(move |_| found.get());
                        (move || place.with_value(|(team, _)| draw(team, found.get()))).into_any()
                    }
                    Err(error) => view! { <ErrorNote error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The tab of data and models.
#[component]
pub fn RunData(team: String, run: RunId, changes: RwSignal<u32>) -> impl IntoView {
    sources(team, run, changes, data)
}

/// The tab's first part about what the run ran in.
#[component]
pub fn RunSurroundings(team: String, run: RunId, changes: RwSignal<u32>) -> impl IntoView {
    sources(team, run, changes, surroundings)
}

/// The runs around it, on the overview; nothing where there are none.
#[component]
pub fn RunFamily(team: String, run: RunId, changes: RwSignal<u32>) -> impl IntoView {
    sources(team, run, changes, family)
}

fn data(team: &str, found: Sources) -> AnyView {
    let versions = found
        .versions
        .into_iter()
        .map(|v| {
            let href = page_of_version(team, &v.name, v.version);
            let (lineage, label) = (format!("{href}#lineage-head"), format!("Lineage of {} version {}", v.name, v.version));
            view! {
                <li class="row">
                    <a href=href>{format!("{} version {}", v.name, v.version)}</a>
                    <a class="muted" href=lineage aria-label=label>"Lineage"</a>
                </li>
            }
        })
        .collect_view();
    let models = |ids: Vec<domain::model::LoggedModelId>| {
        let line = |id: domain::model::LoggedModelId| view! { <li class="row"><span class="mono wrap">{id.0.clone()}</span><CopyButton text=id.0 label="Copy model id" /></li> };
        ids.into_iter().map(line).collect_view()
    };
    view! {
        <div class="stack">
            <Part title="Datasets it read" none="None. Log one with mlflow.log_input." count=found.datasets.len()>
                <Datasets datasets=found.datasets />
            </Part>
            <Part title="Models it used" none="None." count=found.used_models.len()>
                <ul class="plain-list">{models(found.used_models)}</ul>
            </Part>
            <Part title="Models it made" none="None. A flavour's log_model makes one." count=found.models.len()>
                <ul class="plain-list">{models(found.models)}</ul>
            </Part>
            <Part title="Registered versions" none="None. Register a model of this run to see its version here." count=versions.len()>
                <ul class="plain-list">{versions}</ul>
            </Part>
        </div>
    }
    .into_any()
}

#[component]
fn Part(title: &'static str, none: &'static str, count: usize, children: Children) -> impl IntoView {
    view! {
        <section class="card pad" aria-label=title>
            <h2>{title}</h2>
            {if count == 0 { view! { <p class="muted">{none}</p> }.into_any() } else { children().into_any() }}
        </section>
    }
}

#[component]
fn Datasets(datasets: Vec<ReadDataset>) -> impl IntoView {
    let rows = datasets
        .into_iter()
        .map(|d| {
            view! {
                <tr>
                    <th scope="row" class="wrap">
                        {d.name}
                    </th>
                    <td data-label="Used for">{d.context.unwrap_or_else(|| "–".to_owned())}</td>
                    <td data-label="Digest" class="mono">
                        {d.digest}
                    </td>
                    <td data-label="Kind">{d.source_type}</td>
                    <td data-label="Source" class="mono wrap">
                        {d.source}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-wrap">
            <table class="table stacked">
                <caption class="sr-only">"Datasets that the run read"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Dataset"</th>
                        <th scope="col">"Used for"</th>
                        <th scope="col">"Digest"</th>
                        <th scope="col">"Kind"</th>
                        <th scope="col">"Source"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn surroundings(_: &str, found: Sources) -> AnyView {
    let fact = |tag: Tag| {
        let copied = tag.value.clone();
        view! {
            <div>
                <dt>{tag.key.clone()}</dt>
                <dd class="row">
                    <span class="mono wrap">{tag.value}</span>
                    {(tag.key == "Git commit").then(|| view! { <CopyButton text=copied label="Copy commit" /> })}
                </dd>
            </div>
        }
    };
    let none = found.program.is_empty();
    let program = found.program.into_iter().map(fact).collect_view();
    let files = found
        .files
        .into_iter()
        .map(|file| {
            let copied = file.value.clone();
            view! {
                <details class="card pad need" open=true>
                    <summary class="mono">{file.key}</summary>
                    <FileText text=file.value />
                    <CopyButton text=copied label="Copy text" wordy=true />
                </details>
            }
        })
        .collect_view();
    view! {
        <div class="stack">
            <section class="card pad" aria-label="Program">
                <h2>"Program"</h2>
                {if none {
                    view! { <p class="muted">"The client said nothing about it."</p> }.into_any()
                } else {
                    view! { <dl class="profile">{program}</dl> }.into_any()
                }}
            </section>
            {files}
        </div>
    }
    .into_any()
}

fn family(team: &str, found: Sources) -> AnyView {
    if found.parent.is_none() && found.children.is_empty() {
        return ().into_any();
    }
    let row = |run: OtherRun| {
        let href = page_of_run(team, run.id.as_str());
        view! {
            <tr>
                <th scope="row" class="wrap">
                    <a class="row-link" href=href>
                        {run.name}
                    </a>
                </th>
                <td>
                    <RunBadge status=run.status />
                </td>
                <td>{run.start_time.map(|at| view! { <Time at /> })}</td>
            </tr>
        }
    };
    let parent = found.parent.map(|parent| {
        let href = page_of_run(team, parent.id.as_str());
        view! { <p>"Part of "<a href=href>{parent.name}</a></p> }
    });
    let children = (!found.children.is_empty()).then(|| {
        let rows = found.children.into_iter().map(row).collect_view();
        view! {
            <div class="table-wrap">
                <table class="table">
                    <caption class="sr-only">"Runs nested in this one"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Nested run"</th>
                            <th scope="col">"Status"</th>
                            <th scope="col">"Started"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {found.more_children.then(|| view! { <p class="muted">{format!("The newest {CHILDREN}; the experiment's table has all.")}</p> })}
        }
    });
    view! {
        <section class="stack" aria-label="Nested runs">
            {parent}
            {children}
        </section>
    }
    .into_any()
}
