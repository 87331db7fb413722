//! What lets one browser into one notebook's own host: a one-time code that becomes a ticket.

use crate::model::{Millis, NotebookId, UserId};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How long a positive answer may be repeated without asking the database, in milliseconds.
const TRUSTED: Millis = 5_000;
/// Answers kept at most; past it, stale ones are dropped.
const KEPT: usize = 4096;

/// Whom notebooks let in a moment ago, so that a page with hundreds of files costs one look. Refusals are never remembered.
#[derive(Default)]
pub struct Admitted(Mutex<HashMap<(NotebookId, String), (UserId, Millis)>>);

impl Admitted {
    pub(super) fn get(&self, id: &NotebookId, digest: &str, now: Millis) -> Option<UserId> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (user, at) = entries.get(&(id.clone(), digest.to_owned()))?;
        (*at <= now && now - at < TRUSTED).then(|| user.clone())
    }
    pub(super) fn note(&self, id: &NotebookId, digest: &str, user: &UserId, now: Millis) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= KEPT {
            entries.retain(|_, (_, at)| *at <= now && now - *at < TRUSTED);
        }
        entries.insert((id.clone(), digest.to_owned()), (user.clone(), now));
    }
    /// Asks anew from now on.
    pub(super) fn forget(&self, id: &NotebookId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(notebook, _), _| notebook != id);
    }
}
