//! Which volumes hang on which notebooks: SQL and nothing else.

use crate::{
    args,
    compute::Mount,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Millis, NotebookId, TeamId, UserId, VolumeId},
};

pub(super) async fn volume(tx: &mut Tx, team: &TeamId, name: &str) -> Result<Option<VolumeId>> {
    let row: Option<(String,)> = tx.fetch_optional("SELECT id FROM volumes WHERE team_id = $1 AND name = $2", args![team, name]).await?;
    Ok(row.map(|r| r.0.into()))
}

pub(super) async fn insert_volume(tx: &mut Tx, team: &TeamId, name: &str, by: &UserId, at: Millis, id: &VolumeId) -> Result<()> {
    tx.insert(
        "INSERT INTO volumes (id, team_id, name, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
        args![id, team, name, by, at],
        || Error::invalid("home", "Somebody has just made a volume of this name. Try again."),
    )
    .await
}

/// Name of a notebook that is not settled and writes to this volume.
pub(super) async fn writer_of(tx: &mut Tx, volume: &VolumeId, but: &NotebookId) -> Result<Option<String>> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT n.name FROM notebooks n WHERE n.id <> $2 AND n.phase NOT IN ('stopped', 'failed') AND (n.home = $1 OR EXISTS
               (SELECT 1 FROM notebook_volumes v WHERE v.notebook_id = n.id AND v.volume_id = $1 AND v.read_only = 0)) ORDER BY n.name LIMIT 1",
            args![volume, but],
        )
        .await?;
    Ok(row.map(|r| r.0))
}

/// Name of another notebook that has this volume attached, running or not.
pub(super) async fn other_user_of(tx: &mut Tx, volume: &VolumeId, but: &NotebookId) -> Result<Option<String>> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT n.name FROM notebooks n WHERE n.id <> $2 AND n.desired <> 'deleted' AND (n.home = $1 OR EXISTS
               (SELECT 1 FROM notebook_volumes v WHERE v.notebook_id = n.id AND v.volume_id = $1)) ORDER BY n.name LIMIT 1",
            args![volume, but],
        )
        .await?;
    Ok(row.map(|r| r.0))
}

pub(super) async fn insert_mount(tx: &mut Tx, id: &NotebookId, volume: &VolumeId, read_only: bool) -> Result<()> {
    tx.execute("INSERT INTO notebook_volumes (notebook_id, volume_id, read_only) VALUES ($1, $2, $3)", args![id, volume, read_only])
        .await
        .map(drop)
}

pub(super) async fn mounts(db: &Db, id: &NotebookId) -> Result<Vec<Mount>> {
    let rows: Vec<(String, String, i64)> = db
        .fetch_all(
            "SELECT v.id, v.name, m.read_only FROM notebook_volumes m JOIN volumes v ON v.id = m.volume_id WHERE m.notebook_id = $1 ORDER BY v.name",
            args![id],
        )
        .await?;
    Ok(rows.into_iter().map(|(volume, name, read_only)| Mount { volume: volume.into(), name, read_only: read_only != 0 }).collect())
}
