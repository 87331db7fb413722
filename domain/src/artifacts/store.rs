//! SQL of artifacts. Whoever changes a team's files holds the team's row of `artifact_usage`, so that folders and files agree.

use super::objects::Key;
use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Artifact, ArtifactEntry, ArtifactPath, Millis, RunId, TeamId, UserId},
};
use std::collections::HashSet;

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct FileRow {
    pub object: String,
    pub size: i64,
    pub sha256: String,
    pub parts: i64,
    pub created_at: i64,
}

/// What a file's row says of its content.
pub(super) struct Content<'a> {
    pub object: &'a str,
    pub size: i64,
    pub sha256: &'a str,
    pub parts: i64,
}

/// A statement that sees every folder from `$2` of team `$1` down as `below`.
macro_rules! below {
    ($statement:literal) => {
        concat!(
            "WITH RECURSIVE below (path) AS (SELECT CAST($2 AS TEXT) UNION ALL
             SELECT below.path || '/' || f.name FROM below JOIN artifact_folders f ON f.team_id = $1 AND f.parent = below.path) ",
            $statement
        )
    };
}

/// What a team's files take: bytes and files.
pub(super) async fn lock(tx: &mut Tx, team: &TeamId) -> Result<(i64, i64)> {
    let sql = "INSERT INTO artifact_usage (team_id, bytes, files) VALUES ($1, 0, 0)
         ON CONFLICT (team_id) DO UPDATE SET bytes = artifact_usage.bytes RETURNING bytes, files";
    tx.fetch_one(sql, args![team]).await
}

pub(super) async fn usage(db: &Db, team: &TeamId) -> Result<(i64, i64)> {
    let row = db.fetch_optional("SELECT bytes, files FROM artifact_usage WHERE team_id = $1", args![team]).await?;
    Ok(row.unwrap_or_default())
}

async fn add_usage(tx: &mut Tx, team: &TeamId, bytes: i64, files: i64) -> Result<()> {
    let sql = "UPDATE artifact_usage SET bytes = bytes + $2, files = files + $3 WHERE team_id = $1";
    tx.execute(sql, args![team, bytes, files]).await.map(|_| ())
}

const FILE: &str = "SELECT object, size, sha256, parts, created_at FROM artifacts WHERE team_id = $1 AND folder = $2 AND name = $3";

pub(super) async fn file(db: &Db, team: &TeamId, path: &ArtifactPath) -> Result<Option<FileRow>> {
    db.fetch_optional(FILE, args![team, path.folder(), path.name()]).await
}

pub(super) async fn is_folder(db: &Db, team: &TeamId, path: &ArtifactPath) -> Result<bool> {
    let sql = "SELECT 1 FROM artifact_folders WHERE team_id = $1 AND parent = $2 AND name = $3";
    let row: Option<(i32,)> = db.fetch_optional(sql, args![team, path.folder(), path.name()]).await?;
    Ok(row.is_some())
}

/// Whether a file may come to this path.
///
/// # Errors
/// `Conflict` where one is there that something needs, `Invalid` where it is a folder.
pub(super) async fn check_replaceable(db: &Db, team: &TeamId, path: &ArtifactPath) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM artifacts a JOIN artifact_pins p ON p.object = a.object WHERE a.team_id = $1 AND a.folder = $2 AND a.name = $3";
    let pins: (i64,) = db.fetch_one(sql, args![team, path.folder(), path.name()]).await?;
    if pins.0 > 0 {
        return Err(pinned_file(path));
    }
    if is_folder(db, team, path).await? { Err(Error::invalid("path", format!("{path} is a folder."))) } else { Ok(()) }
}

async fn is_folder_tx(tx: &mut Tx, team: &TeamId, parent: &str, name: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM artifact_folders WHERE team_id = $1 AND parent = $2 AND name = $3";
    let row: Option<(i32,)> = tx.fetch_optional(sql, args![team, parent, name]).await?;
    Ok(row.is_some())
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    name: String,
    is_folder: i64,
    size: i64,
}

/// Up to `most` names of a folder after `after`, in the database's order.
pub(super) async fn list(db: &Db, team: &TeamId, folder: &str, after: &str, most: i64) -> Result<Vec<ArtifactEntry>> {
    let sql = "SELECT name, CAST(1 AS BIGINT) AS is_folder, CAST(0 AS BIGINT) AS size FROM artifact_folders
         WHERE team_id = $1 AND parent = $2 AND name > $3
         UNION ALL SELECT name, CAST(0 AS BIGINT), size FROM artifacts WHERE team_id = $1 AND folder = $2 AND name > $3
         ORDER BY 1 LIMIT $4";
    let rows: Vec<EntryRow> = db.fetch_all(sql, args![team, folder, after, most]).await?;
    Ok(rows.into_iter().map(|r| ArtifactEntry { name: r.name, is_folder: r.is_folder != 0, size: r.size }).collect())
}

/// Puts a file in its place; what was there becomes garbage. The caller holds the team's row.
pub(super) async fn publish(
    tx: &mut Tx,
    (team, user): (&TeamId, &UserId),
    path: &ArtifactPath,
    content: Content<'_>,
    at: Millis,
) -> Result<()> {
    let old: Option<FileRow> = tx.fetch_optional(FILE, args![team, path.folder(), path.name()]).await?;
    let (mut bytes, mut files) = (content.size, 1);
    if let Some(old) = old {
        let pins: (i64,) = tx.fetch_one("SELECT COUNT(*) FROM artifact_pins WHERE object = $1", args![&old.object]).await?;
        if pins.0 > 0 {
            return Err(pinned_file(path));
        }
        discard(tx, team, &old).await?;
        (bytes, files) = (bytes - old.size, 0);
        let sql = "UPDATE artifacts SET object = $4, size = $5, sha256 = $6, parts = $7, created_by = $8, created_at = $9
             WHERE team_id = $1 AND folder = $2 AND name = $3";
        let args = args![team, path.folder(), path.name(), content.object, content.size, content.sha256, content.parts, user, at];
        tx.execute(sql, args).await?;
    } else {
        if is_folder_tx(tx, team, path.folder(), path.name()).await? {
            return Err(Error::invalid("path", format!("{path} is a folder.")));
        }
        ensure_folders(tx, team, path).await?;
        let sql = "INSERT INTO artifacts (team_id, folder, name, object, size, sha256, parts, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let args = args![team, path.folder(), path.name(), content.object, content.size, content.sha256, content.parts, user, at];
        tx.execute(sql, args).await?;
    }
    add_usage(tx, team, bytes, files).await
}

fn pinned_file(path: &ArtifactPath) -> Error {
    Error::Conflict(format!("{path} belongs to a version of a registered model, so it is neither replaced nor deleted."))
}

/// Makes the object's bytes garbage. Its row goes with the caller.
async fn discard(tx: &mut Tx, team: &TeamId, file: &FileRow) -> Result<()> {
    if file.parts == 0 {
        let sql = "INSERT INTO artifact_garbage (object, team_id, size) VALUES ($1, $2, $3)";
        return tx.execute(sql, args![&file.object, team, file.size]).await.map(|_| ());
    }
    let sql = "INSERT INTO artifact_garbage (object, team_id, size) SELECT object, team_id, size FROM artifact_parts WHERE upload_id = $1";
    tx.execute(sql, args![&file.object]).await?;
    tx.execute("DELETE FROM artifact_parts WHERE upload_id = $1", args![&file.object]).await.map(|_| ())
}

/// Makes the folders that a file lies in; where its own is there, so are those above.
async fn ensure_folders(tx: &mut Tx, team: &TeamId, path: &ArtifactPath) -> Result<()> {
    let ancestors: Vec<(&str, &str)> = path.ancestors().collect();
    let mut missing = ancestors.len();
    while missing > 0 && !is_folder_tx(tx, team, ancestors[missing - 1].0, ancestors[missing - 1].1).await? {
        missing -= 1;
    }
    for (parent, name) in &ancestors[missing..] {
        let file: Option<FileRow> = tx.fetch_optional(FILE, args![team, *parent, *name]).await?;
        if file.is_some() {
            return Err(Error::invalid("path", format!("{name} in {path} is a file, so nothing can lie below it.")));
        }
        let sql = "INSERT INTO artifact_folders (team_id, parent, name) VALUES ($1, $2, $3)";
        tx.execute(sql, args![team, *parent, *name]).await?;
    }
    Ok(())
}

/// Every file below a folder that nothing has pinned.
pub(super) async fn unpinned_below(tx: &mut Tx, team: &TeamId, folder: &ArtifactPath) -> Result<Vec<ArtifactPath>> {
    let sql = below!(
        "SELECT a.folder, a.name FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path
         WHERE NOT EXISTS (SELECT 1 FROM artifact_pins p WHERE p.object = a.object)"
    );
    let rows: Vec<(String, String)> = tx.fetch_all(sql, args![team, folder.as_str()]).await?;
    rows.into_iter().map(|(folder, name)| ArtifactPath::parse(&format!("{folder}/{name}")).map_err(Error::Internal)).collect()
}

/// Files and bytes below a folder that nothing has pinned.
pub(super) async fn count_unpinned(tx: &mut Tx, team: &TeamId, folder: &ArtifactPath) -> Result<(i64, i64)> {
    let sql = below!(
        "SELECT COUNT(*), CAST(COALESCE(SUM(a.size), 0) AS BIGINT) FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path
         WHERE NOT EXISTS (SELECT 1 FROM artifact_pins p WHERE p.object = a.object)"
    );
    tx.fetch_one(sql, args![team, folder.as_str()]).await
}

pub(super) async fn is_pinned_below(tx: &mut Tx, team: &TeamId, folder: &ArtifactPath) -> Result<bool> {
    let sql = below!(
        "SELECT a.name FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path
         JOIN artifact_pins p ON p.object = a.object LIMIT 1"
    );
    let row: Option<(String,)> = tx.fetch_optional(sql, args![team, folder.as_str()]).await?;
    Ok(row.is_some())
}

/// When the newest file below a folder came; none where there is none.
pub(super) async fn newest_below(db: &Db, team: &TeamId, folder: &ArtifactPath) -> Result<Option<Millis>> {
    let sql = below!("SELECT MAX(a.created_at) FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path");
    let (newest,): (Option<Millis>,) = db.fetch_one(sql, args![team, folder.as_str()]).await?;
    Ok(newest)
}

/// Names of the folders in `traces` that are no trace's.
pub(super) async fn folders_of_no_trace(db: &Db, team: &TeamId, traces: &ArtifactPath) -> Result<Vec<String>> {
    let sql = "SELECT f.name FROM artifact_folders f WHERE f.team_id = $1 AND f.parent = $2
               AND NOT EXISTS (SELECT 1 FROM traces t WHERE t.team_id = $1 AND t.id = f.name) ORDER BY f.name";
    let rows: Vec<(String,)> = db.fetch_all(sql, args![team, traces.as_str()]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Removes a file; the caller holds the team's row. None where there is no such file.
pub(super) async fn remove_file(tx: &mut Tx, team: &TeamId, path: &ArtifactPath) -> Result<Option<(i64, i64)>> {
    let old: Option<FileRow> = tx.fetch_optional(FILE, args![team, path.folder(), path.name()]).await?;
    let Some(old) = old else { return Ok(None) };
    let pins: (i64,) = tx.fetch_one("SELECT COUNT(*) FROM artifact_pins WHERE object = $1", args![&old.object]).await?;
    if pins.0 > 0 {
        return Err(pinned_file(path));
    }
    discard(tx, team, &old).await?;
    let sql = "DELETE FROM artifacts WHERE team_id = $1 AND folder = $2 AND name = $3";
    tx.execute(sql, args![team, path.folder(), path.name()]).await?;
    add_usage(tx, team, -old.size, -1).await?;
    prune(tx, team, path).await?;
    Ok(Some((1, old.size)))
}

/// Removes the folders above `path` that hold nothing any more.
async fn prune(tx: &mut Tx, team: &TeamId, path: &ArtifactPath) -> Result<()> {
    let ancestors: Vec<(&str, &str)> = path.ancestors().collect();
    for (parent, name) in ancestors.into_iter().rev() {
        let folder = if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
        let sql = "DELETE FROM artifact_folders WHERE team_id = $1 AND parent = $2 AND name = $3
             AND NOT EXISTS (SELECT 1 FROM artifacts WHERE team_id = $1 AND folder = $4)
             AND NOT EXISTS (SELECT 1 FROM artifact_folders WHERE team_id = $1 AND parent = $4)";
        if tx.execute(sql, args![team, parent, name, folder]).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Removes everything below a folder and the folder; the caller holds the team's row. Files and bytes; none where there is no such folder.
///
/// # Errors
/// `Conflict` where something below is pinned; nothing is removed then.
pub(super) async fn remove_folder(tx: &mut Tx, team: &TeamId, path: &ArtifactPath) -> Result<Option<(i64, i64)>> {
    if !is_folder_tx(tx, team, path.folder(), path.name()).await? {
        return Ok(None);
    }
    let sql = below!(
        "SELECT a.folder, a.name FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path
         JOIN artifact_pins p ON p.object = a.object LIMIT 1"
    );
    let held: Option<(String, String)> = tx.fetch_optional(sql, args![team, path.as_str()]).await?;
    if let Some((folder, name)) = held {
        return Err(match ArtifactPath::parse(&format!("{folder}/{name}")) {
            Ok(path) => pinned_file(&path),
            Err(error) => Error::Internal(error),
        });
    }
    let sql = below!(
        "SELECT COUNT(*), CAST(COALESCE(SUM(a.size), 0) AS BIGINT)
         FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path"
    );
    let (files, bytes): (i64, i64) = tx.fetch_one(sql, args![team, path.as_str()]).await?;
    for sql in [
        below!(
            "INSERT INTO artifact_garbage (object, team_id, size)
         SELECT a.object, a.team_id, a.size FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path AND a.parts = 0
         UNION ALL SELECT p.object, p.team_id, p.size FROM below
         JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path AND a.parts > 0 JOIN artifact_parts p ON p.upload_id = a.object"
        ),
        below!(
            "DELETE FROM artifact_parts WHERE upload_id IN (
             SELECT a.object FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path AND a.parts > 0)"
        ),
        below!("DELETE FROM artifacts WHERE team_id = $1 AND folder IN (SELECT path FROM below)"),
        below!("DELETE FROM artifact_folders WHERE team_id = $1 AND parent IN (SELECT path FROM below)"),
    ] {
        tx.execute(sql, args![team, path.as_str()]).await?;
    }
    let sql = "DELETE FROM artifact_folders WHERE team_id = $1 AND parent = $2 AND name = $3";
    tx.execute(sql, args![team, path.folder(), path.name()]).await?;
    add_usage(tx, team, -bytes, -files).await?;
    prune(tx, team, path).await?;
    Ok(Some((files, bytes)))
}

/// The artifact location of the run's experiment.
pub(super) async fn location_of_run(db: &Db, team: &TeamId, run: &RunId) -> Result<String> {
    let sql = "SELECT e.artifact_location FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.id = $1 AND r.team_id = $2";
    let row: Option<(String,)> = db.fetch_optional(sql, args![run, team]).await?;
    Ok(row.ok_or(Error::NotFound("run"))?.0)
}

pub(super) async fn pin(tx: &mut Tx, team: &TeamId, holder: &str, root: &ArtifactPath) -> Result<u64> {
    let sql = below!(
        "INSERT INTO artifact_pins (team_id, holder, object)
         SELECT a.team_id, $3, a.object FROM below JOIN artifacts a ON a.team_id = $1 AND a.folder = below.path
         UNION SELECT team_id, $3, object FROM artifacts WHERE team_id = $1 AND folder = $4 AND name = $5
         ON CONFLICT (team_id, holder, object) DO NOTHING"
    );
    tx.execute(sql, args![team, root.as_str(), holder, root.folder(), root.name()]).await
}

pub(super) async fn unpin(tx: &mut Tx, team: &TeamId, holder: &str) -> Result<()> {
    let sql = "DELETE FROM artifact_pins WHERE team_id = $1 AND holder = $2";
    tx.execute(sql, args![team, holder]).await.map(|_| ())
}

#[derive(sqlx::FromRow)]
struct PinnedRow {
    folder: String,
    name: String,
    size: i64,
    sha256: String,
    created_at: i64,
}

pub(super) async fn pinned(db: &Db, team: &TeamId, holder: &str) -> Result<Vec<Artifact>> {
    let sql = "SELECT a.folder, a.name, a.size, a.sha256, a.created_at FROM artifact_pins p JOIN artifacts a ON a.object = p.object
         WHERE p.team_id = $1 AND p.holder = $2 ORDER BY a.folder, a.name";
    let rows: Vec<PinnedRow> = db.fetch_all(sql, args![team, holder]).await?;
    let artifact = |row: PinnedRow| {
        let path = if row.folder.is_empty() { row.name } else { format!("{}/{}", row.folder, row.name) };
        Ok(Artifact {
            path: ArtifactPath::parse(&path).map_err(Error::Internal)?,
            size: u64::try_from(row.size).map_err(|e| Error::internal("artifact", e))?,
            sha256: row.sha256,
            created_at: row.created_at,
        })
    };
    rows.into_iter().map(artifact).collect()
}

/// Some objects that no file needs any more.
pub(super) async fn garbage(db: &Db, most: i64) -> Result<Vec<(String, String, i64)>> {
    db.fetch_all("SELECT object, team_id, size FROM artifact_garbage LIMIT $1", args![most]).await
}

/// Forgets objects that are gone from the store.
pub(super) async fn forget_garbage(db: &Db, objects: Vec<String>) -> Result<()> {
    let mut tx = db.begin().await?;
    for object in objects {
        tx.execute("DELETE FROM artifact_garbage WHERE object = $1", args![object]).await?;
    }
    tx.commit().await
}

/// Those of these objects that something names.
pub(super) async fn known(db: &Db, keys: impl Iterator<Item = &Key>) -> Result<HashSet<String>> {
    let mut known = HashSet::new();
    let sql = "SELECT object FROM artifacts WHERE object = $1 UNION ALL SELECT object FROM artifact_parts WHERE object = $1
         UNION ALL SELECT object FROM artifact_garbage WHERE object = $1";
    for key in keys {
        let row: Option<(String,)> = db.fetch_optional(sql, args![&key.object]).await?;
        known.extend(row.map(|r| r.0));
    }
    Ok(known)
}
