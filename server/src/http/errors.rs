//! The boundary table from the domain's errors to plain answers, for routes that are neither pages nor server functions.

use super::headers::plain;
use axum::{http::StatusCode, response::Response};
use domain::Error;

/// The answer to a request that the domain refused. What is internal is logged and not told.
pub fn refusal(error: Error, request_id: &str) -> Response {
    let status = match &error {
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::AlreadyExists(_) | Error::Conflict(_) | Error::QuotaExceeded(_) => StatusCode::CONFLICT,
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated => return super::caller::unauthenticated(),
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(detail) => {
            tracing::error!(%detail, request = request_id, "a request failed");
            let text = format!("Something went wrong on our side. Try again; an administrator can look for the request {request_id}.");
            return plain(StatusCode::INTERNAL_SERVER_ERROR, text);
        }
    };
    plain(status, error.to_string())
}
