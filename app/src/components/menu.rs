//! Menus that open without JavaScript, and tabs that are links.

use super::icon::{Glyph, Icon};
use leptos::prelude::*;

/// A button that unfolds a short list of links or buttons. The frame closes it on Escape and on a click elsewhere.
#[component]
pub fn Menu(
    /// The name for assistive technology; also the tooltip.
    #[prop(into)]
    label: String,
    #[prop(default = Glyph::Ellipsis)] glyph: Glyph,
    /// Shows the label beside the glyph.
    #[prop(optional)]
    wordy: bool,
    children: Children,
) -> impl IntoView {
    let class = if wordy { "btn btn-sm" } else { "icon-btn" };
    let (title, name, shown) = (label.clone(), (!wordy).then(|| label.clone()), wordy.then_some(label));
    view! {
        <details class="menu">
            <summary class=class title=title aria-label=name>
                <Icon glyph />
                {shown}
            </summary>
            <div class="menu-list">{children()}</div>
        </details>
    }
}

/// One tab: a page of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    pub text: &'static str,
    pub href: String,
    pub current: bool,
}

/// Tabs as links, so that each has an address.
#[component]
pub fn Tabs(#[prop(into)] label: String, tabs: Vec<Tab>) -> impl IntoView {
    view! {
        <nav class="tabs" aria-label=label>
            {tabs
                .into_iter()
                .map(|tab| view! { <a href=tab.href aria-current=tab.current.then_some("page")>{tab.text}</a> })
                .collect_view()}
        </nav>
    }
}
