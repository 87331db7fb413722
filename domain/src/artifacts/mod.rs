//! Artifacts: files of runs and models, kept in an object store under names that no client chooses.
//!
//! A file is there once its row is, and its row is written once its bytes are durable: it is absent or whole, with its digest.

mod bucket;
mod disk;
mod objects;
pub mod parts;
mod parts_store;
pub mod pins;
mod preview;
mod removal;
mod runs;
pub mod shown;
mod store;
pub mod sweep;
mod writer;

pub use bucket::BucketConfig;
pub use objects::Objects;
pub use preview::work_on;
pub(crate) use removal::folders_of_gone_traces;
pub use removal::{Removed, count_unpinned, remove_unpinned};
pub use runs::{RunFile, RunFolder, file_of_run, list_of_run, near_top, of_run, of_uri, ours};

use crate::{
    audit,
    caller::Caller,
    crash,
    error::{Error, Result},
    model::{Artifact, ArtifactEntry, ArtifactPath, Permission, TeamId},
    portal::Portal,
};
use bytes::Bytes;
use futures::stream::BoxStream;
use objects::Key;
use std::io;
use store::FileRow;
use writer::Writer;

/// A file of more bytes than this is refused before it is sent, where it cannot be published.
const LARGE: u64 = 1024 * 1024;

/// A file, or a part of one, that is being received. Dropped, nothing of it stays.
pub struct Incoming {
    team_name: String,
    writer: Writer,
    /// Bytes that the team's quota leaves.
    room: Option<u64>,
}

/// A file that a caller may read: proof that it was asked.
#[derive(Clone, Debug)]
pub struct Readable {
    pub artifact: Artifact,
    key: Key,
    is_in_parts: bool,
}

/// Begins to receive a file of `length` bytes, where that is known.
///
/// # Errors
/// `QuotaExceeded` where it will not fit, `Conflict` where it would replace what a model version needs.
pub async fn begin(portal: &Portal, caller: &Caller, team: &str, path: &ArtifactPath, length: Option<u64>) -> Result<Incoming> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    if length.is_none_or(|length| length > LARGE) {
        store::check_replaceable(&portal.db, &scope.team, path).await?;
    }
    let room = check_quota(portal, &scope.team, &scope.team_name, length.unwrap_or(0)).await?;
    Ok(Incoming { writer: portal.artifacts.begin(&scope.team), team_name: scope.team_name, room })
}

impl Incoming {
    /// Name of the team that it is for.
    pub fn team(&self) -> &str {
        &self.team_name
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `QuotaExceeded` where they do not fit.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if self.room.is_some_and(|room| self.writer.size() + bytes.len() as u64 > room) {
            return Err(over_quota(&self.team_name));
        }
        self.writer.write(bytes).await
    }
}

/// What the team's quota leaves, if there is one.
async fn check_quota(portal: &Portal, team: &TeamId, team_name: &str, length: u64) -> Result<Option<u64>> {
    let Some(quota) = portal.settings.artifact_quota else { return Ok(None) };
    let used = store::usage(&portal.db, team).await?.0 + parts_store::unpublished(&portal.db, team).await?;
    let room = quota.saturating_sub(u64::try_from(used).unwrap_or(0));
    if length > room { Err(over_quota(team_name)) } else { Ok(Some(room)) }
}

/// The same where the team's files are locked.
fn check_used(portal: &Portal, team_name: &str, used: i64, size: i64) -> Result<()> {
    let quota = portal.settings.artifact_quota.map(|quota| i64::try_from(quota).unwrap_or(i64::MAX));
    if quota.is_some_and(|quota| used.saturating_add(size) > quota) { Err(over_quota(team_name)) } else { Ok(()) }
}

fn over_quota(team: &str) -> Error {
    Error::QuotaExceeded(format!("Team {team} has used up its room for artifacts. Delete some, or ask whoever runs Slipway for more."))
}

/// Makes a received file durable and visible, in place of what was there. `caller` is read anew after the upload: whose rights have ended
/// meanwhile publishes nothing.
pub async fn publish(portal: &Portal, caller: &Caller, path: &ArtifactPath, incoming: Incoming) -> Result<Artifact> {
    let scope = caller.require_in(Permission::WriteTracking, &incoming.team_name)?;
    let written = incoming.writer.finish().await?;
    let at = portal.clock.now();
    let size = i64::try_from(written.size).map_err(|e| Error::internal("artifact", e))?;
    crash::point("artifact.before_row");
    let mut tx = portal.db.begin().await?;
    let (used, _) = store::lock(&mut tx, &scope.team).await?;
    check_used(portal, &scope.team_name, used, size)?;
    let content = store::Content { object: &written.key.object, size, sha256: &written.sha256, parts: 0 };
    store::publish(&mut tx, (&scope.team, &scope.user), path, content, at).await?;
    let artifact = Artifact { path: path.clone(), size: written.size, sha256: written.sha256.clone(), created_at: at };
    let committed = tx.commit().await;
    // Also where it failed: the database may have kept the row all the same.
    written.keep();
    crash::point("artifact.after_row");
    committed.map(|()| artifact)
}

/// Finds a file.
///
/// # Errors
/// `NotFound`; `Invalid` where it is a folder.
pub async fn find(portal: &Portal, caller: &Caller, team: &str, path: &ArtifactPath) -> Result<Readable> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let Some(row) = store::file(&portal.db, &scope.team, path).await? else {
        let folder = store::is_folder(&portal.db, &scope.team, path).await?;
        return Err(if folder { Error::invalid("path", format!("{path} is a folder.")) } else { Error::NotFound("artifact") });
    };
    readable(&scope.team, path, row)
}

fn readable(team: &TeamId, path: &ArtifactPath, row: FileRow) -> Result<Readable> {
    let size = u64::try_from(row.size).map_err(|e| Error::internal("artifact", e))?;
    let artifact = Artifact { path: path.clone(), size, sha256: row.sha256, created_at: row.created_at };
    Ok(Readable { artifact, key: Key::new(team, &row.object), is_in_parts: row.parts > 0 })
}

impl Readable {
    /// The bytes `from..from + length`, a block at a time.
    pub async fn read(&self, portal: &Portal, from: u64, length: u64) -> Result<BoxStream<'static, io::Result<Bytes>>> {
        if self.is_in_parts {
            let parts = parts_store::parts(&portal.db, &self.key.object).await?;
            return Ok(parts::read(portal.artifacts.clone(), self.key.team.clone(), parts, from, length));
        }
        portal.artifacts.read(self.key.clone(), from, length).await
    }
}

/// Up to `most` names in a folder (none for the top) that come after `after`. A folder that is not there is empty.
pub async fn list(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    folder: Option<&ArtifactPath>,
    after: &str,
    most: i64,
) -> Result<Vec<ArtifactEntry>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    store::list(&portal.db, &scope.team, folder.map_or("", ArtifactPath::as_str), after, most).await
}

/// Deletes a file, or a folder with everything below it.
///
/// # Errors
/// `Conflict` where a model version needs some of it; nothing is deleted then.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, path: &ArtifactPath) -> Result<Removed> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    store::lock(&mut tx, &scope.team).await?;
    let (files, bytes) = match store::remove_file(&mut tx, &scope.team, path).await? {
        Some(removed) => removed,
        None => store::remove_folder(&mut tx, &scope.team, path).await?.ok_or(Error::NotFound("artifact"))?,
    };
    let entry = audit::Entry::<_, ()> {
        team: Some(team),
        action: "artifact.delete",
        object: path.as_str(),
        object_name: path.name(),
        before: Some(serde_json::json!({ "files": files, "bytes": bytes })),
        after: None,
    };
    audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    tx.commit().await?;
    Ok(Removed { files, bytes })
}
