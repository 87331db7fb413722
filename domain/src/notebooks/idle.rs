//! Idle stop: what nobody uses gives its CPUs, memory and GPUs back.

use crate::model::{Millis, NotebookId};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// When people last used their notebooks through the proxy, kept in memory until idle stop looks.
#[derive(Default)]
pub struct Touches(Mutex<HashMap<NotebookId, Millis>>);

impl Touches {
    pub(super) fn note(&self, id: &NotebookId, at: Millis) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), at);
    }
    pub(super) fn last(&self, id: &NotebookId) -> Option<Millis> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
    pub(super) fn forget(&self, id: &NotebookId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
