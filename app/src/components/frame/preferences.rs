//! What a browser remembers about its looks: theme, folded navigation, last team. Cookies, so that the server paints it right at once.

use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::{JsCast, closure::Closure},
};

/// A cookie of this portal that scripts may read.
pub fn cookie(name: &str) -> Option<String> {
    let all = all_cookies()?;
    all.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| value.to_owned())
}

fn all_cookies() -> Option<String> {
    #[cfg(feature = "ssr")]
    {
        let parts = use_context::<http::request::Parts>()?;
        Some(parts.headers.get(http::header::COOKIE)?.to_str().ok()?.to_owned())
    }
    #[cfg(not(feature = "ssr"))]
    {
        js_sys::Reflect::get(&document(), &"cookie".into()).ok()?.as_string()
    }
}

/// Remembers a preference for a year. `value` must be of `[a-z0-9-]`.
pub(super) fn remember(name: &str, value: &str) {
    let cookie = format!("{name}={value}; path=/; max-age=31536000; samesite=lax");
    _ = js_sys::Reflect::set(&document(), &"cookie".into(), &cookie.into());
}

/// Attributes of the document: (theme, navigation), where the visitor has chosen them.
pub fn document_attributes() -> (Option<&'static str>, Option<&'static str>) {
    let theme = match cookie("theme").as_deref() {
        Some("light") => Some("light"),
        Some("dark") => Some("dark"),
        _ => None,
    };
    (theme, (cookie("nav").as_deref() == Some("icons")).then_some("icons"))
}

/// The theme: `light`, `dark` or `system`.
pub(super) fn set_theme(theme: &str) {
    remember("theme", theme);
    if let Some(root) = document().document_element() {
        _ = if theme == "system" { root.remove_attribute("data-theme") } else { root.set_attribute("data-theme", theme) };
    }
    if let Ok(event) = web_sys::Event::new(THEME_SET) {
        _ = window().dispatch_event(&event);
    }
}

/// Told to the window when somebody chooses a theme.
const THEME_SET: &str = "slipway-theme";

#[derive(Clone, Copy)]
struct Looks(RwSignal<u32>);

/// Counts the changes of what things look like: the theme, the person's and the system's, the fonts that have come, the pixels of the screen.
pub(super) fn provide_looks() {
    let looks = RwSignal::new(0_u32);
    provide_context(Looks(looks));
    Effect::new(move |_| {
        let changed = move || _ = looks.try_update(|n| *n = n.wrapping_add(1));
        let chosen = window_event_listener_untyped(THEME_SET, move |_| changed());
        let dense = StoredValue::new(window().device_pixel_ratio());
        let resized = window_event_listener(ev::resize, move |_| {
            let now = window().device_pixel_ratio();
            if (dense.get_value() - now).abs() > f64::EPSILON {
                dense.set_value(now);
                changed();
            }
        });
        on_cleanup(move || {
            chosen.remove();
            resized.remove();
        });
        let loading = document().fonts();
        if loading.status() == web_sys::FontFaceSetLoadStatus::Loading
            && let Ok(ready) = loading.ready()
        {
            leptos::task::spawn_local(async move {
                _ = wasm_bindgen_futures::JsFuture::from(ready).await;
                changed();
            });
        }
        if let Ok(Some(dark)) = window().match_media("(prefers-color-scheme: dark)") {
            let listen = Closure::<dyn FnMut()>::new(changed);
            dark.set_onchange(Some(listen.as_ref().unchecked_ref()));
            // As long as the page.
            listen.forget();
        }
    });
}

/// Changes with the theme, the fonts and the screen: for what is painted by itself.
pub fn use_looks() -> Signal<u32> {
    use_context::<Looks>().map_or_else(Signal::default, |looks| looks.0.into())
}

/// Folds the navigation to icons, or unfolds it.
pub(super) fn toggle_navigation() {
    if let Some(root) = document().document_element() {
        let fold = !root.has_attribute("data-nav");
        remember("nav", if fold { "icons" } else { "full" });
        _ = if fold { root.set_attribute("data-nav", "icons") } else { root.remove_attribute("data-nav") };
    }
}
