//! To an identity provider, whose way back is a page of the app; out of it; and what it says of those whom it has signed out.

use crate::{Server, http::headers::see_other, sessions};
use app::navigation::safe_path;
use axum::{
    Extension, Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Caller, Error};
use serde::Deserialize;
use tower_sessions::Session;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Ask {
    next: String,
}

/// `GET /sso/{provider}/begin`: remembers in the browser's session what belongs to this sign-in, and sends the browser to the provider.
pub async fn begin(
    State(server): State<Server>,
    session: Session,
    Extension(caller): Extension<Caller>,
    Path(provider): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
) -> Response {
    // What is fetched ahead of a click begins nothing.
    if headers.contains_key("sec-purpose") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let begun = match domain::sso::begin(&server.portal, &caller, &provider, safe_path(&ask.next)).await {
        Ok(begun) => begun,
        Err(Error::NotFound(_)) => return see_other("/sign-in?sso=gone"),
        Err(Error::Throttled(_)) => return see_other("/sign-in?sso=often"),
        Err(error) => {
            tracing::warn!(%error, "a sign-in with an identity provider could not begin");
            return see_other("/sign-in?sso=silent");
        }
    };
    match sessions::remember_attempt(&session, begun.attempt).await {
        Ok(()) => see_other(&begun.url),
        Err(error) => {
            tracing::error!(%error, "a sign-in could not be remembered");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Longest logout token with its form, in bytes.
pub const LOGOUT: usize = 32 * 1024;

/// By which the way back from a provider that somebody left is known. A cookie, since it is worth no row in the database: whoever asks would make one.
const LEAVING: &str = "slipway-leaving";

/// `GET /sso/{provider}/end`: out of the provider, which asks the person first. This portal's session is over before.
pub async fn end(State(server): State<Server>, Path(provider): Path<String>) -> Response {
    match domain::sso::end(&server.portal, &provider).await {
        Ok((url, state)) => (leaving(&server, &state, 600), see_other(&url)).into_response(),
        Err(Error::NotFound(_)) => see_other("/sign-in?sso=gone"),
        Err(error) => {
            tracing::warn!(%error, "the way out of an identity provider is not known");
            see_other("/sign-in?sso=silent")
        }
    }
}

fn leaving(server: &Server, state: &str, seconds: u32) -> [(header::HeaderName, String); 1] {
    let secure = if server.origin.secure() { "; Secure" } else { "" };
    [(header::SET_COOKIE, format!("{LEAVING}={state}; Path=/sso; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"))]
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Ended {
    state: String,
}

/// `GET /sso/ended`: back from the provider. Only who left it from here is told so.
pub async fn ended(State(server): State<Server>, headers: HeaderMap, Query(ended): Query<Ended>) -> Response {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let mut states = cookies.filter_map(|cookie| cookie.trim().strip_prefix(LEAVING)?.strip_prefix('='));
    let fits = !ended.state.is_empty() && states.any(|state| state == ended.state);
    (leaving(&server, "", 0), see_other(if fits { "/sign-in?sso=ended" } else { "/sign-in" })).into_response()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Logout {
    logout_token: String,
}

/// `POST /sso/back-channel-logout`, from the provider's server (OpenID Connect Back-Channel Logout 1.0, section 2.8).
pub async fn back_channel(State(server): State<Server>, Form(logout): Form<Logout>) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    match domain::sso::back_channel(&server.portal, &logout.logout_token).await {
        Ok(ended) => {
            tracing::info!(ended, "an identity provider ended sessions");
            (StatusCode::OK, no_store).into_response()
        }
        Err(Error::Invalid(fields)) => {
            let description = fields.first().map_or_else(String::new, |field| field.reason.clone());
            tracing::warn!(%description, "a logout token was refused");
            let said = axum::Json(serde_json::json!({ "error": "invalid_request", "error_description": description }));
            (StatusCode::BAD_REQUEST, no_store, said).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "a logout token could not be looked at");
            (StatusCode::SERVICE_UNAVAILABLE, no_store).into_response()
        }
    }
}
