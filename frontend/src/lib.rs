//! The browser's entry point: hydrates `app`, and nothing else.

/// Called by the page's module script once the wasm is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_body(app::App);
}
