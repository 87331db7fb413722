//! One run: what it is, what it logged, its files, and how to make it again.

use super::{
    api::{RunDetail, get_run},
    run_artifacts::RunArtifacts,
    run_values::{Metrics, MetricsTable, Pairs, ParamsTable},
    words::{RunBadge, lasted, page_of_experiment, page_of_run},
};
use crate::{
    components::{CopyButton, Crumb, ErrorPage, LoadingPage, Page, Tab, Tabs, Time, exact_time, query_value, use_now, use_team},
    live::use_live,
};
use domain::model::{Change, Metric, Run, RunId, TAG_NOTE, TAG_PARENT, Tag};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

#[component]
pub fn RunPage() -> impl IntoView {
    let (team, live, params) = (use_team(), use_live(), use_params_map());
    let id = Memo::new(move |_| params.with(|p| p.get_str("run").unwrap_or_default().to_owned()));
    let shown = RwSignal::new(None::<String>);
    let changed = RwSignal::new(0_u32);
    live.on_event(move |event| {
        if let Change::Runs { experiment } = &event.change
            && event.team.as_deref() == Some(team.get_untracked().as_str())
            && shown.with_untracked(|now| now.as_deref() == Some(experiment.as_str()))
        {
            changed.update(|n| *n += 1);
        }
    });
    let detail = Resource::new(
        move || (team.get(), id.get(), live.reload(), changed.get()),
        move |(team, id, _, _)| async move {
            live.positioned().await;
            get_run(team, RunId(id)).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Run" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                match detail.await {
                    Ok(detail) => {
                        shown.set(Some(detail.experiment.id.0.clone()));
                        view! { <RunView team detail /> }.into_any()
                    }
                    Err(error) => view! { <ErrorPage error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn RunView(team: String, detail: RunDetail) -> impl IntoView {
    let RunDetail { run, experiment, record } = detail;
    let href = page_of_run(&team, run.id.as_str());
    let download = format!("{href}/reproduce.json");
    let tab = query_value("tab");
    let crumbs = vec![
        Crumb::new(team.clone(), format!("/t/{team}")),
        Crumb::new("Experiments", format!("/t/{team}/experiments")),
        Crumb::new(experiment.name.clone(), page_of_experiment(&team, experiment.id.as_str())),
    ];
    let (metric_count, param_count, tag_count) = (run.metrics.len(), run.params.len(), run.tags.len());
    let tabs = move || {
        let now = tab.get();
        let all = [
            ("Overview", String::new(), ""),
            ("Metrics", metric_count.to_string(), "metrics"),
            ("Params", param_count.to_string(), "params"),
            ("Tags", tag_count.to_string(), "tags"),
            ("Artifacts", String::new(), "artifacts"),
            ("Reproduce", String::new(), "reproduce"),
        ];
        let known = all.iter().any(|(_, _, key)| *key == now);
        let tabs = all.map(|(text, _, key)| Tab {
            text,
            href: if key.is_empty() { href.clone() } else { format!("{href}?tab={key}") },
            current: if key.is_empty() { !known || now.is_empty() } else { now == key },
        });
        view! { <Tabs label="Parts of this run" tabs=tabs.to_vec() /> }
    };
    let (title, status, deleted) = (run.name.clone(), run.status, run.deleted_at.is_some());
    let run = StoredValue::new(run);
    view! {
        <Page title crumbs status=move || view! { <span role="status"><RunBadge status deleted /></span> }>
            {tabs}
            {move || {
                let team = team.clone();
                match tab.read().as_str() {
                    "metrics" => view! { <Metrics metrics=run.with_value(|r| r.metrics.clone()) /> }.into_any(),
                    "params" => view! { <Pairs what="params" caption="The run's params" pairs=run.with_value(|r| r.params.clone()) /> }.into_any(),
                    "tags" => view! { <Pairs what="tags" caption="The run's tags" pairs=run.with_value(|r| r.tags.clone()) /> }.into_any(),
                    "artifacts" => view! { <RunArtifacts team run=run.with_value(|r| r.id.clone()) /> }.into_any(),
                    "reproduce" => view! { <Reproduce record=record.clone() download=download.clone() /> }.into_any(),
                    _ => view! { <Overview team run=run.get_value() /> }.into_any(),
                }
            }}
        </Page>
    }
}

#[component]
fn Overview(team: String, run: Run) -> impl IntoView {
    let now = use_now();
    let tag = |key: &str| run.tags.iter().find(|t| t.key == key).map(|t| t.value.clone());
    let (note, parent, source, commit) = (tag(TAG_NOTE), tag(TAG_PARENT), tag("mlflow.source.name"), tag("mlflow.source.git.commit"));
    let notebook = run.notebook.as_ref().map(|id| {
        let href = format!("/t/{team}/notebooks/{id}");
        view! {
            <div>
                <dt>"Notebook"</dt>
                <dd>
                    <a href=href>"The notebook that made it"</a>
                </dd>
            </div>
        }
    });
    let parent = parent.map(|parent| {
        let href = page_of_run(&team, &parent);
        view! {
            <div>
                <dt>"Parent run"</dt>
                <dd>
                    <a class="mono" href=href>
                        {parent}
                    </a>
                </dd>
            </div>
        }
    });
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt>{name}</dt><dd class="mono wrap">{value}</dd></div> })
    };
    let (id, started, ended, by, claimed, place) =
        (run.id.0.clone(), run.start_time, run.end_time, run.created_by.clone(), run.user_id.clone(), run.artifact_uri.clone());
    let claimed = (!claimed.is_empty() && claimed != by).then_some(claimed);
    let metrics: Vec<Metric> = run.metrics.iter().take(8).cloned().collect();
    let params: Vec<Tag> = run.params.iter().take(8).cloned().collect();
    view! {
        <div class="run-overview">
            <section class="card pad" aria-label="Facts">
                <dl class="profile">
                    <div>
                        <dt>"Run id"</dt>
                        <dd class="row">
                            <span class="mono wrap">{id.clone()}</span>
                            <CopyButton text=id label="Copy run id" />
                        </dd>
                    </div>
                    <div>
                        <dt>"Made by"</dt>
                        <dd>{by}</dd>
                    </div>
                    {fact("User of the client", claimed)}
                    {notebook}
                    {parent}
                    <div>
                        <dt>"Started"</dt>
                        <dd>{started.map(|at| view! { <Time at />" "<span class="muted">{exact_time(at)}</span> })}</dd>
                    </div>
                    <div>
                        <dt>"Duration"</dt>
                        <dd>{move || lasted(&run, now.get())}</dd>
                    </div>
                    {ended.map(|at| view! { <div><dt>"Ended"</dt><dd>{exact_time(at)}</dd></div> })}
                    {fact("Source", source)}
                    {fact("Git commit", commit)}
                    <div>
                        <dt>"Artifacts"</dt>
                        <dd class="row">
                            <span class="mono wrap">{place.clone()}</span>
                            <CopyButton text=place label="Copy artifact location" />
                        </dd>
                    </div>
                </dl>
            </section>
            <div class="stack">
                {note.map(|note| view! { <section class="card pad" aria-label="Note"><h2>"Note"</h2><p class="note-text">{note}</p></section> })}
                <section aria-label="First metrics">
                    <MetricsTable metrics />
                </section>
                <section aria-label="First params">
                    <ParamsTable params />
                </section>
            </div>
        </div>
    }
}

/// What is known for doing the same again.
#[component]
fn Reproduce(record: String, download: String) -> impl IntoView {
    view! {
        <section class="stack" aria-label="Reproduce record">
            <p class="muted">"What Slipway kept so that the run can be made again: source, commit, params, data, models, who and where."</p>
            <p>
                <a class="btn btn-sm" href=download rel="external" download="">
                    "Download as JSON"
                </a>
            </p>
            <div class="snippet">
                <pre class="mono" tabindex="0">{record.clone()}</pre>
                <CopyButton text=record label="Copy record" />
            </div>
        </section>
    }
}
