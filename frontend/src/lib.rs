//! The browser's entry point: hydrates `app`, and nothing else.

use wasm_bindgen::{JsError, prelude::wasm_bindgen};

/// Called by the page's module script once the wasm is loaded.
///
/// # Errors
/// The page's chunk could not be loaded: the page stays as the server sent it, which works without scripts, and says so.
#[wasm_bindgen]
pub async fn hydrate() -> Result<(), JsError> {
    if !app::load_first().await {
        return Err(JsError::new("a part of the page's code could not be loaded"));
    }
    leptos::mount::hydrate_body(app::App);
    Ok(())
}
