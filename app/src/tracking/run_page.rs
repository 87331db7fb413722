//! One run: what it is, what it logged, its files, and how to make it again.

use super::{
    api::{DeleteTag, RunDetail, SetNote, SetTag, get_run},
    run_artifacts::RunArtifacts,
    run_console::RunConsole,
    run_metrics::RunMetrics,
    run_note::RunNote,
    run_sources::{RunData, RunFamily, RunSurroundings},
    run_tags::{RunTags, TagActions},
    run_values::{MetricsTable, Pairs, ParamsTable},
    words::{RunBadge, lasted, page_of_experiment, page_of_run},
};
use crate::{
    charts::RunCharts,
    components::{
        CopyButton, Crumb, Fact, LoadingPage, Page, SafeHtml, Tab, Tabs, Time, Tone, exact_time, page_or_error, query_value, role_in,
        use_me, use_now, use_team, use_toasts, when_done,
    },
    error::AppError,
    live::{kept_current, use_live},
    traces::RunTraces,
};
use domain::model::{Change, ExperimentId, Metric, Role, Run, RunId, TAG_NOTE, Tag};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

#[component]
pub fn RunPage() -> impl IntoView {
    let (team, me, live, params) = (use_team(), use_me(), use_live(), use_params_map());
    let id = Memo::new(move |_| params.with(|p| p.get_str("run").unwrap_or_default().to_owned()));
    let experiment = StoredValue::new(None::<ExperimentId>);
    let changes = live.changes_in(team.into(), move |event| match &event.change {
        Change::Runs { experiment: changed } => experiment.with_value(|shown| shown.as_ref().is_none_or(|shown| shown == changed)),
        _ => false,
    });
    let actions = Actions { note: ServerAction::new(), tags: TagActions { set: ServerAction::new(), delete: ServerAction::new() } };
    follow(actions, changes);
    let first = Resource::new(
        move || (team.get(), id.get()),
        move |(team, id)| async move {
            live.positioned().await;
            let writes = me.await.ok().flatten().and_then(|me| role_in(&me, &team)) >= Some(Role::Member);
            Ok::<_, AppError>((get_run(team, RunId(id)).await?, writes))
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Run" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |(first, writes)| {
                    experiment.set_value(Some(first.experiment.id.clone()));
                    view! { <RunView team first writes changes actions /> }
                })
            })}
        </Transition>
    }
}

/// What people change of a run.
#[derive(Clone, Copy)]
struct Actions {
    note: ServerAction<SetNote>,
    tags: TagActions,
}

/// What is seen once an action is done.
fn follow(actions: Actions, changes: RwSignal<u32>) {
    let toasts = use_toasts();
    let done = move |words: String| {
        changes.update(|n| *n += 1);
        toasts.show(Tone::Good, words);
    };
    when_done(actions.note, move |()| done("Note saved.".to_owned()));
    when_done::<SetTag>(actions.tags.set, move |key| done(format!("Tag {key} set.")));
    when_done::<DeleteTag>(actions.tags.delete, move |key| done(format!("Tag {key} deleted.")));
    // Where somebody else was quicker, their words are fetched.
    let version = actions.note.version();
    Effect::new(move |seen: Option<usize>| {
        let now = version.get();
        if seen.is_some_and(|seen| seen != now) {
            changes.update(|n| *n += 1);
        }
        now
    });
}

/// The parts of the page, and how the address names them.
const TABS: [(&str, &str); 10] = [
    ("Overview", ""),
    ("Metrics", "metrics"),
    ("Charts", "charts"),
    ("Params", "params"),
    ("Tags", "tags"),
    ("Artifacts", "artifacts"),
    ("Data and models", "data"),
    ("Traces", "traces"),
    ("Reproduce", "reproduce"),
    (CONSOLE.0, CONSOLE.1),
];
/// Only a run has it that was made in a notebook of Slipway's.
const CONSOLE: (&str, &str) = ("Console", "console");

#[component]
fn RunView(team: String, first: RunDetail, writes: bool, changes: RwSignal<u32>, actions: Actions) -> impl IntoView {
    let (id, experiment, notebook) = (first.run.id.clone(), first.experiment.clone(), first.run.notebook.clone());
    let has_console = notebook.is_some();
    let again = (team.clone(), id.clone());
    let detail = kept_current(first, 0, move || changes.get(), move |_| get_run(again.0.clone(), again.1.clone()));
    // What is drawn from a part of the run is drawn again only where that part changed.
    let run = Memo::new(move |_| detail.with(|d| d.run.clone()));
    let metrics = Memo::new(move |_| run.with(|r| r.metrics.clone()));
    let params = Memo::new(move |_| run.with(|r| r.params.clone()));
    let tags = Memo::new(move |_| run.with(|r| r.tags.clone()));
    let record = Memo::new(move |_| detail.with(|d| d.record.clone()));
    let note = Memo::new(move |_| detail.with(|d| d.note.clone()));
    let state = Memo::new(move |_| run.with(|r| (r.status, r.deleted_at.is_some())));
    let href = page_of_run(&team, id.as_str());
    let download = format!("{href}/reproduce.json");
    let (tab, of) = (query_value("tab"), experiment.id.clone());
    let crumbs = vec![
        Crumb::new(team.clone(), format!("/t/{team}")),
        Crumb::new("Experiments", format!("/t/{team}/experiments")),
        Crumb::new(experiment.name, page_of_experiment(&team, experiment.id.as_str())),
    ];
    let tabs = move || {
        let now = tab.read();
        let here = || TABS.iter().filter(|tab| **tab != CONSOLE || has_console);
        let now = if here().any(|(_, key)| now.as_str() == *key) { now.as_str() } else { "" };
        let tabs = here().map(|&(text, key)| Tab {
            text,
            href: if key.is_empty() { href.clone() } else { format!("{href}?tab={key}") },
            current: key == now,
        });
        view! { <Tabs label="Parts of this run" tabs=tabs.collect() /> }
    };
    let badge = move || {
        let (status, deleted) = state.get();
        view! { <RunBadge status deleted /> }
    };
    view! {
        <Page title=Memo::new(move |_| run.with(|r| r.name.clone())) crumbs status=move || view! { <span role="status">{badge}</span> }>
            {tabs}
            {move || {
                let team = team.clone();
                match (tab.read().as_str(), &notebook) {
                    ("console", Some(notebook)) => view! { <RunConsole team notebook=notebook.clone() /> }.into_any(),
                    ("metrics", _) => view! { <RunMetrics team run=id.clone() changes /> }.into_any(),
                    ("charts", _) => view! { <RunCharts team run=id.clone() changes /> }.into_any(),
                    ("params", _) => view! { <Pairs what="params" caption="The run's params" pairs=params /> }.into_any(),
                    ("tags", _) => view! { <RunTags team run=id.clone() tags writes actions=actions.tags /> }.into_any(),
                    ("artifacts", _) => view! { <RunArtifacts team run=id.clone() changes /> }.into_any(),
                    ("data", _) => view! { <RunData team run=id.clone() changes /> }.into_any(),
                    ("traces", _) => view! { <RunTraces team experiment=of.clone() run=id.clone() /> }.into_any(),
                    ("reproduce", _) => view! {
                        <RunSurroundings team run=id.clone() changes />
                        <Reproduce record download=download.clone() />
                    }
                    .into_any(),
                    _ => {
                        let shown = Shown { run, metrics, params, tags, note };
                        view! { <Overview team shown writes action=actions.note changes /> }.into_any()
                    }
                }
            }}
        </Page>
    }
}

/// Metrics and params that the overview shows.
const FIRST: usize = 8;

/// What the overview is drawn from.
#[derive(Clone, Copy)]
struct Shown {
    run: Memo<Run>,
    metrics: Memo<Vec<Metric>>,
    params: Memo<Vec<Tag>>,
    tags: Memo<Vec<Tag>>,
    note: Memo<SafeHtml>,
}

#[component]
fn Overview(team: String, shown: Shown, writes: bool, action: ServerAction<SetNote>, changes: RwSignal<u32>) -> impl IntoView {
    let Shown { metrics, params, tags, note, .. } = shown;
    let id = shown.run.with_untracked(|run| run.id.clone());
    let text = Memo::new(move |_| tags.with(|tags| tags.iter().find(|t| t.key == TAG_NOTE).map(|t| t.value.clone()).unwrap_or_default()));
    let first_metrics = Memo::new(move |_| metrics.with(|all| all.iter().take(FIRST).cloned().collect::<Vec<_>>()));
    let first_params = Memo::new(move |_| params.with(|all| all.iter().take(FIRST).cloned().collect::<Vec<_>>()));
    view! {
        <div class="run-overview">
            <Facts team=team.clone() run=shown.run tags />
            <div class="stack">
                <RunNote team=team.clone() run=id.clone() text html=note writes action />
                <section aria-label="First metrics">
                    <MetricsTable metrics=first_metrics />
                </section>
                <section aria-label="First params">
                    <ParamsTable params=first_params />
                </section>
                <RunFamily team run=id changes />
            </div>
        </div>
    }
}

#[component]
fn Facts(team: String, run: Memo<Run>, tags: Memo<Vec<Tag>>) -> impl IntoView {
    let now = use_now();
    let tag = move |key: &'static str| Memo::new(move |_| tags.with(|tags| tags.iter().find(|t| t.key == key).map(|t| t.value.clone())));
    // The user that the client claims, where that is not who made it.
    let claimed = Memo::new(move |_| run.with(|r| (!r.user_id.is_empty() && r.user_id != r.created_by).then(|| r.user_id.clone())));
    let (started, ended) = (Memo::new(move |_| run.with(|r| r.start_time)), Memo::new(move |_| run.with(|r| r.end_time)));
    // Of these a run never gets others.
    let (id, by, place, notebook) =
        run.with_untracked(|r| (r.id.0.clone(), r.created_by.clone(), r.artifact_uri.clone(), r.notebook.clone()));
    let notebook = notebook.map(|id| {
        let href = format!("/t/{team}/notebooks/{id}");
        view! { <Fact name="Notebook"><a href=href>"The notebook that made it"</a></Fact> }
    });
    let fact = |name: &'static str, value: Memo<Option<String>>| {
        move || value.get().map(|value| view! { <Fact name><span class="mono wrap">{value}</span></Fact> })
    };
    view! {
        <section class="card pad" aria-label="Facts">
            <dl class="profile">
                <Fact name="Run id">
                    <span class="mono wrap">{id.clone()}</span>
                    <CopyButton text=id label="Copy run id" />
                </Fact>
                <Fact name="Made by">{by}</Fact>
                {fact("User of the client", claimed)}
                {notebook}
                <Fact name="Started">
                    {move || started.get().map(|at| view! { <span><Time at />" "<span class="muted">{exact_time(at)}</span></span> })}
                </Fact>
                <Fact name="Duration">{move || run.with(|run| lasted(run, now.get()))}</Fact>
                {move || ended.get().map(|at| view! { <Fact name="Ended">{exact_time(at)}</Fact> })}
                {fact("Source", tag("mlflow.source.name"))}
                {fact("Git commit", tag("mlflow.source.git.commit"))}
                <Fact name="Artifacts">
                    <span class="mono wrap">{place.clone()}</span>
                    <CopyButton text=place label="Copy artifact location" />
                </Fact>
            </dl>
        </section>
    }
}

/// What is known for doing the same again.
#[component]
fn Reproduce(record: Memo<String>, download: String) -> impl IntoView {
    view! {
        <section class="stack" aria-label="Reproduce record">
            <p class="muted">"What Slipway kept so that the run can be made again: source, commit, params, data, models, who and where."</p>
            <p>
                <a class="btn btn-sm" href=download rel="external" download="">
                    "Download as JSON"
                </a>
            </p>
            <div class="snippet">
                <pre class="mono" tabindex="0">{move || record.get()}</pre>
                {move || view! { <CopyButton text=record.get() label="Copy record" /> }}
            </div>
        </section>
    }
}
