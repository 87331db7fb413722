//! SQL of uploads in parts.

use super::parts::Part;
use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{ArtifactPath, Millis, TeamId, TokenId, UserId},
};

#[derive(sqlx::FromRow)]
pub(super) struct UploadRow {
    pub folder: String,
    pub name: String,
    pub completed_at: Option<i64>,
}

/// An upload that takes parts.
#[derive(sqlx::FromRow)]
pub(super) struct OpenRow {
    pub team_id: String,
    pub team_name: String,
}

#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(super) struct PartRow {
    pub number: i64,
    pub object: String,
    pub size: i64,
    pub sha256: String,
}

impl PartRow {
    pub(super) fn part(self) -> Part {
        Part { number: self.number, size: self.size, sha256: self.sha256 }
    }
}

pub(super) async fn insert_upload(
    db: &Db,
    (id, team, user, token): (&str, &TeamId, &UserId, &TokenId),
    path: &ArtifactPath,
    at: Millis,
) -> Result<()> {
    let sql =
        "INSERT INTO artifact_uploads (id, team_id, folder, name, created_by, token_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    db.execute(sql, args![id, team, path.folder(), path.name(), user, token, at]).await.map(|_| ())
}

/// The upload, if it is not over and the token and the standing that it was begun with are still good.
pub(super) async fn open_upload(db: &Db, id: &str, now: Millis) -> Result<Option<OpenRow>> {
    let sql = "SELECT u.team_id, t.name AS team_name FROM artifact_uploads u JOIN teams t ON t.id = u.team_id
         JOIN tokens k ON k.id = u.token_id AND k.revoked_at IS NULL AND k.expires_at > $2 AND k.role <> 'viewer'
         JOIN users p ON p.id = u.created_by AND p.disabled_at IS NULL
         JOIN memberships m ON m.team_id = u.team_id AND m.user_id = u.created_by AND m.role <> 'viewer'
         WHERE u.id = $1 AND u.completed_at IS NULL";
    db.fetch_optional(sql, args![id, now]).await
}

/// The team's upload, over or not.
pub(super) async fn upload(db: &Db, team: &TeamId, id: &str) -> Result<UploadRow> {
    let sql = "SELECT folder, name, completed_at FROM artifact_uploads WHERE id = $1 AND team_id = $2";
    db.fetch_optional(sql, args![id, team]).await?.ok_or(Error::NotFound("upload"))
}

const PARTS: &str = "SELECT number, object, size, sha256 FROM artifact_parts WHERE upload_id = $1 ORDER BY number";

/// In the order of their numbers.
pub(super) async fn parts(db: &Db, upload: &str) -> Result<Vec<PartRow>> {
    db.fetch_all(PARTS, args![upload]).await
}

/// The same inside a transaction.
pub(super) async fn parts_tx(tx: &mut Tx, upload: &str) -> Result<Vec<PartRow>> {
    tx.fetch_all(PARTS, args![upload]).await
}

/// Bytes of the team's parts that belong to no file yet.
pub(super) async fn unpublished(db: &Db, team: &TeamId) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(p.size), 0) AS BIGINT) FROM artifact_uploads u JOIN artifact_parts p ON p.upload_id = u.id
         WHERE u.team_id = $1 AND u.completed_at IS NULL";
    let row: (i64,) = db.fetch_one(sql, args![team]).await?;
    Ok(row.0)
}

/// Puts a part in its place. The caller holds the team's row.
pub(super) async fn put_part(tx: &mut Tx, team: &TeamId, upload: &str, part: &Part, object: &str) -> Result<()> {
    let sql = "SELECT 1 FROM artifact_uploads WHERE id = $1 AND completed_at IS NULL";
    let open: Option<(i32,)> = tx.fetch_optional(sql, args![upload]).await?;
    open.ok_or(Error::NotFound("upload"))?;
    let sql = "INSERT INTO artifact_garbage (object, team_id, size) SELECT object, team_id, size FROM artifact_parts
         WHERE upload_id = $1 AND number = $2";
    tx.execute(sql, args![upload, part.number]).await?;
    let sql = "INSERT INTO artifact_parts (upload_id, number, team_id, object, size, sha256) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (upload_id, number) DO UPDATE SET object = excluded.object, size = excluded.size, sha256 = excluded.sha256";
    tx.execute(sql, args![upload, part.number, team, object, part.size, &part.sha256]).await.map(|_| ())
}

/// Notes that the upload has become a file.
pub(super) async fn complete(tx: &mut Tx, upload: &str, at: Millis) -> Result<()> {
    let sql = "UPDATE artifact_uploads SET completed_at = $2 WHERE id = $1 AND completed_at IS NULL";
    match tx.execute(sql, args![upload, at]).await? {
        0 => Err(Error::NotFound("upload")),
        _ => Ok(()),
    }
}

/// Removes an upload that is not over, and makes its parts garbage; false where it is. The caller holds the team's row.
pub(super) async fn give_up(tx: &mut Tx, upload: &str) -> Result<bool> {
    let sql = "DELETE FROM artifact_uploads WHERE id = $1 AND completed_at IS NULL";
    if tx.execute(sql, args![upload]).await? == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO artifact_garbage (object, team_id, size) SELECT object, team_id, size FROM artifact_parts WHERE upload_id = $1";
    tx.execute(sql, args![upload]).await?;
    tx.execute("DELETE FROM artifact_parts WHERE upload_id = $1", args![upload]).await?;
    Ok(true)
}

/// Uploads that were begun before `at`, with their teams.
pub(super) async fn begun_before(db: &Db, at: Millis) -> Result<Vec<(String, String)>> {
    db.fetch_all("SELECT id, team_id FROM artifact_uploads WHERE created_at < $1", args![at]).await
}

/// Removes the row of an upload that has become a file.
pub(super) async fn forget(tx: &mut Tx, upload: &str) -> Result<()> {
    tx.execute("DELETE FROM artifact_uploads WHERE id = $1", args![upload]).await.map(|_| ())
}
