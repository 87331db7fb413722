//! Deleting a notebook: what is lost is named, and the files are lost only when asked for.

use super::{api::DeleteNotebook, words::page_of};
use crate::components::{Checkbox, FormError, FormState, Glyph, Icon, SubmitButton, Tone, use_toasts, when_done};
use domain::model::Notebook;
use leptos::{html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

/// The form itself: says what goes, asks about the home volume, deletes.
#[component]
pub fn DeleteForm(#[prop(into)] notebook: Signal<Notebook>, #[prop(optional, into)] cancel: Option<Callback<()>>) -> impl IntoView {
    let action = ServerAction::<DeleteNotebook>::new();
    let form = FormState::of(action);
    let (toasts, navigate) = (use_toasts(), use_navigate());
    let (team, id, home) = notebook.with_untracked(|n| (n.team.clone(), n.id.0.clone(), n.spec.home.clone()));
    let list = format!("/t/{team}/notebooks");
    when_done(action, move |()| {
        toasts.show(Tone::Good, "The notebook was deleted");
        navigate(&list, NavigateOptions::default());
    });
    let running = Memo::new(move |_| notebook.with(|n| !n.phase.is_settled()));
    let data = notebook.with_untracked(|n| n.spec.data.iter().map(|m| m.volume.clone()).collect::<Vec<_>>().join(", "));
    let kept = if data.is_empty() { String::new() } else { format!(" The volumes {data} stay in any case.") };
    view! {
        <ActionForm action>
            <FormError form />
            <input type="hidden" name="team" value=team />
            <input type="hidden" name="id" value=id />
            <p>
                {move || running.get().then_some("It is running: it stops, and what is not saved in it is lost. ")}
                {format!("Its settings, variables, secrets and log are deleted for everybody.{kept}")}
            </p>
            <Checkbox
                label=format!("Also delete the volume {home} and every file in it")
                name="delete_home"
                help="Without this the volume stays, and another notebook can use it."
            />
            <div class="dialog-actions">
                {cancel
                    .map(|cancel| {
                        view! {
                            <button type="button" class="btn needs-js" on:click=move |_| cancel.run(())>
                                "Cancel"
                            </button>
                        }
                    })}
                <SubmitButton form label="Delete notebook" glyph=Glyph::Trash class="btn btn-danger" />
            </div>
        </ActionForm>
    }
}

/// A button that asks first: a modal with scripts, the settings page without.
#[component]
pub fn DeleteButton(#[prop(into)] notebook: Signal<Notebook>) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let (name, settings) = notebook.with_untracked(|n| (n.spec.name.clone(), page_of(n)));
    let title = format!("Delete notebook {name}");
    let heading = title.clone();
    let ask = move |ev: leptos::ev::SubmitEvent| {
        if let Some(dialog) = dialog.get_untracked() {
            ev.prevent_default();
            drop(dialog.show_modal());
        }
    };
    let close = Callback::new(move |()| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    });
    view! {
        <form class="inline-form" method="get" action=settings on:submit=ask>
            <input type="hidden" name="tab" value="settings" />
            <button type="submit" class="btn btn-ghost">
                <Icon glyph=Glyph::Trash />
                "Delete notebook"
            </button>
        </form>
        <dialog class="dialog" node_ref=dialog aria-label=title>
            <div class="dialog-body">
                <h2>{heading}</h2>
                <DeleteForm notebook cancel=close />
            </div>
        </dialog>
    }
}
