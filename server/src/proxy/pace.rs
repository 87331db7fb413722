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
const RATE: u64 = 1024;

/// A body that fails once it is sent too slowly. Its size is not limited: files are uploaded this way.
pub struct Paced {
    body: Body,
    since: Instant,
    bytes: u64,
    pause: Pin<Box<Sleep>>,
}

impl Paced {
    pub fn new(body: Body) -> Self {
        Self { body, since: Instant::now(), bytes: 0, pause: Box::pin(tokio::time::sleep(PAUSE)) }
    }

    fn is_slow(&self) -> bool {
        let elapsed = self.since.elapsed();
        elapsed > PAUSE && self.bytes < RATE * elapsed.as_secs()
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let slow = || Poll::Ready(Some(Err("the request is sent too slowly".into())));
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                if self.is_slow() {
                    return slow();
                }
                self.pause.as_mut().reset(Instant::now() + PAUSE);
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
