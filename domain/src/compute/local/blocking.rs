//! Work that blocks a thread, of which nobody draws a conclusion while the portal ends.

use std::{future, io};

/// What `work` gives, done on a thread that may wait. Where the runtime shut down before its turn came, this does not answer any more: to take that for a
/// failure of the work would report a healthy notebook as failed in the portal's last moment. An error is a panic of `work`.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Err(end) if end.is_cancelled() => future::pending().await,
        done => done.map_err(io::Error::other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn work_that_a_shutdown_left_undone_is_not_taken_for_failed() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let _inside = handle.enter();
        let theirs = tokio::task::spawn_blocking(|| ());
        assert!(theirs.now_or_never().expect("at once").expect_err("left undone").is_cancelled());
        assert!(Box::pin(blocking(|| ())).now_or_never().is_none(), "nobody is told that it failed");
    }
}
