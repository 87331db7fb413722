//! In by a one-time code from the portal, which becomes the notebook host's own cookie.

use crate::{Server, http::headers::see_other, pages::cookie};
use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use domain::{model::NotebookId, notebooks};

fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-slipway-notebook" } else { "slipway-notebook" }
}

/// What the browser got when it came in.
pub fn secret(headers: &HeaderMap, secure: bool) -> Option<&str> {
    cookie(headers, cookie_name(secure))
}

/// `GET /_slipway/enter?code=…`.
pub async fn enter(server: &Server, id: &NotebookId, query: &str) -> Response {
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap_or_default();
    let secret = match notebooks::redeem(&server.portal, id, code).await {
        Ok(secret) => secret,
        // A code works once: who comes back to its address gets a new one from the portal.
        Err(error) => return super::refusal(server, id, error, true),
    };
    let mut response = see_other("/");
    let secure = if server.origin.secure() { "; Secure" } else { "" };
    let cookie = format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(server.origin.secure()));
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
