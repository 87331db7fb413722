//! SQL of single runs.

use super::store::{RunRow, public_id};
use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Metric, Millis, Registration, Run, RunId, RunStatus, Tag, TeamId},
};

#[derive(sqlx::FromRow)]
pub(super) struct FullRow {
    pub no: i64,
    id: String,
    experiment_id: i64,
    is_default: i64,
    artifact_location: String,
    name: String,
    user_id: String,
    status: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    created_by: String,
    notebook_id: Option<String>,
    deleted_at: Option<i64>,
}

impl FullRow {
    /// The run without what it logged.
    pub fn run(self) -> Result<Run> {
        let id = RunId(self.id);
        Ok(Run {
            artifact_uri: artifact_uri(&self.artifact_location, &id),
            id,
            experiment: public_id(self.experiment_id, self.is_default),
            name: self.name,
            user_id: self.user_id,
            status: self.status.parse::<RunStatus>().map_err(|e| Error::internal("stored run", e))?,
            start_time: self.start_time,
            end_time: self.end_time,
            created_by: self.created_by,
            notebook: self.notebook_id.map(Into::into),
            deleted_at: self.deleted_at,
            metrics: Vec::new(),
            params: Vec::new(),
            tags: Vec::new(),
        })
    }
}

/// Where clients keep the run's artifacts.
pub(in crate::tracking) fn artifact_uri(location: &str, run: &RunId) -> String {
    format!("{}/{run}/artifacts", location.trim_end_matches('/'))
}

pub(super) async fn full(db: &Db, team: &TeamId, id: &RunId) -> Result<FullRow> {
    let sql = "SELECT r.no, r.id, r.experiment_id, e.is_default, e.artifact_location, r.name, r.user_id, r.status, r.start_time, r.end_time,
                      u.email AS created_by, r.notebook_id, r.deleted_at
               FROM runs r JOIN experiments e ON e.id = r.experiment_id JOIN users u ON u.id = r.created_by WHERE r.id = $1 AND r.team_id = $2";
    db.fetch_optional(sql, args![id, team]).await?.ok_or(Error::NotFound("run"))
}

/// What the run logged: latest metrics, params and tags.
pub(super) async fn logged(db: &Db, no: i64, run: &mut Run) -> Result<()> {
    let sql = "SELECT key, value, timestamp, step FROM latest_metrics WHERE run_no = $1 ORDER BY key";
    let metrics: Vec<(String, Option<f64>, i64, i64)> = db.fetch_all(sql, args![no]).await?;
    let metric =
        |(key, value, timestamp, step): (String, Option<f64>, i64, i64)| Metric { key, value: value.unwrap_or(f64::NAN), timestamp, step };
    run.metrics = metrics.into_iter().map(metric).collect();
    let tag = |(key, value): (String, String)| Tag { key, value };
    let params: Vec<(String, String)> = db.fetch_all("SELECT key, value FROM params WHERE run_no = $1 ORDER BY key", args![no]).await?;
    run.params = params.into_iter().map(tag).collect();
    let tags: Vec<(String, String)> = db.fetch_all("SELECT key, value FROM tags WHERE run_no = $1 ORDER BY key", args![no]).await?;
    run.tags = tags.into_iter().map(tag).collect();
    Ok(())
}

/// Versions of the team's registered models that come from the run or from a model that it made.
pub(super) async fn versions_of(db: &Db, team: &TeamId, no: i64, id: &RunId) -> Result<Vec<Registration>> {
    let sql = "SELECT m.name, v.version, v.digest FROM model_versions v JOIN registered_models m ON m.id = v.model_id
               WHERE m.team_id = $1 AND (v.run_id = $2 OR v.logged_model_id IN (SELECT l.id FROM logged_models l WHERE l.source_run_no = $3))
               ORDER BY m.name, v.version";
    let rows: Vec<(String, i64, Option<String>)> = db.fetch_all(sql, args![team, id, no]).await?;
    Ok(rows.into_iter().map(|(name, version, digest)| Registration { name, version, digest }).collect())
}

/// Whether it was there.
pub(super) async fn delete_tag(tx: &mut Tx, row: &RunRow, key: &str, version: i64) -> Result<bool> {
    tx.execute("UPDATE runs SET version = $1 WHERE no = $2", args![version, row.no]).await?;
    Ok(tx.execute("DELETE FROM tags WHERE run_no = $1 AND key = $2", args![row.no, key]).await? > 0)
}

pub(super) async fn set_deleted(tx: &mut Tx, row: &RunRow, deleted_at: Option<Millis>, version: i64) -> Result<()> {
    tx.execute("UPDATE runs SET deleted_at = $1, version = $2 WHERE no = $3", args![deleted_at, version, row.no]).await?;
    Ok(())
}

pub(super) async fn delete_tag_of(tx: &mut Tx, runs: &[i64], key: &str) -> Result<()> {
    let head = "WITH asked (no, name) AS (";
    let tail = ") DELETE FROM tags WHERE (run_no, key) IN (SELECT no, name FROM asked) RETURNING run_no";
    let _: Vec<(i64,)> = tx.fetch_many(head, tail, runs.iter().map(|no| args![*no, key]).collect()).await?;
    Ok(())
}

pub(super) async fn set_deleted_of(tx: &mut Tx, runs: &[i64], deleted_at: Option<Millis>) -> Result<()> {
    let head = "WITH asked (run_no, at) AS (";
    let tail = ") UPDATE runs SET deleted_at = asked.at FROM asked WHERE no = asked.run_no RETURNING no";
    let _: Vec<(i64,)> = tx.fetch_many(head, tail, runs.iter().map(|no| args![*no, deleted_at]).collect()).await?;
    Ok(())
}
