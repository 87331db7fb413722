//! In by a one-time code from the portal, which becomes the notebook host's own cookie, in the browser that asked for it only.

use crate::{Server, http::headers::see_other, pages::cookie};
use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use domain::{Error, model::NotebookId, notebooks, random};

fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-slipway-notebook" } else { "slipway-notebook" }
}

/// What the browser got when it came in.
pub fn secret(headers: &HeaderMap, secure: bool) -> Option<&str> {
    cookie(headers, cookie_name(secure))
}

/// How long a browser may take from `begin` to `enter`, a sign-in at the portal included, in seconds.
const NONCE_LASTS: u32 = 900;

fn nonce_name(secure: bool) -> &'static str {
    if secure { "__Host-slipway-nonce" } else { "slipway-nonce" }
}

/// What the browser got at `begin`.
fn nonce(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let plain = |text: &&str| text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    cookie(headers, nonce_name(secure)).filter(plain)
}

/// `GET /_slipway/begin`: marks the browser, so that nobody can bring it into a notebook of theirs with a code of theirs.
pub fn begin(server: &Server, id: &NotebookId, headers: &HeaderMap) -> Response {
    let secure = server.origin.secure();
    // Two tabs that open at once share it.
    let nonce = nonce(headers, secure).map_or_else(random::secret, str::to_owned);
    let response = see_other(&format!("{}/notebooks/{id}/open?state={}", server.origin.text(), random::digest(&nonce)));
    with_cookie(response, &format!("{}={nonce}; Max-Age={NONCE_LASTS}", nonce_name(secure)), secure)
}

/// `GET /_slipway/enter?code=…`.
pub async fn enter(server: &Server, id: &NotebookId, headers: &HeaderMap, query: &str) -> Response {
    let secure = server.origin.secure();
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap_or_default();
    let Some(nonce) = nonce(headers, secure) else {
        return super::refusal(server, id, Error::Unauthenticated, true);
    };
    let secret = match notebooks::redeem(&server.portal, id, code, &random::digest(nonce)).await {
        Ok(secret) => secret,
        // A code works once: who comes back to its address gets a new one from the portal.
        Err(error) => return super::refusal(server, id, error, true),
    };
    with_cookie(see_other("/"), &format!("{}={secret}", cookie_name(secure)), secure)
}

fn with_cookie(mut response: Response, cookie: &str, secure: bool) -> Response {
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{cookie}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
