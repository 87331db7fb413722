//! Copies a text, and says that it did.

use super::{
    icon::{Glyph, Icon},
    status::Tone,
    toast::use_toasts,
};
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// A button that puts `text` on the clipboard. `label` names what is copied: "Copy token".
#[component]
pub fn CopyButton(#[prop(into)] text: String, #[prop(into)] label: String, #[prop(optional)] wordy: bool) -> impl IntoView {
    let copied = RwSignal::new(false);
    let toasts = use_toasts();
    let copy = move |_| {
        if !window().is_secure_context() {
            toasts.show(Tone::Warning, "The browser copies only over https. Select the text and press Ctrl C.");
            return;
        }
        let done = Closure::once_into_js(move |_: JsValue| {
            copied.set(true);
            set_timeout(move || _ = copied.try_set(false), Duration::from_secs(2));
        });
        let refused = Closure::once_into_js(move |_: JsValue| {
            toasts.show(Tone::Warning, "The browser did not let the page copy. Select the text and press Ctrl C.");
        });
        let written = window().navigator().clipboard().write_text(&text);
        // Only one of the two is called; the other, a few bytes, stays.
        if let Ok(then) = js_sys::Reflect::get(&written, &"then".into()) {
            _ = then.unchecked_into::<js_sys::Function>().call2(&written, &done, &refused);
        }
    };
    let name = label.clone();
    let class = if wordy { "btn btn-sm needs-js" } else { "icon-btn needs-js" };
    view! {
        <button type="button" class=class title=name.clone() aria-label=move || if copied.get() { "Copied".to_owned() } else { name.clone() } on:click=copy>
            {move || view! { <Icon glyph=if copied.get() { Glyph::Check } else { Glyph::Copy } /> }}
            {wordy.then(|| view! { <span>{move || if copied.get() { "Copied".to_owned() } else { label.clone() }}</span> })}
        </button>
    }
}
