//! What people see: pages, components and server functions. `App` holds the table of every page.

pub mod audit;
pub mod components;
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
mod root;
pub mod teams;
pub mod volumes;

#[cfg(feature = "ssr")]
pub use document::{SiteFiles, shell};

use components::Frame;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};
use root::{NotFoundPage, RootPage};

/// Every page of the portal.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|text: String| if text.is_empty() { "Slipway".to_owned() } else { format!("{text} · Slipway") } />
        <Router>
            <Frame>
                <Routes fallback=NotFoundPage>
                    <Route path=path!("/") view=RootPage ssr=SsrMode::Async />
                </Routes>
            </Frame>
        </Router>
    }
}
