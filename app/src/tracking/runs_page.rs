//! The runs of one experiment: filtered and sorted by the server, live.

use super::{
    api::{ExperimentRuns, list_runs},
    first_log::FirstLog,
    words::{RunBadge, lasted, number, page_of_experiment, page_of_run},
};
use crate::{
    components::{
        CopyButton, Crumb, EmptyState, ErrorPage, Glyph, Icon, LoadingPage, Note, Page, SortHeader, Time, Tone, query_value, use_now,
        use_team, with_query,
    },
    error::{AppError, ErrorKind},
    live::use_live,
    traces::traces_of_experiment,
};
use domain::model::{Change, ExperimentId, Run};
use leptos::prelude::*;
use leptos_router::{
    components::Form,
    hooks::{use_location, use_params_map, use_query_map},
};
use std::collections::BTreeSet;

/// Columns of metrics, and of params, that a plain table has room for.
const COLUMNS: usize = 5;

/// MLflow's ORDER BY for the table's `sort`: `name`, `-metrics.loss`, `params.lr`, ….
fn order_by(sort: &str) -> String {
    let (key, direction) = sort.strip_prefix('-').map_or((sort, "ASC"), |key| (key, "DESC"));
    let key = match key {
        "" => return String::new(),
        "name" => "attributes.run_name".to_owned(),
        "status" => "attributes.status".to_owned(),
        "started" => "attributes.start_time".to_owned(),
        _ => match key.split_once('.') {
            Some((kind @ ("metrics" | "params"), name)) => format!("{kind}.`{}`", name.replace('`', "")),
            _ => return String::new(),
        },
    };
    format!("{key} {direction}")
}

#[component]
pub fn RunsPage() -> impl IntoView {
    let (team, live, params) = (use_team(), use_live(), use_params_map());
    let experiment = Memo::new(move |_| params.with(|p| p.get_str("experiment").unwrap_or_default().to_owned()));
    let (filter, sort, page, show) = (query_value("filter"), query_value("sort"), query_value("page"), query_value("show"));
    let (changed, chosen) = (RwSignal::new(0_u32), RwSignal::new(BTreeSet::<String>::new()));
    live.on_event(move |event| {
        if let Change::Runs { experiment: id } = &event.change
            && event.team.as_deref() == Some(team.get_untracked().as_str())
            && id.as_str() == experiment.get_untracked()
        {
            changed.update(|n| *n += 1);
        }
    });
    let runs = Resource::new(
        move || {
            (team.get(), experiment.get(), filter.get(), sort.get(), page.get(), *show.read() == "deleted", live.reload(), changed.get())
        },
        move |(team, experiment, filter, sort, page, deleted, _, _)| async move {
            live.positioned().await;
            list_runs(team, ExperimentId(experiment), filter, order_by(&sort), page, deleted).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Runs" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                match runs.await {
                    Ok(found) => view! { <Runs team found chosen /> }.into_any(),
                    // What was typed cannot be read: the page stays and says where.
                    Err(error) if error.kind == ErrorKind::Invalid => view! { <Refused team experiment=experiment.get_untracked() error /> }.into_any(),
                    Err(error) => view! { <ErrorPage error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn crumbs(team: &str) -> Vec<Crumb> {
    vec![Crumb::new(team, format!("/t/{team}")), Crumb::new("Experiments", format!("/t/{team}/experiments"))]
}

#[component]
fn Refused(team: String, experiment: String, error: AppError) -> impl IntoView {
    view! {
        <Page title="Runs" crumbs=crumbs(&team)>
            <RunsFilter />
            <Note tone=Tone::Bad>
                <p>{error.message}</p>
                <p>
                    <a href=page_of_experiment(&team, &experiment)>"Show all runs"</a>
                </p>
            </Note>
        </Page>
    }
}

/// MLflow's filter language in a GET form, so that it works without scripts and can be linked.
#[component]
fn RunsFilter() -> impl IntoView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let (filter, sort, show) = (query_value("filter"), query_value("sort"), query_value("show"));
    let chip = move |value: &'static str, label: &'static str| {
        let href = move || {
            let mut query = query.get();
            query.remove("page");
            with_query(&path.read(), &query, "show", value)
        };
        view! {
            <a class="chip" href=href data-noscroll="true" aria-current=move || (*show.read() == value).then_some("true")>
                {label}
            </a>
        }
    };
    view! {
        <Form method="GET" action=path.get_untracked() attr:class="filter-bar" attr:role="search" attr:aria-label="Filter runs">
            {move || (!sort.read().is_empty()).then(|| view! { <input type="hidden" name="sort" value=sort.get() /> })}
            {move || (!show.read().is_empty()).then(|| view! { <input type="hidden" name="show" value=show.get() /> })}
            <label class="search filter-query">
                <Icon glyph=Glyph::Search />
                <span class="sr-only">"Filter"</span>
                <input
                    class="input mono"
                    type="search"
                    name="filter"
                    value=filter.get_untracked()
                    prop:value=move || filter.get()
                    placeholder="metrics.loss < 0.5 and params.optimizer = 'adam'"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    data-search
                />
            </label>
            <button type="submit" class="btn">"Filter runs"</button>
            <div class="chips" role="group" aria-label="State">
                {chip("", "Active")}
                {chip("deleted", "Deleted")}
            </div>
        </Form>
    }
}

/// The first few keys of what the runs logged, in order.
fn keys<'a>(all: impl Iterator<Item = &'a str>) -> (Vec<String>, usize) {
    let keys: BTreeSet<&str> = all.collect();
    let hidden = keys.len().saturating_sub(COLUMNS);
    (keys.into_iter().take(COLUMNS).map(str::to_owned).collect(), hidden)
}

#[component]
fn Runs(team: String, found: ExperimentRuns, chosen: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let ExperimentRuns { experiment, page } = found;
    let (query, path) = (use_query_map(), use_location().pathname);
    let (filter, token) = (query_value("filter"), query_value("page"));
    let (metrics, more_metrics) = keys(page.runs.iter().flat_map(|r| r.metrics.iter().map(|m| m.key.as_str())));
    let (params, more_params) = keys(page.runs.iter().flat_map(|r| r.params.iter().map(|p| p.key.as_str())));
    let none = page.runs.is_empty();
    let untouched =
        none && filter.get_untracked().is_empty() && token.get_untracked().is_empty() && query.with_untracked(|q| q.get("show").is_none());
    let heads = metrics
        .iter()
        .map(|key| (format!("metrics.{key}"), key.clone(), true))
        .chain(params.iter().map(|key| (format!("params.{key}"), key.clone(), false)))
        .map(|(sort, label, numeric)| view! { <KeyHeader sort label numeric /> })
        .collect_view();
    let (team_for_rows, team_for_form, columns) = (team.clone(), team.clone(), 4 + metrics.len() + params.len());
    let shown: Vec<String> = page.runs.iter().map(|run| run.id.0.clone()).collect();
    let rows = page
        .runs
        .into_iter()
        .map(|run| view! { <RunRow team=team_for_rows.clone() run chosen metrics=metrics.clone() params=params.clone() /> })
        .collect_view();
    let next = page.next_page_token.map(|next| with_query(&path.get_untracked(), &query.get_untracked(), "page", &next));
    let first = (!token.get_untracked().is_empty()).then(|| with_query(&path.get_untracked(), &query.get_untracked(), "page", ""));
    let hidden = more_metrics + more_params;
    let id = experiment.id.0.clone();
    let traces = traces_of_experiment(&team, &id);
    view! {
        <Page
            title=experiment.name.clone()
            crumbs=crumbs(&team)
            status=move || {
                view! {
                    <span class="muted row">
                        "Experiment "<span class="mono">{id.clone()}</span><CopyButton text=id.clone() label="Copy experiment id" />
                        {experiment.deleted_at.map(|_| view! { <span class="chip">"Deleted"</span> })}
                        <a href=traces.clone()>"Traces"</a>
                    </span>
                }
            }
        >
            {if untouched {
                view! {
                    <EmptyState glyph=Glyph::Flask title="No runs yet" text="What a script logs to this experiment appears here while it runs.">
                        <FirstLog />
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! {
                    <RunsFilter />
                    <div class="table-wrap">
                        <table class="table runs-table">
                            <caption class="sr-only">"Runs of the experiment"</caption>
                            <thead>
                                <tr>
                                    <SortHeader key="name" label="Run" default="" />
                                    <SortHeader key="status" label="Status" default="" />
                                    <SortHeader key="started" label="Started" default="-started" />
                                    <th scope="col" class="num">"Duration"</th>
                                    {heads}
                                </tr>
                            </thead>
                            <tbody>
                                {if none {
                                    view! { <tr><td colspan=columns.to_string() class="table-none">"No run matches this filter."</td></tr> }.into_any()
                                } else {
                                    rows.into_any()
                                }}
                            </tbody>
                        </table>
                    </div>
                    <div class="pager">
                        <CompareForm team=team_for_form shown chosen />
                        {(hidden > 0).then(|| view! { <span class="muted">{format!("{hidden} more columns are on the runs' own pages.")}</span> })}
                        {first.map(|href| view! { <a class="btn btn-sm" href=href>"First page"</a> })}
                        {next.map(|href| view! { <a class="btn btn-sm" href=href>"Next page"</a> })}
                    </div>
                }
                    .into_any()
            }}
        </Page>
    }
}

/// The head of a metric's or param's column, which sorts by it.
#[component]
fn KeyHeader(sort: String, label: String, numeric: bool) -> impl IntoView {
    let (query, path, now) = (use_query_map(), use_location().pathname, query_value("sort"));
    let descending = format!("-{sort}");
    let (up, down) = (sort.clone(), descending.clone());
    let direction = Memo::new(move |_| {
        now.with(|now| {
            if *now == down {
                Some(true)
            } else if *now == up {
                Some(false)
            } else {
                None
            }
        })
    });
    let href = move || {
        let mut query = query.get();
        query.remove("page");
        let next = if direction.get() == Some(true) { sort.as_str() } else { descending.as_str() };
        with_query(&path.get(), &query, "sort", next)
    };
    view! {
        <th scope="col" class:num=numeric aria-sort=move || direction.get().map(|down| if down { "descending" } else { "ascending" })>
            <a class="sort mono" href=href data-noscroll="true">
                {label}
                {move || direction.get().map(|down| view! { <Icon glyph=if down { Glyph::ArrowDown } else { Glyph::ArrowUp } /> })}
            </a>
        </th>
    }
}

#[component]
fn RunRow(team: String, run: Run, chosen: RwSignal<BTreeSet<String>>, metrics: Vec<String>, params: Vec<String>) -> impl IntoView {
    let now = use_now();
    let href = page_of_run(&team, run.id.as_str());
    let metrics = metrics
        .iter()
        .map(|key| match run.metrics.iter().find(|m| m.key == *key) {
            Some(metric) => view! { <td class="num" title=metric.value.to_string()>{number(metric.value)}</td> }.into_any(),
            None => view! { <td class="num faint">"–"</td> }.into_any(),
        })
        .collect_view();
    let params = params
        .iter()
        .map(|key| match run.params.iter().find(|p| p.key == *key) {
            Some(param) => view! { <td class="mono clip" title=param.value.clone()>{param.value.clone()}</td> }.into_any(),
            None => view! { <td class="faint">"–"</td> }.into_any(),
        })
        .collect_view();
    let (name, status, deleted, started, by) =
        (run.name.clone(), run.status, run.deleted_at.is_some(), run.start_time, run.created_by.clone());
    view! {
        <tr>
            <th scope="row">
                <RunCheck id=run.id.0.clone() name=run.name.clone() chosen />
                <a class="row-link" data-row href=href>
                    {name}
                </a>
                <span class="sub">{by}</span>
            </th>
            <td>
                <RunBadge status deleted />
            </td>
            <td>{started.map(|at| view! { <Time at /> })}</td>
            <td class="num">{move || lasted(&run, now.get())}</td>
            {metrics}
            {params}
        </tr>
    }
}

/// Takes a run into the comparison. What is chosen stays when the table is drawn again; without scripts the form sends the boxes as they are.
#[component]
fn RunCheck(id: String, name: String, chosen: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let (known, value) = (id.clone(), id.clone());
    let choose = move |on: bool| {
        chosen.update(|chosen| {
            if on {
                chosen.insert(id.clone());
            } else {
                chosen.remove(&id);
            }
        });
    };
    view! {
        <input
            class="run-check"
            type="checkbox"
            form="compare"
            name="runs"
            value=value
            aria-label=format!("Compare {name}")
            prop:checked=move || chosen.with(|chosen| chosen.contains(&known))
            on:change:target=move |ev| choose(ev.target().checked())
        />
    }
}

/// Leads to the chosen runs side by side. Those that are not among the `shown` have no box here.
#[component]
fn CompareForm(team: String, shown: Vec<String>, chosen: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let elsewhere = move || chosen.with(|chosen| chosen.iter().filter(|id| !shown.contains(id)).cloned().collect::<Vec<_>>());
    let count = move || chosen.with(|chosen| if chosen.is_empty() { String::new() } else { format!(" ({})", chosen.len()) });
    view! {
        <Form method="GET" action=format!("/t/{team}/compare") attr:id="compare">
            {move || elsewhere().into_iter().map(|id| view! { <input type="hidden" name="runs" value=id /> }).collect_view()}
            <button type="submit" class="btn btn-sm">
                "Compare selected"
                {count}
            </button>
        </Form>
    }
}

#[cfg(test)]
mod tests {
    use super::order_by;

    #[test]
    fn a_column_becomes_mlflows_order() {
        for (sort, order) in [
            ("", ""),
            ("name", "attributes.run_name ASC"),
            ("-started", "attributes.start_time DESC"),
            ("-metrics.val/loss", "metrics.`val/loss` DESC"),
            ("params.a b", "params.`a b` ASC"),
            ("metrics.a` ASC; --", "metrics.`a ASC; --` ASC"),
            ("nothing", ""),
        ] {
            assert_eq!(order_by(sort), order);
        }
    }
}
