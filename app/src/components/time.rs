//! Moments on a page: relative and ticking, exact on hover, and the same in the server's HTML and at hydration.

use super::format::{exact_time, iso_time, relative_time};
use domain::model::Millis;
use leptos::prelude::*;

/// What the time is for this page: the server's at first, then ticking every second in the browser.
#[derive(Clone, Copy)]
pub struct Now(pub RwSignal<Millis>);

/// When the server rendered this page, so that document and pages agree.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug)]
pub struct RenderedAt(pub Millis);

/// Puts `Now` into the context. The browser starts from the server's time (`data-now` on the document), so that hydration finds the same text.
pub fn provide_now() {
    let now = RwSignal::new(rendered_at());
    provide_context(Now(now));
    Effect::new(move |_| {
        // A browser whose clock is off by more than a minute follows the server's.
        let offset = rendered_at() - system_now();
        let offset = if offset.abs() > 60_000 { offset } else { 0 };
        let tick = set_interval_with_handle(move || now.set(system_now() + offset), std::time::Duration::from_secs(1));
        if let Ok(tick) = tick {
            on_cleanup(move || tick.clear());
        }
    });
}

#[expect(clippy::cast_possible_truncation, reason = "Date.now() is a whole number far below 2^53")]
fn system_now() -> Millis {
    js_sys::Date::now() as Millis
}

fn rendered_at() -> Millis {
    #[cfg(feature = "ssr")]
    let at = use_context::<RenderedAt>().map_or(0, |r| r.0);
    #[cfg(not(feature = "ssr"))]
    let at =
        document().document_element().and_then(|e| e.get_attribute("data-now")).and_then(|t| t.parse().ok()).unwrap_or_else(system_now);
    at
}

/// The time now, ticking in the browser.
pub fn use_now() -> ReadSignal<Millis> {
    use_context::<Now>().map_or_else(|| RwSignal::new(0), |now| now.0).read_only()
}

/// A moment as `3 min ago`, exact on hover.
#[component]
pub fn Time(#[prop(into)] at: Signal<Millis>) -> impl IntoView {
    let now = use_now();
    let text = Memo::new(move |_| relative_time(at.get(), now.get()));
    view! { <time datetime=move || iso_time(at.get()) title=move || exact_time(at.get())>{text}</time> }
}
