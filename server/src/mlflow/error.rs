//! The boundary table from the domain's errors to MLflow's: `{"error_code", "message"}` with the status its clients expect.
//!
//! Clients repeat a request that is answered 408, 429 or 5xx for about two minutes, so nothing a person did wrong may be one of these.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::Error;
use serde_json::json;

/// MLflow's error codes (`mlflow/protos/databricks.proto`) that Slipway answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    InvalidParameterValue,
    BadRequest,
    ResourceAlreadyExists,
    Unauthenticated,
    PermissionDenied,
    ResourceDoesNotExist,
    EndpointNotFound,
    ResourceConflict,
    RequestLimitExceeded,
    InternalError,
    NotImplemented,
    TemporarilyUnavailable,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        self.row().0
    }
    pub fn status(self) -> StatusCode {
        self.row().1
    }
    fn row(self) -> (&'static str, StatusCode) {
        match self {
            Self::InvalidParameterValue => ("INVALID_PARAMETER_VALUE", StatusCode::BAD_REQUEST),
            Self::BadRequest => ("BAD_REQUEST", StatusCode::BAD_REQUEST),
            Self::ResourceAlreadyExists => ("RESOURCE_ALREADY_EXISTS", StatusCode::BAD_REQUEST),
            Self::Unauthenticated => ("UNAUTHENTICATED", StatusCode::UNAUTHORIZED),
            Self::PermissionDenied => ("PERMISSION_DENIED", StatusCode::FORBIDDEN),
            Self::ResourceDoesNotExist => ("RESOURCE_DOES_NOT_EXIST", StatusCode::NOT_FOUND),
            Self::EndpointNotFound => ("ENDPOINT_NOT_FOUND", StatusCode::NOT_FOUND),
            Self::ResourceConflict => ("RESOURCE_CONFLICT", StatusCode::CONFLICT),
            Self::RequestLimitExceeded => ("REQUEST_LIMIT_EXCEEDED", StatusCode::TOO_MANY_REQUESTS),
            Self::InternalError => ("INTERNAL_ERROR", StatusCode::INTERNAL_SERVER_ERROR),
            Self::NotImplemented => ("NOT_IMPLEMENTED", StatusCode::NOT_IMPLEMENTED),
            Self::TemporarilyUnavailable => ("TEMPORARILY_UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// What a client is told.
#[derive(Clone, Debug)]
pub struct MlflowError {
    pub code: Code,
    pub message: String,
    /// Another status than the code's, for the few answers where clients look at it (413, 416).
    pub status: StatusCode,
}

/// What a handler returns.
pub type Answer<T = Response> = Result<T, MlflowError>;

impl MlflowError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: code.status() }
    }
    /// A parameter that cannot be accepted.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameterValue, message)
    }
    /// A required parameter that is not there, in MLflow's words.
    pub fn missing(name: &str) -> Self {
        Self::invalid(format!(
            "Missing value for required parameter '{name}'. See the API docs for more information about request parameters."
        ))
    }
}

impl From<Error> for MlflowError {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NotFound(_) => Code::ResourceDoesNotExist,
            Error::AlreadyExists(_) => Code::ResourceAlreadyExists,
            Error::Invalid(_) => Code::InvalidParameterValue,
            Error::Unauthenticated => Code::Unauthenticated,
            Error::Forbidden(_) => Code::PermissionDenied,
            Error::Conflict(_) => Code::ResourceConflict,
            Error::QuotaExceeded(_) => Code::BadRequest,
            Error::Throttled(_) => Code::RequestLimitExceeded,
            Error::Unavailable(_) => Code::TemporarilyUnavailable,
            Error::Internal(detail) => {
                // The answer carries the request's id, and the log names it with every line of the request.
                tracing::error!(%detail, "a request of an MLflow client failed");
                return Self::new(Code::InternalError, "Something went wrong on our side; the header x-request-id names this request.");
            }
        };
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for MlflowError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error_code": self.code.as_str(), "message": self.message }));
        let mut response = (self.status, body).into_response();
        let (name, value) = match self.status {
            StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Bearer"),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => (header::RETRY_AFTER, "1"),
            _ => return response,
        };
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
        response
    }
}

/// The same for a request that was refused before it reached a handler.
pub fn refusal(error: Error) -> Response {
    MlflowError::from(error).into_response()
}
