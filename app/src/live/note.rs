//! Says when live updates are cut, and since when.

use super::{keep_open, use_live};
use leptos::prelude::*;

/// Keeps the live stream open while it is on the page, and says so when it is cut. One, in the frame of signed-in pages.
#[component]
pub fn LiveNote() -> impl IntoView {
    let live = use_live();
    keep_open(live);
    view! {
        <div class="live-note" role="status">
            {move || live.paused().get().map(|since| view! { <span class="live-note-text">{format!("Live updates paused since {}", clock_time(since))}</span> })}
        </div>
    }
}

/// The browser's local time of day, `14:03`.
fn clock_time(at: domain::model::Millis) -> String {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit in 53 bits")]
    let date = js_sys::Date::new(&(at as f64).into());
    format!("{:02}:{:02}", date.get_hours(), date.get_minutes())
}
