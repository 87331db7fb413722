//! SQL that finds what a version can be made of. What another team has is not there.

use crate::{
    args,
    db::Tx,
    error::{Error, Result},
    model::TeamId,
};

/// The artifact URI of the team's run, which no purge takes until the transaction ends.
///
/// # Errors
/// `NotFound`, also where it belongs to another team.
pub(super) async fn run_uri(tx: &mut Tx, team: &TeamId, run: &str) -> Result<String> {
    tx.execute("UPDATE runs SET name = name WHERE id = $1 AND team_id = $2", args![run, team]).await?;
    let sql = "SELECT e.artifact_location FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.id = $1 AND r.team_id = $2";
    let row: Option<(String,)> = tx.fetch_optional(sql, args![run, team]).await?;
    let (location,) = row.ok_or(Error::NotFound("run"))?;
    Ok(format!("{}/{run}/artifacts", location.trim_end_matches('/')))
}

/// What a logged model says of itself.
pub(super) struct LoggedModelPlace {
    pub uri: String,
    pub run: Option<String>,
}

/// The artifact URI and the run of the team's logged model, which no purge takes until the transaction ends.
///
/// # Errors
/// `NotFound`, also where it belongs to another team.
pub(super) async fn logged_model(tx: &mut Tx, team: &TeamId, id: &str) -> Result<LoggedModelPlace> {
    tx.execute("UPDATE logged_models SET name = name WHERE id = $1 AND team_id = $2", args![id, team]).await?;
    let sql = "SELECT e.artifact_location, l.source_run FROM logged_models l JOIN experiments e ON e.id = l.experiment_id
               WHERE l.id = $1 AND l.team_id = $2 AND l.deleted_at IS NULL";
    let row: Option<(String, String)> = tx.fetch_optional(sql, args![id, team]).await?;
    let (location, run) = row.ok_or(Error::NotFound("logged model"))?;
    let uri = format!("{}/models/{id}/artifacts", location.trim_end_matches('/'));
    Ok(LoggedModelPlace { uri, run: Some(run).filter(|run| !run.is_empty()) })
}
