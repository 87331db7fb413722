//! Which line is which run, and the chart's values as a table.

use super::line_chart::hidden;
use crate::{
    charts::{
        Line,
        api::{Comparison, LEGIBLE},
        grouped, line_class, reading,
    },
    components::{Glyph, Icon, query_value, with_query},
    tracking::page_of_run,
};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// The address' `hide` with line number `line` the other way round.
fn turned(hide: &str, line: usize) -> String {
    let mut lines = hidden(hide);
    if !lines.remove(&line) {
        lines.insert(line);
    }
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[component]
pub fn Legend(
    team: String,
    found: RwSignal<Comparison>,
    /// The place that the chart is read at.
    cursor: RwSignal<Option<f64>>,
    /// The line that is pointed at here.
    pointed: RwSignal<Option<usize>>,
) -> impl IntoView {
    let rows = move || {
        let lines = found.with(|f| f.lines.iter().take(LEGIBLE).cloned().collect::<Vec<_>>());
        lines.into_iter().enumerate().map(|(i, line)| view! { <Row team=team.clone() number=i line cursor pointed /> }).collect_view()
    };
    let further = move || {
        let all = found.with(|f| f.lines.len());
        (all > LEGIBLE).then(|| view! { <p class="muted">{format!("The first {LEGIBLE} of {} lines. The CSV has all.", grouped(all))}</p> })
    };
    let first = move || if found.with(|f| f.query.group.is_empty()) { "Run" } else { "Group" };
    view! {
        <section aria-label="Runs">
            <div class="table-wrap">
                <table class="table stacked">
                    <caption class="sr-only">"Values of the chart by run"</caption>
                    <thead>
                        <tr>
                            <th scope="col">{first}</th>
                            <th scope="col" class="num">"Points"</th>
                            <th scope="col" class="num">"Least"</th>
                            <th scope="col" class="num">"Greatest"</th>
                            <th scope="col" class="num">"Last"</th>
                            <th scope="col" class="num">"At the pointer"</th>
                            <th scope="col"><span class="sr-only">"Shown"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {further}
        </section>
    }
}

#[component]
fn Row(team: String, number: usize, line: Line, cursor: RwSignal<Option<f64>>, pointed: RwSignal<Option<usize>>) -> impl IntoView {
    let (address, path, hide) = (use_query_map(), use_location().pathname, query_value("hide"));
    let is_hidden = Memo::new(move |_| hidden(&hide.read()).contains(&number));
    let toggle = move || with_query(&path.read(), &address.read(), "hide", &turned(&hide.read(), number));
    let swatch = format!("<polyline class=\"{}\" points=\"1,4 27,4\"/>", line_class(line.colour.unwrap_or(number)));
    let said = line.name.clone();
    let say = move || format!("{} {said}", if is_hidden.get() { "Show" } else { "Hide" });
    let value = |label: &'static str, value: Option<f64>| {
        let exact = value.map(|v| v.to_string());
        let text = value.map_or_else(|| "–".to_owned(), crate::charts::number);
        view! { <td class="num" data-label=label title=exact>{text}</td> }
    };
    let facet = Some(line.facet.clone()).filter(|facet| !facet.is_empty());
    let name = if line.run.as_str().is_empty() {
        let runs = if line.runs == 1 { "run" } else { "runs" };
        view! {
            <span class="mono wrap">{line.name.clone()}</span>
            {facet.clone().map(|facet| view! { <span class="muted mono wrap">{facet}</span> })}
            <span class="muted">{format!("{} {runs}", grouped(line.runs))}</span>
        }
        .into_any()
    } else {
        view! {
            <a href=page_of_run(&team, line.run.as_str())>{line.name.clone()}</a>
            {facet.map(|facet| view! { <span class="muted mono wrap">{facet}</span> })}
        }
        .into_any()
    };
    let (points, ends) = (line.points, [line.least, line.greatest, line.last]);
    let read =
        move || cursor.get().and_then(|x| reading(&line, x)).map_or_else(|| "–".to_owned(), |found| crate::charts::number(found.value));
    let point = move |at: bool| pointed.set((at && !is_hidden.get_untracked()).then_some(number));
    view! {
        <tr
            class:line-hidden=move || is_hidden.get()
            on:pointerenter=move |_| point(true)
            on:pointerleave=move |_| point(false)
            on:focusin=move |_| point(true)
            on:focusout=move |_| point(false)
        >
            <th scope="row">
                <span class="row">
                    <svg class="swatch" viewBox="0 0 28 8" aria-hidden="true" inner_html=swatch></svg>
                    {name}
                </span>
            </th>
            <td class="num" data-label="Points">{grouped(points)}</td>
            {value("Least", ends[0])}
            {value("Greatest", ends[1])}
            {value("Last", ends[2])}
            <td class="num" data-label="At the pointer">{read}</td>
            <td class="td-actions">
                <a class="btn btn-sm btn-ghost" href=toggle data-noscroll="true" aria-label=say>
                    <Icon glyph=Glyph::Eye />
                    {move || if is_hidden.get() { "Show" } else { "Hide" }}
                </a>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::turned;

    #[test]
    fn a_line_is_hidden_and_shown_again() {
        assert_eq!(turned("", 2), "2");
        assert_eq!(turned("2,0", 1), "0,1,2");
        assert_eq!(turned("0,1,2", 1), "0,2");
    }
}
