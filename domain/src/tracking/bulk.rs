//! One change of many runs at once: tagged, untagged, deleted, taken back. All that can be changed is, in one transaction; the answer says of each
//! other run why not.

use super::{
    group_store::{self, Kind, Place},
    run_store,
    store::public_id,
};
use crate::{
    audit,
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    events,
    model::{
        BULK_MOST, BulkDone, Change, KEYS_OF_A_RUN, Millis, Permission, RunId, TAG_LENGTH, TAG_RUN_NAME, Tag, cut, validate_key,
        validate_unreserved, validate_value,
    },
    portal::Portal,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Sets a tag on these runs. Deleted ones stay as they are.
///
/// # Errors
/// `Invalid` where the tag cannot be one, or there are more than `BULK_MOST` runs.
pub async fn set_tag(portal: &Portal, caller: &Caller, team: &str, runs: &[RunId], tag: &Tag) -> Result<BulkDone> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    taggable(&tag.key)?;
    validate_value(&tag.value).map_err(|reason| Error::invalid("value", reason))?;
    let value = cut(&tag.value, TAG_LENGTH);
    let (now, mut tx) = (portal.clock.now(), portal.db.begin().await?);
    let (mut found, mut done) = look(&mut tx, &scope, runs).await?;
    found.refuse(&mut done, |run| run.deleted, "It is deleted. Restore it first.");
    let numbers: Vec<i64> = found.runs.iter().map(|run| run.no).collect();
    let full = full(&mut tx, &numbers, &tag.key).await?;
    found.refuse(&mut done, |run| full.contains(&run.no), "It has as many tags as a run may have.");
    group_store::put_tags(&mut tx, found.runs.iter().map(|run| (run.no, tag.key.as_str(), value)).collect()).await?;
    finish(tx, &scope, found, done, now).await
}

/// Removes a tag of these runs; those that do not have it are as was asked.
///
/// # Errors
/// As `set_tag`.
pub async fn remove_tag(portal: &Portal, caller: &Caller, team: &str, runs: &[RunId], key: &str) -> Result<BulkDone> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    taggable(key)?;
    let (now, mut tx) = (portal.clock.now(), portal.db.begin().await?);
    let (mut found, mut done) = look(&mut tx, &scope, runs).await?;
    found.refuse(&mut done, |run| run.deleted, "It is deleted. Restore it first.");
    run_store::delete_tag_of(&mut tx, &found.runs.iter().map(|run| run.no).collect::<Vec<_>>(), key).await?;
    finish(tx, &scope, found, done, now).await
}

/// Deletes these runs, to be restored or purged. Those that are deleted already are as was asked.
///
/// # Errors
/// `Invalid` where there are more than `BULK_MOST` runs.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, runs: &[RunId]) -> Result<BulkDone> {
    set_deleted(portal, caller, team, runs, true).await
}

/// Takes deleted runs back.
///
/// # Errors
/// As `delete`.
pub async fn restore(portal: &Portal, caller: &Caller, team: &str, runs: &[RunId]) -> Result<BulkDone> {
    set_deleted(portal, caller, team, runs, false).await
}

async fn set_deleted(portal: &Portal, caller: &Caller, team: &str, runs: &[RunId], deleted: bool) -> Result<BulkDone> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let (now, mut tx) = (portal.clock.now(), portal.db.begin().await?);
    let (found, done) = look(&mut tx, &scope, runs).await?;
    let changed: Vec<&Run> = found.runs.iter().filter(|run| run.deleted != deleted).collect();
    run_store::set_deleted_of(&mut tx, &changed.iter().map(|run| run.no).collect::<Vec<_>>(), deleted.then_some(now)).await?;
    if let Some(first) = changed.first() {
        let ids: Vec<&str> = changed.iter().map(|run| run.id.as_str()).collect();
        let many = format!("{} runs", ids.len());
        let entry = audit::Entry::<(), _> {
            team: Some(team),
            action: if deleted { "run.delete" } else { "run.restore" },
            object: first.id.as_str(),
            object_name: if ids.len() == 1 { first.id.as_str() } else { &many },
            before: None,
            after: (ids.len() > 1).then(|| serde_json::json!({ "runs": ids })),
        };
        audit::record(&mut tx, caller, now, entry).await?;
    }
    finish(tx, &scope, found, done, now).await
}

fn taggable(key: &str) -> Result<()> {
    let checked = validate_key(key).and_then(|()| validate_unreserved(key));
    checked.map_err(|reason| Error::invalid("key", reason))?;
    if key == TAG_RUN_NAME {
        return Err(Error::invalid("key", "This tag is the name of a run; give runs names one by one."));
    }
    Ok(())
}

struct Run {
    no: i64,
    id: RunId,
    deleted: bool,
}

/// Runs of the team, with their experiments locked.
struct Found {
    runs: Vec<Run>,
    /// Whether each experiment is the team's Default, by number.
    experiments: BTreeMap<i64, i64>,
}

impl Found {
    /// Leaves these runs as they are.
    fn refuse(&mut self, done: &mut BulkDone, which: impl Fn(&Run) -> bool, why: &str) {
        let (refused, left) = std::mem::take(&mut self.runs).into_iter().partition(which);
        self.runs = left;
        let refused: Vec<Run> = refused;
        done.failed.extend(refused.into_iter().map(|run| (run.id, why.to_owned())));
    }
}

/// Finds the runs, each once, in the order they are given, and locks their experiments, as every change of runs does.
async fn look(tx: &mut Tx, scope: &TeamScope, asked: &[RunId]) -> Result<(Found, BulkDone)> {
    if asked.len() > BULK_MOST {
        return Err(Error::invalid("runs", format!("At most {BULK_MOST} runs are changed at once; these are {}.", asked.len())));
    }
    let mut seen = HashSet::new();
    let asked: Vec<&RunId> = asked.iter().filter(|id| seen.insert(id.as_str())).collect();
    let places = group_store::places(tx, &asked).await?;
    let places: HashMap<String, Place> =
        places.into_iter().filter(|place| place.team_id == scope.team.as_str()).map(|place| (place.id.clone(), place)).collect();
    let mut experiments: BTreeMap<i64, i64> = places.values().map(|place| (place.experiment_id, 0)).collect();
    let mut versions = HashMap::new();
    for (id, is_default) in &mut experiments {
        let locked = group_store::lock_experiment(tx, *id).await?.ok_or(Error::NotFound("experiment"))?;
        *is_default = locked.is_default;
        versions.insert(*id, locked.version);
    }
    let stamps = places.values().filter_map(|place| Some((place.no, *versions.get(&place.experiment_id)?))).collect();
    let deleted: HashMap<i64, bool> = group_store::stamp(tx, stamps).await?.into_iter().map(|(no, at)| (no, at.is_some())).collect();
    let (mut runs, mut done) = (Vec::with_capacity(places.len()), BulkDone::default());
    for id in asked {
        match places.get(id.as_str()).and_then(|place| Some((place.no, *deleted.get(&place.no)?))) {
            Some((no, deleted)) => runs.push(Run { no, id: id.clone(), deleted }),
            None => done.failed.push((id.clone(), "There is no such run.".to_owned())),
        }
    }
    Ok((Found { runs, experiments }, done))
}

/// Those of these runs that have no room for another tag.
async fn full(tx: &mut Tx, runs: &[i64], key: &str) -> Result<HashSet<i64>> {
    let counts = group_store::counts(tx, runs.to_vec()).await?;
    let mut full = HashSet::new();
    for counts in counts.into_iter().filter(|counts| counts.tags >= KEYS_OF_A_RUN) {
        if group_store::has(tx, Kind::Tag, counts.run_no, &[key]).await?.is_empty() {
            full.insert(counts.run_no);
        }
    }
    Ok(full)
}

async fn finish(mut tx: Tx, scope: &TeamScope, found: Found, mut done: BulkDone, now: Millis) -> Result<BulkDone> {
    for (id, is_default) in &found.experiments {
        let experiment = public_id(*id, *is_default);
        events::publish(&mut tx, now, Some(&scope.team_name), &Change::Runs { experiment }).await?;
    }
    tx.commit().await?;
    done.done = found.runs.into_iter().map(|run| run.id).collect();
    Ok(done)
}
