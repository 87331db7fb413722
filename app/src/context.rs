//! What a server function starts from: the portal and who calls.

use crate::error::{AppError, ErrorKind};
use domain::{Caller, Portal};
use leptos::prelude::use_context;

/// The portal and the caller of this request, put into the context by the server.
pub fn request() -> Result<(Portal, Caller), AppError> {
    match (use_context::<Portal>(), use_context::<Caller>()) {
        (Some(portal), Some(caller)) => Ok((portal, caller)),
        _ => Err(AppError::new(ErrorKind::Internal, "The server is not ready yet. Try again in a moment.")),
    }
}

/// Where this portal is reached, for texts that people copy.
pub fn portal_address() -> String {
    use_context::<Portal>().map(|portal| portal.settings.address.clone()).unwrap_or_default()
}

/// What the server does around a sign-in, since sessions are its business: put into the context beside the portal.
#[derive(Clone)]
pub struct SessionDoor {
    /// Starts a new session (a new cookie) for this person in the answer of this request.
    pub start: std::sync::Arc<dyn Fn(domain::model::UserId, Option<domain::sso::Began>) -> BoxedFuture + Send + Sync>,
    /// Ends the session of this request and clears its cookie; with whom it began.
    pub end: std::sync::Arc<dyn Fn() -> BoxedFuture<Option<domain::sso::Began>> + Send + Sync>,
    /// The sign-in that waits in this browser for an identity provider's answer with this state; given once.
    pub take_attempt: std::sync::Arc<dyn Fn(String) -> BoxedFuture<Option<domain::sso::Attempt>> + Send + Sync>,
}

type BoxedFuture<T = ()> = std::pin::Pin<Box<dyn Future<Output = domain::Result<T>> + Send>>;

/// The session door of this request.
pub fn session_door() -> Result<SessionDoor, AppError> {
    use_context::<SessionDoor>().ok_or_else(|| AppError::new(ErrorKind::Internal, "The server is not ready yet. Try again in a moment."))
}

/// Whether this request is a form posted by a browser without scripts: its answer is a redirect, never data.
pub fn is_plain_post() -> bool {
    use_context::<http::request::Parts>().is_some_and(|parts| {
        let html = parts.headers.get(http::header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"));
        parts.method == http::Method::POST && html
    })
}
