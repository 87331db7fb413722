//! What people see.
use leptos::prelude::*;
#[component]
pub fn App() -> impl IntoView {
    "hi"
}
