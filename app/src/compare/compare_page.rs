//! Many runs in one chart, with the same as a table, and their differences. All that is chosen is in the address.

use super::{
    differences::Differences,
    files::Files,
    images::Images,
    kinds::Kinds,
    line_chart::LineChart,
    png,
    values_chart::{ValuesChart, shown, told as values_told},
    values_controls::ValuesControls,
    values_table::ValuesTable,
};
use crate::{
    charts::{
        Kind, Query,
        api::{Chosen, Comparison, compare},
        use_chart_query, use_look,
    },
    components::{Crumb, EmptyState, Glyph, LoadingPage, Page, Tone, page_or_error, use_team, use_toasts},
    error::AppError,
    live::{kept_current, use_live},
};
use domain::model::{Change, ExperimentId};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use std::collections::BTreeSet;

/// Pixels that a chart is wide before it is known how many there are.
pub const WIDTH: u32 = 960;

#[component]
pub fn ComparePage() -> impl IntoView {
    let (team, live, address) = (use_team(), use_live(), use_query_map());
    let query = use_chart_query(WIDTH);
    let asked = Memo::new(move |_| query.with(Query::asked));
    // A form of check boxes sends each by itself, a link all in one.
    let chosen = Memo::new(move |_| {
        address.with(|q| {
            let text = |name| q.get(name).unwrap_or_default();
            Chosen { runs: q.get_all("runs").unwrap_or_default().join(","), experiment: text("experiment"), filter: text("filter") }
        })
    });
    // None until the first answer is here.
    let experiments = StoredValue::new(BTreeSet::<ExperimentId>::new());
    let changes = live.changes_in(team.into(), move |event| match &event.change {
        Change::Runs { experiment } => experiments.with_value(|shown| shown.is_empty() || shown.contains(experiment)),
        _ => false,
    });
    let begun = StoredValue::new(Query::default());
    let first = Resource::new(
        move || {
            begun.set_value(asked.get_untracked());
            (team.get(), chosen.get(), begun.get_value())
        },
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
                        (begun.get_value(), 0),
                        move || (asked.get(), changes.get()),
                        move |(query, _)| ask(place.0.clone(), place.1.clone(), query),
                    );
                    view! { <Compared team chosen found query /> }
                })
            })}
        </Transition>
    }
}

fn ask(team: String, chosen: Chosen, query: Query) -> impl Future<Output = Result<Comparison, AppError>> {
    compare(team, chosen.runs, chosen.experiment, chosen.filter, query)
}

/// What of the address the form above the chart does not choose.
const KEPT: [&str; 15] = [
    "runs",
    "experiment",
    "filter",
    "chart",
    "hide",
    "diff",
    "base",
    "against",
    "file",
    "image",
    "image_step",
    "axes",
    "flip",
    "logs",
    "ranges",
];

#[component]
fn Compared(team: String, chosen: Chosen, found: RwSignal<Comparison>, query: Memo<Query>) -> impl IntoView {
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
    // What was answered decides: until the values of another chart have come, the one before stays.
    let kind = Memo::new(move |_| found.with(|f| f.query.chart));
    let some = Memo::new(move |_| found.with(|f| !f.metrics.is_empty()));
    let place = StoredValue::new(team.clone());
    let chart = move || {
        let team = place.get_value();
        if kind.get() == Kind::Line {
            view! { <LineChart team found query /> }.into_any()
        } else {
            view! { <OfValues team found query /> }.into_any()
        }
    };
    view! {
        <Page title="Compare runs" crumbs>
            <div class="stack">
                <Show when=move || some.get() fallback=|| view! { <p class="muted">"These runs have logged no metrics yet."</p> }>
                    <Kinds now=kind />
                </Show>
                {chart}
                <Images team=team.clone() found />
                <Files team=team.clone() found />
                <Differences team found />
            </div>
        </Page>
    }
    .into_any()
}

/// A chart of what the runs ended with, and the same as a table.
#[component]
fn OfValues(team: String, found: RwSignal<Comparison>, query: Memo<Query>) -> impl IntoView {
    let look = use_look();
    let (width, pointed) = (RwSignal::new(WIDTH), RwSignal::new(None::<usize>));
    // The keys are those that were answered; how they are drawn is asked for here.
    let drawn = Memo::new(move |_| {
        let asked = query.get();
        let Query { across, up, middle, band, .. } = asked;
        Query { across, up, middle, band, ..found.with(|f| f.query.clone()) }
    });
    let scene = shown(found, drawn, look, width);
    let said = Memo::new(move |_| found.with(|f| values_told(f, &scene.read())));
    let name = Memo::new(move |_| drawn.with(|q| q.chart.name()));
    let label = Signal::derive(move || format!("{}: {}. The table below has its values.", name.get(), said.read()));
    view! {
        <ValuesControls found query=drawn look>
            <Kept />
        </ValuesControls>
        <section class="card chart" aria-label="Chart">
            <h2>{move || name.get()}</h2>
            <ValuesChart team=team.clone() found scene look width pointed label />
            <p class="muted num chart-count">{move || said.get()}</p>
            <Downloads team=team.clone() />
        </section>
        <ValuesTable team found scene pointed />
    }
}

/// What the form above the chart does not choose, so that it is not lost.
#[component]
pub fn Kept() -> impl IntoView {
    let address = use_query_map();
    move || {
        let pairs =
            KEPT.into_iter().flat_map(|name| address.with(|q| q.get_all(name)).unwrap_or_default().into_iter().map(move |v| (name, v)));
        pairs.map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()
    }
}

/// The chart as files.
#[component]
pub fn Downloads(team: String) -> impl IntoView {
    let (address, toasts) = (use_query_map(), use_toasts());
    let file = move |kind: &str| format!("/t/{team}/compare.{kind}{}", address.read().to_query_string());
    let (svg, csv, parquet, picture) = (file.clone(), file.clone(), file.clone(), file);
    let draw = move |_| {
        let svg = picture("svg");
        leptos::task::spawn_local(async move {
            if png::save(&svg, "chart.png").await.is_err() {
                toasts.show(Tone::Bad, "The picture could not be made. Download the SVG instead.");
            }
        });
    };
    view! {
        <p class="row">
            <a class="btn btn-sm" href=move || svg("svg") rel="external" download="">
                "Download SVG"
            </a>
            <button type="button" class="btn btn-sm needs-js" on:click=draw>
                "Download PNG"
            </button>
            <a class="btn btn-sm" href=move || csv("csv") rel="external" download="">
                "Download CSV"
            </a>
            <a class="btn btn-sm" href=move || parquet("parquet") rel="external" download="">
                "Download Parquet"
            </a>
        </p>
    }
}
