//! Many runs in one chart, with the same as a table, and their differences. All that is chosen is in the address.

use super::{differences::Differences, legend::Legend};
use crate::{
    charts::{
        Controls, Plot, Query,
        api::{Comparison, compare},
        grouped, left_out_words, picture, use_chart_query,
    },
    components::{Crumb, EmptyState, Glyph, LoadingPage, Page, count, page_or_error, query_value, use_team},
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
    let runs = Memo::new(move |_| address.with(|q| q.get_all("runs").unwrap_or_default().join(",")));
    let experiments = StoredValue::new(BTreeSet::<ExperimentId>::new());
    let changes = live.changes_in(team.into(), move |event| match &event.change {
        Change::Runs { experiment } => experiments.with_value(|shown| shown.contains(experiment)),
        _ => false,
    });
    let first = Resource::new(
        move || (team.get(), runs.get(), query.get_untracked()),
        move |(team, runs, query)| async move {
            live.positioned().await;
            compare(team, runs, query).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Compare runs" /> }>
            {move || Suspend::new(async move {
                let (team, runs) = (team.get_untracked(), runs.get_untracked());
                page_or_error(first.await, |first| {
                    experiments.set_value(first.runs.iter().map(|run| run.experiment.clone()).collect());
                    let place = (team.clone(), runs.clone());
                    let found = kept_current(
                        first,
                        move || (query.get(), changes.get()),
                        move |(query, _)| compare(place.0.clone(), place.1.clone(), query),
                    );
                    view! { <Compared team runs found query /> }
                })
            })}
        </Transition>
    }
}

/// The lines that are hidden, by their number.
pub fn hidden(text: &str) -> BTreeSet<usize> {
    text.split(',').filter_map(|n| n.parse().ok()).collect()
}

/// What the chart shows, and what it does not.
fn told(found: &Comparison, hidden: &BTreeSet<usize>) -> String {
    let drawn: Vec<_> = found.lines.iter().enumerate().filter(|(i, line)| line.points > 0 && !hidden.contains(i)).map(|(_, l)| l).collect();
    let points: usize = drawn.iter().map(|line| line.points).sum();
    let mut text = format!(
        "{} of {} · {} {}",
        drawn.len(),
        count(found.lines.len(), "run", "runs"),
        grouped(points),
        if points == 1 { "point" } else { "points" },
    );
    let without = found.lines.iter().filter(|line| line.points == 0).count();
    let hidden = found.lines.len() - drawn.len() - without;
    if hidden > 0 {
        _ = write!(text, " · {hidden} hidden");
    }
    if without > 0 {
        _ = write!(text, " · {} not logged {}", if without == 1 { "1 has".to_owned() } else { format!("{without} have") }, found.metric);
    }
    text + &left_out_words(drawn.into_iter())
}

#[component]
fn Compared(team: String, runs: String, found: RwSignal<Comparison>, query: Memo<Query>) -> impl IntoView {
    let (hide, diff, runs) = (query_value("hide"), query_value("diff"), StoredValue::new(runs));
    let metrics = Signal::derive(move || found.with(|f| f.metrics.clone()));
    let metric = Memo::new(move |_| found.with(|f| f.metric.clone()));
    let svg = Memo::new(move |_| {
        let hidden = hidden(&hide.read());
        found.with(|f| picture(&f.lines, &f.query, HEIGHT, |i| !hidden.contains(&i)))
    });
    let said = Memo::new(move |_| found.with(|f| told(f, &hidden(&hide.read()))));
    let label = Signal::derive(move || format!("Line chart of {}: {}. The table below has its values.", metric.read(), said.read()));
    let crumbs = vec![Crumb::new(team.clone(), format!("/t/{team}")), Crumb::new("Experiments", format!("/t/{team}/experiments"))];
    if found.with_untracked(|f| f.runs.is_empty()) {
        return view! {
            <Page title="Compare runs" crumbs>
                <EmptyState glyph=Glyph::Flask title="No runs to compare" text="Select runs in the table of an experiment.">
                    <a class="btn btn-primary" href=format!("/t/{team}/experiments")>
                        "Show experiments"
                    </a>
                </EmptyState>
            </Page>
        }
        .into_any();
    }
    let some = Memo::new(move |_| metrics.with(|m| !m.is_empty()));
    view! {
        <Page title="Compare runs" crumbs>
            <div class="stack">
                <Show when=move || some.get() fallback=|| view! { <p class="muted">"These runs have logged no metrics yet."</p> }>
                    <Controls query metrics metric>
                        <input type="hidden" name="runs" value=runs.get_value() />
                        {move || (!hide.read().is_empty()).then(|| view! { <input type="hidden" name="hide" value=hide.get() /> })}
                        {move || (!diff.read().is_empty()).then(|| view! { <input type="hidden" name="diff" value=diff.get() /> })}
                    </Controls>
                    <section class="card chart" aria-label="Chart">
                        <h2 class="mono">{move || metric.get()}</h2>
                        <div class="chart-wide" tabindex="0" role="group" aria-label="The chart, which scrolls where there is no room">
                            <Plot label svg />
                        </div>
                        <p class="muted num chart-count">{move || said.get()}</p>
                    </section>
                </Show>
                <Legend team=team.clone() found />
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
            Line::of(RunId::from("r"), "r".into(), points, &Query::default().sound())
        };
        let found = Comparison { lines: vec![line(10_000); 3], metric: "loss".into(), ..Comparison::default() };
        assert_eq!(told(&found, &BTreeSet::new()), "3 of 3 runs · 30,000 points");
        let found = Comparison { lines: vec![line(1), line(5), line(0)], metric: "loss".into(), ..Comparison::default() };
        assert_eq!(told(&found, &hidden("1,x,7")), "1 of 3 runs · 1 point · 1 hidden · 1 has not logged loss");
    }
}
