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
            // What was found free a moment ago is in use now.
            sqlx::Error::Database(e) if e.is_foreign_key_violation() => {
                Self::Conflict("Something else has changed meanwhile. Reload the page and look again.".to_owned())
            }
            sqlx::Error::Database(e) if e.code().is_some_and(|code| is_passing(&code)) => {
                tracing::error!(%error, "the database cannot go on now");
                Self::Unavailable("The database cannot do this now. Try again in a moment.".to_owned())
            }
            _ => Self::internal("database", error),
        }
    }
}

/// Whether a database's error code tells of its state (full, locked, shutting down, a deadlock) and not of a fault in a statement.
fn is_passing(code: &str) -> bool {
    // SQLite's result codes are numbers, the primary one in the low byte: busy, locked, read-only, I/O error, full, cannot open.
    if code.len() != 5 {
        return code.parse::<u32>().is_ok_and(|code| [5, 6, 8, 10, 13, 14].contains(&(code & 0xff)));
    }
    // PostgreSQL's classes: connection, resources, operator intervention, system error; and deadlock or serialisation failure.
    ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) || ["40001", "40P01"].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_or_locked_database_is_unavailable_and_a_wrong_statement_is_our_fault() {
        for passing in ["5", "13", "10", "778", "53100", "57P01", "40P01"] {
            assert!(is_passing(passing), "{passing}");
        }
        for fault in ["1", "2067", "787", "23505", "42P01"] {
            assert!(!is_passing(fault), "{fault}");
        }
    }
}
