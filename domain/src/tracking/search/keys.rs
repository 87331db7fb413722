//! What an experiment's runs logged, by name, for columns and completion: read once, then only of the runs that have changed.

use super::index_store;
use crate::{
    caller::Caller,
    error::Result,
    model::{ExperimentId, KEYS_MOST, Permission, RunKeys},
    portal::Portal,
    tracking::store,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Most experiments whose keys are remembered.
const EXPERIMENTS: usize = 200;

/// Keys by experiment, with the version that they are of.
#[derive(Default)]
pub(super) struct KnownKeys(Mutex<HashMap<i64, (i64, RunKeys)>>);

impl KnownKeys {
    fn lock(&self) -> MutexGuard<'_, HashMap<i64, (i64, RunKeys)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names of what the experiment's runs logged. A tag that was removed from its last run stays known for a while.
pub async fn run_keys(portal: &Portal, caller: &Caller, team: &str, experiment: &ExperimentId) -> Result<RunKeys> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let row = store::experiment(&portal.db, &scope.team, experiment).await?;
    known(portal, row.id, row.version).await
}

/// The same of the experiment of this number as of this version, or later.
pub(super) async fn known(portal: &Portal, experiment: i64, now: i64) -> Result<RunKeys> {
    let known = portal.indexes.keys().lock().get(&experiment).cloned();
    let (version, mut keys) = known.unwrap_or((-1, RunKeys::default()));
    if version >= now {
        return Ok(keys);
    }
    let [metrics, params, tags] = index_store::keys(&portal.db, experiment, version).await?;
    for (have, more) in [(&mut keys.metrics, metrics), (&mut keys.params, params), (&mut keys.tags, tags)] {
        let all: BTreeSet<String> = have.drain(..).chain(more).collect();
        have.extend(all.into_iter().take(KEYS_MOST));
    }
    let mut known = portal.indexes.keys().lock();
    if known.len() >= EXPERIMENTS {
        known.clear();
    }
    known.insert(experiment, (now, keys.clone()));
    Ok(keys)
}
