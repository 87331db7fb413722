//! SQL of volumes.

use crate::{
    args,
    caller::TeamScope,
    db::{Db, Tx},
    error::{Error, Result},
    model::{TeamId, Volume, VolumeId},
};
use std::collections::HashMap;

#[derive(sqlx::FromRow)]
struct VolumeRow {
    id: String,
    name: String,
    created_by: String,
    created_at: i64,
}

// A volume that is to go is named `<name>~<something>`: no person can choose such a name, so the old one is free.

/// Ordered by name, without usage and without those that are to go.
pub(super) async fn list(db: &Db, scope: &TeamScope) -> Result<Vec<Volume>> {
    let rows: Vec<VolumeRow> = db
        .fetch_all(
            "SELECT v.id, v.name, u.email AS created_by, v.created_at FROM volumes v JOIN users u ON u.id = v.created_by
             WHERE v.team_id = $1 AND v.name NOT LIKE '%~%' ORDER BY v.name",
            args![&scope.team],
        )
        .await?;
    let attached: Vec<(String, String)> = db
        .fetch_all(
            "SELECT a.volume_id, n.name FROM notebook_volumes a JOIN notebooks n ON n.id = a.notebook_id WHERE n.team_id = $1
             UNION SELECT n.home, n.name FROM notebooks n WHERE n.team_id = $1 ORDER BY 2",
            args![&scope.team],
        )
        .await?;
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for (volume, notebook) in attached {
        names.entry(volume).or_default().push(notebook);
    }
    let volume = |r: VolumeRow| Volume {
        attached_to: names.remove(&r.id).unwrap_or_default(),
        id: r.id.into(),
        name: r.name,
        team: scope.team_name.clone(),
        created_by: r.created_by,
        created_at: r.created_at,
        used_bytes: None,
    };
    Ok(rows.into_iter().map(volume).collect())
}

pub(super) async fn insert(tx: &mut Tx, scope: &TeamScope, volume: &Volume) -> Result<()> {
    tx.insert(
        "INSERT INTO volumes (id, team_id, name, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
        args![&volume.id, &scope.team, &volume.name, &scope.user, volume.created_at],
        || Error::AlreadyExists(format!("Team {} has a volume named {} already.", scope.team_name, volume.name)),
    )
    .await
}

/// Names of the notebooks that have it, running or not.
pub(super) async fn attached_to(tx: &mut Tx, volume: &VolumeId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = tx
        .fetch_all(
            "SELECT n.name FROM notebook_volumes a JOIN notebooks n ON n.id = a.notebook_id WHERE a.volume_id = $1
             UNION SELECT n.name FROM notebooks n WHERE n.home = $1 ORDER BY 1",
            args![volume],
        )
        .await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

/// The volume of this name, which nobody removes or attaches until the transaction ends: launches lock their team too.
pub(super) async fn locked(tx: &mut Tx, team: &TeamId, name: &str) -> Result<Option<VolumeId>> {
    tx.execute("UPDATE teams SET created_at = created_at WHERE id = $1", args![team]).await?;
    let sql = "SELECT id FROM volumes WHERE team_id = $1 AND name = $2";
    Ok(tx.fetch_optional::<(String,)>(sql, args![team, name]).await?.map(|row| row.0.into()))
}

pub(super) async fn wish_removed(tx: &mut Tx, volume: &VolumeId) -> Result<()> {
    tx.execute("UPDATE volumes SET name = name || '~' || id WHERE id = $1", args![volume]).await.map(drop)
}

/// Those that are to go, but for the homes of notebooks that are being deleted: they go with their notebook.
pub(super) async fn removed(db: &Db) -> Result<Vec<VolumeId>> {
    let rows: Vec<(String,)> = db
        .fetch_all(
            "SELECT v.id FROM volumes v WHERE v.name LIKE '%~%' AND NOT EXISTS (SELECT 1 FROM notebooks n WHERE n.home = v.id)
               AND NOT EXISTS (SELECT 1 FROM notebook_volumes a WHERE a.volume_id = v.id)",
            args![],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.0.into()).collect())
}

pub(super) async fn forget(db: &Db, volume: &VolumeId) -> Result<()> {
    db.execute("DELETE FROM volumes WHERE id = $1 AND name LIKE '%~%'", args![volume]).await.map(drop)
}
