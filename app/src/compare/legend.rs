//! Which line is which run, and the chart's values as a table.

use super::compare_page::hidden;
use crate::{
    charts::{Line, api::Comparison, grouped, line_class},
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
pub fn Legend(team: String, found: RwSignal<Comparison>) -> impl IntoView {
    let rows = move || {
        let lines = found.with(|f| f.lines.clone());
        lines.into_iter().enumerate().map(|(i, line)| view! { <Row team=team.clone() number=i line /> }).collect_view()
    };
    view! {
        <section aria-label="Runs">
            <div class="table-wrap">
                <table class="table stacked">
                    <caption class="sr-only">"Values of the chart by run"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Run"</th>
                            <th scope="col" class="num">"Points"</th>
                            <th scope="col" class="num">"Least"</th>
                            <th scope="col" class="num">"Greatest"</th>
                            <th scope="col" class="num">"Last"</th>
                            <th scope="col"><span class="sr-only">"Shown"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn Row(team: String, number: usize, line: Line) -> impl IntoView {
    let (address, path, hide) = (use_query_map(), use_location().pathname, query_value("hide"));
    let is_hidden = Memo::new(move |_| hidden(&hide.read()).contains(&number));
    let toggle = move || with_query(&path.read(), &address.read(), "hide", &turned(&hide.read(), number));
    let swatch = format!("<polyline class=\"{}\" points=\"1,4 27,4\"/>", line_class(number));
    let said = line.name.clone();
    let say = move || format!("{} {said}", if is_hidden.get() { "Show" } else { "Hide" });
    let value = |label: &'static str, value: Option<f64>| {
        let exact = value.map(|v| v.to_string());
        let text = value.map_or_else(|| "–".to_owned(), crate::charts::number);
        view! { <td class="num" data-label=label title=exact>{text}</td> }
    };
    view! {
        <tr class:line-hidden=move || is_hidden.get()>
            <th scope="row">
                <span class="row">
                    <svg class="swatch" viewBox="0 0 28 8" aria-hidden="true" inner_html=swatch></svg>
                    <a href=page_of_run(&team, line.run.as_str())>{line.name.clone()}</a>
                </span>
            </th>
            <td class="num" data-label="Points">{grouped(line.points)}</td>
            {value("Least", line.least)}
            {value("Greatest", line.greatest)}
            {value("Last", line.last)}
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
