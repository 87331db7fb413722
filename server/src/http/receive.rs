//! A file on its way in: in constant memory, at its own pace, and for as long as its sender may.

use crate::{
    live::{LOOK_EVERY, Reader},
    proxy::pace::Paced,
};
use axum::body::{Body, BodyDataStream};
use domain::{
    Caller, Error, Portal,
    artifacts::{
        self, Incoming,
        parts::{self, Part, Slot},
    },
    model::{Artifact, ArtifactPath, Permission},
};
use futures::StreamExt;
use std::time::{Duration, Instant};

/// A client that is refused hears why only once it has sent everything; so much is read and dropped for it.
const DROPPED: usize = 1024 * 1024 * 1024;
const DROPPED_WITHIN: Duration = Duration::from_secs(30);

/// Who sends.
#[expect(clippy::large_enum_variant, reason = "there is one for each upload, and it lives as long")]
pub enum Sender {
    /// Somebody who has said who they are.
    Person(Reader),
    /// Whoever has the address of a part.
    Link(Portal, Slot),
}

impl Sender {
    /// Asks anew whether they may: what was true when an upload began may not be true now.
    async fn check(&mut self, team: &str) -> domain::Result<()> {
        let may = match self {
            Self::Person(reader) => reader.is_still_signed_in().await,
            Self::Link(portal, slot) => parts::is_open(portal, slot).await?,
        };
        match self {
            Self::Person(reader) if may => reader.caller.require_in(Permission::WriteTracking, team).map(|_| ()),
            Self::Person(_) => Err(Error::Unauthenticated),
            Self::Link(..) if may => Ok(()),
            Self::Link(..) => Err(Error::NotFound("upload")),
        }
    }
}

/// Receives the body as this file of the team and publishes it.
///
/// # Errors
/// As the verbs; `Invalid` where the body breaks off or is sent too slowly. Nothing is there then.
pub async fn file(reader: Reader, team: &str, path: &ArtifactPath, length: Option<u64>, body: Body) -> domain::Result<Artifact> {
    let (portal, mut body) = (reader.portal.clone(), Body::new(Paced::new(body)).into_data_stream());
    let mut sender = Sender::Person(reader);
    let published = async {
        let incoming = artifacts::begin(&portal, caller(&sender)?, team, path, length).await?;
        let incoming = fill(&mut sender, incoming, &mut body).await?;
        artifacts::publish(&portal, caller(&sender)?, path, incoming).await
    };
    let published = published.await;
    hear_out(published, &mut body).await
}

/// Receives the body as a part of an upload.
///
/// # Errors
/// As `file`.
pub async fn part(portal: &Portal, slot: Slot, length: Option<u64>, body: Body) -> domain::Result<Part> {
    let mut body = Body::new(Paced::new(body)).into_data_stream();
    let mut sender = Sender::Link(portal.clone(), slot.clone());
    let kept = async {
        let incoming = parts::begin(portal, &slot, length).await?;
        let incoming = fill(&mut sender, incoming, &mut body).await?;
        parts::keep(portal, &slot, incoming).await
    };
    let kept = kept.await;
    hear_out(kept, &mut body).await
}

fn caller(sender: &Sender) -> domain::Result<&Caller> {
    match sender {
        Sender::Person(reader) => Ok(&reader.caller),
        Sender::Link(..) => Err(Error::Unauthenticated),
    }
}

/// Takes everything, and asks for the last time whether the sender may.
async fn fill(sender: &mut Sender, mut incoming: Incoming, body: &mut BodyDataStream) -> domain::Result<Incoming> {
    let mut looked = Instant::now();
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| Error::invalid("body", format!("The upload broke off: {error}.")))?;
        incoming.write(bytes).await?;
        if looked.elapsed() >= LOOK_EVERY {
            sender.check(incoming.team()).await?;
            looked = Instant::now();
        }
    }
    sender.check(incoming.team()).await?;
    Ok(incoming)
}

/// Takes the rest of a body that was refused.
async fn hear_out<T>(result: domain::Result<T>, body: &mut BodyDataStream) -> domain::Result<T> {
    if matches!(result, Err(Error::QuotaExceeded(_) | Error::Conflict(_) | Error::Invalid(_))) {
        let rest = async {
            let mut dropped = 0;
            while let Some(Ok(bytes)) = body.next().await {
                dropped += bytes.len();
                if dropped > DROPPED {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(DROPPED_WITHIN, rest).await;
    }
    result
}
