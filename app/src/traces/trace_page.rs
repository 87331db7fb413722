//! One trace: its spans as a waterfall, the details of one of them, and what was said about it.

use super::{
    api::{Said, SpanLine, TraceDetail, get_trace},
    span::SpanCard,
    words::{SpanBadge, TraceBadge, nanos, traces_of_experiment},
};
use crate::{
    components::{CopyButton, Crumb, Fact, LoadingPage, Page, Time, count, exact_time, page_or_error, query_value, use_team},
    live::{kept_current, use_live},
    tracking::{page_of_experiment, page_of_run},
};
use domain::model::{Change, ExperimentId, SpanStatus, Tag};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use wasm_bindgen::JsCast;

#[component]
pub fn TracePage() -> impl IntoView {
    let (team, live, params) = (use_team(), use_live(), use_params_map());
    let id = Memo::new(move |_| params.with(|p| p.get_str("trace").unwrap_or_default().to_owned()));
    let span = query_value("span");
    let experiment = StoredValue::new(None::<ExperimentId>);
    let changes = live.changes_in(team.into(), move |event| match &event.change {
        // Of which it is, the first answer tells.
        Change::Traces { experiment: changed } => experiment.with_value(|shown| shown.as_ref().is_none_or(|shown| shown == changed)),
        _ => false,
    });
    let begun = StoredValue::new(String::new());
    let first = Resource::new(
        move || {
            begun.set_value(span.get_untracked());
            (team.get(), id.get(), begun.get_value())
        },
        move |(team, id, span)| async move {
            live.positioned().await;
            get_trace(team, id, span).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Trace" /> }>
            {move || Suspend::new(async move {
                let team = team.get_untracked();
                page_or_error(first.await, |first| {
                    experiment.set_value(Some(first.experiment.clone()));
                    let (id, begun) = (first.line.id.clone(), begun.get_value());
                    let again = team.clone();
                    let found = kept_current(
                        first,
                        (begun, 0),
                        move || (span.get(), changes.get()),
                        move |(span, _)| get_trace(again.clone(), id.clone(), span),
                    );
                    view! { <TraceView team found /> }
                })
            })}
        </Transition>
    }
}

#[component]
fn TraceView(team: String, found: RwSignal<TraceDetail>) -> impl IntoView {
    let first = found.get_untracked();
    let said = Memo::new(move |_| found.with(|f| f.assessments.clone()));
    let (tags, metadata) = (Memo::new(move |_| found.with(|f| f.tags.clone())), Memo::new(move |_| found.with(|f| f.metadata.clone())));
    let spans = Memo::new(move |_| found.with(|f| (f.spans.clone(), f.length)));
    let chosen = Memo::new(move |_| found.with(|f| f.chosen.clone()));
    let chosen_id = Memo::new(move |_| chosen.with(|c| c.as_ref().map(|c| c.line.id.clone()).unwrap_or_default()));
    let (line, experiment) = (first.line, first.experiment.0);
    let crumbs = vec![
        Crumb::new(team.clone(), format!("/t/{team}")),
        Crumb::new("Experiments", format!("/t/{team}/experiments")),
        Crumb::new(first.experiment_name, page_of_experiment(&team, &experiment)),
        Crumb::new("Traces", traces_of_experiment(&team, &experiment)),
    ];
    let run = first.run.map(|run| {
        let href = format!("{}?tab=traces", page_of_run(&team, run.as_str()));
        view! { <Fact name="Run"><a class="mono wrap" href=href>{run.0}</a></Fact> }
    });
    let state = Memo::new(move |_| found.with(|f| f.line.state));
    let counted = Memo::new(move |_| {
        let (shown, all) = found.with(|f| (f.spans.len(), f.count));
        if shown < all { format!("The first {shown} of {}", count(all, "span", "spans")) } else { count(shown, "span", "spans") }
    });
    let took = Memo::new(move |_| found.with(|f| f.line.duration.map(|ms| nanos(ms.saturating_mul(1_000_000)))));
    view! {
        <Page title=line.name crumbs status=move || view! { {move || view! { <TraceBadge state=state.get() /> }} }>
            <section class="card pad" aria-label="Facts">
                <dl class="profile">
                    <Fact name="Trace id">
                        <span class="mono wrap">{line.id.clone()}</span>
                        <CopyButton text=line.id label="Copy trace id" />
                    </Fact>
                    <Fact name="Started">
                        <span>
                            <Time at=line.at />
                            " "
                            <span class="muted">{exact_time(line.at)}</span>
                        </span>
                    </Fact>
                    {move || took.get().map(|took| view! { <Fact name="Took">{took}</Fact> })}
                    {run}
                </dl>
            </section>
            <p class="muted">{counted}" · arrow keys go through them"</p>
            <div class="trace">
                {move || spans.with(|(lines, length)| view! { <Waterfall lines=lines.clone() length=*length chosen=chosen_id /> })}
                {move || chosen.get().map(|span| view! { <SpanCard span /> })}
            </div>
            {move || view! { <Assessments said=said.get() /> }}
            <Pairs title="Tags" pairs=tags />
            <Pairs title="Metadata" pairs=metadata />
        </Page>
    }
}

/// The spans as a table, each with its bar.
#[component]
fn Waterfall(lines: Vec<SpanLine>, length: i64, chosen: Memo<String>) -> impl IntoView {
    let table = NodeRef::<leptos::html::Tbody>::new();
    let go = move |ev: leptos::ev::KeyboardEvent| {
        let step = match ev.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        if ev.ctrl_key() || ev.meta_key() || ev.alt_key() || ev.shift_key() {
            return;
        }
        let Some(links) = table.get_untracked().and_then(|t| t.query_selector_all("a").ok()) else { return };
        let all: Vec<web_sys::HtmlElement> = (0..links.length()).filter_map(|i| links.item(i)?.dyn_into().ok()).collect();
        let Some(now) = document().active_element() else { return };
        let Some(at) = all.iter().position(|link| link.is_same_node(Some(&now))) else { return };
        ev.prevent_default();
        if let Some(next) = at.checked_add_signed(step).and_then(|at| all.get(at)) {
            _ = next.focus();
            next.click();
        }
    };
    let rows = lines.into_iter().map(|line| view! { <SpanRow line length chosen /> }).collect_view();
    view! {
        <div class="table-wrap">
            <table class="table waterfall">
                <caption class="sr-only">"Spans of the trace, each below the one that it is a step of"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Span"</th>
                        <th scope="col">"Type"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="num">
                            "Began"
                        </th>
                        <th scope="col" class="num">
                            "Took"
                        </th>
                        <th scope="col" class="waterfall-time">
                            "Time"
                        </th>
                    </tr>
                </thead>
                <tbody node_ref=table on:keydown=go>
                    {rows}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn SpanRow(line: SpanLine, length: i64, chosen: Memo<String>) -> impl IntoView {
    let (id, ended) = (line.id.clone(), line.lasted.is_some());
    let current = move || chosen.with(|chosen| *chosen == id).then_some("true");
    let (x, width) = bar(line.from, line.lasted, length);
    let class = if line.status == SpanStatus::Error { "span-bar failed" } else { "span-bar" };
    view! {
        <tr>
            <th scope="row">
                <a class=format!("row-link span-depth-{}", line.depth) href=format!("?span={}", line.id) data-noscroll="true" aria-current=current>
                    {line.name}
                </a>
            </th>
            <td class="muted">{line.kind}</td>
            <td>
                <SpanBadge status=line.status ended />
            </td>
            <td class="num">{nanos(line.from)}</td>
            <td class="num">{line.lasted.map_or_else(|| "–".to_owned(), nanos)}</td>
            <td class="waterfall-time">
                <svg viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                    <rect class=class x=x y="1" width=width height="10"></rect>
                </svg>
            </td>
        </tr>
    }
}

/// Where the bar begins and how wide it is, of 1000; one without an end goes to the end.
fn bar(from: i64, lasted: Option<i64>, length: i64) -> (i64, i64) {
    let length = i128::from(length.max(1));
    let place = |at: i64| i64::try_from(i128::from(at.max(0)) * 1000 / length).unwrap_or(1000).clamp(0, 1000);
    let x = place(from).min(996);
    let end = lasted.map_or(1000, |lasted| place(from.saturating_add(lasted)));
    (x, (end - x).max(4))
}

#[component]
fn Assessments(said: Vec<Said>) -> impl IntoView {
    if said.is_empty() {
        return ().into_any();
    }
    let rows = said
        .into_iter()
        .map(|s| {
            let span = s.span.map(|span| view! { <a class="mono" href=format!("?span={span}") data-noscroll="true">{span.clone()}</a> });
            view! {
                <tr>
                    <th scope="row" class="wrap">
                        {s.name}
                        <span class="sub">{s.kind}</span>
                    </th>
                    <td data-label="Value" class="wrap">{s.value}</td>
                    <td data-label="Why" class="wrap">{s.rationale}</td>
                    <td data-label="By" class="wrap">{s.by}</td>
                    <td data-label="Span">{span}</td>
                    <td data-label="Said">
                        <Time at=s.at />
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="section-gap" aria-label="Assessments">
            <h2>"Assessments"</h2>
            <div class="table-wrap">
                <table class="table stacked">
                    <caption class="sr-only">"What people, judges and programs say about the trace"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Value"</th>
                            <th scope="col">"Why"</th>
                            <th scope="col">"By"</th>
                            <th scope="col">"Span"</th>
                            <th scope="col">"Said"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Pairs(title: &'static str, pairs: Memo<Vec<Tag>>) -> impl IntoView {
    let line = |tag: &Tag| {
        view! {
            <div>
                <dt class="mono wrap">{tag.key.clone()}</dt>
                <dd class="mono wrap">{tag.value.clone()}</dd>
            </div>
        }
    };
    let some = Memo::new(move |_| pairs.with(|pairs| !pairs.is_empty()));
    view! {
        <Show when=move || some.get()>
            <details class="card pad need">
                <summary>{title}</summary>
                <dl class="profile">{move || pairs.with(|pairs| pairs.iter().map(line).collect_view())}</dl>
            </details>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn every_span_has_a_bar_that_is_seen_and_stays_inside() {
        assert_eq!(bar(0, Some(100), 100), (0, 1000));
        assert_eq!(bar(50, Some(25), 100), (500, 250));
        assert_eq!(bar(100, Some(0), 100), (996, 4));
        assert_eq!(bar(10, None, 100), (100, 900));
        assert_eq!(bar(0, Some(0), 0), (0, 4));
        assert_eq!(bar(i64::MAX, Some(i64::MAX), i64::MAX), (996, 4));
    }
}
