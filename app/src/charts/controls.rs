//! How a chart is drawn, chosen: fields of a GET form whose values are in the address.

use super::{
    expression::Expression,
    query::{Band, Middle, Outliers, Query, SMOOTHEST, XAxis},
    scale::Scale,
    smooth::Smoothing,
    values::Look,
};
use crate::components::{FilterBar, query_value, with_query};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};

/// What the address asks to be drawn, in a chart of `width` pixels.
pub fn use_chart_query(width: u32) -> Memo<Query> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|q| Query::of(|name| q.get_str(name), width)))
}

/// How a chart of values is looked at, as the address asks.
pub fn use_look() -> Memo<Look> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|q| Look::of(|name| q.get_str(name))))
}

/// Sets values of the address, and stays where one is.
pub fn use_follow() -> impl Fn(&[(&str, &str)]) + Clone {
    let (query, location, navigate) = (use_query_map(), use_location(), use_navigate());
    move |values| {
        let mut query = query.get_untracked();
        if values.iter().any(|(name, _)| *name == "x") {
            // They are in the unit of the axis that was.
            query.remove("from");
            query.remove("to");
        }
        let Some(((name, value), others)) = values.split_first() else { return };
        for (name, value) in others {
            query.remove(name);
            if !value.is_empty() {
                query.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        let to = with_query(&location.pathname.get_untracked(), &query, name, value);
        navigate(&to, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    }
}

/// One of a few, kept in the address as `name`. The first of them goes without saying.
#[component]
pub fn Choice<T: Copy + PartialEq + Send + Sync + 'static>(
    label: &'static str,
    name: &'static str,
    all: &'static [(T, &'static str, &'static str)],
    #[prop(into)] now: Signal<T>,
) -> impl IntoView {
    let follow = use_follow();
    let value = move || all.iter().find(|(choice, _, _)| *choice == now.get()).map_or("", |(_, value, _)| value);
    let option = |(choice, value, text): &(T, &'static str, &'static str)| {
        let selected = now.get_untracked() == *choice;
        view! { <option value=*value selected=selected>{*text}</option> }
    };
    view! {
        <label class="row">
            {label}
            <select class="input select" name=name prop:value=value on:change:target=move |ev| follow(&[(name, &ev.target().value())])>
                {all.iter().map(option).collect_view()}
            </select>
        </label>
    }
}

/// One of some texts, kept in the address as `name`.
#[component]
pub fn Named(
    label: &'static str,
    name: &'static str,
    #[prop(into)] all: Signal<Vec<String>>,
    #[prop(into)] now: Signal<String>,
    /// What an empty choice is called; without it there is none.
    #[prop(optional)]
    none: &'static str,
) -> impl IntoView {
    let follow = use_follow();
    let options = move || {
        let option = |text: String| {
            let (selected, value) = (text == now.get_untracked(), text.clone());
            view! { <option value=value selected=selected>{text}</option> }
        };
        all.get().into_iter().map(option).collect_view()
    };
    view! {
        <label class="row">
            {label}
            <select class="input select mono chart-key" name=name prop:value=move || now.get() on:change:target=move |ev| follow(&[(name, &ev.target().value())])>
                {(!none.is_empty()).then(|| view! { <option value="">{none}</option> })}
                {options}
            </select>
        </label>
    }
}

/// One end of the part of the axis that is shown.
#[component]
fn End(label: &'static str, name: &'static str) -> impl IntoView {
    let (follow, value) = (use_follow(), query_value(name));
    view! {
        <label class="row">
            {label}
            <input
                class="input chart-end"
                type="number"
                name=name
                step="any"
                value=value.get_untracked()
                prop:value=move || value.get()
                on:change:target=move |ev| follow(&[(name, &ev.target().value())])
            />
        </label>
    }
}

/// What is drawn instead of a metric, typed.
#[component]
fn ExpressionField(metrics: Signal<Vec<String>>) -> impl IntoView {
    let (follow, value) = (use_follow(), query_value("expression"));
    let wrong = Memo::new(move |_| value.with(|text| if text.trim().is_empty() { None } else { Expression::read(text).err() }));
    let quoted = |key: String| if key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') { key } else { format!("`{key}`") };
    let example = move || {
        let names: Vec<String> = metrics.with(|all| all.iter().take(2).cloned().map(quoted).collect());
        if names.len() == 2 { names.join(" / ") } else { "log(loss)".to_owned() }
    };
    view! {
        <label class="row">
            "Expression"
            <input
                class="input mono chart-key"
                type="text"
                name="expression"
                autocomplete="off"
                spellcheck="false"
                placeholder=example
                value=value.get_untracked()
                prop:value=move || value.get()
                aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                aria-describedby="expression-wrong"
                on:change:target=move |ev| follow(&[("expression", ev.target().value().trim())])
            />
        </label>
        <span id="expression-wrong" class="field-error" role="status">
            {move || wrong.get()}
        </span>
    }
}

/// The choice of axes, smoothing, groups and range. `children` come before it in the form.
#[component]
pub fn Controls(
    query: Memo<Query>,
    /// Metrics to choose from; none where each has a chart of its own.
    #[prop(optional)]
    metrics: Option<Signal<Vec<String>>>,
    /// The metric that is drawn.
    #[prop(optional, into)]
    metric: Signal<String>,
    /// What runs may be grouped by, and parted by into charts of their own; none where there is one run.
    #[prop(optional)]
    groups: Option<Signal<Vec<String>>>,
    children: Children,
) -> impl IntoView {
    let follow = use_follow();
    let axes: &'static [_] = if metrics.is_some() { &XAxis::ALL } else { &XAxis::OWN };
    let other = metrics.map(|metrics| {
        let all = Signal::derive(move || metrics.with(|all| all.iter().map(|key| format!("metrics.{key}")).collect()));
        let now = Memo::new(move |_| query.with(|q| q.horizontal.clone()));
        view! {
            <Show when=move || query.with(|q| q.x == XAxis::Metric)>
                <Named label="of" name="horizontal" all now none="the first other" />
            </Show>
        }
    });
    let facets = groups.map(|groups| {
        let now = Memo::new(move |_| query.with(|q| q.facet.clone()));
        view! { <Named label="A chart for each" name="facet" all=groups now none="One chart" /> }
    });
    let smooth = move || query.with(|q| format!("{:.2}", q.smooth));
    let grouping = groups.map(|groups| {
        let group = Memo::new(move |_| query.with(|q| q.group.clone()));
        view! {
            <Named label="Group by" name="group" all=groups now=group none="Each run" />
            <Show when=move || !group.read().is_empty()>
                <Choice label="Middle" name="middle" all=&Middle::ALL now=Memo::new(move |_| query.with(|q| q.middle)) />
                <Choice label="Band" name="band" all=&Band::ALL now=Memo::new(move |_| query.with(|q| q.band)) />
            </Show>
        }
    });
    view! {
        <FilterBar label="Chart">
            {children()}
            {metrics.map(|all| view! { <Named label="Metric" name="metric" all now=metric /> })}
            {metrics.map(|all| view! { <ExpressionField metrics=all /> })}
            {grouping}
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
                        follow(&[("smooth", if value == "0" { "" } else { &value })]);
                    }
                />
                <output class="num">{smooth}</output>
            </label>
            <details class="chart-more">
                <summary class="btn btn-sm">"Axes and smoothing"</summary>
                <div class="chart-more-body">
                    <Choice label="Axis" name="x" all=axes now=Memo::new(move |_| query.with(|q| q.x)) />
                    {other}
                    <Choice label="across" name="across" all=&Scale::ALL now=Memo::new(move |_| query.with(|q| q.across)) />
                    <Choice label="Values" name="y" all=&Scale::ALL now=Memo::new(move |_| query.with(|q| q.up)) />
                    <Choice label="Kind" name="smoothing" all=&Smoothing::ALL now=Memo::new(move |_| query.with(|q| q.smoothing)) />
                    <Choice label="Outliers" name="outliers" all=&Outliers::ALL now=Memo::new(move |_| query.with(|q| q.outliers)) />
                    {facets}
                    <End label="From" name="from" />
                    <End label="to" name="to" />
                </div>
            </details>
            <button type="submit" class="btn without-js">
                "Draw chart"
            </button>
        </FilterBar>
    }
}
