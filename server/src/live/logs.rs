//! `GET …/logs/live`: a notebook's log as it grows, resumable by byte offset without loss or repetition.

use super::{LOOK_EVERY, PER_PERSON, Reader, has_gone, send, sign_out};
use crate::{
    Server,
    http::{Slot, caller::Credential, errors::refusal, headers::plain},
};
use axum::{
    Extension,
    extract::{Path, Query, State, WebSocketUpgrade, ws::WebSocket},
    http::StatusCode,
    response::Response,
};
use domain::{
    Caller,
    model::{LogLine, LogPage, NotebookId},
    notebooks,
};
use serde::Deserialize;

/// Lines read at a time.
const LINES: u32 = 500;
/// Text in one message, in bytes, so that a slow reader holds little.
const MESSAGE: usize = 128 * 1024;

#[derive(Deserialize)]
pub struct From {
    from: Option<u64>,
}

/// Opens the stream; without `from` it starts with the last lines.
pub async fn logs(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    slot: Option<Extension<Slot>>,
    Path((team, id)): Path<(String, NotebookId)>,
    Query(From { from }): Query<From>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if from.is_some_and(|from| i64::try_from(from).is_err()) {
        return plain(StatusCode::BAD_REQUEST, "from: expected a byte offset.");
    }
    // Refused before the stream opens, so that the answer says why.
    let first = match notebooks::logs(&server.portal, &caller, &team, &id, from, LINES).await {
        Ok(page) => page,
        Err(error) => return refusal(error, &caller.request_id),
    };
    let holder = caller.identity.as_ref().map(|i| i.user.id.0.clone()).unwrap_or_default();
    let Some(seat) = server.streams.seat(&holder, PER_PERSON) else {
        return plain(StatusCode::TOO_MANY_REQUESTS, "Too many pages are open. Close some and reload.");
    };
    let tail = Tail { reader: Reader { portal: server.portal, credential, caller }, team, id };
    upgrade.max_message_size(4096).on_upgrade(move |socket| async move {
        tail.run(socket, first).await;
        drop((seat, slot));
    })
}

struct Tail {
    reader: Reader,
    team: String,
    id: NotebookId,
}

impl Tail {
    async fn run(mut self, mut socket: WebSocket, first: LogPage) {
        let mut from = first.next;
        for part in parts(first) {
            if !send(&mut socket, &part).await {
                return;
            }
        }
        let mut look = tokio::time::interval_at(tokio::time::Instant::now() + LOOK_EVERY, LOOK_EVERY);
        loop {
            tokio::select! {
                // The look first: a log that grows without end leaves no other moment for it.
                biased;
                _ = look.tick() => if !self.reader.is_still_signed_in().await { return sign_out(socket).await },
                message = socket.recv() => if has_gone(message) { return },
                grows = notebooks::log_grows(&self.reader.portal, &self.reader.caller, &self.team, &self.id, from) => match grows {
                    Ok(false) => {}
                    Ok(true) => match self.more(&mut socket, from).await {
                        Some(next) => from = next,
                        None => return,
                    },
                    // Gone, or no longer theirs.
                    Err(_) => return,
                },
            }
        }
    }

    /// Sends a page of what is new; where it goes on.
    async fn more(&self, socket: &mut WebSocket, from: u64) -> Option<u64> {
        let page = notebooks::logs(&self.reader.portal, &self.reader.caller, &self.team, &self.id, Some(from), LINES).await.ok()?;
        let next = page.next;
        for part in parts(page) {
            if !send(socket, &part).await {
                return None;
            }
        }
        Some(next)
    }
}

/// The page in messages of a bounded size; none for an empty page.
fn parts(page: LogPage) -> Vec<LogPage> {
    let LogPage { mut dropped_bytes, lines, next } = page;
    let mut parts: Vec<LogPage> = Vec::new();
    let mut size = 0;
    for line in lines {
        let part = match parts.last_mut() {
            Some(part) if size + line.text.len() <= MESSAGE => part,
            _ => {
                size = 0;
                parts.push(LogPage { dropped_bytes: std::mem::take(&mut dropped_bytes), lines: Vec::new(), next: 0 });
                let Some(part) = parts.last_mut() else { continue };
                part
            }
        };
        size += line.text.len();
        part.next = line.next;
        part.lines.push(line);
    }
    if parts.is_empty() && dropped_bytes > 0 {
        parts.push(LogPage { dropped_bytes, lines: Vec::<LogLine>::new(), next });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_between_lines_and_keeps_every_one() {
        let lines: Vec<_> = (1..=10).map(|n| LogLine { next: n * 100, text: "x".repeat(60_000) }).collect();
        let cut = parts(LogPage { dropped_bytes: 7, lines: lines.clone(), next: 1000 });
        assert!(cut.len() > 1 && cut.iter().all(|p| p.lines.iter().map(|l| l.text.len()).sum::<usize>() <= MESSAGE));
        assert_eq!(cut.iter().flat_map(|p| p.lines.clone()).collect::<Vec<_>>(), lines);
        assert_eq!(cut.iter().map(|p| p.dropped_bytes).sum::<u64>(), 7);
        assert_eq!(cut.last().map(|p| p.next), Some(1000));
        assert!(parts(LogPage::default()).is_empty());
    }
}
