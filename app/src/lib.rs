//! What people see: pages, components and server functions. `App` holds the table of every page.

pub mod audit;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
mod document;
pub mod environments;
pub mod error;
pub mod home;
pub mod identity;
pub mod live;
pub mod navigation;
pub mod notebooks;
pub mod teams;
pub mod volumes;

#[cfg(feature = "ssr")]
pub use document::{SiteFiles, shell};

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode, StaticSegment,
    components::{Route, Router, Routes},
};

/// Every page of the portal.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|text: String| if text.is_empty() { "Slipway".to_owned() } else { format!("{text} · Slipway") } />
        <Router>
            <Routes fallback=|| view! { <main><h1>"Page not found"</h1></main> }>
                <Route path=StaticSegment("") view=|| view! { <main><h1>"Slipway"</h1></main> } ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
