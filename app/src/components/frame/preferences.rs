//! What a browser remembers about its looks: theme, folded navigation, last team. Cookies, so that the server paints it right at once.

use leptos::prelude::*;

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
}

/// Folds the navigation to icons, or unfolds it.
pub(super) fn toggle_navigation() {
    if let Some(root) = document().document_element() {
        let fold = !root.has_attribute("data-nav");
        remember("nav", if fold { "icons" } else { "full" });
        _ = if fold { root.set_attribute("data-nav", "icons") } else { root.remove_attribute("data-nav") };
    }
}
