//! Hands a new token's secret to the page after a form without scripts: in a cookie of that page alone, for a minute, read once.

use http::{HeaderValue, header, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

const NAME: &str = "slipway-new-token";

fn set(value: &str, seconds: u32) {
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else { return };
    let sent_from = |name| parts.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).is_some_and(|v| v.starts_with("https://"));
    let secure = if sent_from(header::REFERER) || sent_from(header::ORIGIN) { "; Secure" } else { "" };
    let cookie = format!("{NAME}={value}; Path=/account/tokens; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// Puts the secret into the answer.
pub fn hand_over(secret: &str) {
    set(secret, 60);
}

/// The secret that this request brings, which the answer takes away.
pub fn take() -> Option<String> {
    let secret = crate::components::frame::cookie(NAME).filter(|secret| !secret.is_empty())?;
    set("", 0);
    Some(secret)
}
