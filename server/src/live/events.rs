//! `GET /live`: every change that the reader may see, in order, resumable.

use super::{LOOK_EVERY, PER_PERSON, Reader, has_gone, send, sign_out};
use crate::{
    Server,
    http::{Slot, caller::Credential, headers::plain},
};
use axum::{
    Extension,
    extract::{Query, State, WebSocketUpgrade, ws::WebSocket},
    http::StatusCode,
    response::Response,
};
use domain::{
    Caller,
    model::{Change, Event, LiveMessage},
};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::broadcast::{Receiver, error::RecvError};

#[derive(Deserialize)]
pub struct Resume {
    after: Option<i64>,
}

/// Opens the stream; `after` is the last sequence number that the reader has seen.
pub async fn events(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    slot: Option<Extension<Slot>>,
    Query(Resume { after }): Query<Resume>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if after.is_some_and(|after| after < 0) {
        return plain(StatusCode::BAD_REQUEST, "after: expected a sequence number.");
    }
    let holder = caller.identity.as_ref().map(|i| i.user.id.0.clone()).unwrap_or_default();
    let Some(seat) = server.streams.seat(&holder, PER_PERSON) else {
        return plain(StatusCode::TOO_MANY_REQUESTS, "Too many pages are open. Close some and reload.");
    };
    // From here on nothing is missed, whatever is read from the database next: also the reader's standing, which `run` reads anew for that.
    let changes = server.portal.events.subscribe();
    let stream = Stream { reader: Reader { portal: server.portal, credential, caller }, changes, seen: 0 };
    upgrade.max_message_size(4096).on_upgrade(move |socket| async move {
        stream.run(socket, after).await;
        drop((seat, slot));
    })
}

struct Stream {
    reader: Reader,
    changes: Receiver<Arc<Event>>,
    /// Sequence number of the last event that was sent or skipped.
    seen: i64,
}

impl Stream {
    async fn run(mut self, mut socket: WebSocket, after: Option<i64>) {
        // Anew, after it has begun to listen.
        match self.reader.look().await {
            Ok(true) if self.greet(&mut socket, after).await => {}
            Ok(false) => return sign_out(socket).await,
            Ok(true) | Err(_) => return,
        }
        let mut look = tokio::time::interval_at(tokio::time::Instant::now() + LOOK_EVERY, LOOK_EVERY);
        loop {
            let goes_on = tokio::select! {
                message = socket.recv() => !has_gone(message),
                change = self.changes.recv() => match change {
                    Ok(event) if matches!(event.change, Change::Team) => {
                        // Sent to those who could see it before or can now: whoever is removed learns of it too.
                        let before = self.may_see(&event);
                        match self.reader.look().await {
                            Ok(true) => self.pass(&mut socket, &event, before).await,
                            Ok(false) => return sign_out(socket).await,
                            // Who may see it is not known: the browser comes back, and resumes before it.
                            Err(_) => false,
                        }
                    }
                    Ok(event) => self.pass(&mut socket, &event, false).await,
                    Err(RecvError::Lagged(_)) => match self.reader.look().await {
                        Ok(true) => self.greet(&mut socket, None).await,
                        Ok(false) => return sign_out(socket).await,
                        Err(_) => false,
                    },
                    Err(RecvError::Closed) => false,
                },
                _ = look.tick() => {
                    if !self.reader.is_still_signed_in().await {
                        return sign_out(socket).await;
                    }
                    send(&mut socket, &LiveMessage::Beat { now: self.reader.portal.clock.now() }).await
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Says where the stream starts, and sends what came after `after` where all of it is still kept. Where somebody came to a team or left one
    /// meanwhile, the page reads all anew: whether the reader could see the team's events when they happened is not known any more.
    async fn greet(&mut self, socket: &mut WebSocket, after: Option<i64>) -> bool {
        let portal = &self.reader.portal;
        let missed = match after {
            Some(after) => domain::events::since(portal, after).await.ok().flatten().map(|events| (after, events)),
            None => None,
        };
        let missed = missed.filter(|(_, events)| !events.iter().any(|event| matches!(event.change, Change::Team)));
        let now = portal.clock.now();
        let Some((after, events)) = missed else {
            let Ok(seq) = domain::events::latest(portal).await else { return false };
            self.seen = seq;
            return send(socket, &LiveMessage::Hello { seq, resumed: false, now }).await;
        };
        self.seen = after;
        if !send(socket, &LiveMessage::Hello { seq: after, resumed: true, now }).await {
            return false;
        }
        for event in events {
            if !self.pass(socket, &event, false).await {
                return false;
            }
        }
        true
    }

    async fn pass(&mut self, socket: &mut WebSocket, event: &Event, anyway: bool) -> bool {
        if event.seq <= self.seen {
            return true;
        }
        self.seen = event.seq;
        if !anyway && !self.may_see(event) {
            return true;
        }
        send(socket, &LiveMessage::Event { event: event.clone() }).await
    }

    fn may_see(&self, event: &Event) -> bool {
        let Some(identity) = &self.reader.caller.identity else { return false };
        let Some(team) = &event.team else { return true };
        let mine = identity.memberships.iter().find(|m| m.team_name == *team);
        mine.is_some_and(|m| identity.token.as_ref().is_none_or(|token| token.team == m.team))
    }
}
