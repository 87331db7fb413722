//! One error for every verb, free of transport; the doors translate it and drop what is internal.

use crate::model::FieldError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or the caller may not know that it does. Names the kind of thing, for example `notebook`.
    #[error("No such {0}.")]
    NotFound(&'static str),
    /// A sentence that names what is taken.
    #[error("{0}")]
    AlreadyExists(String),
    #[error("{}", .0.iter().map(|e| format!("{}: {}", e.field, e.reason)).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<FieldError>),
    #[error("Sign in first.")]
    Unauthenticated,
    /// The caller knows the thing but may not do this to it.
    #[error("{0}")]
    Forbidden(String),
    /// It cannot be done in the present state; the sentence says what to do first.
    #[error("{0}")]
    Conflict(String),
    /// More was asked for than there is or is allowed.
    #[error("{0}")]
    QuotaExceeded(String),
    /// Too many tries; carries the seconds to wait.
    #[error("Too many tries. Wait {0} s and try again.")]
    Throttled(u32),
    /// Something Slipway stands on does not answer now; trying again may help.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours. The text is for the log, never for an answer.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// One bad field.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), reason: reason.into() }])
    }
    /// A fault of ours, with its source for the log.
    pub fn internal(context: &str, source: impl std::fmt::Display) -> Self {
        Self::Internal(format!("{context}: {source}"))
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(fields: Vec<FieldError>) -> Self {
        Self::Invalid(fields)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => {
                Self::Unavailable("The database does not answer. Try again in a moment.".to_owned())
            }
            _ => Self::internal("database", error),
        }
    }
}
