//! Keys of the list of notebooks.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

/// `j` and `k` move between the rows' links, so that Enter opens; `x` selects.
pub fn listen_for_row_keys() {
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, |ev| {
            let typing = document()
                .active_element()
                .is_some_and(|e| e.matches("input:not([type=checkbox]), textarea, select, dialog *").unwrap_or(false));
            if typing || ev.ctrl_key() || ev.meta_key() || ev.alt_key() {
                return;
            }
            match ev.key().as_str() {
                "j" => move_row(1),
                "k" => move_row(-1),
                "x" => {
                    let row = document().active_element().and_then(|e| e.closest("tr").ok().flatten());
                    let tick = row.and_then(|r| r.query_selector("input[type=checkbox]").ok().flatten());
                    if let Some(tick) = tick.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
                        tick.click();
                    }
                }
                _ => {}
            }
        });
        on_cleanup(move || listener.remove());
    });
}

fn move_row(by: i32) {
    let Ok(links) = document().query_selector_all("[data-row]") else { return };
    let count = i32::try_from(links.length()).unwrap_or(i32::MAX);
    let link = |i: i32| links.item(i.cast_unsigned()).and_then(|n| n.dyn_into::<web_sys::HtmlElement>().ok());
    let row = document().active_element().and_then(|e| e.closest("tr").ok().flatten());
    let now = row.and_then(|row| (0..count).find(|i| link(*i).is_some_and(|l| row.contains(Some(&l)))));
    let next = now.map_or(0, |now| (now + by).clamp(0, count - 1));
    if let Some(link) = link(next) {
        drop(link.focus());
    }
}
