//! What can be done to several notebooks at once.

use super::{
    actions::{NotebookActions, Verb},
    api::delete_notebook,
};
use crate::{
    components::{Glyph, Icon, Tone, count, use_toasts},
    live::NotebookStore,
};
use domain::model::{NOTEBOOK_ROWS, Notebook, NotebookId};
use leptos::{html, prelude::*, task::spawn_local};

/// Appears while rows are selected. Needs scripts, as selecting does.
#[component]
pub fn BulkBar(
    store: NotebookStore,
    selected: RwSignal<Vec<NotebookId>>,
    /// How many match on all pages; only those of this page can be selected.
    found: Signal<usize>,
    #[prop(into)] team: String,
    actions: NotebookActions,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let (toasts, team) = (use_toasts(), StoredValue::new(team));
    let chosen = move || {
        let ids = selected.get();
        let rows = store.rows.get();
        rows.iter().filter(|row| ids.contains(&row.id)).map(|row| row.now.get()).collect::<Vec<Notebook>>()
    };
    let running =
        Memo::new(move |_| chosen().into_iter().filter(|n| !n.phase.is_settled()).map(|n| (n.id, n.spec.name)).collect::<Vec<_>>());
    let stop = move |_| {
        for (id, name) in running.get_untracked() {
            actions.run(Verb::Stop, team.get_value(), id, name);
        }
        selected.set(Vec::new());
    };
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let delete = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        close();
        let ids = selected.get_untracked();
        selected.set(Vec::new());
        for id in ids {
            spawn_local(async move {
                if let Err(error) = delete_notebook(team.get_value(), id, false).await {
                    toasts.show(Tone::Bad, error.message);
                }
            });
        }
    };
    view! {
        <Show when=move || selected.with(|ids| !ids.is_empty())>
            <div class="bulk-bar" role="group" aria-label="Selected notebooks">
                <strong>
                    {move || {
                        let (chosen, found) = (selected.with(Vec::len), found.get());
                        if found > NOTEBOOK_ROWS { format!("{chosen} of {found} selected") } else { format!("{chosen} selected") }
                    }}
                </strong>
                <button type="button" class="btn btn-sm" disabled=move || running.with(Vec::is_empty) on:click=stop>
                    <Icon glyph=Glyph::Square />
                    "Stop selected"
                </button>
                <button
                    type="button"
                    class="btn btn-sm btn-danger"
                    on:click=move |_| {
                        if let Some(dialog) = dialog.get_untracked() {
                            drop(dialog.show_modal());
                        }
                    }
                >
                    <Icon glyph=Glyph::Trash />
                    "Delete selected"
                </button>
                <button type="button" class="btn btn-sm btn-ghost" on:click=move |_| selected.set(Vec::new())>
                    "Clear selection"
                </button>
            </div>
        </Show>
        <dialog class="dialog" node_ref=dialog aria-label="Delete the selected notebooks">
            <form class="dialog-body" on:submit=delete>
                <h2>{move || format!("Delete {}", count(selected.with(Vec::len), "notebook", "notebooks"))}</h2>
                <ul class="plain-list">
                    {move || chosen().into_iter().map(|n| view! { <li><strong>{n.spec.name}</strong>" of "{n.owner_email}</li> }).collect_view()}
                </ul>
                <p>"Running ones stop, and what is not saved in them is lost. Their volumes and files are kept."</p>
                <div class="dialog-actions">
                    <button type="button" class="btn" on:click=move |_| close()>"Cancel"</button>
                    <button type="submit" class="btn btn-danger">"Delete notebooks"</button>
                </div>
            </form>
        </dialog>
    }
}
