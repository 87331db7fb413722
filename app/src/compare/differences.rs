//! What differs between runs: their params, latest metrics and tags.

use crate::{
    charts::{api::Comparison, grouped, number},
    components::{query_value, with_query},
    tracking::page_of_run,
};
use domain::model::Run;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use std::collections::BTreeMap;

/// A key with each run's value, none where the run lacks it.
type Row = (String, Vec<Option<String>>);

fn rows<'a>(runs: &'a [Run], pairs: impl Fn(&'a Run) -> Vec<(&'a str, String)>, all: bool) -> Vec<Row> {
    let mut found: BTreeMap<&str, Vec<Option<String>>> = BTreeMap::new();
    for (i, run) in runs.iter().enumerate() {
        for (key, value) in pairs(run) {
            found.entry(key).or_insert_with(|| vec![None; runs.len()])[i] = Some(value);
        }
    }
    let differ = |values: &[Option<String>]| values.windows(2).any(|pair| pair[0] != pair[1]);
    found.into_iter().filter(|(_, values)| all || differ(values)).map(|(key, values)| (key.to_owned(), values)).collect()
}

/// Params, metrics and tags, in this order.
fn parts(runs: &[Run], all: bool) -> [(&'static str, Vec<Row>); 3] {
    [
        ("Params", rows(runs, |run| run.params.iter().map(|p| (p.key.as_str(), p.value.clone())).collect(), all)),
        ("Metrics", rows(runs, |run| run.metrics.iter().map(|m| (m.key.as_str(), number(m.value))).collect(), all)),
        ("Tags", rows(runs, |run| run.tags.iter().map(|t| (t.key.as_str(), t.value.clone())).collect(), all)),
    ]
}

#[component]
pub fn Differences(team: String, found: RwSignal<Comparison>) -> impl IntoView {
    let (address, path, diff) = (use_query_map(), use_location().pathname, query_value("diff"));
    let runs = Memo::new(move |_| found.with(|f| f.runs.clone()));
    let chip = move |value: &'static str, label: &'static str| {
        let href = move || with_query(&path.read(), &address.read(), "diff", value);
        view! {
            <a class="chip" href=href data-noscroll="true" aria-current=move || (*diff.read() == value).then_some("true")>
                {label}
            </a>
        }
    };
    let base = query_value("base");
    // The place of the run that the others are held against.
    let held = Memo::new(move |_| base.with(|base| runs.with(|runs| runs.iter().position(|run| run.id.as_str() == base))));
    let heads = move || {
        let head = |run: Run| {
            let is_base = *base.read() == run.id.as_str();
            let href = with_query(&path.read(), &address.read(), "base", if is_base { "" } else { run.id.as_str() });
            let label =
                if is_base { format!("{} is the base: compare without one", run.name) } else { format!("Compare with {}", run.name) };
            view! {
                <th scope="col">
                    <a href=page_of_run(&team, run.id.as_str())>{run.name}</a>
                    " "
                    <a class="chip base-chip" href=href data-noscroll="true" aria-label=label aria-current=is_base.then_some("true")>
                        "Base"
                    </a>
                </th>
            }
        };
        runs.get().into_iter().map(head).collect_view()
    };
    let body = move || {
        let (all, columns) = (*diff.read() == "all", runs.read().len() + 1);
        let part = |(title, rows): (&'static str, Vec<Row>)| {
            let none = rows.is_empty().then_some(if all { "None." } else { "No differences." });
            view! {
                <tbody>
                    <tr class="part">
                        <th scope="rowgroup" colspan=columns.to_string()>
                            {title}
                            {none.map(|text| view! { <span class="muted">" "{text}</span> })}
                        </th>
                    </tr>
                    {rows.into_iter().map(|found| row(found, held.get())).collect_view()}
                </tbody>
            }
        };
        parts(&runs.read(), all).into_iter().map(part).collect_view()
    };
    let further = move || {
        let (shown, all) = found.with(|f| (f.runs.len(), f.all));
        (all > shown).then(|| view! { <p class="muted">{format!("The first {shown} of {} runs.", grouped(all))}</p> })
    };
    view! {
        <section class="stack" aria-label="Differences">
            <div class="row">
                <h2>"Differences"</h2>
                <div class="chips" role="group" aria-label="Rows">
                    {chip("", "Only differences")}
                    {chip("all", "All")}
                </div>
            </div>
            {further}
            <div class="table-wrap" tabindex="0" role="group" aria-label="Differences by run">
                <table class="table diff-table">
                    <caption class="sr-only">"Params, latest metrics and tags of the runs"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            {heads}
                        </tr>
                    </thead>
                    {body}
                </table>
            </div>
        </section>
    }
}

/// How much a number is above or below another, and by how many parts in a hundred of it.
fn change(base: &str, value: &str) -> Option<String> {
    let (base, value) = (base.parse::<f64>().ok()?, value.parse::<f64>().ok()?);
    let by = value - base;
    if by == 0.0 || !by.is_finite() {
        return None;
    }
    let sign = if by > 0.0 { "+" } else { "−" };
    let share = if base == 0.0 { String::new() } else { format!(", {sign}{} %", number((by / base).abs() * 100.0)) };
    Some(format!("{sign}{}{share}", number(by.abs())))
}

/// A row; where a base is chosen, what differs from it stands out, and a number says by how much.
fn row((key, values): Row, base: Option<usize>) -> impl IntoView {
    let held = base.and_then(|base| values.get(base).cloned());
    let cell = |value: Option<String>| {
        let differs = held.as_ref().is_some_and(|held| *held != value);
        let by = held.as_ref().and_then(|held| change(held.as_deref()?, value.as_deref()?));
        match value {
            Some(value) => view! {
                <td class="mono wrap" class:differs=differs>
                    {value}
                    {by.map(|by| view! { <span class="muted num change">{by}</span> })}
                </td>
            }
            .into_any(),
            None => view! {
                <td class="faint" class:differs=differs>
                    "–"
                </td>
            }
            .into_any(),
        }
    };
    view! {
        <tr>
            <th scope="row" class="mono wrap">
                {key}
            </th>
            {values.into_iter().map(cell).collect_view()}
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::{change, rows};
    use domain::model::Run;

    #[test]
    fn a_number_says_how_far_from_the_base_it_is() {
        assert_eq!(change("0.5", "0.6").as_deref(), Some("+0.1, +20 %"));
        assert_eq!(change("-2", "-3").as_deref(), Some("−1, −50 %"));
        assert_eq!(change("0", "3").as_deref(), Some("+3"));
        assert_eq!([change("1", "1"), change("adam", "1"), change("1", "sgd")], [None, None, None]);
    }

    #[test]
    fn what_one_run_lacks_differs_and_what_is_the_same_is_left_out() {
        let runs: Vec<Run> = serde_json::from_value(serde_json::json!([run("a"), run("b")])).expect("runs");
        let names = |all| rows(&runs, pairs, all).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(
            (names(false), names(true)),
            (vec!["lr".to_owned(), "x".to_owned()], vec!["lr".to_owned(), "n".to_owned(), "x".to_owned()])
        );
        assert_eq!(rows(&runs, pairs, false)[1].1, [None, Some("0".to_owned())]);
    }

    fn pairs(run: &Run) -> Vec<(&str, String)> {
        let pairs: &[_] = if run.name == "a" { &[("lr", "1"), ("n", "5")] } else { &[("lr", "2"), ("x", "0"), ("n", "5")] };
        pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
    }

    fn run(name: &str) -> serde_json::Value {
        serde_json::json!({
            "id": name, "experiment": "0", "name": name, "user_id": "", "status": "RUNNING", "start_time": null, "end_time": null, "artifact_uri": "",
            "created_by": "", "notebook": null, "deleted_at": null, "metrics": [], "params": [], "tags": []
        })
    }
}
