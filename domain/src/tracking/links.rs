//! Whose an experiment or a run is, for addresses that name no team.

use super::store;
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{ExperimentId, Permission, RunId},
    portal::Portal,
};

/// Name of the team whose run this is, for who may see it.
pub async fn team_of_run(portal: &Portal, caller: &Caller, run: &RunId) -> Result<String> {
    caller.identity()?;
    seen(caller, store::team_of_run(&portal.db, run).await?, "run")
}

/// Name of the team whose experiment this is, for who may see it. "0" is every team's, and so nobody's.
pub async fn team_of_experiment(portal: &Portal, caller: &Caller, id: &ExperimentId) -> Result<String> {
    caller.identity()?;
    seen(caller, store::team_of_experiment(&portal.db, id).await?, "experiment")
}

/// What another team has is answered like what is not there.
fn seen(caller: &Caller, team: Option<String>, what: &'static str) -> Result<String> {
    let team = team.ok_or(Error::NotFound(what))?;
    caller.require_in(Permission::ReadTracking, &team).map_err(|_| Error::NotFound(what))?;
    Ok(team)
}
