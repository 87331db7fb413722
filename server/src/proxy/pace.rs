//! A request body that must keep moving, so that a trickle does not hold a connection to a notebook.

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// Longest pause between two parts.
const PAUSE: Duration = Duration::from_secs(30);
/// Least average after the first `PAUSE`, in bytes a second.
const RATE: u128 = 1024;

/// A body that fails once it is sent too slowly. Its size is not limited: files are uploaded this way.
pub struct Paced {
    body: Body,
    since: Instant,
    bytes: u128,
    longest: Duration,
    pause: Pin<Box<Sleep>>,
}

impl Paced {
    pub fn new(body: Body) -> Self {
        Self::with_pause(body, PAUSE)
    }

    fn with_pause(body: Body, longest: Duration) -> Self {
        Self { body, since: Instant::now(), bytes: 0, longest, pause: Box::pin(tokio::time::sleep(longest)) }
    }

    fn is_slow(&self) -> bool {
        let elapsed = self.since.elapsed();
        elapsed > self.longest && 1000 * self.bytes < RATE * elapsed.as_millis()
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let slow = || Poll::Ready(Some(Err("the request is sent too slowly".into())));
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u128);
                if self.is_slow() {
                    return slow();
                }
                let until = Instant::now() + self.longest;
                self.pause.as_mut().reset(until);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => {
                ready!(self.pause.as_mut().poll(cx));
                slow()
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Paced};
    use axum::body::{Body, Bytes};
    use futures::{StreamExt, stream};
    use std::convert::Infallible;

    const LONGEST: Duration = Duration::from_millis(60);

    /// What arrives of a body of these parts, each so long after the one before.
    async fn arrives(parts: usize, of: &'static [u8], after: Duration) -> Result<usize, String> {
        let sent = stream::iter(0..parts).then(move |_| async move {
            tokio::time::sleep(after).await;
            Ok::<_, Infallible>(Bytes::from_static(of))
        });
        let mut body = Body::new(Paced::with_pause(Body::from_stream(sent), LONGEST)).into_data_stream();
        let mut bytes = 0;
        while let Some(part) = body.next().await {
            bytes += part.map_err(|error| error.to_string())?.len();
        }
        Ok(bytes)
    }

    #[tokio::test]
    async fn a_body_that_stops_is_given_up() {
        let stopped = arrives(2, b"part", Duration::from_hours(1)).await;
        assert!(stopped.is_err_and(|error| error.contains("too slowly")));
    }

    #[tokio::test]
    async fn a_body_that_trickles_without_a_long_pause_is_given_up() {
        let trickled = arrives(100_000, b".", LONGEST / 10).await;
        assert!(trickled.is_err_and(|error| error.contains("too slowly")));
    }

    #[tokio::test]
    async fn a_body_that_keeps_moving_arrives_however_long_it_takes() {
        let part = &[b'x'; 8192];
        assert_eq!(arrives(20, part, LONGEST / 10).await, Ok(20 * part.len()));
    }
}
