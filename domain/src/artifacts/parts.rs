//! Uploads in parts: each part is durable by itself and sent to an address that is its own key, so that an upload can be taken up again.
//!
//! The parts stay as they are and make up the file together; completing an upload copies nothing.

use super::{
    Incoming, check_quota,
    objects::{Key, Objects},
    parts_store as rows, store,
};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Artifact, ArtifactPath, Millis, Permission, TeamId, UserId},
    portal::Portal,
    random,
};
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream, TryStreamExt},
};
use ring::digest::{Context, SHA256};
use std::{io, sync::Arc};

/// Most parts of one upload.
pub const MOST_PARTS: i64 = 10_000;
/// An upload that is not complete so long after it was begun is given up.
const GIVEN_UP: Millis = 24 * 60 * 60 * 1000;

/// A part that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1 on.
    pub number: i64,
    pub size: i64,
    /// Of its bytes, in hexadecimal; clients know it as the part's tag.
    pub sha256: String,
}

/// Begins an upload in `parts` parts; its id.
///
/// # Errors
/// As the upload of a whole file.
pub async fn create(portal: &Portal, caller: &Caller, team: &str, path: &ArtifactPath, parts: i64) -> Result<String> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let token = caller.identity()?.token.as_ref().map(|t| t.id.clone());
    let token = token.ok_or_else(|| Error::Forbidden("Uploads in parts are for programs; use a token.".to_owned()))?;
    if !(1..=MOST_PARTS).contains(&parts) {
        return Err(Error::invalid("num_parts", format!("An upload has 1 to {MOST_PARTS} parts.")));
    }
    store::check_replaceable(&portal.db, &scope.team, path).await?;
    check_quota(portal, &scope.team, &scope.team_name, 1).await?;
    let id = random::id::<String>();
    rows::insert_upload(&portal.db, (&id, &scope.team, &scope.user, &token), path, portal.clock.now()).await?;
    Ok(id)
}

/// The key of a part's address: whoever has it may send this part for as long as the upload is open and the token that began it is good.
pub fn key(portal: &Portal, upload: &str, number: i64) -> String {
    portal.sealing.derive(&format!("artifact part {upload} {number}"))
}

/// An open upload as the holder of a part's key sees it.
#[derive(Clone, Debug)]
pub struct Slot {
    upload: String,
    number: i64,
    team: TeamId,
    pub team_name: String,
}

/// Finds the upload that a part's key is for. `caller` may be anybody; one who says who they are must be of the team.
///
/// # Errors
/// `NotFound` where the key is wrong, or the upload is over or given up, or the token that began it has ended.
pub async fn slot(portal: &Portal, caller: &Caller, upload: &str, number: i64, given: &str) -> Result<Slot> {
    // Both are digests under a key of ours, so that the time a comparison takes says nothing.
    let right = random::digest(&key(portal, upload, number)) == random::digest(given);
    if !right || !(1..=MOST_PARTS).contains(&number) {
        return Err(Error::NotFound("upload"));
    }
    let row = rows::open_upload(&portal.db, upload, portal.clock.now()).await?.ok_or(Error::NotFound("upload"))?;
    if caller.identity.is_some() {
        caller.require_in(Permission::WriteTracking, &row.team_name).map_err(|error| match error {
            Error::NotFound(_) => Error::NotFound("upload"),
            other => other,
        })?;
    }
    Ok(Slot { upload: upload.to_owned(), number, team: row.team_id.into(), team_name: row.team_name })
}

/// Whether the part may still be sent.
pub async fn is_open(portal: &Portal, slot: &Slot) -> Result<bool> {
    Ok(rows::open_upload(&portal.db, &slot.upload, portal.clock.now()).await?.is_some())
}

/// Begins to receive a part.
pub async fn begin(portal: &Portal, slot: &Slot, length: Option<u64>) -> Result<Incoming> {
    let room = check_quota(portal, &slot.team, &slot.team_name, length.unwrap_or(0)).await?;
    Ok(Incoming { writer: portal.artifacts.begin(&slot.team), team_name: slot.team_name.clone(), room })
}

/// Makes a received part durable, in place of one of the same number.
pub async fn keep(portal: &Portal, slot: &Slot, incoming: Incoming) -> Result<Part> {
    let written = incoming.writer.finish().await?;
    let size = i64::try_from(written.size).map_err(|e| Error::internal("artifact", e))?;
    let part = Part { number: slot.number, size, sha256: written.sha256.clone() };
    let mut tx = portal.db.begin().await?;
    store::lock(&mut tx, &slot.team).await?;
    rows::put_part(&mut tx, &slot.team, &slot.upload, &part, &written.key.object).await?;
    let committed = tx.commit().await;
    written.keep();
    committed.map(|()| part)
}

/// The parts that are there, for who takes an upload up again.
pub async fn list(portal: &Portal, caller: &Caller, team: &str, upload: &str) -> Result<Vec<Part>> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    rows::upload(&portal.db, &scope.team, upload).await?;
    Ok(rows::parts(&portal.db, upload).await?.into_iter().map(super::parts_store::PartRow::part).collect())
}

/// Makes a file of the parts, which the sender names with their tags. Asked twice, it answers twice.
///
/// # Errors
/// `Invalid` where they are not exactly the parts that are there.
pub async fn complete(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    path: &ArtifactPath,
    upload: &str,
    named: &[(i64, String)],
) -> Result<Artifact> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    // A client that has waited too long asks again while the first answer is still on its way.
    let _alone = portal.artifacts.alone(upload).await;
    let row = rows::upload(&portal.db, &scope.team, upload).await?;
    same_path(&row, path)?;
    let parts = rows::parts(&portal.db, upload).await?;
    let named_right = parts.len() == named.len()
        && parts.iter().zip(named).zip(1..).all(|((part, (number, tag)), expected)| {
            part.number == expected && *number == expected && tag.trim_matches('"') == part.sha256
        });
    if !named_right || parts.is_empty() {
        return Err(Error::invalid("parts", "These are not the parts that were sent: name each with its number, from 1 on, and its ETag."));
    }
    let size = parts.iter().map(|p| p.size).sum();
    if row.completed_at.is_some() {
        let done = store::file(&portal.db, &scope.team, path).await?.filter(|file| file.object == upload);
        let done = done.ok_or(Error::NotFound("upload"))?;
        let size = u64::try_from(size).map_err(|e| Error::internal("artifact", e))?;
        return Ok(Artifact { path: path.clone(), size, sha256: done.sha256, created_at: done.created_at });
    }
    let sha256 = digest(&portal.artifacts, &scope.team, &parts).await?;
    let content = store::Content { object: upload, size, sha256: &sha256, parts: i64::try_from(parts.len()).unwrap_or(i64::MAX) };
    publish(portal, (&scope.team, &scope.user, &scope.team_name), path, content, &parts).await
}

async fn publish(
    portal: &Portal,
    (team, user, team_name): (&TeamId, &UserId, &str),
    path: &ArtifactPath,
    content: store::Content<'_>,
    parts: &[rows::PartRow],
) -> Result<Artifact> {
    let (at, size, sha256) = (portal.clock.now(), content.size, content.sha256.to_owned());
    crate::crash::point("artifact.before_row");
    let mut tx = portal.db.begin().await?;
    let (used, _) = store::lock(&mut tx, team).await?;
    super::check_used(portal, team_name, used, size)?;
    rows::complete(&mut tx, content.object, at).await?;
    // One that was sent again meanwhile is not the one that was read.
    if rows::parts_tx(&mut tx, content.object).await? != parts {
        return Err(Error::Conflict("A part was sent again while the upload was being completed. Complete it again.".to_owned()));
    }
    store::publish(&mut tx, (team, user), path, content, at).await?;
    tx.commit().await?;
    crate::crash::point("artifact.after_row");
    Ok(Artifact { path: path.clone(), size: u64::try_from(size).unwrap_or(0), sha256, created_at: at })
}

fn same_path(row: &rows::UploadRow, path: &ArtifactPath) -> Result<()> {
    if row.folder == path.folder() && row.name == path.name() {
        Ok(())
    } else {
        Err(Error::invalid("path", "This upload was begun for another path."))
    }
}

/// Reads all parts in their order.
async fn digest(objects: &Arc<Objects>, team: &TeamId, parts: &[rows::PartRow]) -> Result<String> {
    let total = parts.iter().map(|p| u64::try_from(p.size).unwrap_or(0)).sum();
    let mut blocks = read(objects.clone(), team.clone(), parts.to_vec(), 0, total);
    let mut hasher = Context::new(&SHA256);
    while let Some(block) = blocks.try_next().await.map_err(|e| Error::internal("artifact", e))? {
        let hashed = tokio::task::spawn_blocking(move || {
            hasher.update(&block);
            hasher
        });
        hasher = hashed.await.map_err(|e| Error::internal("artifact", e))?;
    }
    Ok(random::hex(hasher.finish().as_ref()))
}

/// The bytes `from..from + length` of the parts together.
pub(super) fn read(
    objects: Arc<Objects>,
    team: TeamId,
    parts: Vec<rows::PartRow>,
    from: u64,
    length: u64,
) -> BoxStream<'static, io::Result<Bytes>> {
    let (mut begin, end) = (0, from.saturating_add(length));
    let mut pieces = Vec::new();
    for part in parts {
        let part_end = begin + u64::try_from(part.size).unwrap_or(0);
        let (first, last) = (from.max(begin), end.min(part_end));
        if first < last {
            pieces.push((part.object, first - begin, last - first));
        }
        begin = part_end;
    }
    let open = move |(object, from, length): (String, u64, u64)| {
        let (objects, key) = (objects.clone(), Key { team: team.clone(), object });
        async move { objects.read(key, from, length).await.map_err(io::Error::other) }
    };
    stream::iter(pieces).then(open).try_flatten().boxed()
}

/// Gives an upload up; its parts are reclaimed.
///
/// # Errors
/// `NotFound` where it is over.
pub async fn abort(portal: &Portal, caller: &Caller, team: &str, path: &ArtifactPath, upload: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    same_path(&rows::upload(&portal.db, &scope.team, upload).await?, path)?;
    let mut tx = portal.db.begin().await?;
    store::lock(&mut tx, &scope.team).await?;
    if !rows::give_up(&mut tx, upload).await? {
        return Err(Error::NotFound("upload"));
    }
    tx.commit().await
}

/// Gives up what was begun long ago, and forgets what was completed then.
pub(super) async fn expire(portal: &Portal) -> Result<()> {
    for (upload, team) in rows::begun_before(&portal.db, portal.clock.now() - GIVEN_UP).await? {
        let mut tx = portal.db.begin().await?;
        store::lock(&mut tx, &team.as_str().into()).await?;
        if !rows::give_up(&mut tx, &upload).await? {
            rows::forget(&mut tx, &upload).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
