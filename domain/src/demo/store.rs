//! SQL of demo data.

use super::Contents;
use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{TeamId, UserId},
};

pub(super) async fn team(db: &Db) -> Result<Option<(TeamId, String)>> {
    let row: Option<(String, String)> = db.fetch_optional("SELECT id, name FROM teams WHERE demo = 1", args![]).await?;
    Ok(row.map(|(id, name)| (TeamId(id), name)))
}

pub(super) async fn people(db: &Db) -> Result<Vec<(UserId, String)>> {
    let rows: Vec<(String, String)> = db.fetch_all("SELECT id, email FROM users WHERE demo = 1 ORDER BY email", args![]).await?;
    Ok(rows.into_iter().map(|(id, email)| (UserId(id), email)).collect())
}

pub(super) async fn mark_team(db: &Db, id: &TeamId) -> Result<()> {
    db.execute("UPDATE teams SET demo = 1 WHERE id = $1", args![id]).await.map(drop)
}

pub(super) async fn mark_user(db: &Db, id: &UserId) -> Result<()> {
    db.execute("UPDATE users SET demo = 1 WHERE id = $1", args![id]).await.map(drop)
}

pub(super) async fn unmark_user(db: &Db, id: &UserId) -> Result<()> {
    db.execute("UPDATE users SET demo = 0 WHERE id = $1", args![id]).await.map(drop)
}

pub(super) async fn counts(db: &Db, team: &TeamId) -> Result<Contents> {
    let sql =
        "SELECT (SELECT COUNT(*) FROM experiments WHERE team_id = $1 AND is_default = 0), (SELECT COUNT(*) FROM runs WHERE team_id = $1),
                   (SELECT COUNT(*) FROM registered_models WHERE team_id = $1), (SELECT COUNT(*) FROM traces WHERE team_id = $1),
                   (SELECT COUNT(*) FROM artifacts WHERE team_id = $1)";
    let (experiments, runs, models, traces, files): (i64, i64, i64, i64, i64) = db.fetch_one(sql, args![team]).await?;
    Ok(Contents { experiments, runs, models, traces, files, ..Contents::default() })
}

/// Whether people of the demo administer the portal, nobody else does, and there is somebody else.
pub(super) async fn is_last_admin(db: &Db) -> Result<bool> {
    let sql = "SELECT (SELECT COUNT(*) FROM users WHERE demo = 0), (SELECT COUNT(*) FROM users WHERE demo = 0 AND admin = 1 AND disabled_at IS NULL),
                   (SELECT COUNT(*) FROM users WHERE demo = 1 AND admin = 1)";
    let (others, admins, ours): (i64, i64, i64) = db.fetch_one(sql, args![]).await?;
    Ok(others > 0 && admins == 0 && ours > 0)
}

/// Whether the team has what lies in folders of the machine, which nobody but its people may delete.
pub(super) async fn has_folders(db: &Db, team: &TeamId) -> Result<bool> {
    let sql = "SELECT (SELECT COUNT(*) FROM notebooks WHERE team_id = $1) + (SELECT COUNT(*) FROM volumes WHERE team_id = $1)";
    let (count,): (i64,) = db.fetch_one(sql, args![team]).await?;
    Ok(count > 0)
}

/// Hands the objects of all files to the sweep.
pub(super) async fn let_go_of_files(tx: &mut Tx, team: &TeamId) -> Result<()> {
    for sql in [
        "INSERT INTO artifact_garbage (object, team_id, size) SELECT object, team_id, size FROM artifacts
         WHERE team_id = $1 AND parts = 0 ON CONFLICT (object) DO NOTHING",
        "INSERT INTO artifact_garbage (object, team_id, size) SELECT object, team_id, size FROM artifact_parts
         WHERE team_id = $1 ON CONFLICT (object) DO NOTHING",
    ] {
        tx.execute(sql, args![team]).await?;
    }
    Ok(())
}

/// `table` is one of a backup's names.
pub(super) async fn delete_of_team(tx: &mut Tx, table: &'static str, team: &TeamId) -> Result<()> {
    tx.execute_assembled(format!("DELETE FROM {table} WHERE team_id = $1"), args![team]).await.map(drop)
}

/// The same of what belongs to a person.
pub(super) async fn delete_of_person(tx: &mut Tx, table: &'static str, user: &UserId) -> Result<()> {
    tx.execute_assembled(format!("DELETE FROM {table} WHERE user_id = $1"), args![user]).await.map(drop)
}

pub(super) async fn delete_team(tx: &mut Tx, team: &TeamId) -> Result<()> {
    tx.execute("DELETE FROM artifact_garbage WHERE team_id = $1", args![team]).await?;
    tx.execute("DELETE FROM teams WHERE id = $1", args![team]).await.map(drop)
}

pub(super) async fn delete_person(tx: &mut Tx, user: &UserId) -> Result<()> {
    tx.execute("DELETE FROM sessions WHERE user_id = $1", args![user]).await?;
    tx.execute("DELETE FROM users WHERE id = $1", args![user]).await.map(drop)
}
