//! Streams to open pages: what changed, and logs as they grow.

mod events;
mod logs;

pub use {events::events, logs::logs};

use crate::http::caller::Credential;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use domain::{Caller, Portal, model::LiveMessage};
use serde::Serialize;
use std::time::Duration;

/// Streams that one person may have open.
const PER_PERSON: usize = 32;
/// How often a stream looks whether its reader may still read, and says that it is alive.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(15);
/// A reader that takes nothing for so long is cut off.
const SEND_WITHIN: Duration = Duration::from_secs(20);
/// Close codes of RFC 6455: the reader may no longer read; too slow, or too many.
const POLICY: u16 = 1008;

/// The reader of an open stream.
pub(crate) struct Reader {
    pub portal: Portal,
    pub credential: Credential,
    pub caller: Caller,
}

impl Reader {
    /// Reads the caller's standing anew; false where they may no longer read.
    pub async fn look(&mut self) -> domain::Result<bool> {
        let identity = self.credential.identity_again(&self.portal).await;
        if let Err(error) = &identity {
            tracing::warn!(%error, "a stream's reader could not be checked");
        }
        let Some(identity) = identity? else { return Ok(false) };
        self.caller = Caller::identified(identity, self.caller.request_id.clone(), self.caller.address.clone());
        Ok(true)
    }

    /// The same, where a database that does not answer changes nothing for now.
    pub async fn is_still_signed_in(&mut self) -> bool {
        self.look().await.unwrap_or(true)
    }
}

/// Sends one JSON message; false where the reader is gone or too slow.
async fn send<T: Serialize>(socket: &mut WebSocket, message: &T) -> bool {
    let Ok(text) = serde_json::to_string(message) else { return false };
    matches!(tokio::time::timeout(SEND_WITHIN, socket.send(Message::text(text))).await, Ok(Ok(())))
}

/// Says goodbye to a reader whose sign-in has ended.
async fn sign_out(mut socket: WebSocket) {
    if send(&mut socket, &LiveMessage::SignedOut).await {
        let frame = CloseFrame { code: POLICY, reason: "signed out".into() };
        let _ = tokio::time::timeout(SEND_WITHIN, socket.send(Message::Close(Some(frame)))).await;
    }
}

/// Whether the reader has gone. What they send is not for us.
fn has_gone(message: Option<Result<Message, axum::Error>>) -> bool {
    !matches!(message, Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))))
}
