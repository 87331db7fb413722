//! The runs' histories of one metric as lines, and their legend.

use super::{
    compare_page::{Downloads, Kept, WIDTH},
    legend::Legend,
};
use crate::{
    charts::{Controls, Plot, Query, api::Comparison, frame_of, grouped, left_out_words, lit, picture, place_words},
    components::query_value,
};
use leptos::prelude::*;
use std::{collections::BTreeSet, fmt::Write as _};

/// Pixels of the chart.
const HEIGHT: u32 = 380;

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
        _ = write!(text, " · {who} not logged {}", found.metric);
    }
    if found.more {
        text.push_str(" · more runs match than can be compared: narrow the filter");
    }
    text + &left_out_words(drawn.into_iter())
}

#[component]
pub fn LineChart(team: String, found: RwSignal<Comparison>, query: Memo<Query>) -> impl IntoView {
    let hide = query_value("hide");
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
    let files = team.clone();
    view! {
        <Show when=move || some.get()>
            <Controls query metrics metric groups>
                <Kept />
            </Controls>
            <section class="card chart" aria-label="Chart" on:focusout=move |_| cursor.set(None)>
                <h2 class="mono">{move || metric.get()}</h2>
                <Plot label svg frame over cursor width />
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
