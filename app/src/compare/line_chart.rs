//! The runs' histories of one metric as lines, and their legend.

use super::{
    compare_page::{Downloads, Kept, WIDTH},
    legend::Legend,
};
use crate::{
    charts::{
        Controls, Drawing, Part, Plot, Query, after_paint, api::Comparison, beyond, draw_on, frame_of, grouped, left_out_words, lit,
        place_words,
    },
    components::query_value,
};
use leptos::prelude::*;
use std::{collections::BTreeSet, fmt::Write as _};

/// Pixels of the chart.
const HEIGHT: u32 = 380;
const FACET_HEIGHT: u32 = 260;
/// Charts beside one another.
const FACETS: usize = 24;

/// The lines that are hidden, by their number.
pub fn hidden(text: &str) -> BTreeSet<usize> {
    text.split(',').filter_map(|n| n.parse().ok()).collect()
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
        _ = write!(text, " · {who} not logged {}", found.drawn());
    }
    if found.more {
        text.push_str(" · more runs match than can be compared: narrow the filter");
    }
    text + &left_out_words(drawn.into_iter())
}

/// Whether the answer to one query has what another shows, which is then drawn until its own points have come: a part of the same.
fn covers(answered: &Query, now: &Query) -> bool {
    // The answer says which metric it chose where none was named.
    let metric = if now.metric.is_empty() { answered.metric.clone() } else { now.metric.clone() };
    let whole = |query: &Query| Query { from: None, to: None, width: 0, ..query.asked() };
    let from = answered.from.is_none_or(|first| now.from.is_some_and(|from| from >= first));
    let to = answered.to.is_none_or(|last| now.to.is_some_and(|to| to <= last));
    whole(answered) == Query { metric, ..whole(now) } && from && to
}

#[component]
pub fn LineChart(team: String, found: RwSignal<Comparison>, query: Memo<Query>) -> impl IntoView {
    let hide = query_value("hide");
    let (metrics, groups) =
        (Signal::derive(move || found.with(|f| f.metrics.clone())), Signal::derive(move || found.with(|f| f.groups.clone())));
    let metric = Memo::new(move |_| found.with(|f| f.metric.clone()));
    let drawn = Memo::new(move |_| found.with(|f| f.drawn().to_owned()));
    let (width, cursor, pointed) = (RwSignal::new(WIDTH), RwSignal::new(None::<f64>), RwSignal::new(None::<usize>));
    let asked = Memo::new(move |_| {
        let (now, answered) = (query.get(), found.with(|f| f.query.clone()));
        let (from, to) = if covers(&answered, &now) { (now.from, now.to) } else { (answered.from, answered.to) };
        Query { width: width.get(), outliers: now.outliers, from, to, ..answered }
    });
    let shown = after_paint(Memo::new(move |_| hidden(&hide.read())));
    let said = Memo::new(move |_| {
        found.with(|f| {
            let beyond = shown.with(|hidden| beyond(&f.lines, &asked.read(), |i| !hidden.contains(&i)));
            let outliers = if beyond > 0 { format!(" · {} beyond the axis", grouped(beyond)) } else { String::new() };
            told(f, &shown.read()) + &outliers
        })
    });
    let place = move || cursor.get().map(|x| place_words(found.with(|f| f.query.x), x));
    let some = Memo::new(move |_| metrics.with(|m| !m.is_empty()));
    // Without facets there is one, without a name.
    let facets = Memo::new(move |_| {
        found.with(|f| {
            let mut names: Vec<String> = f.lines.iter().map(|line| line.facet.clone()).collect();
            names.dedup();
            names.truncate(FACETS);
            names
        })
    });
    let more = move || {
        let all = found.with(|f| f.lines.chunk_by(|a, b| a.facet == b.facet).count());
        (all > FACETS)
            .then(|| view! { <p class="muted">{format!("The first {FACETS} of {all} charts. Choose something with fewer values.")}</p> })
    };
    let files = team.clone();
    view! {
        <Show when=move || some.get()>
            <Controls query metrics metric groups>
                <Kept />
            </Controls>
            <section class="card chart" aria-label="Chart" on:focusout=move |_| cursor.set(None)>
                <h2 class="mono">{move || drawn.get()}</h2>
                <div class=move || if facets.with(|f| f.len() > 1) { "charts" } else { "" }>
                    <For each=move || facets.get() key=Clone::clone let:facet>
                        <Facet facet found asked shown said drawn cursor pointed width />
                    </For>
                </div>
                {more}
                <p class="chart-said num" role="status">
                    {place}
                </p>
                <p class="muted num chart-count">{move || said.get()}</p>
                <Downloads team=files.clone() />
            </section>
        </Show>
        <Legend team found cursor pointed />
    }
}

/// The lines of the runs with one value of what the charts are parted by, on the same axes as the others'.
#[component]
fn Facet(
    facet: String,
    found: RwSignal<Comparison>,
    asked: Memo<Query>,
    /// The lines that are hidden.
    shown: RwSignal<BTreeSet<usize>>,
    said: Memo<String>,
    drawn: Memo<String>,
    cursor: RwSignal<Option<f64>>,
    pointed: RwSignal<Option<usize>>,
    width: RwSignal<u32>,
) -> impl IntoView {
    let (heading, key) = (facet.clone(), StoredValue::new(facet));
    let is_here = move |f: &Comparison, i: usize| f.lines.get(i).is_some_and(|line| key.with_value(|key| line.facet == *key));
    let height = move || if key.with_value(String::is_empty) { HEIGHT } else { FACET_HEIGHT };
    let drawing = Drawing::new(move |target| {
        let hidden = shown.read();
        found.with(|f| {
            draw_on(target, &f.lines, &asked.read(), height(), &Part { shown: &|i| !hidden.contains(&i), drawn: &|i| is_here(f, i) });
        });
    });
    let frame = Signal::derive(move || found.with(|f| frame_of(&f.lines, &asked.read(), |i| !shown.read().contains(&i))));
    let over = Signal::derive(move || {
        let line = pointed.get()?;
        found.with(|f| is_here(f, line).then(|| lit(&f.lines, &asked.read(), height(), |i| !shown.read().contains(&i), line)))
    });
    let label = Signal::derive(move || {
        let part = key.with_value(|key| if key.is_empty() { String::new() } else { format!(" where {} is {key}", asked.read().facet) });
        format!("Line chart of {}{part}: {}. The table below has its values.", drawn.read(), said.read())
    });
    view! {
        <div>
            {(!heading.is_empty()).then(|| view! { <h3 class="mono">{heading}</h3> })}
            <Plot label drawing frame over cursor width />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Line;
    use domain::model::{Point, RunId};

    #[test]
    fn an_answer_has_its_own_parts_and_nothing_else() {
        // The server says what charts of values would show.
        let answered = Query { metric: "loss".into(), vertical: "metrics.loss".into(), ..Query::default() };
        let part = |from, to| Query {
            from,
            to,
            width: 1200,
            outliers: crate::charts::Outliers::Beyond,
            horizontal: "params.lr".into(),
            ..answered.clone()
        };
        assert!(covers(&answered, &part(Some(3.0), None)) && covers(&answered, &part(None, None)));
        assert!(covers(&answered, &Query { metric: String::new(), ..part(Some(3.0), None) }));
        assert!(!covers(&answered, &Query { metric: "accuracy".into(), ..part(Some(3.0), None) }));
        let later = Query { from: Some(10.0), to: Some(20.0), ..answered.clone() };
        assert!(covers(&later, &part(Some(12.0), Some(20.0))));
        assert!(
            !covers(&later, &part(Some(9.0), Some(20.0)))
                && !covers(&later, &part(None, Some(15.0)))
                && !covers(&later, &part(Some(12.0), None))
        );
    }

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
