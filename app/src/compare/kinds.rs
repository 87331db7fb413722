//! Which chart is drawn: a link for each.

use crate::{charts::Kind, components::with_query};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

#[component]
pub fn Kinds(#[prop(into)] now: Signal<Kind>) -> impl IntoView {
    let (address, path) = (use_query_map(), use_location().pathname);
    let link = move |(kind, value, label): (Kind, &'static str, &'static str)| {
        let href = move || with_query(&path.read(), &address.read(), "chart", value);
        view! {
            <a class="chip" href=href data-noscroll="true" aria-current=move || (now.get() == kind).then_some("true")>
                {label}
            </a>
        }
    };
    view! {
        <nav class="chips" aria-label="Charts">
            {Kind::ALL.map(link).into_iter().collect_view()}
        </nav>
    }
}
