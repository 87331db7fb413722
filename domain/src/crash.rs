//! Places where a test build can be told to die, to show that what was acknowledged survives it. Other builds have none of this.

/// Dies here, as by `kill -9`, where the data folder's file `crash-point` names this place: `NAME`, or `NAME:N` for the Nth time.
#[cfg(feature = "crashpoints")]
pub(crate) fn point(portal: &crate::portal::Portal, name: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };
    static ARMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let armed = ARMED.get_or_init(|| {
        let text = std::fs::read_to_string(portal.settings.data.join("crash-point")).ok()?;
        let (name, times) = text.trim().split_once(':').unwrap_or((text.trim(), "1"));
        Some((name.to_owned(), times.parse().ok()?))
    });
    if let Some((armed, times)) = armed
        && armed == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *times
    {
        // No destructor runs and nothing is flushed.
        std::process::abort();
    }
}

#[cfg(not(feature = "crashpoints"))]
pub(crate) fn point(_portal: &crate::portal::Portal, _name: &str) {}
