//! The browser's entry point: hydrates `app`, and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's module script once the wasm is loaded.
#[wasm_bindgen]
pub async fn hydrate() {
    // Without its chunk the page stays as the server sent it, which works without scripts.
    if app::load_first().await {
        leptos::mount::hydrate_body(app::App);
    }
}
