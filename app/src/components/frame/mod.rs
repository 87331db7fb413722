//! What stands around every page: navigation, team switcher, palette, toasts.

mod command;
mod keys;
mod me;
mod nav;
mod palette;
mod preferences;
mod switcher;

pub use me::{MeResource, TEAM_COOKIE, preferred_team, role_in, use_me, use_team};
pub use preferences::{cookie, document_attributes, use_looks};

use super::{
    icon::{Glyph, Icon},
    time::provide_now,
    toast::{ToastsArea, provide_toasts},
};
use keys::listen;
use leptos::{html, prelude::*};
use leptos_router::hooks::use_location;
use me::{follow_me, known, provide_me};
use nav::Sidebar;
use palette::{KeysDialog, Palette};

/// Pages without navigation: for people who are not signed in yet.
fn is_bare(path: &str) -> bool {
    matches!(path, "/sign-in" | "/setup" | "/sso/callback")
}

/// The frame; `children` are the routes.
#[component]
pub fn Frame(children: Children) -> impl IntoView {
    provide_now();
    provide_toasts();
    preferences::provide_looks();
    crate::live::provide_live();
    let path = use_location().pathname;
    let bare = Memo::new(move |_| is_bare(&path.read()));
    let me = provide_me(bare);
    let (palette, keys) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Dialog>::new());
    let known = known(me);
    follow_me(me, known);
    listen(known, palette, keys);
    Effect::new(|_| {
        if let Some(root) = document().document_element() {
            _ = root.set_attribute("data-hydrated", "");
        }
    });
    view! {
        <a class="skip-link" href="#content">
            "Skip to content"
        </a>
        <div class="shell" class:bare=bare>
            <header class="topbar">
                <input type="checkbox" id="nav-open" class="nav-toggle" aria-label="Show navigation" />
                <label for="nav-open" class="icon-btn nav-open" aria-hidden="true">
                    <Icon glyph=Glyph::Menu />
                </label>
                <a class="wordmark" href="/">
                    <Logo />
                    "Slipway"
                </a>
            </header>
            <label for="nav-open" class="nav-scrim" aria-hidden="true"></label>
            <Sidebar me palette />
            <main id="content" tabindex="-1">
                {move || (!bare.get()).then(|| view! { <crate::live::LiveNote /> })}
                {children()}
            </main>
        </div>
        <Palette me=known node=palette keys />
        <KeysDialog node=keys />
        <ToastsArea />
    }
}

/// The product's mark: a hull on its slip above the water.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
            <path class="logo-hull" d="M4.2 6.2 20.5 11.6c-.5 2.6-2.5 4.4-5.2 4.4H9.6c-2.2 0-4-1.3-4.6-3.4z"></path>
            <path class="logo-water" d="M2.5 19.6c1.6 0 1.6-1.2 3.2-1.2s1.6 1.2 3.2 1.2 1.6-1.2 3.1-1.2 1.6 1.2 3.2 1.2 1.6-1.2 3.2-1.2 1.5 1.2 3.1 1.2"></path>
        </svg>
    }
}
