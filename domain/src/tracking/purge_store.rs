//! SQL of the purge.

use super::store::public_id;
use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{ExperimentId, Millis, TeamId},
};

#[derive(sqlx::FromRow)]
pub(super) struct Deleted {
    pub no: i64,
    pub id: String,
    pub experiment_id: i64,
    is_default: i64,
}

impl Deleted {
    pub fn experiment(&self) -> ExperimentId {
        public_id(self.experiment_id, self.is_default)
    }
}

pub(super) async fn deleted_runs(db: &Db, team: &TeamId, before: Millis, most: i64) -> Result<Vec<Deleted>> {
    let sql = "SELECT r.no, r.id, r.experiment_id, e.is_default FROM runs r JOIN experiments e ON e.id = r.experiment_id
               WHERE r.team_id = $1 AND r.deleted_at IS NOT NULL AND r.deleted_at < $2 ORDER BY r.no LIMIT $3";
    db.fetch_all(sql, args![team, before, most]).await
}

#[derive(Default, sqlx::FromRow)]
pub(super) struct Freed {
    pub points: i64,
    pub bytes: i64,
}

/// What a run's histories take.
pub(super) async fn size(tx: &mut Tx, no: i64) -> Result<Freed> {
    let sql = "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT) AS points, CAST(COALESCE(SUM(LENGTH(data)), 0) AS BIGINT) AS bytes
               FROM metric_chunks WHERE run_no = $1";
    tx.fetch_one(sql, args![no]).await
}

/// Whether it was still deleted.
pub(super) async fn delete_run(tx: &mut Tx, no: i64, before: Millis) -> Result<bool> {
    let sql = "DELETE FROM runs WHERE no = $1 AND deleted_at IS NOT NULL AND deleted_at < $2";
    Ok(tx.execute(sql, args![no, before]).await? > 0)
}

pub(super) async fn deleted_experiments(db: &Db, team: &TeamId, before: Millis) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM experiments WHERE team_id = $1 AND is_default = 0 AND deleted_at IS NOT NULL AND deleted_at < $2 ORDER BY id";
    let rows: Vec<(i64,)> = db.fetch_all(sql, args![team, before]).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Its name, if it was still deleted and without runs.
pub(super) async fn delete_experiment(tx: &mut Tx, id: i64, before: Millis) -> Result<Option<String>> {
    let sql = "DELETE FROM experiments WHERE id = $1 AND deleted_at IS NOT NULL AND deleted_at < $2
               AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment_id = $1) RETURNING name";
    let row: Option<(String,)> = tx.fetch_optional(sql, args![id, before]).await?;
    Ok(row.map(|(name,)| name))
}
