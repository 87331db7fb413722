//! Keys that work everywhere, and the small habits of menus: Escape and a click elsewhere close them.

use super::{
    command::{groups, own_places},
    me::{preferred_team, team_in},
};
use domain::model::Me;
use leptos::{ev, html, prelude::*};
use leptos_router::hooks::{use_location, use_navigate};
use wasm_bindgen::JsCast;

/// Keys and what they do, as the help lists them.
pub(super) const KEYS: [(&str, &str); 6] = [
    ("Ctrl K", "Search pages, notebooks and actions"),
    ("/", "Go to the search of this page"),
    ("g then h", "Go to Home"),
    ("g then n", "Go to Notebooks"),
    ("?", "Show these keys"),
    ("Esc", "Close what is open"),
];

/// Listens for keys and clicks while the frame lives.
pub(super) fn listen(me: RwSignal<Option<Me>>, palette: NodeRef<html::Dialog>, help: NodeRef<html::Dialog>) {
    let path = use_location().pathname;
    let navigate = use_navigate();
    let after_g = StoredValue::new(false);
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        // A page that was gone to closes the menu that led there; one that was opened before the page was alive stays.
        if before.is_some_and(|before| before != now) {
            close_menus(None);
            if let Some(toggle) = element::<web_sys::HtmlInputElement>("#nav-open") {
                toggle.set_checked(false);
            }
        }
        now
    });
    Effect::new(move |_| {
        let navigate = navigate.clone();
        let go = move |key: char| {
            let path = path.get_untracked();
            let Some(me) = me.get_untracked() else { return };
            let team = team_in(&path).map(str::to_owned).or_else(|| preferred_team(&me));
            let mut places: Vec<_> = groups(&me, team.as_deref()).into_iter().flat_map(|g| g.places).collect();
            places.extend(own_places());
            if let Some(place) = places.into_iter().find(|p| p.key == Some(key)) {
                navigate(&place.href, leptos_router::NavigateOptions::default());
            }
        };
        let keys = window_event_listener(ev::keydown, move |ev| {
            let open = document().query_selector("dialog[open]").ok().flatten().is_some();
            if (ev.ctrl_key() || ev.meta_key()) && ev.key().eq_ignore_ascii_case("k") {
                ev.prevent_default();
                if !open && let Some(dialog) = palette.get_untracked() {
                    _ = dialog.show_modal();
                }
                return;
            }
            if ev.key() == "Escape" && !open {
                close_menus(None);
                return;
            }
            if open || ev.ctrl_key() || ev.meta_key() || ev.alt_key() || is_typing() {
                return;
            }
            let key = ev.key();
            if after_g.get_value() {
                after_g.set_value(false);
                if let Some(key) = key.chars().next() {
                    go(key);
                }
                return;
            }
            match key.as_str() {
                "g" => {
                    after_g.set_value(true);
                    set_timeout(move || _ = after_g.try_set_value(false), std::time::Duration::from_secs(1));
                }
                "?" => {
                    if let Some(dialog) = help.get_untracked() {
                        _ = dialog.show_modal();
                    }
                }
                "/" => {
                    if let Some(search) = element::<web_sys::HtmlElement>("main [data-search]") {
                        ev.prevent_default();
                        _ = search.focus();
                    }
                }
                _ => {}
            }
        });
        let clicks = window_event_listener(ev::click, move |ev| close_menus(ev.target().and_then(|t| t.dyn_into().ok())));
        on_cleanup(move || {
            keys.remove();
            clicks.remove();
        });
    });
}

fn element<T: JsCast>(selector: &str) -> Option<T> {
    document().query_selector(selector).ok().flatten().and_then(|e| e.dyn_into().ok())
}

/// Whether keys go into a text control now.
fn is_typing() -> bool {
    document()
        .active_element()
        .is_some_and(|e| e.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]").unwrap_or(false))
}

/// Closes every open menu that does not hold `inside`; the focus goes back to the menu's button where it was in the menu.
fn close_menus(inside: Option<web_sys::Node>) {
    // What was pressed is gone: nobody can tell any more in which menu it was, and it may have redrawn its own.
    if inside.as_ref().is_some_and(|node| !node.is_connected()) {
        return;
    }
    let Ok(open) = document().query_selector_all("details.menu[open]") else { return };
    for i in 0..open.length() {
        let Some(menu) = open.item(i).and_then(|n| n.dyn_into::<web_sys::Element>().ok()) else { continue };
        if inside.is_some() && menu.contains(inside.as_ref()) {
            continue;
        }
        let focus_was_in = menu.contains(document().active_element().as_deref());
        _ = menu.remove_attribute("open");
        if focus_was_in
            && inside.is_none()
            && let Some(summary) = menu.query_selector("summary").ok().flatten().and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok())
        {
            _ = summary.focus();
        }
    }
}
