//! SQL that finds experiments and runs of a team. What another team has is not there.

use crate::{
    args,
    db::{Db, Tx, Value},
    error::{Error, Result},
    model::{ExperimentId, RunId, TeamId},
};

/// An experiment's place in the database.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ExperimentRow {
    /// Its number over the whole portal, for joins.
    pub id: i64,
    pub is_default: i64,
    pub name: String,
    pub artifact_location: String,
    pub deleted_at: Option<i64>,
    pub version: i64,
}

impl ExperimentRow {
    /// What clients call it.
    pub fn public_id(&self) -> ExperimentId {
        public_id(self.id, self.is_default)
    }
}

/// What clients call the experiment of this number.
pub(crate) fn public_id(id: i64, is_default: i64) -> ExperimentId {
    ExperimentId(if is_default != 0 { "0".to_owned() } else { id.to_string() })
}

/// A run's place in the database.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct RunRow {
    /// Its number over the whole portal, for joins.
    pub no: i64,
    pub experiment_id: i64,
    pub deleted_at: Option<i64>,
}

/// Finds the team's experiment, deleted or not; "0" is its Default.
///
/// # Errors
/// `NotFound`, also where it belongs to another team.
pub(crate) async fn experiment(db: &Db, team: &TeamId, id: &ExperimentId) -> Result<ExperimentRow> {
    let (sql, args) = find_experiment(team, id)?;
    db.fetch_optional(sql, args).await?.ok_or(Error::NotFound("experiment"))
}

/// The same inside a transaction.
pub(crate) async fn experiment_tx(tx: &mut Tx, team: &TeamId, id: &ExperimentId) -> Result<ExperimentRow> {
    let (sql, args) = find_experiment(team, id)?;
    tx.fetch_optional(sql, args).await?.ok_or(Error::NotFound("experiment"))
}

fn find_experiment(team: &TeamId, id: &ExperimentId) -> Result<(&'static str, Vec<Value>)> {
    if id.as_str() == "0" {
        let sql =
            "SELECT id, is_default, name, artifact_location, deleted_at, version FROM experiments WHERE team_id = $1 AND is_default = 1";
        return Ok((sql, args![team]));
    }
    // Only the plain spelling of a number is one of ours.
    let number = id.as_str().parse::<i64>().ok().filter(|n| n.to_string() == id.as_str()).ok_or(Error::NotFound("experiment"))?;
    let sql = "SELECT id, is_default, name, artifact_location, deleted_at, version FROM experiments WHERE id = $1 AND team_id = $2 AND is_default = 0";
    Ok((sql, args![number, team]))
}

/// Finds the team's run, deleted or not.
///
/// # Errors
/// `NotFound`, also where it belongs to another team.
pub(crate) async fn run(db: &Db, team: &TeamId, id: &RunId) -> Result<RunRow> {
    let sql = "SELECT no, experiment_id, deleted_at FROM runs WHERE id = $1 AND team_id = $2";
    db.fetch_optional(sql, args![id, team]).await?.ok_or(Error::NotFound("run"))
}

/// The same inside a transaction.
pub(crate) async fn run_tx(tx: &mut Tx, team: &TeamId, id: &RunId) -> Result<RunRow> {
    let sql = "SELECT no, experiment_id, deleted_at FROM runs WHERE id = $1 AND team_id = $2";
    tx.fetch_optional(sql, args![id, team]).await?.ok_or(Error::NotFound("run"))
}

/// What clients call the experiment of this number.
pub(crate) async fn public_id_tx(tx: &mut Tx, id: i64) -> Result<ExperimentId> {
    let found: Option<(i64,)> = tx.fetch_optional("SELECT is_default FROM experiments WHERE id = $1", args![id]).await?;
    Ok(public_id(id, found.ok_or(Error::NotFound("experiment"))?.0))
}

/// Name of the team whose run this is.
pub(crate) async fn team_of_run(db: &Db, run: &RunId) -> Result<Option<String>> {
    let sql = "SELECT t.name FROM runs r JOIN teams t ON t.id = r.team_id WHERE r.id = $1";
    let row: Option<(String,)> = db.fetch_optional(sql, args![run]).await?;
    Ok(row.map(|(name,)| name))
}

/// Name of the team whose experiment this is; a Default has no number of its own.
pub(crate) async fn team_of_experiment(db: &Db, id: &ExperimentId) -> Result<Option<String>> {
    let Some(number) = id.as_str().parse::<i64>().ok().filter(|n| n.to_string() == id.as_str()) else { return Ok(None) };
    let sql = "SELECT t.name FROM experiments e JOIN teams t ON t.id = e.team_id WHERE e.id = $1 AND e.is_default = 0";
    let row: Option<(String,)> = db.fetch_optional(sql, args![number]).await?;
    Ok(row.map(|(name,)| name))
}
