//! A list of traces: of an experiment, or of one run.

use super::{
    api::{TraceLine, TraceLines},
    words::{TraceBadge, page_of_trace},
};
use crate::components::{CopyButton, EmptyState, Glyph, Time, duration, query_value, with_query};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

const SNIPPET: &str = "import mlflow\n\nwith mlflow.start_run():\n    with mlflow.start_span(\"answer\") as span:\n        span.set_inputs({\"question\": \"Why is the sky blue?\"})\n        span.set_outputs({\"answer\": \"Because of how air scatters light.\"})";

/// The traces of one page, and the way to the next.
#[component]
pub fn Traces(team: String, found: TraceLines) -> impl IntoView {
    let (query, path, page) = (use_query_map(), use_location().pathname, query_value("page"));
    if found.traces.is_empty() && page.read_untracked().is_empty() {
        return view! {
            <EmptyState glyph=Glyph::Activity title="No traces yet" text="What a generative application did for each request appears here, step by step.">
                <div class="snippet">
                    <pre class="mono" tabindex="0">{SNIPPET}</pre>
                    <CopyButton text=SNIPPET label="Copy code" />
                </div>
            </EmptyState>
        }
        .into_any();
    }
    let rows = found.traces.into_iter().map(|trace| view! { <Row href=page_of_trace(&team, &trace.id) trace /> }).collect_view();
    let to = |page: &str| with_query(&path.get_untracked(), &query.get_untracked(), "page", page);
    let first = (!page.read_untracked().is_empty()).then(|| to(""));
    let next = found.next.map(|next| to(&next));
    view! {
        <div class="table-wrap">
            <table class="table stacked">
                <caption class="sr-only">"Traces, the newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Trace"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Request"</th>
                        <th scope="col">"Response"</th>
                        <th scope="col" class="num">
                            "Duration"
                        </th>
                        <th scope="col" class="num">
                            "Assessments"
                        </th>
                        <th scope="col">"Started"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <div class="pager">
            {first.map(|href| view! { <a class="btn btn-sm" href=href>"First page"</a> })}
            {next.map(|href| view! { <a class="btn btn-sm" rel="next" href=href>"Next page"</a> })}
        </div>
    }
    .into_any()
}

#[component]
fn Row(href: String, trace: TraceLine) -> impl IntoView {
    let (request, response) = (trace.request.clone(), trace.response.clone());
    view! {
        <tr>
            <th scope="row" class="wrap">
                <a class="row-link" data-row href=href>
                    {trace.name}
                </a>
            </th>
            <td data-label="State">
                <TraceBadge state=trace.state />
            </td>
            <td data-label="Request" class="clip" title=request>
                {trace.request}
            </td>
            <td data-label="Response" class="clip" title=response>
                {trace.response}
            </td>
            <td data-label="Duration" class="num">
                {trace.duration.map_or_else(|| "–".to_owned(), duration)}
            </td>
            <td data-label="Assessments" class="num">
                {trace.assessments}
            </td>
            <td data-label="Started">
                <Time at=trace.at />
            </td>
        </tr>
    }
}
