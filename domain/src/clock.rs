//! Time, handed in: verbs never read the system clock in place, so that tests can move it.

use crate::model::Millis;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// The portal's clock: the system's, or one that tests set.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    pub fn system() -> Self {
        Self(None)
    }
    /// A clock that stands still until it is moved.
    pub fn fixed(at: Millis) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at))))
    }
    /// Moves a fixed clock forward; the system's clock stays as it is.
    pub fn advance(&self, by: Millis) {
        if let Some(at) = &self.0 {
            at.fetch_add(by, Ordering::SeqCst);
        }
    }
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Millis {
        match &self.0 {
            Some(at) => at.load(Ordering::SeqCst),
            None => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |d| Millis::try_from(d.as_millis()).unwrap_or(Millis::MAX)),
        }
    }
}
