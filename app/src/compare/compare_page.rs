//! Many runs in one chart, with the same as a table, and their differences. All that is chosen is in the address.

use super::{differences::Differences, legend::Legend};
use crate::{
    charts::{
        Controls, Plot, Query,
        api::{Chosen, Comparison, compare},
        frame_of, grouped, left_out_words, lit, picture, place_words, use_chart_query,
    },
    components::{Crumb, EmptyState, Glyph, LoadingPage, Page, page_or_error, query_value, use_team},
    error::AppError,
    live::{kept_current, use_live},
};
use domain::model::{Change, ExperimentId};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Pixels of the chart.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 380;

#[component]
pub fn ComparePage() -> impl IntoView {
    let (team, live, address) = (use_team(), use_live(), use_query_map());
    let query = use_chart_query(WIDTH);
    // A form of check boxes sends each by itself, a link all in one.
    let chosen = Memo::new(move |_| {
        address.with(|q| {
            let text = |name| q.get(name).unwrap_or_default();
            Chosen { runs: q.get_all("runs").unwrap_or_default().join(","), experiment: text("experiment"), filter: text("filter") }
        })
    });
    let experiments = StoredValue::new(BTreeSet::<ExperimentId>::new());
    let changes = live.changes_in(team.into(), move |event| match &event.change {
        Change::Runs { experiment } => experiments.with_value(|shown| shown.contains(experiment)),
        _ => false,
    });
    let first = Resource::new(
        move || (team.get(), chosen.get(), query.get_untracked()),
        move |(team, chosen, query)| async move {
            live.positioned().await;
            ask(team, chosen, query).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Compare runs" /> }>
            {move || Suspend::new(async move {
                let (team, chosen) = (team.get_untracked(), chosen.get_untracked());
                page_or_error(first.await, |first| {
                    let others = Some(chosen.experiment.clone()).filter(|id| !id.is_empty()).map(ExperimentId);
                    experiments.set_value(first.runs.iter().map(|run| run.experiment.clone()).chain(others).collect());
                    let place = (team.clone(), chosen.clone());
                    let found = kept_current(
                        first,
                        move || (query.get(), changes.get()),
                        move |(query, _)| ask(place.0.clone(), place.1.clone(), query),
                    );
                    view! { <Compared team chosen found query /> }
                })
            })}
        </Transition>
    }
}

/// The lines that are hidden, by their number.
pub fn hidden(text: &str) -> BTreeSet<usize> {
    text.split(',').filter_map(|n| n.parse().ok()).collect()
}

fn ask(team: String, chosen: Chosen, query: Query) -> impl Future<Output = Result<Comparison, AppError>> {
    compare(team, chosen.runs, chosen.experiment, chosen.filter, query)
}

/// What the chart shows, and what it does not.
fn told(found: &Comparison, hidden: &BTreeSet<usize>) -> String {
    let is_grouped = !found.query.group.is_empty();
    let drawn: Vec<_> = found.lines.iter().enumerate().filter(|(i, line)| line.points > 0 && !hidden.contains(i)).map(|(_, l)| l).collect();
    let points: usize = drawn.iter().map(|line| line.points).sum();
    let runs: usize = drawn.iter().map(|line| line.runs).sum();
    let mut text = String::new();
    if is_grouped {
        _ = write!(text, "{} of {} {} · ", drawn.len(), found.lines.len(), if found.lines.len() == 1 { "group" } else { "groups" });
    }
    _ = write!(
        text,
        "{} of {} {} · {} {}",
        grouped(runs),
        grouped(found.all),
        if found.all == 1 { "run" } else { "runs" },
        grouped(points),
        if points == 1 { "point" } else { "points" },
    );
    let with: usize = found.lines.iter().filter(|line| line.points > 0).map(|line| line.runs).sum();
    let (without, hidden) = (found.all.saturating_sub(with), with - runs);
    if hidden > 0 {
        _ = write!(text, " · {} hidden", grouped(hidden));
    }
    if without > 0 {
        let who = if without == 1 { "1 has".to_owned() } else { format!("{} have", grouped(without)) };
        _ = write!(text, " · {who} not logged {}", found.metric);
    }
    if found.more {
        text.push_str(" · more runs match than can be compared: narrow the filter");
    }
    text + &left_out_words(drawn.into_iter())
}

/// What of the address the form above the chart does not choose.
const KEPT: [&str; 5] = ["runs", "experiment", "filter", "hide", "diff"];

#[component]
fn Compared(team: String, chosen: Chosen, found: RwSignal<Comparison>, query: Memo<Query>) -> impl IntoView {
    let (hide, address) = (query_value("hide"), use_query_map());
    let crumbs = vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Experiments", format!("/t/{team}/experiments"))];
    if found.with_untracked(|f| f.all == 0) {
        let text =
            if chosen.experiment.is_empty() { "Select runs in the table of an experiment." } else { "No run of the experiment fits." };
        return view! {
            <Page title="Compare runs" crumbs>
                <EmptyState glyph=Glyph::Flask title="No runs to compare" text>
                    <a class="btn btn-primary" href=format!("/t/{team}/experiments")>
                        "Show experiments"
                    </a>
                </EmptyState>
            </Page>
        }
        .into_any();
    }
    let (metrics, groups) =
        (Signal::derive(move || found.with(|f| f.metrics.clone())), Signal::derive(move || found.with(|f| f.groups.clone())));
    let metric = Memo::new(move |_| found.with(|f| f.metric.clone()));
    let (width, cursor, pointed) = (RwSignal::new(WIDTH), RwSignal::new(None::<f64>), RwSignal::new(None::<usize>));
    let asked = Memo::new(move |_| Query { width: width.get(), ..found.with(|f| f.query.clone()) });
    let shown = move || {
        let hidden = hidden(&hide.read());
        move |i: usize| !hidden.contains(&i)
    };
    let svg = Memo::new(move |_| found.with(|f| picture(&f.lines, &asked.read(), HEIGHT, shown())));
    let frame = Signal::derive(move || found.with(|f| frame_of(&f.lines, &asked.read(), shown())));
    let over = Signal::derive(move || pointed.get().map(|line| found.with(|f| lit(&f.lines, &asked.read(), HEIGHT, shown(), line))));
    let said = Memo::new(move |_| found.with(|f| told(f, &hidden(&hide.read()))));
    let label = Signal::derive(move || format!("Line chart of {}: {}. The table below has its values.", metric.read(), said.read()));
    let place = move || cursor.get().map(|x| place_words(found.with(|f| f.query.x), x));
    let some = Memo::new(move |_| metrics.with(|m| !m.is_empty()));
    let kept = move || {
        let pairs =
            KEPT.into_iter().flat_map(|name| address.with(|q| q.get_all(name)).unwrap_or_default().into_iter().map(move |v| (name, v)));
        pairs.map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()
    };
    let file = {
        let team = team.clone();
        move |kind: &str| format!("/t/{team}/compare.{kind}{}", address.read().to_query_string())
    };
    let (svg_file, csv_file) = (file.clone(), file);
    view! {
        <Page title="Compare runs" crumbs>
            <div class="stack">
                <Show when=move || some.get() fallback=|| view! { <p class="muted">"These runs have logged no metrics yet."</p> }>
                    <Controls query metrics metric groups>
                        {kept}
                    </Controls>
                    <section class="card chart" aria-label="Chart" on:focusout=move |_| cursor.set(None)>
                        <h2 class="mono">{move || metric.get()}</h2>
                        <Plot label svg frame over cursor width />
                        <p class="muted num chart-count">{move || said.get()}</p>
                        <p class="row">
                            <a class="btn btn-sm" href={ let file = svg_file.clone(); move || file("svg") } rel="external" download="">
                                "Download SVG"
                            </a>
                            <a class="btn btn-sm" href={ let file = csv_file.clone(); move || file("csv") } rel="external" download="">
                                "Download CSV"
                            </a>
                            <span class="muted num" role="status">
                                {place}
                            </span>
                        </p>
                    </section>
                </Show>
                <Legend team=team.clone() found cursor pointed />
                <Differences team found />
            </div>
        </Page>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Line;
    use domain::model::{Point, RunId};

    #[test]
    fn a_chart_says_what_it_shows_and_what_it_does_not() {
        let line = |points: i64| {
            let points = (0..points).map(|step| Point { step, timestamp: 0, value: 1.0 }).collect();
            Line::of(RunId::from("r"), "r".into(), None, points, &Query::default().sound(), Some(960))
        };
        let found = Comparison { all: 3, lines: vec![line(10_000); 3], metric: "loss".into(), ..Comparison::default() };
        assert_eq!(told(&found, &BTreeSet::new()), "3 of 3 runs · 30,000 points");
        let found = Comparison { all: 3, lines: vec![line(1), line(5), line(0)], metric: "loss".into(), ..Comparison::default() };
        assert_eq!(told(&found, &hidden("1,x,7")), "1 of 3 runs · 1 point · 1 hidden · 1 has not logged loss");
    }
}
