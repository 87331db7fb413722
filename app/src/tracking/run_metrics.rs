//! Every metric of a run: latest value, bounds, number of points, and its course.

use super::metrics_api::{HEIGHT, MetricLine, MetricsPage, run_metrics};
use crate::{
    components::{Column, ErrorNote, FilterBar, ListTable, Loading, Pager, SearchField, Time, count, query_value},
    live::kept_current,
};
use domain::model::RunId;
use leptos::prelude::*;
use std::fmt::Write as _;

const COLUMNS: &[Column] = &[
    Column::sorted("name", "Metric"),
    Column::plain("Course"),
    Column::numbers("latest", "Latest"),
    Column::plain("Least"),
    Column::plain("Greatest"),
    Column::plain("Points"),
    Column::numbers("step", "Step"),
    Column::sorted("logged", "Logged"),
];

#[component]
pub fn RunMetrics(team: String, run: RunId, changes: RwSignal<u32>) -> impl IntoView {
    let (text, sort, page) = (query_value("q"), query_value("sort"), query_value("page"));
    let asked = move || (text.get(), sort.get(), page.read().parse::<usize>().unwrap_or(1));
    let place = StoredValue::new((team, run));
    let ask = move |(text, sort, page): (String, String, usize)| {
        let (team, run) = place.get_value();
        run_metrics(team, run, text, sort, page)
    };
    let begun = StoredValue::new(untrack(|| (asked(), changes.get())));
    let first = Resource::new(move || begun.get_value().0, ask);
    view! {
        <FilterBar>
            <input type="hidden" name="tab" value="metrics" />
            <SearchField label="Find a metric" />
        </FilterBar>
        <Transition fallback=|| view! { <Loading /> }>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => {
                        let found = kept_current(first, begun.get_value(), move || (asked(), changes.get()), move |(asked, _)| ask(asked));
                        view! { <Found found /> }.into_any()
                    }
                    Err(error) => view! { <ErrorNote error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Found(found: RwSignal<MetricsPage>) -> impl IntoView {
    let none = Memo::new(move |_| found.with(|f| f.all == 0));
    let counted = move || {
        found.with(|f| {
            if f.matching == f.all {
                count(f.all, "metric", "metrics")
            } else {
                format!("{} of {}", f.matching, count(f.all, "metric", "metrics"))
            }
        })
    };
    let page = Signal::derive(move || found.with(|f| f.page));
    let pages = Signal::derive(move || found.with(|f| f.pages));
    move || {
        if none.get() {
            return view! { <p class="muted">"No metrics yet. What the run logs appears here at once."</p> }.into_any();
        }
        view! {
            <p class="muted" role="status">
                {counted}
            </p>
            <ListTable
                caption="Metrics of the run"
                columns=COLUMNS
                default="name"
                nothing="No metric matches. Try fewer letters."
                none=Signal::derive(move || found.with(|f| f.lines.is_empty()))
            >
                {move || found.with(|f| f.lines.iter().cloned().map(row).collect_view())}
            </ListTable>
            <Pager label="Pages of metrics" page pages />
        }
        .into_any()
    }
}

fn row(line: MetricLine) -> impl IntoView {
    let gaps = (line.gaps > 0).then(|| view! { <span class="sub">{format!("{} not finite", line.gaps)}</span> });
    let bound = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    view! {
        <tr>
            <th scope="row" class="mono wrap">
                {line.key}
            </th>
            <td data-label="Course">
                <svg class="spark" viewBox=format!("-1 -2 122 {}", HEIGHT + 4) aria-hidden="true" focusable="false">
                    <polyline points=places(&line.course)></polyline>
                </svg>
            </td>
            <td data-label="Latest" class="num" title=line.exact>
                {line.latest}
            </td>
            <td data-label="Least" class="num">
                {bound(line.least)}
            </td>
            <td data-label="Greatest" class="num">
                {bound(line.greatest)}
            </td>
            <td data-label="Points" class="num">
                {line.points}
                {gaps}
            </td>
            <td data-label="Step" class="num">
                {line.step}
            </td>
            <td data-label="Logged">
                <Time at=line.timestamp />
            </td>
        </tr>
    }
}

/// The corners of the line, 120 wide; one point is a line through its height.
fn places(course: &[u8]) -> String {
    let mut text = String::new();
    let last = course.len().saturating_sub(1).max(1);
    for (i, height) in course.iter().enumerate() {
        let _ = write!(text, "{},{} ", i * 120 / last, HEIGHT.saturating_sub(*height));
    }
    if let [height] = course {
        let _ = write!(text, "120,{}", HEIGHT.saturating_sub(*height));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn a_course_goes_from_left_to_right_and_upwards() {
        assert_eq!(places(&[0, 20, 10]), "0,20 60,0 120,10 ");
        assert_eq!(places(&[10]), "0,10 120,10");
        assert_eq!(places(&[]), "");
    }
}
