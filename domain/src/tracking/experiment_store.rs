//! SQL of experiments.

use super::store::{ExperimentRow, public_id};
use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{DEFAULT_EXPERIMENT, Experiment, ExperimentId, Millis, Tag, Team, TeamId, UserId},
};

#[derive(sqlx::FromRow)]
struct FullRow {
    id: i64,
    is_default: i64,
    name: String,
    artifact_location: String,
    created_by: Option<String>,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
}

impl FullRow {
    fn experiment(self, tags: Vec<Tag>) -> Experiment {
        Experiment {
            id: public_id(self.id, self.is_default),
            name: self.name,
            artifact_location: self.artifact_location,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
            tags,
        }
    }
}

/// Where a team's Default says its artifacts are.
const DEFAULT_LOCATION: &str = "mlflow-artifacts:/0";

/// Gives a new team its Default.
pub(crate) async fn add_default(tx: &mut Tx, team: &Team) -> Result<()> {
    let id = tx.next("experiment").await?;
    let sql = "INSERT INTO experiments (id, team_id, is_default, name, artifact_location, created_at, updated_at, version)
               VALUES ($1, $2, 1, $3, $4, $5, $5, 0)";
    tx.execute(sql, args![id, &team.id, DEFAULT_EXPERIMENT, DEFAULT_LOCATION, team.created_at]).await?;
    Ok(())
}

pub(super) struct NewRow<'a> {
    pub team: &'a TeamId,
    pub name: &'a str,
    /// None: the portal's own, below the experiment's number.
    pub artifact_location: Option<&'a str>,
    pub by: &'a UserId,
    pub at: Millis,
}

/// # Errors
/// `AlreadyExists` where the name is taken, also by a deleted one.
pub(super) async fn insert(tx: &mut Tx, new: NewRow<'_>) -> Result<i64> {
    let id = tx.next("experiment").await?;
    let location = new.artifact_location.map_or_else(|| format!("mlflow-artifacts:/{id}"), str::to_owned);
    let sql = "INSERT INTO experiments (id, team_id, is_default, name, artifact_location, created_by, created_at, updated_at, version)
               VALUES ($1, $2, 0, $3, $4, $5, $6, $6, 0)";
    tx.insert(sql, args![id, new.team, new.name, location, new.by, new.at], || taken(new.name)).await?;
    Ok(id)
}

fn taken(name: &str) -> Error {
    Error::AlreadyExists(format!("Experiment '{name}' already exists. A deleted experiment keeps its name."))
}

pub(super) async fn put_tags(tx: &mut Tx, id: i64, tags: &[Tag]) -> Result<()> {
    let rows = tags.iter().map(|tag| args![id, &tag.key, &tag.value]).collect();
    let upsert = "ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value";
    tx.insert_many("INSERT INTO experiment_tags (experiment_id, key, value)", upsert, rows).await?;
    Ok(())
}

/// Whether it was there.
pub(super) async fn delete_tag(tx: &mut Tx, id: i64, key: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM experiment_tags WHERE experiment_id = $1 AND key = $2", args![id, key]).await? > 0)
}

/// The experiment with its tags.
pub(super) async fn full(db: &Db, row: &ExperimentRow) -> Result<Experiment> {
    let sql = "SELECT e.id, e.is_default, e.name, e.artifact_location, u.email AS created_by, e.created_at, e.updated_at, e.deleted_at
               FROM experiments e LEFT JOIN users u ON u.id = e.created_by WHERE e.id = $1";
    let found: Option<FullRow> = db.fetch_optional(sql, args![row.id]).await?;
    let sql = "SELECT key, value FROM experiment_tags WHERE experiment_id = $1 ORDER BY key";
    let tags: Vec<(String, String)> = db.fetch_all(sql, args![row.id]).await?;
    let tags = tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    Ok(found.ok_or(Error::NotFound("experiment"))?.experiment(tags))
}

/// What clients call the team's experiment of this name.
pub(super) async fn named(db: &Db, team: &TeamId, name: &str) -> Result<Option<ExperimentId>> {
    let sql = "SELECT id, is_default FROM experiments WHERE team_id = $1 AND name = $2";
    let found: Option<(i64, i64)> = db.fetch_optional(sql, args![team, name]).await?;
    Ok(found.map(|(id, is_default)| public_id(id, is_default)))
}

/// # Errors
/// `AlreadyExists` where the name is taken.
pub(super) async fn rename(tx: &mut Tx, id: i64, name: &str, at: Millis) -> Result<()> {
    let sql = "UPDATE experiments SET name = $1, updated_at = $2 WHERE id = $3";
    tx.insert(sql, args![name, at, id], || taken(name)).await
}

pub(super) async fn touch(tx: &mut Tx, id: i64, at: Millis) -> Result<()> {
    tx.execute("UPDATE experiments SET updated_at = $1 WHERE id = $2", args![at, id]).await?;
    Ok(())
}

/// Locks the experiment's row and gives its new version; every change of its runs begins here.
pub(super) async fn next_version(tx: &mut Tx, id: i64) -> Result<i64> {
    let sql = "UPDATE experiments SET version = version + 1 WHERE id = $1 RETURNING version";
    let row: Option<(i64,)> = tx.fetch_optional(sql, args![id]).await?;
    Ok(row.ok_or(Error::NotFound("experiment"))?.0)
}

/// Deletes the experiment, or takes it back, with all its runs.
pub(super) async fn set_deleted(tx: &mut Tx, id: i64, deleted_at: Option<Millis>, version: i64, at: Millis) -> Result<()> {
    tx.execute("UPDATE experiments SET deleted_at = $1, updated_at = $2 WHERE id = $3", args![deleted_at, at, id]).await?;
    // Runs that were deleted before keep their day; a restore brings back all of them, as MLflow's does.
    let sql = if deleted_at.is_some() {
        "UPDATE runs SET deleted_at = $1, version = $2 WHERE experiment_id = $3 AND deleted_at IS NULL"
    } else {
        "UPDATE runs SET deleted_at = $1, version = $2 WHERE experiment_id = $3 AND deleted_at IS NOT NULL"
    };
    tx.execute(sql, args![deleted_at, version, id]).await?;
    Ok(())
}
