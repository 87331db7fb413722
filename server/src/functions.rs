//! Server functions over HTTP: limits before they run, redirects after.

use crate::{Server, http::headers::plain, sessions};
use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::Caller;
use leptos::prelude::provide_context;
use std::time::Duration;
use tower_sessions::Session;

/// Longest body of a request to the portal, in bytes.
const BODY: usize = 1024 * 1024;
/// A body that takes longer is not being sent in earnest.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// `POST /api/…`.
pub async fn call(State(server): State<Server>, Extension(caller): Extension<Caller>, session: Session, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = match read(&parts.headers, body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    drop_foreign_referer(&mut parts.headers, &server.origin.text());
    let wants_page = parts.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"));
    let door = sessions::door(&server.portal, &session, &caller, &parts.headers);
    let signs_out = parts.uri.path() == "/api/identity/sign_out";
    let provide = move || {
        provide_context(server.portal.clone());
        provide_context(caller.clone());
        provide_context(door.clone());
    };
    let request = Request::from_parts(parts, Body::from(body));
    let mut response = leptos_axum::handle_server_fns_with_context(provide, request).await.into_response();
    // A form without script follows its redirect, also to an error; the status of the error would keep it from doing so.
    if wants_page && response.headers().contains_key(header::LOCATION) {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    if signs_out {
        response.headers_mut().insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    }
    response
}

async fn read(headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, Response> {
    let too_large = || plain(StatusCode::PAYLOAD_TOO_LARGE, "A request to the portal may have 1 MiB.");
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the request without compression."));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.is_empty() && !["application/json", "application/x-www-form-urlencoded"].contains(&kind) {
        return Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send JSON or a form."));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_WITHIN, to_bytes(body, BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error);
            let limit = source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
            Err(if limit { too_large() } else { plain(StatusCode::BAD_REQUEST, "The request's body could not be read.") })
        }
        Err(_) => Err(plain(StatusCode::REQUEST_TIMEOUT, "The request took too long to arrive.")),
    }
}

/// Leptos sends a form without script back to the page it says it came from.
fn drop_foreign_referer(headers: &mut HeaderMap, own: &str) {
    let is_own = headers
        .get(header::REFERER)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|referer| referer.strip_prefix(own).is_some_and(|path| path.is_empty() || path.starts_with('/')));
    if !is_own {
        headers.remove(header::REFERER);
    }
}
