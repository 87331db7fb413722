//! One run in the table.

use super::{
    api::RunLine,
    ask::Shown,
    heads::cell_class,
    plot::{Eye, Plotted},
    rows::Rows,
};
use crate::{
    charts::{line_class, number},
    components::{Glyph, Icon, Time, count, duration, query_value, use_now, with_query},
    tracking::words::{RunBadge, page_of_run},
};
use domain::model::{Millis, RunField, RunStatus, TableColumn};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// The row at place `at`; grey while it is on its way.
#[component]
pub fn RunRow(
    at: usize,
    rows: Rows,
    columns: Memo<Vec<Shown>>,
    team: StoredValue<String>,
    selected: RwSignal<Vec<String>>,
    plotted: Plotted,
    active: RwSignal<Option<usize>>,
    alive: Signal<bool>,
) -> impl IntoView {
    let line = Memo::new(move |_| rows.line(at));
    let cells = move || match line.get() {
        Some(line) => view! { <Cells line columns=columns.get() team selected plotted alive /> }.into_any(),
        None => columns
            .get()
            .into_iter()
            .enumerate()
            .map(|(i, shown)| view! { <td class=cell_class(i, &shown)><span class="ghost"></span></td> })
            .collect_view()
            .into_any(),
    };
    let is_selected = move || line.with(|line| line.as_ref().is_some_and(|line| selected.with(|ids| ids.contains(&line.id.0))));
    view! {
        <tr
            id=format!("run-row-{at}")
            aria-rowindex=(at + 2).to_string()
            aria-selected=move || is_selected().to_string()
            class:at=move || active.get() == Some(at)
            on:pointerenter=move |_| plotted.point(line.with_untracked(|line| line.as_ref().map(|line| line.id.0.clone())))
            on:pointerleave=move |_| plotted.point(None)
        >
            {cells}
        </tr>
    }
}

#[component]
fn Cells(
    line: RunLine,
    columns: Vec<Shown>,
    team: StoredValue<String>,
    selected: RwSignal<Vec<String>>,
    plotted: Plotted,
    alive: Signal<bool>,
) -> impl IntoView {
    let (is_group, many) = (line.is_group, count(line.children, "run", "runs"));
    let line = StoredValue::new(line);
    columns
        .into_iter()
        .enumerate()
        .map(|(i, shown)| {
            let class = cell_class(i, &shown);
            let text = line.with_value(|line| line.cells.get(i).cloned().flatten());
            match (&shown.column, text) {
                (TableColumn::Field(RunField::Name), _) if is_group => view! { <GroupCell class line /> }.into_any(),
                (TableColumn::Field(RunField::Name), _) => view! { <NameCell class line team selected plotted alive /> }.into_any(),
                (TableColumn::Metric(_), Some(text)) if is_group => {
                    let said = text.parse::<f64>().map_or_else(|_| text.clone(), number);
                    view! { <td class=class title=format!("Mean of {many}: {text}")>{said}</td> }.into_any()
                }
                (TableColumn::Field(_), _) | (_, None) if is_group => view! { <td class=class></td> }.into_any(),
                (TableColumn::Field(RunField::Status), _) => {
                    let (status, deleted) = line.with_value(|line| (line.status, line.deleted));
                    view! { <td class=class><RunBadge status deleted /></td> }.into_any()
                }
                (TableColumn::Field(RunField::Started), _) => moment(class, line.with_value(|line| line.start)),
                (TableColumn::Field(RunField::Ended), _) => moment(class, line.with_value(|line| line.end)),
                (TableColumn::Field(RunField::Duration), _) => {
                    let now = use_now();
                    // Only what still grows follows the clock.
                    let running = line.with_value(|line| line.end.is_none() && line.status == RunStatus::Running);
                    let said = move || line.with_value(|line| lasted(line, if running { now.get() } else { 0 }));
                    view! { <td class=class>{said}</td> }.into_any()
                }
                (_, None) => view! { <td class=class + " faint">"–"</td> }.into_any(),
                (TableColumn::Metric(_), Some(text)) => {
                    let said = text.parse::<f64>().map_or_else(|_| text.clone(), number);
                    view! { <td class=class title=text>{said}</td> }.into_any()
                }
                (_, Some(text)) => view! { <td class=class + " mono" title=text.clone()>{text.clone()}</td> }.into_any(),
            }
        })
        .collect_view()
}

fn moment(class: String, at: Option<Millis>) -> AnyView {
    view! { <td class=class>{at.map(|at| view! { <Time at /> })}</td> }.into_any()
}

/// How long a run took, or takes so far.
fn lasted(line: &RunLine, now: Millis) -> String {
    match (line.start, line.end) {
        (Some(start), Some(end)) => duration(end - start),
        // To the second, so that it does not flicker.
        (Some(start), None) if line.status == RunStatus::Running => duration((now - start).max(0) / 1000 * 1000),
        _ => "–".to_owned(),
    }
}

/// The run's name with what chooses it and what unfolds the runs below it.
#[component]
fn NameCell(
    class: String,
    line: StoredValue<RunLine>,
    team: StoredValue<String>,
    selected: RwSignal<Vec<String>>,
    plotted: Plotted,
    alive: Signal<bool>,
) -> impl IntoView {
    let RunLine { id, name, depth, children, open, .. } = line.get_value();
    let href = team.with_value(|team| page_of_run(team, id.as_str()));
    let (known, value, mine) = (id.0.clone(), id.0.clone(), id.0.clone());
    let place = Memo::new(move |_| selected.with(|ids| ids.iter().position(|other| *other == mine)));
    // The colour that the run will have beside the others.
    let swatch = move || {
        place.get().filter(|_| !plotted.is_open()).map(|place| {
            view! { <svg class="swatch" viewBox="0 0 28 8" aria-hidden="true" inner_html=format!("<polyline class=\"{}\" points=\"1,4 27,4\"/>", line_class(place))></svg> }
        })
    };
    view! {
        <th scope="row" class=class>
            <span class=format!("run-name depth{}", depth.min(6))>
                <input
                    class="run-check"
                    type="checkbox"
                    form="compare"
                    name=move || (!alive.get()).then_some("runs")
                    value=value
                    aria-label=format!("Compare {name}")
                    prop:checked=move || place.get().is_some()
                    on:change:target=move |ev| choose(selected, &known, ev.target().checked())
                />
                {(children > 0).then(|| view! { <Unfold id=id.0.clone() name=name.clone() children open /> })}
                {swatch}
                <Eye plotted id=id.0.clone() name=name.clone() />
                <a class="row-link clip" data-row href=href title=name.clone()>
                    {name.clone()}
                </a>
            </span>
        </th>
    }
}

/// What the runs of a group have in common, with what unfolds them.
#[component]
fn GroupCell(class: String, line: StoredValue<RunLine>) -> impl IntoView {
    let RunLine { id, name, children, open, .. } = line.get_value();
    view! {
        <th scope="row" class=class>
            <span class="run-name">
                <Unfold id=id.0 name=name.clone() children open group=true />
                <strong class="clip" title=name.clone()>
                    {name.clone()}
                </strong>
                <span class="muted num">{count(children, "run", "runs")}</span>
            </span>
        </th>
    }
}

/// Puts a run among the chosen ones, last, or takes it away.
pub fn choose(selected: RwSignal<Vec<String>>, id: &str, on: bool) {
    selected.update(|ids| {
        ids.retain(|other| other != id);
        if on {
            ids.push(id.to_owned());
        }
    });
}

/// Shows, or hides, the runs below a run or of a group. A link, so that it works without scripts and can be sent to somebody.
#[component]
fn Unfold(id: String, name: String, children: usize, open: bool, #[prop(optional)] group: bool) -> impl IntoView {
    let (query, path, unfolded) = (use_query_map(), use_location().pathname, query_value("open"));
    let href = move || {
        let mut ids: Vec<String> =
            unfolded.read().split(',').filter(|other| !other.is_empty() && *other != id).map(str::to_owned).collect();
        if !open {
            ids.push(id.clone());
        }
        with_query(&path.read(), &query.read(), "open", &ids.join(","))
    };
    let (verb, where_) = (if open { "Hide" } else { "Show" }, if group { "of" } else { "below" });
    view! {
        <a class="unfold" href=href data-noscroll="true" aria-label=format!("{verb} {} {where_} {name}", count(children, "run", "runs"))>
            <Icon glyph=if open { Glyph::ChevronDown } else { Glyph::ChevronRight } />
            {(!group).then(|| view! { <span class="muted num">{children}</span> })}
        </a>
    }
}
