//! A line of a list of facts.

use leptos::prelude::*;

/// A name and its value, inside `<dl class="profile">`.
#[component]
pub fn Fact(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd class="row">{children()}</dd>
        </div>
    }
}
