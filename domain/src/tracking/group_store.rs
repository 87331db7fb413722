//! SQL of the writer: whole groups in few statements.

use super::writer::Creation;
use crate::{
    args,
    db::Tx,
    error::Result,
    model::{Millis, Point, RunId, RunStatus},
};

/// Where a run is; never changes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Place {
    pub id: String,
    pub no: i64,
    pub experiment_id: i64,
    pub team_id: String,
}

pub(super) async fn places(tx: &mut Tx, runs: &[&RunId]) -> Result<Vec<Place>> {
    let head = "WITH asked (run_id) AS (";
    let tail = ") SELECT r.id, r.no, r.experiment_id, r.team_id FROM asked JOIN runs r ON r.id = asked.run_id";
    tx.fetch_many(head, tail, runs.iter().map(|id| args![*id]).collect()).await
}

/// An experiment, locked.
#[derive(sqlx::FromRow)]
pub(super) struct Locked {
    pub version: i64,
    pub is_default: i64,
    pub deleted_at: Option<i64>,
}

pub(super) async fn lock_experiment(tx: &mut Tx, id: i64) -> Result<Option<Locked>> {
    let sql = "UPDATE experiments SET version = version + 1 WHERE id = $1 RETURNING version, is_default, deleted_at";
    tx.fetch_optional(sql, args![id]).await
}

/// Gives runs their experiments' new versions; returns which runs are there, and when they were deleted.
pub(super) async fn stamp(tx: &mut Tx, versions: Vec<(i64, i64)>) -> Result<Vec<(i64, Option<i64>)>> {
    let head = "WITH asked (run_no, new_version) AS (";
    let tail = ") UPDATE runs SET version = asked.new_version FROM asked WHERE no = asked.run_no RETURNING no, deleted_at";
    tx.fetch_many(head, tail, versions.into_iter().map(|(no, version)| args![no, version]).collect()).await
}

pub(super) async fn has_run(tx: &mut Tx, id: &RunId) -> Result<bool> {
    let found: Option<(i64,)> = tx.fetch_optional("SELECT no FROM runs WHERE id = $1", args![id]).await?;
    Ok(found.is_some())
}

/// The params that are there already.
pub(super) async fn params(tx: &mut Tx, asked: Vec<(i64, &str)>) -> Result<Vec<(i64, String, String)>> {
    let head = "WITH asked (run_no, param) AS (";
    let tail = ") SELECT p.run_no, p.key, p.value FROM asked JOIN params p ON p.run_no = asked.run_no AND p.key = asked.param";
    tx.fetch_many(head, tail, asked.into_iter().map(|(no, key)| args![no, key]).collect()).await
}

/// How many metrics, params and tags runs have.
#[derive(Clone, Copy, sqlx::FromRow)]
pub(super) struct Counts {
    pub run_no: i64,
    pub metrics: i64,
    pub params: i64,
    pub tags: i64,
}

pub(super) async fn counts(tx: &mut Tx, runs: Vec<i64>) -> Result<Vec<Counts>> {
    let head = "WITH asked (no) AS (";
    let tail = ") SELECT no AS run_no, (SELECT COUNT(*) FROM latest_metrics WHERE run_no = no) AS metrics,
               (SELECT COUNT(*) FROM params WHERE run_no = no) AS params, (SELECT COUNT(*) FROM tags WHERE run_no = no) AS tags FROM asked";
    tx.fetch_many(head, tail, runs.into_iter().map(|no| args![no]).collect()).await
}

/// Which of these a run has.
pub(super) async fn has(tx: &mut Tx, kind: Kind, no: i64, keys: &[&str]) -> Result<Vec<(String,)>> {
    let head = "WITH asked (no, name) AS (";
    let tail = match kind {
        Kind::Metric => ") SELECT key FROM asked JOIN latest_metrics ON run_no = no AND key = name",
        Kind::Param => ") SELECT key FROM asked JOIN params ON run_no = no AND key = name",
        Kind::Tag => ") SELECT key FROM asked JOIN tags ON run_no = no AND key = name",
    };
    tx.fetch_many(head, tail, keys.iter().map(|key| args![no, *key]).collect()).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Metric,
    Param,
    Tag,
}

pub(super) struct NewRun<'a> {
    pub no: i64,
    pub version: i64,
    pub team: &'a str,
    pub by: &'a str,
    pub run: &'a Creation,
}

pub(super) async fn insert_runs(tx: &mut Tx, runs: &[NewRun<'_>], at: Millis) -> Result<()> {
    let running = RunStatus::Running.as_str();
    let row = |n: &NewRun<'_>| {
        let r = n.run;
        let head = args![n.no, &r.id, r.experiment, n.team, &r.name, &r.user_id, running, r.start_time, n.by];
        [head, args![r.notebook.clone(), at, n.version]].concat()
    };
    let head = "INSERT INTO runs (no, id, experiment_id, team_id, name, user_id, status, start_time, created_by, notebook_id, created_at, version)";
    tx.insert_many(head, "", runs.iter().map(row).collect()).await?;
    Ok(())
}

pub(super) async fn put_params(tx: &mut Tx, rows: Vec<(i64, &str, &str)>) -> Result<()> {
    let rows = rows.into_iter().map(|(no, key, value)| args![no, key, value]).collect();
    tx.insert_many("INSERT INTO params (run_no, key, value)", "", rows).await?;
    Ok(())
}

pub(super) async fn put_tags(tx: &mut Tx, rows: Vec<(i64, &str, &str)>) -> Result<()> {
    let rows = rows.into_iter().map(|(no, key, value)| args![no, key, value]).collect();
    let upsert = "ON CONFLICT (run_no, key) DO UPDATE SET value = excluded.value";
    tx.insert_many("INSERT INTO tags (run_no, key, value)", upsert, rows).await?;
    Ok(())
}

pub(super) async fn change_run(
    tx: &mut Tx,
    no: i64,
    name: Option<&str>,
    status: Option<RunStatus>,
    end_time: Option<Millis>,
) -> Result<()> {
    let sql = "UPDATE runs SET name = COALESCE($1, name), status = COALESCE($2, status), end_time = COALESCE($3, end_time) WHERE no = $4";
    tx.execute(sql, args![name, status.map(RunStatus::as_str), end_time, no]).await?;
    Ok(())
}

/// Keeps the greater of the stored point and this one, by step, time and value; NaN (stored as none) counts as zero.
pub(super) async fn put_latest(tx: &mut Tx, rows: Vec<(i64, &str, Point)>) -> Result<()> {
    let value = |p: Point| (!p.value.is_nan()).then_some(p.value);
    let rows = rows.into_iter().map(|(no, key, p)| args![no, key, value(p), p.timestamp, p.step]).collect();
    let greatest = "ON CONFLICT (run_no, key) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step
                    WHERE (excluded.step, excluded.timestamp, COALESCE(excluded.value, 0.0))
                        > (latest_metrics.step, latest_metrics.timestamp, COALESCE(latest_metrics.value, 0.0))";
    tx.insert_many("INSERT INTO latest_metrics (run_no, key, value, timestamp, step)", greatest, rows).await?;
    Ok(())
}
