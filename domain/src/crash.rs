//! Places where a test build can be told to die, to show that what was acknowledged survives it. Other builds have none of this.

#[cfg(feature = "crashpoints")]
mod armed {
    use std::{
        path::Path,
        sync::{
            OnceLock,
            atomic::{AtomicU64, Ordering},
        },
    };

    static ARMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// Reads which place is armed from the data folder's file `crash-point`: `NAME`, or `NAME:N` for the Nth time. Once in a process.
    pub(crate) fn arm(data: &Path) {
        ARMED.get_or_init(|| {
            let text = std::fs::read_to_string(data.join("crash-point")).ok()?;
            let (name, times) = text.trim().split_once(':').unwrap_or((text.trim(), "1"));
            Some((name.to_owned(), times.parse().ok()?))
        });
    }

    /// Whether this is the armed place, at whichever time.
    pub(crate) fn is_armed(name: &str) -> bool {
        ARMED.get().and_then(Option::as_ref).is_some_and(|(armed, _)| armed == name)
    }

    /// Dies here, as by `kill -9`, where this place is armed.
    pub(crate) fn point(name: &str) {
        if let Some(Some((armed, times))) = ARMED.get()
            && armed == name
            && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *times
        {
            // No destructor runs and nothing is flushed.
            std::process::abort();
        }
    }
}

#[cfg(feature = "crashpoints")]
pub(crate) use armed::{arm, is_armed, point};

#[cfg(not(feature = "crashpoints"))]
mod absent {
    pub(crate) fn arm(_data: &std::path::Path) {}
    pub(crate) fn is_armed(_name: &str) -> bool {
        false
    }
    pub(crate) fn point(_name: &str) {}
}

#[cfg(not(feature = "crashpoints"))]
pub(crate) use absent::{arm, is_armed, point};
