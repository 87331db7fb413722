//! Removes for good what was deleted long enough ago.

use super::{experiment_store, purge_store as store};
use crate::{
    audit,
    caller::{Caller, TeamScope},
    error::{Error, Result},
    events,
    model::{Change, ExperimentId, Millis, Permission, Purged, RunId},
    portal::Portal,
};
use std::collections::BTreeMap;

const DAY: Millis = 24 * 60 * 60 * 1000;
/// Runs of one transaction, so that nobody waits long for it.
const AT_ONCE: i64 = 20;

/// Removes the team's runs and experiments that were deleted more than `days` days ago, with everything they logged, in small transactions.
/// An experiment goes once its last run has gone and nothing else needs it; a team's Default stays.
pub async fn purge(portal: &Portal, caller: &Caller, team: &str, days: u32) -> Result<Purged> {
    let scope = caller.require_in(Permission::PurgeTracking, team)?;
    let before = portal.clock.now() - i64::from(days) * DAY;
    let mut purged = Purged::default();
    while some_runs(portal, caller, &scope, before, &mut purged).await? {}
    for id in store::deleted_experiments(&portal.db, &scope.team, before).await? {
        match one_experiment(portal, caller, &scope, id, before).await {
            Ok(true) => purged.experiments.push(ExperimentId(id.to_string())),
            // Something else refers to it still.
            Ok(false) | Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(purged)
}

async fn some_runs(portal: &Portal, caller: &Caller, scope: &TeamScope, before: Millis, purged: &mut Purged) -> Result<bool> {
    let found = store::deleted_runs(&portal.db, &scope.team, before, AT_ONCE).await?;
    if found.is_empty() {
        return Ok(false);
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let experiments: BTreeMap<i64, ExperimentId> = found.iter().map(|run| (run.experiment_id, run.experiment())).collect();
    for id in experiments.keys() {
        experiment_store::next_version(&mut tx, *id).await?;
    }
    let (mut runs, mut freed) = (Vec::new(), store::Freed::default());
    for run in &found {
        let size = store::size(&mut tx, run.no).await?;
        // One that was taken back meanwhile stays.
        if store::delete_run(&mut tx, run.no, before).await? {
            runs.push(RunId(run.id.clone()));
            freed.points += size.points;
            freed.bytes += size.bytes;
        }
    }
    let after = serde_json::json!({ "runs": runs, "points": freed.points, "bytes": freed.bytes });
    let name = format!("{} runs", runs.len());
    let entry = audit::Entry::<(), _> {
        team: Some(&scope.team_name),
        action: "run.purge",
        object: "",
        object_name: &name,
        before: None,
        after: Some(after),
    };
    audit::record(&mut tx, caller, now, entry).await?;
    for experiment in experiments.into_values() {
        events::publish(&mut tx, now, Some(&scope.team_name), &Change::Runs { experiment }).await?;
    }
    tx.commit().await?;
    purged.points += freed.points;
    purged.bytes += freed.bytes;
    purged.runs.append(&mut runs);
    Ok(true)
}

async fn one_experiment(portal: &Portal, caller: &Caller, scope: &TeamScope, id: i64, before: Millis) -> Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let Some(name) = store::delete_experiment(&mut tx, id, before).await? else { return Ok(false) };
    let object = id.to_string();
    let entry = audit::Entry::<(), ()> {
        team: Some(&scope.team_name),
        action: "experiment.purge",
        object: &object,
        object_name: &name,
        before: None,
        after: None,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(&scope.team_name), &Change::Experiments).await?;
    tx.commit().await?;
    Ok(true)
}
