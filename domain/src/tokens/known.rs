//! Whom tokens spoke for a moment ago, so that a stream of requests is not three queries each.

use crate::{caller::Identity, model::Millis};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long what was found is believed. Another process (the command line, a replica) that revokes a token is heard after so long.
const BELIEVED: Millis = 5000;
/// Beyond so many everything is asked for anew: a bound on memory, not on use.
const MOST: usize = 4096;

/// Tokens that were good, by the digest of their secret.
#[derive(Default)]
pub struct Known(Mutex<Found>);

#[derive(Default)]
struct Found {
    /// Grows with each `forget`, so that an answer that was on its way meanwhile is not kept.
    epoch: u64,
    tokens: HashMap<String, Entry>,
}

struct Entry {
    identity: Identity,
    found_at: Millis,
    expires_at: Millis,
}

/// Taken before the database is asked.
pub(super) struct Asked(u64);

impl Known {
    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, digest: &str, now: Millis) -> Option<Identity> {
        let found = self.lock();
        let entry = found.tokens.get(digest)?;
        // A clock that was set back is no reason to believe longer.
        let fresh = (entry.found_at..entry.found_at + BELIEVED).contains(&now) && now < entry.expires_at;
        fresh.then(|| entry.identity.clone())
    }

    pub(super) fn ask(&self) -> Asked {
        Asked(self.lock().epoch)
    }

    pub(super) fn put(&self, asked: Asked, digest: String, identity: &Identity, found_at: Millis, expires_at: Millis) {
        let mut found = self.lock();
        if found.epoch != asked.0 {
            return;
        }
        if found.tokens.len() >= MOST {
            found.tokens.clear();
        }
        found.tokens.insert(digest, Entry { identity: identity.clone(), found_at, expires_at });
    }

    /// Believes nothing any more: for every change of tokens, accounts or memberships, after its commit.
    pub(crate) fn forget(&self) {
        let mut found = self.lock();
        found.epoch += 1;
        found.tokens.clear();
    }
}
