//! The team's notebooks, a page at a time: live, filtered and sorted by the URL, with a bulk bar.

use super::{
    actions::{NotebookActions, use_notebook_actions},
    api::page_of_notebooks,
    list_bulk::BulkBar,
    list_filter::{ListFilter, use_wanted},
    list_keys::listen_for_row_keys,
    list_row::ListRow,
    standing::Standing,
};
use crate::{
    components::{Crumb, EmptyState, Glyph, Icon, LoadingPage, Page, Pager, SortHeader, page_or_error, use_me, use_team},
    error::AppError,
    live::{NotebookStore, follow_notebooks, kept_current, new_phases, use_live},
};
use domain::model::{NotebookId, NotebookPage, NotebookQuery};
use leptos::prelude::*;

#[component]
pub fn NotebooksPage() -> impl IntoView {
    let (team, me, live) = (use_team(), use_me(), use_live());
    let wanted = use_wanted();
    let changes = live.changes_in(team.into(), new_phases());
    let begun = StoredValue::new(wanted.get_untracked());
    let first = Resource::new(
        move || {
            begun.set_value(wanted.get_untracked());
            (team.get(), begun.get_value())
        },
        move |(team, wanted)| async move {
            live.positioned().await;
            let standing = Standing::load(me, &team).await;
            Ok::<_, AppError>((page_of_notebooks(team, wanted).await?, standing))
        },
    );
    view! {
        <Transition fallback=|| view! { <LoadingPage title="Notebooks" /> }>
            {move || Suspend::new(async move {
                page_or_error(first.await, |(first, standing)| {
                    let follow = Follow { begun: begun.get_value(), changes };
                    view! { <NotebookList first standing team=team.get_untracked() follow /> }
                })
            })}
        </Transition>
    }
}

/// What a page is kept current by: what was first asked for, and what changed since.
struct Follow {
    begun: NotebookQuery,
    changes: RwSignal<u32>,
}

impl Follow {
    /// The page that the URL asks for, kept current. Nothing moves under the pointer: while `hold`, rows change in place only.
    fn page(self, team: String, first: NotebookPage, store: NotebookStore, hold: RwSignal<bool>) -> RwSignal<NotebookPage> {
        let Self { begun, changes } = self;
        store.seed(first.notebooks.clone());
        let wanted = use_wanted();
        let due = Memo::new(move |before: Option<&u32>| if hold.get() { before.copied().unwrap_or_default() } else { changes.get() });
        let page =
            kept_current(first, (begun, 0), move || (wanted.get(), due.get()), move |(wanted, _)| page_of_notebooks(team.clone(), wanted));
        Effect::new(move |_| store.seed(page.with(|p| p.notebooks.clone())));
        page
    }
}

#[component]
fn NotebookList(first: NotebookPage, standing: Standing, team: String, follow: Follow) -> impl IntoView {
    let actions = use_notebook_actions();
    let hold = RwSignal::new(false);
    let store = follow_notebooks(Signal::stored(team.clone()), false);
    let page = follow.page(team.clone(), first, store, hold);
    let selected = RwSignal::new(Vec::<NotebookId>::new());
    // What is no longer on the page is not selected either.
    Effect::new(move |_| {
        let gone = store.rows.with(|rows| selected.with_untracked(|ids| ids.iter().any(|id| !rows.iter().any(|r| r.id == *id))));
        if gone {
            selected.update(|ids| store.rows.with_untracked(|rows| ids.retain(|id| rows.iter().any(|r| r.id == *id))));
        }
    });
    let none_at_all = Memo::new(move |_| page.with(|p| p.total == 0));
    let none_found = Memo::new(move |_| page.with(|p| p.found == 0));
    listen_for_row_keys();
    let new = format!("/t/{team}/notebooks/new");
    let (may_launch, home) = (standing.may_launch(), format!("/t/{team}"));
    let (new_again, standing, team_of_bulk) = (new.clone(), StoredValue::new(standing), team.clone());
    let show = Callback::new(move |()| hold.set(false));
    view! {
        <Page
            title="Notebooks"
            crumbs=vec![Crumb::new(team, home)]
            actions=move || may_launch.then(|| view! { <a class="btn btn-primary" href=new><Icon glyph=Glyph::Plus />"New notebook"</a> })
        >
            <p class="sr-only" aria-live="polite">
                {move || store.news.get()}
            </p>
            <Show
                when=move || !none_at_all.get()
                fallback=move || view! { <NoNotebooks new=new_again.clone() may_launch /> }
            >
                <ListFilter page arrived=store.arrived show />
                <BulkBar store selected found=Signal::derive(move || page.with(|p| p.found)) team=team_of_bulk.clone() actions />
                <RowsTable store selected standing=standing.get_value() actions hold />
                {move || none_found.get().then(|| view! { <NoMatch /> })}
                <Pager
                    label="Pages of notebooks"
                    page=Signal::derive(move || page.with(|p| p.page))
                    pages=Signal::derive(move || page.with(NotebookPage::pages))
                />
            </Show>
        </Page>
    }
}

#[component]
fn RowsTable(
    store: NotebookStore,
    selected: RwSignal<Vec<NotebookId>>,
    standing: Standing,
    actions: NotebookActions,
    hold: RwSignal<bool>,
) -> impl IntoView {
    let rows = store.rows;
    let standing = StoredValue::new(standing);
    let all_selected =
        Memo::new(move |_| rows.with(|rows| !rows.is_empty() && rows.iter().all(|r| selected.with(|ids| ids.contains(&r.id)))));
    let select_all = move |_| {
        if all_selected.get_untracked() {
            selected.set(Vec::new());
        } else {
            let may = |r: &&crate::live::NotebookRow| r.now.with_untracked(|n| standing.with_value(|s| s.may_change(n)));
            selected.set(rows.with_untracked(|rows| rows.iter().filter(may).map(|r| r.id.clone()).collect()));
        }
    };
    view! {
        <div class="table-wrap">
            <table
                class="table nb-table"
                on:pointerenter=move |ev| hold.set(ev.pointer_type() == "mouse")
                on:pointerleave=move |_| hold.set(false)
            >
                <caption class="sr-only">"Notebooks of the team"</caption>
                <thead>
                    <tr>
                        <th class="nb-select needs-js" scope="col">
                            <input type="checkbox" aria-label="Select all on this page" prop:checked=all_selected on:change=select_all />
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
                    <For each=move || rows.get() key=|row| row.id.clone() let:row>
                        <ListRow row standing=standing.get_value() actions selected />
                    </For>
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn NoNotebooks(new: String, may_launch: bool) -> impl IntoView {
    view! {
        <EmptyState
            glyph=Glyph::Notebook
            title="No notebooks yet"
            text="A notebook is JupyterLab, or another program with a web page, that runs on this portal's machine with the CPUs, memory and GPUs you choose. Its files stay when it stops."
        >
            {may_launch.then(|| view! { <a class="btn btn-primary" href=new>"Launch the first notebook"</a> })}
        </EmptyState>
    }
}

#[component]
fn NoMatch() -> impl IntoView {
    let path = leptos_router::hooks::use_location().pathname;
    view! {
        <div class="no-match">
            <p>"No notebook matches this search and these filters."</p>
            <a class="btn btn-sm" href=move || path.get()>"Clear search and filters"</a>
        </div>
    }
}
