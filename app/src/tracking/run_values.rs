//! What a run has logged: its metrics, params and tags, whole with search and order, or the first few of them.

use super::words::number;
use crate::components::{Column, FilterBar, ListTable, SearchField, Time, query_value, sort_order};
use domain::model::{Metric, Tag};
use leptos::prelude::*;

/// What `all` draws, or a line where the run has logged nothing of the kind.
fn or_none<T: Send + Sync + 'static, V: IntoView + 'static>(
    what: &'static str,
    values: Memo<Vec<T>>,
    all: impl Fn() -> V + Send + 'static,
) -> impl IntoView {
    let none = Memo::new(move |_| values.with(Vec::is_empty));
    move || if none.get() { view! { <p class="muted">{format!("No {what} yet.")}</p> }.into_any() } else { all().into_any() }
}

const PAIR_COLUMNS: &[Column] = &[Column::sorted("name", "Name"), Column::sorted("value", "Value")];

fn arranged_pairs(pairs: &[Tag], text: &str, sort: &str) -> Vec<Tag> {
    let text = text.trim().to_lowercase();
    let has = |p: &&Tag| p.key.to_lowercase().contains(&text) || p.value.to_lowercase().contains(&text);
    let mut found: Vec<Tag> = pairs.iter().filter(has).cloned().collect();
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "value" => (&a.value, &a.key).cmp(&(&b.value, &b.key)),
            _ => a.key.cmp(&b.key),
        };
        sort_order(sort, order)
    });
    found
}

/// Every param.
#[component]
pub(super) fn Pairs(what: &'static str, caption: &'static str, pairs: Memo<Vec<Tag>>) -> impl IntoView {
    let (text, sort) = (query_value("q"), query_value("sort"));
    let found = Memo::new(move |_| pairs.with(|pairs| arranged_pairs(pairs, &text.read(), &sort.read())));
    or_none(what, pairs, move || {
        view! {
            <TabFilter tab=what label="Find by name or value" />
            <ListTable
                caption
                columns=PAIR_COLUMNS
                default="name"
                nothing="Nothing matches. Try fewer letters."
                none=Signal::derive(move || found.with(Vec::is_empty))
            >
                {move || found.get().into_iter().map(pair_row).collect_view()}
            </ListTable>
        }
    })
}

/// A search box that stays on its tab, also without scripts.
#[component]
fn TabFilter(tab: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <FilterBar label="Filter">
            <input type="hidden" name="tab" value=tab />
            <SearchField label />
        </FilterBar>
    }
}

fn metric_row(metric: Metric) -> impl IntoView {
    view! {
        <tr>
            <th scope="row" class="mono wrap">
                {metric.key}
            </th>
            <td data-label="Latest" class="num" title=metric.value.to_string()>
                {number(metric.value)}
            </td>
            <td data-label="Step" class="num">{metric.step}</td>
            <td data-label="Logged">
                <Time at=metric.timestamp />
            </td>
        </tr>
    }
}

fn pair_row(pair: Tag) -> impl IntoView {
    view! {
        <tr>
            <th scope="row" class="mono wrap">
                {pair.key}
            </th>
            <td data-label="Value" class="mono wrap">{pair.value}</td>
        </tr>
    }
}

/// The first metrics of the run.
#[component]
pub(super) fn MetricsTable(metrics: Memo<Vec<Metric>>) -> impl IntoView {
    or_none("metrics", metrics, move || {
        view! {
            <div class="table-wrap">
                <table class="table">
                    <caption class="sr-only">"Latest value of each metric"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Metric"</th>
                            <th scope="col" class="num">
                                "Latest"
                            </th>
                            <th scope="col" class="num">
                                "Step"
                            </th>
                            <th scope="col">"Logged"</th>
                        </tr>
                    </thead>
                    <tbody>{move || metrics.get().into_iter().map(metric_row).collect_view()}</tbody>
                </table>
            </div>
        }
    })
}

/// The first params of the run.
#[component]
pub(super) fn ParamsTable(params: Memo<Vec<Tag>>) -> impl IntoView {
    or_none("params", params, move || {
        view! {
            <div class="table-wrap">
                <table class="table pairs-table">
                    <caption class="sr-only">"The run's params"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Value"</th>
                        </tr>
                    </thead>
                    <tbody>{move || params.get().into_iter().map(pair_row).collect_view()}</tbody>
                </table>
            </div>
        }
    })
}
