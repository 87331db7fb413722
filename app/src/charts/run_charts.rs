//! The charts of one run: one for each metric, live.

use super::{
    api::{LinesOfRun, MOST, run_lines},
    controls::{Controls, Plot, use_chart_query},
    line::{Line, grouped, left_out_words},
    picture::picture,
    query::Query,
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
    let first = Resource::new(move || untrack(asked), ask);
    view! {
        <Controls query>
            <input type="hidden" name="tab" value="charts" />
            <SearchField label="Find a metric" />
        </Controls>
        <Transition fallback=|| view! { <Loading /> }>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => {
                        let found = kept_current(first, move || (asked(), changes.get()), move |(asked, _)| ask(asked));
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
    let charts = move || {
        found.with(|found| found.lines.iter().map(|line| view! { <Chart line=line.clone() query=found.query.clone() /> }).collect_view())
    };
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
        <div class="charts">{charts}</div>
        {further}
    }
}

#[component]
fn Chart(line: Line, query: Query) -> impl IntoView {
    let counted = format!(
        "{} {}{}",
        grouped(line.points),
        if line.points == 1 { "point" } else { "points" },
        left_out_words(std::iter::once(&line)),
    );
    let ends = line
        .least
        .zip(line.greatest)
        .zip(line.last)
        .map(|((least, greatest), last)| format!("least {} · greatest {} · last {}", number(least), number(greatest), number(last)));
    let label = format!("Line chart of {}: {counted}; {}", line.name, ends.as_deref().unwrap_or("no finite value"));
    let (name, region) = (line.name.clone(), line.name.clone());
    let svg = picture(&[line], &query, HEIGHT, |_| true);
    view! {
        <section class="card chart" aria-label=region>
            <h2 class="mono">{name}</h2>
            <Plot label svg />
            <p class="muted num chart-count">{counted}</p>
            <p class="muted num">{ends}</p>
        </section>
    }
}
