//! How a chart is drawn, chosen: fields of a GET form whose values are in the address.

use super::query::{Query, SMOOTHEST, XAxis};
use crate::components::{FilterBar, query_value, with_query};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};

/// What the address asks to be drawn, in a chart of `width` pixels.
pub fn use_chart_query(width: u32) -> Memo<Query> {
    let query = use_query_map();
    Memo::new(move |_| {
        query.with(|q| {
            let text = |name| q.get_str(name).unwrap_or_default();
            let number = |name| text(name).trim().parse::<f64>().ok();
            let query = Query {
                metric: text("metric").to_owned(),
                x: XAxis::named(text("x")),
                log: text("y") == "log",
                smooth: number("smooth").unwrap_or_default(),
                from: number("from"),
                to: number("to"),
                width,
            };
            query.sound()
        })
    })
}

/// Sets a value of the address, and stays where one is.
fn use_follow() -> impl Fn(&str, &str) + Clone {
    let (query, location, navigate) = (use_query_map(), use_location(), use_navigate());
    move |name, value| {
        let mut query = query.get_untracked();
        if name == "x" {
            // They are in the unit of the axis that was.
            query.remove("from");
            query.remove("to");
        }
        let to = with_query(&location.pathname.get_untracked(), &query, name, value);
        navigate(&to, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    }
}

/// The choice of axes, smoothing and range. `children` come before it in the form.
#[component]
pub fn Controls(
    query: Memo<Query>,
    /// Metrics to choose from; none where each has a chart of its own.
    #[prop(optional)]
    metrics: Option<Signal<Vec<String>>>,
    /// The metric that is drawn.
    #[prop(optional, into)]
    metric: Signal<String>,
    children: Children,
) -> impl IntoView {
    let follow = use_follow();
    let (follow_metric, follow_x, follow_log, follow_smooth) = (follow.clone(), follow.clone(), follow.clone(), follow.clone());
    let (follow_from, follow_to) = (follow.clone(), follow);
    let axis = move || query.with(|q| XAxis::ALL.iter().find(|(axis, _, _)| *axis == q.x).map_or("step", |(_, name, _)| name));
    let axes = XAxis::ALL.map(|(axis, name, text)| {
        let selected = query.with_untracked(|q| q.x == axis);
        view! { <option value=name selected=selected>{text}</option> }
    });
    let smooth = move || query.with(|q| format!("{:.2}", q.smooth));
    let (from, to) = (query_value("from"), query_value("to"));
    let choice = metrics.map(|metrics| {
        view! {
            <label class="row">
                "Metric"
                <select
                    class="input select mono"
                    name="metric"
                    prop:value=move || metric.get()
                    on:change:target=move |ev| follow_metric("metric", &ev.target().value())
                >
                    {move || {
                        let options = metrics.get().into_iter();
                        options
                            .map(|key| {
                                let selected = key == metric.get_untracked();
                                view! { <option value=key.clone() selected=selected>{key.clone()}</option> }
                            })
                            .collect_view()
                    }}
                </select>
            </label>
        }
    });
    view! {
        <FilterBar label="Chart">
            {children()}
            {choice}
            <label class="row">
                "Axis"
                <select class="input select" name="x" prop:value=axis on:change:target=move |ev| follow_x("x", &ev.target().value())>
                    {axes}
                </select>
            </label>
            <label class="row">
                <input
                    type="checkbox"
                    name="y"
                    value="log"
                    checked=query.with_untracked(|q| q.log)
                    prop:checked=move || query.with(|q| q.log)
                    on:change:target=move |ev| follow_log("y", if ev.target().checked() { "log" } else { "" })
                />
                "Logarithmic"
            </label>
            <label class="row">
                "Smoothing"
                <input
                    type="range"
                    name="smooth"
                    min="0"
                    max=SMOOTHEST.to_string()
                    step="0.01"
                    value=query.with_untracked(|q| q.smooth.to_string())
                    prop:value=move || query.with(|q| q.smooth.to_string())
                    on:change:target=move |ev| {
                        let value = ev.target().value();
                        follow_smooth("smooth", if value == "0" { "" } else { &value });
                    }
                />
                <output class="num">{smooth}</output>
            </label>
            <label class="row">
                "From"
                <input
                    class="input chart-end"
                    type="number"
                    name="from"
                    step="any"
                    value=from.get_untracked()
                    prop:value=move || from.get()
                    on:change:target=move |ev| follow_from("from", &ev.target().value())
                />
            </label>
            <label class="row">
                "to"
                <input
                    class="input chart-end"
                    type="number"
                    name="to"
                    step="any"
                    value=to.get_untracked()
                    prop:value=move || to.get()
                    on:change:target=move |ev| follow_to("to", &ev.target().value())
                />
            </label>
            <button type="submit" class="btn without-js">
                "Draw chart"
            </button>
        </FilterBar>
    }
}

/// A picture that one may also be told about.
#[component]
pub fn Plot(#[prop(into)] label: Signal<String>, #[prop(into)] svg: Signal<String>) -> impl IntoView {
    view! { <div class="chart-plot" role="img" aria-label=move || label.get() inner_html=move || svg.get()></div> }
}
