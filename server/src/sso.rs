//! To an identity provider; the way back is a page of the app.

use crate::{Server, http::headers::see_other, sessions};
use app::navigation::safe_path;
use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
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
