//! The table itself: what is in sight of it, keys, and what was chosen.

use super::{
    api::{PAGE, TableStart, run_ids},
    ask::{Shown, TableAsk, shown_columns},
    bulk::Chosen,
    columns_menu::ColumnsMenu,
    filter::{QuickFilters, RunsFilter},
    group_menu::GroupMenu,
    heads::Head,
    plot::{PlotButton, Plotted, RunsPlot},
    row::{RunRow, choose},
    rows::{Count, ROW, ROWS_MOST, Rows},
    views_menu::ViewsMenu,
};
use crate::{
    charts::grouped,
    components::{ErrorNote, Glyph, Menu, Tone, count, query_value, use_toasts, with_query},
    live::use_live,
    tracking::words::page_of_run,
};
use domain::model::{Change, ExperimentId, IDS_MOST, RunKeys};
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use wasm_bindgen::JsCast;

/// Rows that `PageUp` and `PageDown` pass at most.
const LEAP: usize = 20;

#[component]
pub fn RunsTable(team: String, experiment: ExperimentId, start: TableStart, offset: usize, ask: Memo<TableAsk>) -> impl IntoView {
    let TableStart { keys, views, may_write, rows: first, refused, .. } = start;
    let keys = RwSignal::new(keys);
    let columns = Memo::new(move |_| ask.with(|ask| keys.with(|keys| shown_columns(&ask.columns, keys))));
    let rows = Rows::new((team.clone(), experiment.clone()), ask, columns, offset, first, refused);
    let selected = RwSignal::new(Vec::<String>::new());
    let plotted = Plotted::new(rows, selected);
    let scroll = NodeRef::<html::Div>::new();
    follow_address(rows, ask, scroll);
    follow_runs(rows, keys, team.clone(), experiment.clone());
    view! {
        <RunsFilter ask keys=keys.into() refused=rows.refused.into() />
        <div class="table-bar">
            <QuickFilters ask />
            <span class="end row">
                <PlotButton plotted keys />
                <GroupMenu ask keys />
                <ViewsMenu team=team.clone() experiment=experiment.clone() views may_write />
                <ColumnsMenu keys columns />
                <Export team=team.clone() experiment=experiment.clone() ask columns />
            </span>
        </div>
        <Chosen team=team.clone() may_write rows selected deleted=Memo::new(move |_| ask.read().show == "deleted") />
        <Counted rows />
        {move || rows.failed.get().map(|error| view! { <ErrorNote error /> })}
        <RunsPlot team=team.clone() experiment=experiment.clone() plotted keys />
        <Grid team experiment rows columns selected plotted ask scroll offset />
        <Pages rows offset />
    }
}

/// What is asked has changed: the rows are read anew, from the top unless they are the same runs.
fn follow_address(rows: Rows, ask: Memo<TableAsk>, scroll: NodeRef<html::Div>) {
    Effect::new(move |before: Option<TableAsk>| {
        let now = ask.get();
        if let Some(before) = before.filter(|before| *before != now) {
            if before.same_runs(&now) {
                rows.refresh();
            } else {
                if let Some(wrap) = scroll.get_untracked() {
                    wrap.set_scroll_top(0);
                }
                rows.restart();
            }
        }
        now
    });
}

/// Runs were made or changed: rows follow in place, new ones are counted.
fn follow_runs(rows: Rows, keys: RwSignal<RunKeys>, team: String, experiment: ExperimentId) {
    let (ours, of) = (team.clone(), experiment.clone());
    let changes = use_live().changes(move |event| {
        event.team.as_ref() == Some(&ours) && matches!(&event.change, Change::Runs { experiment } if *experiment == of)
    });
    Effect::new(move |before: Option<u32>| {
        let now = changes.get();
        if before.is_some_and(|before| before != now) {
            // Where nothing is shown there is nothing to jump.
            if rows.total.get_untracked() == 0 {
                rows.restart();
            } else {
                rows.refresh();
            }
            let (team, experiment) = (team.clone(), experiment.clone());
            spawn_local(async move {
                if let Ok(newest) = super::api::read_keys(team, experiment).await
                    && keys.try_with_untracked(|keys| *keys != newest) == Some(true)
                    && keys.try_set(newest).is_none()
                {
                    // There is a column more, whose cells are not here yet.
                    rows.refresh();
                }
            });
        }
        now
    });
}

/// How many runs there are, and that some came since.
#[component]
fn Counted(rows: Rows) -> impl IntoView {
    let said = move || {
        let Count { runs: all, groups } = rows.count.get();
        let text = format!("{} {}", grouped(all), if all == 1 { "run" } else { "runs" });
        if groups > 0 {
            format!("{text} in {} {}", grouped(groups), if groups == 1 { "group" } else { "groups" })
        } else if all > ROWS_MOST {
            format!("{text}; the first {} can be scrolled to. Filter to see others.", grouped(ROWS_MOST))
        } else {
            text
        }
    };
    view! {
        <p class="table-count" role="status">
            <span class="muted num">{said}</span>
            {move || {
                let newer = rows.newer.get();
                (newer > 0)
                    .then(|| {
                        view! {
                            <button type="button" class="btn btn-sm" on:click=move |_| rows.show_newer()>
                                {format!("{} · show", count(newer, "new run", "new runs"))}
                            </button>
                        }
                    })
            }}
        </p>
    }
}

/// Everything that fits, as a file.
#[component]
fn Export(team: String, experiment: ExperimentId, ask: Memo<TableAsk>, columns: Memo<Vec<Shown>>) -> impl IntoView {
    let query = move || {
        let mut query = leptos_router::params::ParamsMap::new();
        for (name, value) in ask
            .read()
            .parts()
            .into_iter()
            .filter(|(name, value)| !value.is_empty() && !matches!(*name, "columns" | "open" | "nested" | "group"))
        {
            query.insert(name.to_owned(), value.to_owned());
        }
        query.insert("columns".to_owned(), columns.with(|columns| super::ask::written(columns)));
        query.to_query_string()
    };
    let formats = ["CSV", "Parquet"].map(|format| {
        let file = format!("runs.{}", format.to_lowercase());
        let place = format!("/t/{team}/experiments/{experiment}/{file}");
        view! {
            <a class="menu-item" href=move || format!("{place}{}", query()) download=file rel="external">
                {format}
            </a>
        }
    });
    view! {
        <Menu label="Export" glyph=Glyph::Download wordy=true>
            {formats.collect_view()}
        </Menu>
    }
}

#[component]
fn Grid(
    team: String,
    experiment: ExperimentId,
    rows: Rows,
    columns: Memo<Vec<Shown>>,
    selected: RwSignal<Vec<String>>,
    plotted: Plotted,
    ask: Memo<TableAsk>,
    scroll: NodeRef<html::Div>,
    offset: usize,
) -> impl IntoView {
    let (table, active, alive) = (NodeRef::<html::Table>::new(), RwSignal::new(None::<usize>), use_live().hydrated());
    let team = StoredValue::new(team);
    let look = move || {
        if let Some(wrap) = scroll.get_untracked() {
            let size = |pixels: i32| usize::try_from(pixels).unwrap_or_default();
            rows.sight.set(Some((size(wrap.scroll_top()), size(wrap.client_height()))));
        }
    };
    Effect::new(move |_| {
        if let Some(wrap) = scroll.get() {
            if offset > 0 {
                wrap.set_scroll_top(i32::try_from(offset * ROW).unwrap_or(i32::MAX));
            }
            look();
        }
    });
    Effect::new(move |_| {
        let resized = window_event_listener(ev::resize, move |_| look());
        on_cleanup(move || resized.remove());
    });
    // Where pinned columns stand; the page's policy lets no attribute say it.
    Effect::new(move |_| {
        let Some(table) = table.get() else { return };
        let mut left = 0;
        for (i, shown) in columns.get().iter().enumerate().take_while(|(_, shown)| shown.pinned) {
            _ = web_sys::HtmlElement::style(&table).set_property(&format!("--pin{i}"), &format!("{left}px"));
            left += shown.width();
        }
    });
    let keys = move |ev: ev::KeyboardEvent| on_key(&ev, rows, selected, active, scroll, team);
    let widths = move || columns.get().into_iter().map(|shown| html::col().attr("width", shown.width().to_string())).collect_view();
    let heads = move || columns.get().into_iter().enumerate().map(|(i, shown)| view! { <Head i shown /> }).collect_view();
    let spans = move || columns.read().len().to_string();
    let above = move || (rows.range.get().0 * ROW).to_string();
    let below = move || ((rows.total.get() - rows.range.get().1.min(rows.total.get())) * ROW).to_string();
    let none = Memo::new(move |_| rows.total.get() == 0);
    view! {
        <div class="runs-wrap" node_ref=scroll on:scroll=move |_| look() on:keydown=keys>
            <table
                class="table runs-table"
                role="grid"
                tabindex="0"
                node_ref=table
                aria-label="Runs of the experiment"
                aria-multiselectable="true"
                aria-rowcount=move || (rows.total.get() + 1).to_string()
                aria-activedescendant=move || active.get().map(|at| format!("run-row-{at}"))
            >
                <colgroup>{widths}</colgroup>
                <thead>
                    <tr aria-rowindex="1">{heads}</tr>
                </thead>
                <tbody>
                    <tr class="spacer needs-js" aria-hidden="true">
                        {html::td().colspan(spans).attr("height", above)}
                    </tr>
                    <For each=move || { let (from, to) = rows.range.get(); from..to } key=|at| *at let:at>
                        <RunRow at rows columns team selected plotted active alive />
                    </For>
                    <tr class="spacer needs-js" aria-hidden="true">
                        {html::td().colspan(spans).attr("height", below)}
                    </tr>
                </tbody>
            </table>
            {move || {
                none.get()
                    .then(|| {
                        let text = if rows.refused.read().is_some() {
                            "No run can be shown: the line below the filter says why."
                        } else if ask.read().is_plain() {
                            "No runs yet."
                        } else {
                            "No run matches. Loosen the filter."
                        };
                        view! { <p class="table-none">{text}</p> }
                    })
            }}
        </div>
        <SelectAll team=team.get_value() experiment ask selected rows />
    }
}

/// Chooses every run that fits, wherever it stands.
#[component]
fn SelectAll(team: String, experiment: ExperimentId, ask: Memo<TableAsk>, selected: RwSignal<Vec<String>>, rows: Rows) -> impl IntoView {
    let (toasts, waiting) = (use_toasts(), RwSignal::new(false));
    let select = move |_| {
        let (team, experiment, asked) = (team.clone(), experiment.clone(), ask.get_untracked());
        waiting.set(true);
        spawn_local(async move {
            let answer = run_ids(team, experiment, asked).await;
            waiting.try_set(false);
            match answer {
                Ok(ids) => _ = selected.try_set(ids.into_iter().map(|id| id.0).collect()),
                Err(error) => toasts.show(Tone::Bad, error.message),
            }
        });
    };
    let label = move || {
        let all = rows.count.get().runs;
        if all > IDS_MOST { format!("Select the first {}", grouped(IDS_MOST)) } else { format!("Select all {}", grouped(all)) }
    };
    view! {
        <p class="table-foot needs-js">
            <button type="button" class="btn btn-sm" disabled=move || waiting.get() || rows.count.get().runs == 0 on:click=select>
                {label}
            </button>
            <span class="muted">"Arrow keys move through the table, Space selects, Enter opens."</span>
        </p>
    }
}

fn on_key(
    ev: &ev::KeyboardEvent,
    rows: Rows,
    selected: RwSignal<Vec<String>>,
    active: RwSignal<Option<usize>>,
    scroll: NodeRef<html::Div>,
    team: StoredValue<String>,
) {
    let on = ev.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let on_link = on.as_ref().is_some_and(|on| on.matches("a, input").unwrap_or(false));
    if ev.ctrl_key() || ev.meta_key() || ev.alt_key() || (on_link && matches!(ev.key().as_str(), "Enter" | " ")) {
        return;
    }
    let (total, now) = (rows.total.get_untracked(), active.get_untracked());
    let Some(last) = total.checked_sub(1) else { return };
    let leap = scroll.get_untracked().and_then(|wrap| usize::try_from(wrap.client_height()).ok()).map_or(LEAP, |height| height / ROW);
    let leap = leap.saturating_sub(2).max(1);
    let to = match ev.key().as_str() {
        "ArrowDown" | "j" => now.map_or(0, |now| now + 1),
        "ArrowUp" | "k" => now.map_or(0, |now| now.saturating_sub(1)),
        "PageDown" => now.unwrap_or(0) + leap,
        "PageUp" => now.unwrap_or(0).saturating_sub(leap),
        "Home" => 0,
        "End" => last,
        " " | "x" => {
            if let Some(line) = now.and_then(|at| rows.line_now(at)).filter(|line| !line.is_group) {
                let on = selected.with_untracked(|ids| !ids.contains(&line.id.0));
                choose(selected, &line.id.0, on);
            }
            ev.prevent_default();
            return;
        }
        "Enter" => {
            if let Some((at, line)) = now.and_then(|at| Some((at, rows.line_now(at)?))) {
                ev.prevent_default();
                if line.is_group {
                    let unfold = document().query_selector(&format!("#run-row-{at} .unfold")).ok().flatten();
                    if let Some(unfold) = unfold.and_then(|link| link.dyn_into::<web_sys::HtmlElement>().ok()) {
                        unfold.click();
                    }
                    return;
                }
                let page = team.with_value(|team| page_of_run(team, line.id.as_str()));
                _ = window().location().assign(&page);
            }
            return;
        }
        _ => return,
    };
    ev.prevent_default();
    let to = to.min(last);
    active.set(Some(to));
    if let Some(wrap) = scroll.get_untracked() {
        let pixels = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let (top, height, at) = (wrap.scroll_top(), wrap.client_height(), pixels(to * ROW));
        // The head covers the first row's height.
        if at < top {
            wrap.set_scroll_top(at);
        } else if at + pixels(3 * ROW) > top + height {
            wrap.set_scroll_top(at + pixels(3 * ROW) - height);
        }
    }
}

/// The way through the table without scripts.
#[component]
fn Pages(rows: Rows, offset: usize) -> impl IntoView {
    let (query, path, page) = (use_query_map(), use_location().pathname, query_value("page"));
    let to = move |page: usize| {
        let mut query = query.get();
        query.remove("page");
        if page > 1 {
            query.insert("page".to_owned(), page.to_string());
        }
        format!("{}{}", path.get(), query.to_query_string())
    };
    let now = offset / PAGE + 1;
    // Where scripts run the table scrolls from where it began.
    let navigate = use_navigate();
    Effect::new(move |_| {
        if !page.get().is_empty() {
            let to = with_query(&path.get_untracked(), &query.get_untracked(), "page", "");
            navigate(&to, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
        }
    });
    let total = rows.total.get_untracked();
    let last = total.div_ceil(PAGE).max(1);
    view! {
        <nav class="pager without-js" aria-label="Pages of runs">
            {(now > 1).then(|| view! { <a class="btn btn-sm" rel="prev" href=to(now - 1)>"Previous page"</a> })}
            <span class="muted num">{format!("Page {now} of {last}")}</span>
            {(now < last).then(|| view! { <a class="btn btn-sm" rel="next" href=to(now + 1)>"Next page"</a> })}
        </nav>
    }
}
