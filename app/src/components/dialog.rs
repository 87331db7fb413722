//! A question before something is lost. Without JavaScript it unfolds in place; with it, it is a modal that keeps and returns the focus.

use super::{
    form::{FormError, FormState},
    icon::{Glyph, Icon},
};
use leptos::{context::Provider, html, prelude::*};
use wasm_bindgen::JsCast;

#[derive(Clone, Copy)]
struct OpenDialog(NodeRef<html::Dialog>);

/// A button that asks first. `children` say what is lost and hold the `ActionForm`, which ends with `DialogActions`.
#[component]
pub fn ConfirmDialog(
    #[prop(into)] trigger: String,
    /// Names the object: "Delete volume data".
    #[prop(into)]
    title: String,
    form: FormState,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(default = "btn btn-sm")] class: &'static str,
    /// Shows only the glyph; `trigger` becomes its name.
    #[prop(optional)]
    icon_only: bool,
    /// The only dialog of this form on the page: it opens again where a plain POST came back with an error.
    #[prop(optional)]
    sole: bool,
    children: Children,
) -> impl IntoView {
    let details = NodeRef::<html::Details>::new();
    let dialog = NodeRef::<html::Dialog>::new();
    let follow = move || {
        let (Some(details), Some(dialog)) = (details.get_untracked(), dialog.get_untracked()) else { return };
        let wanted = details.has_attribute("open");
        if wanted && !dialog.open() {
            // Refused only where the dialog is open or detached, and then there is nothing to do.
            let _ = dialog.show_modal();
        } else if !wanted && dialog.open() {
            dialog.close();
        }
    };
    Effect::new(move |_| {
        dialog.track();
        follow();
    });
    Effect::new(move |_| {
        if form.succeeded()
            && let Some(dialog) = dialog.get_untracked()
        {
            dialog.close();
        }
    });
    let closed = move |_| {
        if let Some(details) = details.get_untracked() {
            let _ = details.remove_attribute("open");
        }
    };
    // A click on the backdrop lands on the dialog itself.
    let backdrop = move |ev: leptos::ev::MouseEvent| {
        if let Some(dialog) = dialog.get_untracked()
            && ev.target().as_ref().and_then(|t| t.dyn_ref::<web_sys::Element>()) == Some(dialog.unchecked_ref::<web_sys::Element>())
        {
            dialog.close();
        }
    };
    let heading = title.clone();
    let (tooltip, name) = if icon_only { (Some(trigger.clone()), Some(title.clone())) } else { (None, None) };
    let failed = sole && form.error.get_untracked().is_some();
    view! {
        <details class="confirm" open=failed node_ref=details on:toggle=move |_| follow()>
            <summary class=class title=tooltip aria-label=name>
                {glyph.map(|glyph| view! { <Icon glyph /> })}
                {(!icon_only).then_some(trigger)}
            </summary>
            <dialog class="dialog" node_ref=dialog aria-label=title on:close=closed on:click=backdrop>
                <div class="dialog-body">
                    <h2>{heading}</h2>
                    <FormError form />
                    <Provider value=OpenDialog(dialog)>{children()}</Provider>
                </div>
            </dialog>
        </details>
    }
}

/// The buttons at the end of a dialog's form.
#[component]
pub fn DialogActions(
    form: FormState,
    #[prop(into)] label: String,
    #[prop(default = "btn btn-danger")] class: &'static str,
) -> impl IntoView {
    let dialog = use_context::<OpenDialog>();
    let cancel = move |_| {
        if let Some(dialog) = dialog.and_then(|d| d.0.get_untracked()) {
            dialog.close();
        }
    };
    view! {
        <div class="dialog-actions">
            <button type="button" class="btn needs-js" on:click=cancel>
                "Cancel"
            </button>
            <button type="submit" class=class disabled=move || form.pending.get()>
                {move || form.pending.get().then(|| view! { <Icon glyph=Glyph::Loader class="spin" /> })}
                {label}
            </button>
        </div>
    }
}
