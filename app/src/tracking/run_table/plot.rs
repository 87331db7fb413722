//! A chart above the table: the histories of one metric of the runs that are selected, or else of the first runs. Each of these rows has the colour
//! of its line, and an eye that hides it. Which metric it is, and what is hidden, is in the address.

use super::rows::Rows;
use crate::{
    charts::{
        Drawing, Line, Part, Plot, Query,
        api::{Comparison, compare},
        draw_on, frame_of, grouped, line_class, lit, number, place_words, reading,
    },
    components::{ErrorNote, Glyph, Icon, Loading, count, query_value, with_query},
    error::AppError,
    live::{kept_current, use_live},
};
use domain::model::{Change, ExperimentId, RunKeys};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Runs that are drawn where none are selected, and at most.
const FIRST: usize = 10;
const MOST: usize = 50;
/// Runs whose value at the pointer is said.
const SAID: usize = 10;
/// Pixels.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 240;

/// What the chart shows of the table's runs.
#[derive(Clone, Copy)]
pub struct Plotted {
    /// The metric; empty where there is no chart.
    metric: Memo<String>,
    /// The runs, in the order of their colours.
    runs: Memo<Vec<String>>,
    /// Those of them that are hidden.
    hidden: Memo<Vec<String>>,
    /// The run whose row is pointed at.
    pointed: RwSignal<Option<String>>,
}

impl Plotted {
    /// Of the runs that are selected, or else of the first rows.
    pub fn new(rows: Rows, selected: RwSignal<Vec<String>>) -> Self {
        let (metric, hide) = (query_value("plot"), query_value("hide"));
        let runs = Memo::new(move |_| {
            if metric.read().is_empty() {
                return Vec::new();
            }
            let runs: Vec<String> = selected.with(|ids| ids.iter().take(MOST).cloned().collect());
            if !runs.is_empty() {
                return runs;
            }
            rows.first(FIRST).into_iter().filter(|line| !line.is_group).map(|line| line.id.0).collect()
        });
        let hidden = Memo::new(move |_| hide.read().split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect());
        Self { metric, runs, hidden, pointed: RwSignal::new(None) }
    }

    /// The colour of a run's line, by number; none where it is not drawn.
    pub fn place(self, run: &str) -> Option<usize> {
        self.runs.with(|runs| runs.iter().position(|other| other == run))
    }

    pub fn is_hidden(self, run: &str) -> bool {
        self.hidden.with(|hidden| hidden.iter().any(|other| other == run))
    }

    /// The run whose row is pointed at, where there is a chart.
    pub fn point(self, run: Option<String>) {
        if self.metric.with_untracked(|metric| !metric.is_empty()) {
            self.pointed.set(run);
        }
    }

    pub fn is_open(self) -> bool {
        !self.metric.read().is_empty()
    }
}

/// Opens the chart with the first metric, or closes it.
#[component]
pub fn PlotButton(plotted: Plotted, keys: RwSignal<RunKeys>) -> impl IntoView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let first = move || keys.with(|keys| keys.metrics.iter().find(|key| !key.starts_with("system/")).or(keys.metrics.first()).cloned());
    let href = move || {
        let metric = if plotted.is_open() { String::new() } else { first().unwrap_or_default() };
        with_query(&path.read(), &query.read(), "plot", &metric)
    };
    let some = move || plotted.is_open() || first().is_some();
    view! {
        <Show when=some>
            <a class="btn btn-sm" href=href data-noscroll="true" aria-current=move || plotted.is_open().then_some("true")>
                <Icon glyph=Glyph::Activity />
                {move || if plotted.is_open() { "Hide chart" } else { "Chart" }}
            </a>
        </Show>
    }
}

/// A run's colour, and the eye.
#[component]
pub fn Eye(plotted: Plotted, id: String, name: String) -> impl IntoView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let id = StoredValue::new(id);
    let place = Memo::new(move |_| id.with_value(|id| plotted.place(id)));
    let hidden = Memo::new(move |_| id.with_value(|id| plotted.is_hidden(id)));
    let href = move || {
        let mut ids = plotted.hidden.get();
        let id = id.get_value();
        if hidden.get() {
            ids.retain(|other| *other != id);
        } else {
            ids.push(id);
        }
        with_query(&path.read(), &query.read(), "hide", &ids.join(","))
    };
    let label = move || format!("{} {name} in the chart", if hidden.get() { "Show" } else { "Hide" });
    let eye = move |place: usize| {
        view! {
            <a class="eye" class:off=move || hidden.get() href=href data-noscroll="true" aria-label=label.clone()>
                <svg class="swatch" viewBox="0 0 28 8" aria-hidden="true" inner_html=format!("<polyline class=\"{}\" points=\"1,4 27,4\"/>", line_class(place))></svg>
                <Icon glyph=Glyph::Eye />
            </a>
        }
    };
    move || place.get().map(eye.clone())
}

#[component]
pub fn RunsPlot(team: String, experiment: ExperimentId, plotted: Plotted, keys: RwSignal<RunKeys>) -> impl IntoView {
    let place = StoredValue::new((team, experiment));
    view! {
        <Show when=move || plotted.is_open()>
            {
                let (team, experiment) = place.get_value();
                view! { <Panel team experiment plotted keys /> }
            }
        </Show>
    }
}

#[component]
fn Panel(team: String, experiment: ExperimentId, plotted: Plotted, keys: RwSignal<RunKeys>) -> impl IntoView {
    let (ours, of) = (team.clone(), experiment);
    let changes = use_live().changes(move |event| {
        event.team.as_ref() == Some(&ours) && matches!(&event.change, Change::Runs { experiment } if *experiment == of)
    });
    let asked = Memo::new(move |_| (plotted.metric.get(), plotted.runs.get()));
    let (place, width) = (StoredValue::new(team), RwSignal::new(WIDTH));
    let ask = move |(metric, runs): (String, Vec<String>)| async move {
        let query = Query { metric: metric.clone(), width: WIDTH, ..Query::default() };
        let found = compare(place.get_value(), runs.join(","), String::new(), String::new(), query).await?;
        Ok::<_, AppError>(Lines { asked: metric, found })
    };
    let begun = StoredValue::new(asked.get_untracked());
    let first = Resource::new(move || begun.get_value(), ask);
    view! {
        <section class="card chart runs-plot" aria-label="Chart of the runs">
            <div class="row">
                <MetricChoice plotted keys />
                <span class="end">
                    <CompareLink team=place plotted />
                </span>
            </div>
            <Transition fallback=|| view! { <Loading /> }>
                {move || Suspend::new(async move {
                    let (first, failed) = match first.await {
                        Ok(first) => (first, None),
                        Err(error) => (Lines::default(), Some(error)),
                    };
                    let found = kept_current(first, (begun.get_value(), 0), move || (asked.get(), changes.get()), move |(asked, _)| ask(asked));
                    let answered = Memo::new(move |_| found.with(|f| !f.asked.is_empty()));
                    move || match failed.clone().filter(|_| !answered.get()) {
                        Some(error) => view! { <ErrorNote error /> }.into_any(),
                        None => view! { <Drawn found plotted width /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
}

/// The histories that were answered, and of which metric they were asked for: another one is answered where no run has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lines {
    asked: String,
    found: Comparison,
}

impl Lines {
    fn lines(&self) -> &[Line] {
        if self.asked == self.found.metric { &self.found.lines } else { &[] }
    }

    /// Why there is nothing to be drawn.
    fn nothing(&self) -> Option<String> {
        if self.found.all == 0 {
            return Some("No run to draw: unfold a group, or select runs.".to_owned());
        }
        self.lines().iter().all(|line| line.points == 0).then(|| format!("None of these runs has logged {} yet.", self.asked))
    }
}

#[component]
fn MetricChoice(plotted: Plotted, keys: RwSignal<RunKeys>) -> impl IntoView {
    let follow = crate::charts::use_follow();
    let options = move || {
        let now = plotted.metric.get_untracked();
        let option = |key: &String| view! { <option value=key.clone() selected=*key == now>{key.clone()}</option> };
        keys.with(|keys| keys.metrics.iter().map(option).collect_view())
    };
    view! {
        <label class="row needs-js">
            "Metric"
            <select
                class="input select chart-key"
                prop:value=move || plotted.metric.get()
                on:change:target=move |ev| follow(&[("plot", &ev.target().value())])
            >
                {options}
            </select>
        </label>
    }
}

/// The same runs with everything that the compare page can do.
#[component]
fn CompareLink(team: StoredValue<String>, plotted: Plotted) -> impl IntoView {
    let href = move || {
        let mut query = leptos_router::params::ParamsMap::new();
        query.insert("runs".to_owned(), plotted.runs.with(|runs| runs.join(",")));
        query.insert("metric".to_owned(), plotted.metric.get());
        format!("/t/{}/compare{}", team.get_value(), query.to_query_string())
    };
    view! { <a href=href>"Compare these runs"</a> }
}

#[component]
fn Drawn(found: RwSignal<Lines>, plotted: Plotted, width: RwSignal<u32>) -> impl IntoView {
    let cursor = RwSignal::new(None::<f64>);
    let query = Memo::new(move |_| Query { width: width.get(), ..found.with(|f| f.found.query.clone()) });
    let shown = Memo::new(move |_| found.with(|f| f.lines().iter().map(|line| !plotted.is_hidden(line.run.as_str())).collect::<Vec<_>>()));
    let is_shown = move |i: usize| shown.with(|shown| shown.get(i).copied().unwrap_or_default());
    let drawing = Drawing::new(move |target| {
        found.with(|f| draw_on(target, f.lines(), &query.read(), HEIGHT, &Part { shown: &is_shown, drawn: &|_| true }));
    });
    let frame = Signal::derive(move || found.with(|f| frame_of(f.lines(), &query.read(), is_shown)));
    let over = Signal::derive(move || {
        let run = plotted.pointed.get()?;
        let line = found.with(|f| f.lines().iter().position(|line| line.run.as_str() == run)).filter(|line| is_shown(*line))?;
        found.with(|f| Some(lit(f.lines(), &query.read(), HEIGHT, is_shown, line)))
    });
    let said = Memo::new(move |_| {
        found.with(|f| {
            let drawn = || f.lines().iter().enumerate().filter(|(i, line)| line.points > 0 && is_shown(*i)).map(|(_, line)| line);
            let points: usize = drawn().map(|line| line.points).sum();
            format!("{} of {} · {} points", drawn().count(), count(f.found.all, "run", "runs"), grouped(points))
        })
    });
    let read = move || {
        let x = cursor.get()?;
        found.with(|f| {
            let mut text = place_words(f.found.query.x, x);
            let shown = f.lines().iter().enumerate().filter(|(i, _)| is_shown(*i));
            for (name, value) in shown.filter_map(|(_, line)| Some((&line.name, reading(line, x)?.value))).take(SAID) {
                _ = write!(text, " · {name} {}", number(value));
            }
            Some(text)
        })
    };
    let label = Signal::derive(move || {
        found.with(|f| format!("Line chart of {}: {}. The table below has the latest values.", f.asked, said.read()))
    });
    let nothing = Memo::new(move |_| found.with(Lines::nothing));
    move || match nothing.get() {
        Some(why) => view! { <p class="muted">{why}</p> }.into_any(),
        None => view! {
            <Plot label drawing=drawing.clone() frame over cursor width />
            <p class="chart-said num" role="status">
                {read}
            </p>
            <p class="muted num chart-count">{move || said.get()}</p>
        }
        .into_any(),
    }
}
