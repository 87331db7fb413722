//! What a server function answers when it cannot do what was asked: the domain's error without anything internal.

use domain::model::FieldError;
use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// The kind of a failure, for pages that act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    NotFound,
    AlreadyExists,
    Invalid,
    Unauthenticated,
    Forbidden,
    Conflict,
    QuotaExceeded,
    Throttled,
    Unavailable,
    Internal,
    /// The server could not be reached, or its answer not be read.
    Network,
}

impl ErrorKind {
    /// Whether the same question may be answered a moment later.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Internal | Self::Network)
    }
}

/// An error as pages show it: what happened and what to do, in a sentence, and the fields at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct AppError {
    pub kind: ErrorKind,
    pub message: String,
    pub fields: Vec<FieldError>,
}

impl AppError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fields: Vec::new() }
    }
    /// The reason given for one field, if it is at fault.
    pub fn field(&self, name: &str) -> Option<String> {
        self.fields.iter().find(|f| f.field == name).map(|f| f.reason.clone())
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                // Without it the answer would claim a fault of ours.
                #[cfg(feature = "ssr")]
                if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
                    response.set_status(http::StatusCode::BAD_REQUEST);
                }
                Self::new(ErrorKind::Invalid, "The request could not be understood. Reload the page and try again.")
            }
            _ => Self::new(ErrorKind::Network, "The portal could not be reached. Check the connection and try again."),
        }
    }
}

#[cfg(feature = "ssr")]
impl From<domain::Error> for AppError {
    /// The one boundary table from the domain to pages: drops what is internal, logs it once, and sets the status of the answer.
    fn from(error: domain::Error) -> Self {
        use domain::Error as E;
        use http::StatusCode as S;
        let (kind, status) = match &error {
            E::NotFound(_) => (ErrorKind::NotFound, S::NOT_FOUND),
            E::AlreadyExists(_) => (ErrorKind::AlreadyExists, S::CONFLICT),
            E::Invalid(_) => (ErrorKind::Invalid, S::BAD_REQUEST),
            E::Unauthenticated => (ErrorKind::Unauthenticated, S::UNAUTHORIZED),
            E::Forbidden(_) => (ErrorKind::Forbidden, S::FORBIDDEN),
            E::Conflict(_) => (ErrorKind::Conflict, S::CONFLICT),
            E::QuotaExceeded(_) => (ErrorKind::QuotaExceeded, S::CONFLICT),
            E::Throttled(_) => (ErrorKind::Throttled, S::TOO_MANY_REQUESTS),
            E::Unavailable(_) => (ErrorKind::Unavailable, S::SERVICE_UNAVAILABLE),
            E::Internal(_) => (ErrorKind::Internal, S::INTERNAL_SERVER_ERROR),
        };
        // A plain form post is answered by a redirect that carries the error; another status would hide it.
        if !crate::context::is_plain_post()
            && let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>()
        {
            response.set_status(status);
        }
        match error {
            E::Internal(detail) => {
                let request = leptos::prelude::use_context::<domain::Caller>().map(|c| c.request_id).unwrap_or_default();
                tracing::error!(%detail, %request, "a request failed");
                Self::new(
                    kind,
                    format!("Something went wrong on our side. Try again; if it goes on, give an administrator this request id: {request}"),
                )
            }
            E::Invalid(fields) if fields.len() > 1 => Self { kind, message: "Some fields need attention.".to_owned(), fields },
            E::Invalid(fields) => Self { kind, message: fields.first().map(|f| f.reason.clone()).unwrap_or_default(), fields },
            other => Self::new(kind, other.to_string()),
        }
    }
}
