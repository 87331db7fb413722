//! SQL of the purge.

use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{ExperimentId, Millis, TeamId},
    tracking::store::public_id,
};

/// Traces of one transaction.
const TRACES: i64 = 200;

/// Whether run `r` goes: deleted before `$2`, and no version of a registered model comes from it or from a model that it made.
macro_rules! goes {
    () => {
        "(r.deleted_at IS NOT NULL AND r.deleted_at < $2
          AND NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.run_id = r.id)
          AND NOT EXISTS (SELECT 1 FROM logged_models o JOIN model_versions v ON v.logged_model_id = o.id WHERE o.source_run_no = r.no))"
    };
}

/// Whether no version of a registered model comes from model `m`.
macro_rules! unneeded {
    () => {
        "NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.logged_model_id = m.id)"
    };
}

pub(super) async fn team(db: &Db, name: &str) -> Result<Option<TeamId>> {
    let row: Option<(String,)> = db.fetch_optional("SELECT id FROM teams WHERE name = $1", args![name]).await?;
    Ok(row.map(|(id,)| TeamId(id)))
}

pub(super) async fn teams(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db.fetch_all("SELECT name FROM teams ORDER BY name", args![]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

fn numbers(rows: Vec<(i64,)>) -> Vec<i64> {
    rows.into_iter().map(|(no,)| no).collect()
}

/// Runs that go, with their experiments.
pub(super) async fn deleted_runs(db: &Db, team: &TeamId, before: Millis) -> Result<Vec<(i64, i64)>> {
    let sql = concat!("SELECT r.no, r.experiment_id FROM runs r WHERE r.team_id = $1 AND ", goes!(), " ORDER BY r.no");
    db.fetch_all(sql, args![team, before]).await
}

/// Models that were deleted before, and that nothing needs.
pub(super) async fn deleted_models(db: &Db, team: &TeamId, before: Millis) -> Result<Vec<i64>> {
    let sql = concat!("SELECT m.no FROM logged_models m WHERE m.team_id = $1 AND m.deleted_at < $2 AND ", unneeded!(), " ORDER BY m.no");
    Ok(numbers(db.fetch_all(sql, args![team, before]).await?))
}

/// Runs and models that were deleted before and stay, because a version needs them.
pub(super) async fn kept(db: &Db, team: &TeamId, before: Millis) -> Result<(i64, i64)> {
    let sql = concat!("SELECT COUNT(*) FROM runs r WHERE r.team_id = $1 AND r.deleted_at < $2 AND NOT ", goes!());
    let (runs,): (i64,) = db.fetch_one(sql, args![team, before]).await?;
    let sql = concat!("SELECT COUNT(*) FROM logged_models m WHERE m.team_id = $1 AND m.deleted_at < $2 AND NOT ", unneeded!());
    let (models,): (i64,) = db.fetch_one(sql, args![team, before]).await?;
    Ok((runs, models))
}

/// Where a run, a model or an experiment is.
#[derive(sqlx::FromRow)]
pub(super) struct Place {
    pub id: String,
    pub name: String,
    pub experiment_id: i64,
    is_default: i64,
    pub artifact_location: String,
}

impl Place {
    pub fn experiment(&self) -> ExperimentId {
        public_id(self.experiment_id, self.is_default)
    }
}

/// The run, if it still goes.
pub(super) async fn doomed_run(tx: &mut Tx, no: i64, before: Millis) -> Result<Option<Place>> {
    let sql = concat!(
        "SELECT r.id, r.name, r.experiment_id, e.is_default, e.artifact_location
         FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.no = $1 AND ",
        goes!()
    );
    tx.fetch_optional(sql, args![no, before]).await
}

pub(super) async fn unneeded_model(tx: &mut Tx, no: i64) -> Result<Option<Place>> {
    let sql = concat!(
        "SELECT m.id, m.name, m.experiment_id, e.is_default, e.artifact_location
         FROM logged_models m JOIN experiments e ON e.id = m.experiment_id WHERE m.no = $1 AND ",
        unneeded!()
    );
    tx.fetch_optional(sql, args![no]).await
}

pub(super) async fn is_model_deleted(tx: &mut Tx, no: i64, before: Millis) -> Result<bool> {
    let sql = "SELECT no FROM logged_models WHERE no = $1 AND deleted_at < $2";
    let row: Option<(i64,)> = tx.fetch_optional(sql, args![no, before]).await?;
    Ok(row.is_some())
}

/// Whoever makes a version of the model waits until the end of the transaction.
pub(super) async fn lock_model(tx: &mut Tx, no: i64) -> Result<()> {
    tx.execute("UPDATE logged_models SET name = name WHERE no = $1", args![no]).await.map(drop)
}

pub(super) async fn lock_models_of_run(tx: &mut Tx, run: i64) -> Result<()> {
    tx.execute("UPDATE logged_models SET name = name WHERE source_run_no = $1", args![run]).await.map(drop)
}

pub(super) async fn lock_run(tx: &mut Tx, no: i64) -> Result<()> {
    tx.execute("UPDATE runs SET name = name WHERE no = $1", args![no]).await.map(drop)
}

pub(super) async fn models_of_run(tx: &mut Tx, run: i64) -> Result<Vec<i64>> {
    let sql = "SELECT no FROM logged_models WHERE source_run_no = $1 ORDER BY no";
    Ok(numbers(tx.fetch_all(sql, args![run]).await?))
}

pub(super) async fn models_of_experiment(db: &Db, experiment: i64) -> Result<Vec<i64>> {
    let sql = "SELECT no FROM logged_models WHERE experiment_id = $1 ORDER BY no";
    Ok(numbers(db.fetch_all(sql, args![experiment]).await?))
}

/// Bytes of a model's params and tags.
pub(super) async fn bytes_of_model(tx: &mut Tx, no: i64) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(key) + OCTET_LENGTH(value)), 0) AS BIGINT) FROM (
                 SELECT key, value FROM logged_model_params WHERE model_no = $1
                 UNION ALL SELECT key, value FROM logged_model_tags WHERE model_no = $1) AS pairs";
    let (bytes,): (i64,) = tx.fetch_one(sql, args![no]).await?;
    Ok(bytes)
}

pub(super) async fn delete_model(tx: &mut Tx, no: i64) -> Result<()> {
    // Links to models are no foreign keys.
    tx.execute("DELETE FROM run_links WHERE kind IN (1, 2) AND other = $1", args![no]).await?;
    tx.execute("DELETE FROM logged_models WHERE no = $1", args![no]).await.map(drop)
}

#[derive(Default, sqlx::FromRow)]
pub(super) struct Size {
    pub points: i64,
    pub bytes: i64,
}

/// What a run's histories, params and tags take.
pub(super) async fn size(tx: &mut Tx, no: i64) -> Result<Size> {
    let sql = "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT) AS points, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes FROM (
                 SELECT points, OCTET_LENGTH(data) AS bytes FROM metric_chunks WHERE run_no = $1
                 UNION ALL SELECT 0, OCTET_LENGTH(key) + OCTET_LENGTH(value) FROM params WHERE run_no = $1
                 UNION ALL SELECT 0, OCTET_LENGTH(key) + OCTET_LENGTH(value) FROM tags WHERE run_no = $1) AS logged";
    tx.fetch_one(sql, args![no]).await
}

pub(super) async fn delete_run(tx: &mut Tx, no: i64) -> Result<()> {
    tx.execute("DELETE FROM runs WHERE no = $1", args![no]).await.map(drop)
}

pub(super) async fn deleted_experiments(db: &Db, team: &TeamId, before: Millis) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM experiments WHERE team_id = $1 AND is_default = 0 AND deleted_at IS NOT NULL AND deleted_at < $2 ORDER BY id";
    Ok(numbers(db.fetch_all(sql, args![team, before]).await?))
}

/// Whether the experiment has a run that stays, or a model that a version needs.
pub(super) async fn experiment_stays(db: &Db, id: i64, before: Millis) -> Result<bool> {
    let sql = concat!("SELECT COUNT(*) FROM (SELECT 1 FROM runs r WHERE r.experiment_id = $1 AND NOT ", goes!(), " LIMIT 1) AS staying");
    let (runs,): (i64,) = db.fetch_one(sql, args![id, before]).await?;
    let sql = concat!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM logged_models m WHERE m.experiment_id = $1 AND NOT ",
        unneeded!(),
        " LIMIT 1) AS needed"
    );
    let (models,): (i64,) = db.fetch_one(sql, args![id]).await?;
    Ok(runs + models > 0)
}

/// The experiment, if it is still deleted.
pub(super) async fn deleted_experiment(tx: &mut Tx, id: i64, before: Millis) -> Result<Option<Place>> {
    let sql = "SELECT CAST(id AS TEXT) AS id, name, id AS experiment_id, is_default, artifact_location
               FROM experiments WHERE id = $1 AND deleted_at IS NOT NULL AND deleted_at < $2";
    tx.fetch_optional(sql, args![id, before]).await
}

/// Whether it was without runs and models, and is gone.
pub(super) async fn delete_experiment(tx: &mut Tx, id: i64) -> Result<bool> {
    let sql = "DELETE FROM experiments WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment_id = $1)
               AND NOT EXISTS (SELECT 1 FROM logged_models WHERE experiment_id = $1)";
    Ok(tx.execute(sql, args![id]).await? > 0)
}

/// Whether another experiment of the team keeps its files at or below this place.
pub(super) async fn is_shared(tx: &mut Tx, team: &TeamId, id: i64, location: &str) -> Result<bool> {
    let sql = "SELECT artifact_location FROM experiments WHERE team_id = $1 AND id <> $2";
    let others: Vec<(String,)> = tx.fetch_all(sql, args![team, id]).await?;
    let own = crate::artifacts::ours(location);
    let shares = |other: &str| {
        let other = crate::artifacts::ours(other);
        match (&own, &other) {
            (Some(own), Some(other)) => other == own || other.as_str().starts_with(&format!("{own}/")),
            _ => false,
        }
    };
    Ok(others.iter().any(|(other,)| shares(other)))
}

/// Where the team's experiments keep their files.
pub(super) async fn locations(db: &Db, team: &TeamId) -> Result<Vec<(i64, String)>> {
    db.fetch_all("SELECT id, artifact_location FROM experiments WHERE team_id = $1 ORDER BY id", args![team]).await
}

/// How many datasets of the experiment are read by no run that stays, and their bytes.
pub(super) async fn unread_datasets(tx: &mut Tx, experiment: i64, before: Millis) -> Result<(i64, i64)> {
    let sql = concat!(
        "SELECT COUNT(*), CAST(COALESCE(SUM(OCTET_LENGTH(d.source) + COALESCE(OCTET_LENGTH(d.schema), 0) + COALESCE(OCTET_LENGTH(d.profile), 0)), 0)
                 AS BIGINT) FROM datasets d WHERE d.experiment_id = $1
         AND NOT EXISTS (SELECT 1 FROM run_links l JOIN runs r ON r.no = l.run_no WHERE l.kind = 0 AND l.other = d.no AND NOT ",
        goes!(),
        ")"
    );
    tx.fetch_one(sql, args![experiment, before]).await
}

pub(super) async fn delete_unread_datasets(tx: &mut Tx, experiment: i64) -> Result<i64> {
    let sql = "DELETE FROM datasets WHERE experiment_id = $1
               AND NOT EXISTS (SELECT 1 FROM run_links l WHERE l.kind = 0 AND l.other = datasets.no)";
    Ok(i64::try_from(tx.execute(sql, args![experiment]).await?).unwrap_or(i64::MAX))
}

#[derive(sqlx::FromRow)]
pub(super) struct Trace {
    pub no: i64,
    pub id: String,
    pub request_time: i64,
}

/// The next traces of the experiment after this time and number.
pub(super) async fn traces(db: &Db, experiment: i64, (time, no): (i64, i64)) -> Result<Vec<Trace>> {
    let sql = "SELECT no, id, request_time FROM traces WHERE experiment_id = $1 AND (request_time, no) > ($2, $3)
               ORDER BY request_time, no LIMIT $4";
    db.fetch_all(sql, args![experiment, time, no, TRACES]).await
}

pub(super) async fn bytes_of_trace(tx: &mut Tx, no: i64) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM spans WHERE trace_no = $1";
    let (bytes,): (i64,) = tx.fetch_one(sql, args![no]).await?;
    Ok(bytes)
}

pub(super) async fn delete_trace(tx: &mut Tx, no: i64) -> Result<()> {
    tx.execute("DELETE FROM traces WHERE no = $1", args![no]).await.map(drop)
}
