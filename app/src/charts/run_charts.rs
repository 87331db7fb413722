//! The charts of one run: one for each metric, live.

use super::{
    api::{LinesOfRun, MOST, run_lines},
    controls::{Controls, use_chart_query},
    line::{grouped, left_out_words},
    picture::{Part, draw_on, frame_of},
    plot::{Plot, place_words, reading},
    query::Query,
    surface::Drawing,
    ticks::number,
};
use crate::{
    components::{ErrorNote, Loading, SearchField, query_value, with_query},
    live::kept_current,
};
use domain::model::RunId;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// Pixels of one chart.
const WIDTH: u32 = 480;
const HEIGHT: u32 = 230;
/// Charts that are shown at first, and more each time.
const FIRST: usize = 12;

/// The tab of a run's page. `changes` counts when it may have logged more.
#[component]
pub fn RunCharts(team: String, run: RunId, changes: RwSignal<u32>) -> impl IntoView {
    let (query, text, more) = (use_chart_query(WIDTH), query_value("q"), query_value("show"));
    let most = Memo::new(move |_| more.read().parse::<usize>().unwrap_or(FIRST).clamp(FIRST, MOST));
    let asked = move || (text.get(), most.get(), query.get());
    let place = StoredValue::new((team, run));
    let ask = move |(text, most, query): (String, usize, Query)| {
        let (team, run) = place.get_value();
        run_lines(team, run, text, most, query)
    };
    let begun = StoredValue::new(untrack(|| (asked(), changes.get())));
    let first = Resource::new(move || begun.get_value().0, ask);
    view! {
        <Controls query>
            <input type="hidden" name="tab" value="charts" />
            <SearchField label="Find a metric" />
        </Controls>
        <Transition fallback=|| view! { <Loading /> }>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => {
                        let found = kept_current(first, begun.get_value(), move || (asked(), changes.get()), move |(asked, _)| ask(asked));
                        view! { <Found found most /> }.into_any()
                    }
                    Err(error) => view! { <ErrorNote error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Found(found: RwSignal<LinesOfRun>, most: Memo<usize>) -> impl IntoView {
    let (address, path) = (use_query_map(), use_location().pathname);
    let cursor = RwSignal::new(None);
    let names = move || found.with(|found| found.lines.iter().map(|line| line.name.clone()).collect::<Vec<_>>());
    let none = move || {
        found.with(|found| match (found.all, found.matching) {
            (0, _) => Some("No metrics yet. What the run logs is drawn here at once."),
            (_, 0) => Some("No metric matches. Try fewer letters."),
            _ => None,
        })
    };
    let further = move || {
        let (shown, matching) = found.with(|found| (found.lines.len(), found.matching));
        (matching > shown && shown < MOST).then(|| {
            let href = with_query(&path.read(), &address.read(), "show", &(most.get() + FIRST).to_string());
            view! {
                <p class="pager">
                    <span class="muted">{format!("{shown} of {matching} metrics")}</span>
                    <a class="btn btn-sm" href=href data-noscroll="true">
                        "Show more charts"
                    </a>
                </p>
            }
        })
    };
    view! {
        {move || none().map(|text| view! { <p class="muted">{text}</p> })}
        <div class="charts">
            <For each=names key=Clone::clone let:name>
                <Chart found name cursor />
            </For>
        </div>
        {further}
    }
}

#[component]
fn Chart(found: RwSignal<LinesOfRun>, name: String, cursor: RwSignal<Option<f64>>) -> impl IntoView {
    let (region, heading, key) = (name.clone(), name.clone(), name);
    let line = Memo::new(move |_| found.with(|found| found.lines.iter().find(|line| line.name == key).cloned()));
    let query = Memo::new(move |_| found.with(|found| found.query.clone()));
    let (width, focused) = (RwSignal::new(WIDTH), RwSignal::new(false));
    let counted = Memo::new(move |_| {
        line.with(|line| {
            line.as_ref().map_or_else(String::new, |line| {
                let points = if line.points == 1 { "point" } else { "points" };
                format!("{} {points}{}", grouped(line.points), left_out_words(std::iter::once(line)))
            })
        })
    });
    let ends = Memo::new(move |_| {
        line.with(|line| {
            let line = line.as_ref()?;
            let (least, greatest, last) = (line.least?, line.greatest?, line.last?);
            Some(format!("least {} · greatest {} · last {}", number(least), number(greatest), number(last)))
        })
    });
    let read = move || {
        let x = cursor.get()?;
        let found = line.with(|line| line.as_ref().and_then(|line| reading(line, x)))?;
        Some(format!("{}: {}", place_words(query.read().x, found.x), number(found.value)))
    };
    let label = {
        let name = heading.clone();
        Signal::derive(move || format!("Line chart of {name}: {}; {}", counted.read(), ends.get().as_deref().unwrap_or("no finite value")))
    };
    let wide = Memo::new(move |_| Query { width: width.get(), ..query.get() });
    let drawing = Drawing::new(move |target| {
        line.with(|line| draw_on(target, line.as_slice(), &wide.read(), HEIGHT, &Part { shown: &|_| true, drawn: &|_| true }));
    });
    let frame = Signal::derive(move || line.with(|line| frame_of(line.as_slice(), &wide.read(), |_| true)));
    view! {
        <section
            class="card chart"
            aria-label=region
            on:focusin=move |_| focused.set(true)
            on:focusout=move |_| {
                focused.set(false);
                cursor.set(None);
            }
        >
            <h2 class="mono">{heading}</h2>
            <Plot label drawing frame cursor width />
            <p class="muted num chart-count">{move || counted.get()}</p>
            <p class="muted num" aria-live=move || if focused.get() { "polite" } else { "off" }>
                {move || read().or_else(|| ends.get())}
            </p>
        </section>
    }
}
