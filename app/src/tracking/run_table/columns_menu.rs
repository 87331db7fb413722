//! Which columns there are, in which order, how wide, and which stay in sight: all of it links, so that it works without scripts.

use super::ask::{PINS, Shown, written};
use crate::components::{Glyph, Icon, with_query};
use domain::model::{RunField, RunKeys, TableColumn};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// Columns to choose from that are listed at once.
const LISTED: usize = 100;
/// Pixels of one step.
const STEP: i32 = 40;

#[component]
pub fn ColumnsMenu(keys: RwSignal<RunKeys>, columns: Memo<Vec<Shown>>) -> impl IntoView {
    let find = RwSignal::new(String::new());
    let shown = move || {
        let all = columns.get();
        let many = all.len();
        all.into_iter().enumerate().map(move |(i, shown)| view! { <Chosen i shown last=i + 1 == many columns /> }).collect_view()
    };
    let others = move || {
        let (text, have) = (find.read().to_lowercase(), columns.get());
        let fields = RunField::all().map(TableColumn::Field);
        let found: Vec<TableColumn> = keys.with(|keys| {
            let metrics = keys.metrics.iter().cloned().map(TableColumn::Metric);
            let params = keys.params.iter().cloned().map(TableColumn::Param);
            let all = fields.chain(metrics).chain(params).chain(keys.tags.iter().cloned().map(TableColumn::Tag));
            let fits =
                |column: &TableColumn| column.label().to_lowercase().contains(&text) && have.iter().all(|shown| shown.column != *column);
            all.filter(fits).collect()
        });
        let more = found.len().saturating_sub(LISTED);
        view! {
            {found.into_iter().take(LISTED).map(|column| view! { <Other column columns /> }).collect_view()}
            {(more > 0).then(|| view! { <li class="menu-note">{format!("{more} more: type a part of the name.")}</li> })}
        }
    };
    view! {
        <details class="menu columns-menu">
            <summary class="btn btn-sm">
                <Icon glyph=Glyph::Settings />
                "Columns"
            </summary>
            <div class="menu-list">
                <h2 class="menu-note">"Shown"</h2>
                <ul class="plain-list" aria-label="Shown columns">{shown}</ul>
                <h2 class="menu-note">"More columns"</h2>
                <input
                    class="input needs-js"
                    type="search"
                    placeholder="Find a metric, param or tag"
                    aria-label="Find a column"
                    prop:value=move || find.get()
                    on:input:target=move |ev| find.set(ev.target().value())
                />
                <ul class="plain-list" aria-label="More columns">{others}</ul>
            </div>
        </details>
    }
}

/// A link to the table with other columns.
fn use_link() -> impl Fn(&[Shown]) -> String + Copy + Send + Sync + 'static {
    let (query, path) = (use_query_map(), use_location().pathname);
    move |columns| with_query(&path.read(), &query.read(), "columns", &written(columns))
}

#[component]
fn Chosen(i: usize, shown: Shown, last: bool, columns: Memo<Vec<Shown>>) -> impl IntoView {
    let link = use_link();
    let (all, label) = (columns.get_untracked(), shown.column.label().to_owned());
    let button = |what: String, glyph: Glyph, columns: Vec<Shown>| {
        view! {
            <a class="icon-btn" href=link(&columns) data-noscroll="true" title=what.clone() aria-label=what.clone()>
                <Icon glyph />
            </a>
        }
    };
    let with = |change: &dyn Fn(&mut Vec<Shown>)| {
        let mut all = all.clone();
        change(&mut all);
        all
    };
    // The name stays first; nothing passes from among the pinned ones by moving.
    let may_move = |to: usize| i > 0 && to > 0 && all.get(to).is_some_and(|other| other.pinned == shown.pinned);
    let pins = all.iter().filter(|shown| shown.pinned).count() - 1;
    view! {
        <li class="column-line">
            <span class="grow clip" title=shown.column.to_string()>{label.clone()}</span>
            {(i > 0 && (shown.pinned || pins < PINS))
                .then(|| {
                    let what = format!("{} {label}", if shown.pinned { "Unpin" } else { "Pin" });
                    let pinned = shown.pinned;
                    button(what, if pinned { Glyph::X } else { Glyph::Lock }, with(&|all| all[i].pinned = !pinned))
                })}
            {may_move(i.wrapping_sub(1)).then(|| button(format!("Move {label} up"), Glyph::ArrowUp, with(&|all| all.swap(i, i - 1))))}
            {(!last && may_move(i + 1)).then(|| button(format!("Move {label} down"), Glyph::ArrowDown, with(&|all| all.swap(i, i + 1))))}
            {button(format!("Make {label} narrower"), Glyph::ChevronsUpDown, with(&|all| all[i] = all[i].resized(-STEP)))}
            {button(format!("Make {label} wider"), Glyph::Plus, with(&|all| all[i] = all[i].resized(STEP)))}
            {(i > 0).then(|| button(format!("Hide {label}"), Glyph::Trash, with(&|all| drop(all.remove(i)))))}
        </li>
    }
}

#[component]
fn Other(column: TableColumn, columns: Memo<Vec<Shown>>) -> impl IntoView {
    let link = use_link();
    let kind = match &column {
        TableColumn::Field(_) => "attribute",
        TableColumn::Metric(_) => "metric",
        TableColumn::Param(_) => "param",
        TableColumn::Tag(_) => "tag",
    };
    let label = column.label().to_owned();
    let href = move || {
        let mut all = columns.get();
        all.push(Shown::new(column.clone()));
        link(&all)
    };
    view! {
        <li>
            <a class="menu-item" href=href data-noscroll="true" aria-label=format!("Show {kind} {label}")>
                <Icon glyph=Glyph::Plus />
                <span class="grow">{label.clone()}</span>
                <span class="muted">{kind}</span>
            </a>
        </li>
    }
}
