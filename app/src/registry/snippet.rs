//! Lines to copy into a script.

use crate::components::CopyButton;
use leptos::prelude::*;

/// `label` says what is copied.
#[component]
pub fn Snippet(#[prop(into)] text: String, #[prop(into)] label: String) -> impl IntoView {
    view! {
        <div class="snippet">
            <pre class="mono" tabindex="0">{text.clone()}</pre>
            <CopyButton text label />
        </div>
    }
}
