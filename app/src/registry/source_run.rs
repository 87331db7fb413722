//! The run that a version comes from: what it logged last, and how to make it again.

use super::api::SourceRun;
use crate::tracking::{RunBadge, number, page_of_run};
use domain::model::{Metric, Tag};
use leptos::prelude::*;

/// Metrics or params that are shown; the run's page has all.
const SHOWN: usize = 12;

#[component]
pub fn SourceRunCard(team: String, run: SourceRun) -> impl IntoView {
    let href = page_of_run(&team, run.id.as_str());
    let again = format!("{href}?tab=reproduce");
    let more = run.metrics.len().saturating_sub(SHOWN) + run.params.len().saturating_sub(SHOWN);
    let metrics = run.metrics.into_iter().take(SHOWN).map(metric).collect::<Vec<_>>();
    let params = run.params.into_iter().take(SHOWN).map(param).collect::<Vec<_>>();
    view! {
        <section class="card panel" aria-labelledby="run-head">
            <div class="section-head">
                <h2 id="run-head">"Source run"</h2>
                <RunBadge status=run.status />
            </div>
            <p>
                <a href=href>{run.name}</a>
                " · "
                <a href=again>"How to make it again"</a>
            </p>
            <Values title="Metrics" values=metrics />
            <Values title="Params" values=params />
            {(more > 0).then(|| view! { <p class="muted">{format!("{more} more are on the run's page.")}</p> })}
        </section>
    }
}

fn metric(metric: Metric) -> (String, String) {
    (metric.key, number(metric.value))
}

fn param(param: Tag) -> (String, String) {
    let start = domain::model::cut(&param.value, 200);
    let value = if start.len() == param.value.len() { param.value.clone() } else { format!("{start}…") };
    (param.key, value)
}

#[component]
fn Values(title: &'static str, values: Vec<(String, String)>) -> impl IntoView {
    (!values.is_empty()).then(|| {
        let rows = values
            .into_iter()
            .map(|(key, value)| view! { <div><dt class="mono wrap">{key}</dt><dd class="mono wrap num">{value}</dd></div> })
            .collect_view();
        view! {
            <div class="stack-sm">
                <h3>{title}</h3>
                <dl class="values">{rows}</dl>
            </div>
        }
    })
}
