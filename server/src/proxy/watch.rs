//! Whoever was let in is asked about again while something of theirs is open, and what is open ends once they may no longer be there.

use axum::body::{Body, Bytes};
use domain::{Portal, model::NotebookId, notebooks};
use http_body::{Frame, SizeHint};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// How often is asked.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Who was let in, to be asked about again.
#[derive(Clone)]
pub struct Guest {
    pub portal: Portal,
    pub id: NotebookId,
    pub secret: String,
}

impl Guest {
    /// Ready once they may no longer be there.
    pub async fn until_refused(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match notebooks::admit(&self.portal, &self.id, &self.secret).await {
                Ok(_) => {}
                // A database that does not answer now says nothing about the person.
                Err(error @ domain::Error::Unavailable(_)) => tracing::warn!(%error, "a guest could not be checked; trying again"),
                Err(_) => return tracing::info!(notebook = %self.id, "a transfer was cut: its person may no longer be there"),
            }
        }
    }

    /// The body, failing once its person may no longer be there.
    pub fn watched(&self, body: Body) -> Body {
        if http_body::Body::is_end_stream(&body) {
            return body;
        }
        let guest = self.clone();
        Body::new(Watched { body, refused: Some(Box::pin(async move { guest.until_refused().await })) })
    }
}

struct Watched {
    body: Body,
    /// None once it was ready.
    refused: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        // Asked first: a body that always has more to give would never be cut.
        if self.refused.as_mut().is_none_or(|refused| refused.as_mut().poll(cx).is_ready()) {
            self.refused = None;
            return Poll::Ready(Some(Err("its person may no longer be there".into())));
        }
        Pin::new(&mut self.body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
