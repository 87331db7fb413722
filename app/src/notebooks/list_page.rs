//! The team's notebooks: live, filtered and sorted by the URL, with a bulk bar.

use super::{
    actions::use_notebook_actions,
    api::list_notebooks,
    list_bulk::BulkBar,
    list_filter::{Group, Wanted},
    list_row::ListRow,
    standing::Standing,
};
use crate::{
    components::{
        Crumb, EmptyState, ErrorPage, FilterBar, Glyph, Icon, LoadingPage, Page, SearchField, SortHeader, query_value, use_team, with_query,
    },
    live::{NotebookStore, follow_notebooks, use_live},
};
use domain::model::NotebookId;
use leptos::{ev, prelude::*};
use leptos_router::hooks::use_query_map;
use wasm_bindgen::JsCast;

/// Rows drawn at first, and added by each "Show more".
const WINDOW: usize = 200;

#[component]
pub fn NotebooksPage() -> impl IntoView {
    let (team, live) = (use_team(), use_live());
    let hold = RwSignal::new(false);
    let store = follow_notebooks(team.into(), hold.into());
    let list = Resource::new(
        move || (team.get(), live.reload()),
        move |(team, _)| async move {
            live.positioned().await;
            list_notebooks(team).await
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Notebooks" /> }>
            {move || Suspend::new(async move {
                let standing = Standing::load(team.get()).await;
                match list.await {
                    Ok(notebooks) => {
                        store.seed(notebooks);
                        view! { <NotebookList store standing team=team.get_untracked() hold /> }.into_any()
                    }
                    Err(error) => view! { <ErrorPage error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn NotebookList(store: NotebookStore, standing: Standing, team: String, hold: RwSignal<bool>) -> impl IntoView {
    let actions = use_notebook_actions();
    let (text, group, owner, sort, window) =
        (query_value("q"), query_value("show"), query_value("owner"), query_value("sort"), query_value("rows"));
    let email = standing.email.clone();
    let wanted = Memo::new(move |_| Wanted {
        text: text.get(),
        group: Group::parse(&group.read()),
        owner: (*owner.read() == "me").then(|| email.clone()),
        sort: sort.get(),
    });
    let found = Memo::new(move |_| wanted.with(|w| w.apply(&store.rows.read())));
    let window = Memo::new(move |_| window.read().parse::<usize>().unwrap_or(0).max(WINDOW));
    let shown = Memo::new(move |_| found.with(|rows| rows.iter().take(window.get()).cloned().collect::<Vec<_>>()));
    let selected = RwSignal::new(Vec::<NotebookId>::new());
    let none_at_all = Memo::new(move |_| store.rows.with(Vec::is_empty));
    listen_for_row_keys();
    let new = format!("/t/{team}/notebooks/new");
    let (may_launch, home) = (standing.may_launch(), format!("/t/{team}"));
    let (new_again, for_rows, for_bulk) = (new.clone(), StoredValue::new(standing.clone()), team.clone());
    let all_selected =
        Memo::new(move |_| shown.with(|rows| !rows.is_empty() && rows.iter().all(|r| selected.with(|ids| ids.contains(&r.id)))));
    let may_change = StoredValue::new(standing);
    let select_all = move |_| {
        if all_selected.get_untracked() {
            selected.set(Vec::new());
        } else {
            let ids = shown.with_untracked(|rows| {
                rows.iter().filter(|r| r.now.with_untracked(|n| may_change.with_value(|s| s.may_change(n)))).map(|r| r.id.clone()).collect()
            });
            selected.set(ids);
        }
    };
    view! {
        <Page
            title="Notebooks"
            crumbs=vec![Crumb::new(team.clone(), home)]
            actions=move || may_launch.then(|| view! { <a class="btn btn-primary" href=new><Icon glyph=Glyph::Plus />"New notebook"</a> })
        >
            <p class="sr-only" aria-live="polite">
                {move || store.news.get()}
            </p>
            <Show
                when=move || !none_at_all.get()
                fallback=move || {
                    let new = new_again.clone();
                    view! {
                        <EmptyState
                            glyph=Glyph::Notebook
                            title="No notebooks yet"
                            text="A notebook is JupyterLab, or another program with a web page, that runs on this portal's machine with the CPUs, memory and GPUs you choose. Its files stay when it stops."
                        >
                            {may_launch.then(|| view! { <a class="btn btn-primary" href=new.clone()>"Launch the first notebook"</a> })}
                        </EmptyState>
                    }
                }
            >
                <ListFilter found store />
                <BulkBar store selected team=for_bulk.clone() actions />
                <div class="table-wrap">
                    <table
                        class="table nb-table"
                        on:pointerenter=move |_| hold.set(true)
                        on:pointerleave=move |_| {
                            hold.set(false);
                            store.show_arrived();
                        }
                    >
                        <thead>
                            <tr>
                                <th class="nb-select needs-js" scope="col">
                                    <input type="checkbox" aria-label="Select all" prop:checked=all_selected on:change=select_all />
                                </th>
                                <SortHeader key="name" label="Name" default="" />
                                <SortHeader key="status" label="Status" default="" />
                                <SortHeader key="owner" label="Owner" default="" />
                                <SortHeader key="environment" label="Environment" default="" />
                                <SortHeader key="size" label="Size" default="" numeric=true />
                                <SortHeader key="activity" label="Active" default="" numeric=true />
                                <th scope="col">
                                    <span class="sr-only">"Actions"</span>
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            <For each=move || shown.get() key=|row| row.id.clone() let:row>
                                <ListRow row standing=for_rows.get_value() actions selected />
                            </For>
                        </tbody>
                    </table>
                </div>
                <ListEnd found=Signal::from(found) window />
            </Show>
        </Page>
    }
}

/// Search, facets and how many were found.
#[component]
fn ListFilter(#[prop(into)] found: Signal<Vec<crate::live::NotebookRow>>, store: NotebookStore) -> impl IntoView {
    let total = Memo::new(move |_| store.rows.with(Vec::len));
    let arrived = Memo::new(move |_| store.arrived.with(Vec::len));
    let query = use_query_map();
    let (group, owner) = (query_value("show"), query_value("owner"));
    let path = leptos_router::hooks::use_location().pathname;
    let hidden = move || {
        ["show", "owner", "sort"]
            .into_iter()
            .filter_map(|name| query.read().get(name).map(|value| view! { <input type="hidden" name=name value=value /> }))
            .collect_view()
    };
    let chip = move |name: &'static str, value: &'static str, text: &'static str, current: Memo<String>| {
        let href = move || with_query(&path.read(), &query.read(), name, value);
        view! {
            <a class="chip" href=href data-noscroll="true" aria-current=move || (*current.read() == value).then_some("true")>
                {text}
            </a>
        }
    };
    view! {
        <FilterBar>
            <SearchField label="Search notebooks" />
            {hidden}
            <div class="chips" role="group" aria-label="Status">
                {Group::ALL.map(|(_, key, text)| chip("show", key, text, group)).into_iter().collect_view()}
            </div>
            <div class="chips" role="group" aria-label="Owner">
                {chip("owner", "", "Everyone's", owner)}
                {chip("owner", "me", "Mine", owner)}
            </div>
            {move || {
                (arrived.get() > 0)
                    .then(|| {
                        view! {
                            <button type="button" class="chip" on:click=move |_| store.show_arrived()>
                                {format!("Show {}", crate::components::count(arrived.get(), "new notebook", "new notebooks"))}
                            </button>
                        }
                    })
            }}
            <span class="muted num filter-count">
                {move || {
                    let (found, total) = (found.with(Vec::len), total.get());
                    if found == total { crate::components::count(total, "notebook", "notebooks") } else { format!("{found} of {total}") }
                }}
            </span>
        </FilterBar>
    }
}

/// What follows the rows: that nothing matches, or that there are more.
#[component]
fn ListEnd(found: Signal<Vec<crate::live::NotebookRow>>, window: Memo<usize>) -> impl IntoView {
    let query = use_query_map();
    let path = leptos_router::hooks::use_location().pathname;
    let count = Memo::new(move |_| found.with(Vec::len));
    move || {
        if count.get() == 0 {
            view! {
                <div class="no-match">
                    <p>"No notebook matches this search and these filters."</p>
                    <a class="btn btn-sm" href=move || path.get()>"Clear search and filters"</a>
                </div>
            }
            .into_any()
        } else if count.get() > window.get() {
            let more = move || with_query(&path.read(), &query.read(), "rows", &(window.get() + WINDOW).to_string());
            view! {
                <p class="row center">
                    <span class="muted">{format!("{} of {} shown.", window.get(), count.get())}</span>
                    <a class="btn btn-sm" href=more data-noscroll="true">"Show more"</a>
                </p>
            }
            .into_any()
        } else {
            ().into_any()
        }
    }
}

/// `j` and `k` move between the rows' links, so that Enter opens; `x` selects.
fn listen_for_row_keys() {
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, |ev| {
            let typing = document()
                .active_element()
                .is_some_and(|e| e.matches("input:not([type=checkbox]), textarea, select, dialog *").unwrap_or(false));
            if typing || ev.ctrl_key() || ev.meta_key() || ev.alt_key() {
                return;
            }
            match ev.key().as_str() {
                "j" => move_row(1),
                "k" => move_row(-1),
                "x" => {
                    let row = document().active_element().and_then(|e| e.closest("tr").ok().flatten());
                    let tick = row.and_then(|r| r.query_selector("input[type=checkbox]").ok().flatten());
                    if let Some(tick) = tick.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
                        tick.click();
                    }
                }
                _ => {}
            }
        });
        on_cleanup(move || listener.remove());
    });
}

fn move_row(by: i32) {
    let Ok(links) = document().query_selector_all("[data-row]") else { return };
    let count = i32::try_from(links.length()).unwrap_or(i32::MAX);
    let link = |i: i32| links.item(i.cast_unsigned()).and_then(|n| n.dyn_into::<web_sys::HtmlElement>().ok());
    let row = document().active_element().and_then(|e| e.closest("tr").ok().flatten());
    let now = row.and_then(|row| (0..count).find(|i| link(*i).is_some_and(|l| row.contains(Some(&l)))));
    let next = now.map_or(0, |now| (now + by).clamp(0, count - 1));
    if let Some(link) = link(next) {
        drop(link.focus());
    }
}
