//! Removes for good what was deleted long enough ago: rows and the bytes of artifacts.
//!
//! What a version of a registered model comes from is no part of it: such a run or logged model stays deleted, whole and to be restored, until
//! the version is gone. Everything happens in small transactions; bytes go after the rows that named them, by way of the artifacts' garbage, so
//! that a purge that is cut off leaves nothing that the next one, or the sweep of artifacts, does not find.

mod daily;
mod experiments;
mod runs;
mod store;

pub use daily::{Daily, run};

use crate::{
    artifacts::{self, Removed},
    audit,
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    events,
    model::{Change, Millis, Permission, Purged, TeamId},
    portal::Portal,
};
use std::collections::{BTreeMap, BTreeSet};

const DAY: Millis = 24 * 60 * 60 * 1000;
/// Runs or models of one transaction, so that nobody waits long for it.
const AT_ONCE: usize = 20;

/// Removes what the team deleted more than `days` days ago, with everything that belongs to it: runs with their models, and experiments once
/// their last run has gone; a team's Default stays. With `dry_run` nothing changes, and the answer is what would.
///
/// For admins of the team, the command line and Slipway itself.
pub async fn purge(portal: &Portal, caller: &Caller, team: &str, days: u32, dry_run: bool) -> Result<Purged> {
    let team = allowed(portal, caller, team).await?;
    let before = portal.clock.now() - i64::from(days) * DAY;
    let (purged, counted, models) = (Purged::default(), BTreeMap::new(), BTreeSet::new());
    let mut job = Job { portal, caller, team, before, dry_run, purged, counted, models };
    job.deleted_models().await?;
    let touched = job.deleted_runs().await?;
    job.files_of_gone_traces().await?;
    job.deleted_experiments(touched).await?;
    job.finish().await
}

struct Team {
    id: TeamId,
    name: String,
}

async fn allowed(portal: &Portal, caller: &Caller, team: &str) -> Result<Team> {
    match caller.require_in(Permission::PurgeTracking, team) {
        Ok(scope) => Ok(Team { id: scope.team, name: scope.team_name }),
        // Whoever owns the machine is in no team.
        Err(_) if caller.identity.is_none() && caller.require(Permission::ManageTeams).is_ok() => {
            let id = store::team(&portal.db, team).await?.ok_or(Error::NotFound("team"))?;
            Ok(Team { id, name: team.to_owned() })
        }
        Err(refused) => Err(refused),
    }
}

/// One purge of one team.
struct Job<'a> {
    portal: &'a Portal,
    caller: &'a Caller,
    team: Team,
    /// What was deleted before goes.
    before: Millis,
    dry_run: bool,
    purged: Purged,
    /// Files that were counted already, by experiment: in a dry run they are still there when its folder is.
    counted: BTreeMap<i64, Removed>,
    /// Numbers of the models that are in `purged`.
    models: BTreeSet<i64>,
}

/// What is written down of a part of the purge.
struct Told<'a> {
    action: &'static str,
    object: &'a str,
    name: &'a str,
    changes: Vec<Change>,
}

impl Job<'_> {
    async fn begin(&self) -> Result<Tx> {
        if self.dry_run { self.portal.db.begin_snapshot().await } else { self.portal.db.begin().await }
    }

    /// The unpinned files below a place that an experiment names; none where it is not Slipway's.
    async fn files(&mut self, tx: &mut Tx, experiment: i64, location: &str, below: &str) -> Result<Removed> {
        let Some(folder) = artifacts::ours(&format!("{}/{below}", location.trim_end_matches('/'))) else { return Ok(Removed::default()) };
        if !self.dry_run {
            return artifacts::remove_unpinned(tx, &self.team.id, &folder).await;
        }
        let found = artifacts::count_unpinned(tx, &self.team.id, &folder).await?;
        let counted = self.counted.entry(experiment).or_default();
        counted.files += found.files;
        counted.bytes += found.bytes;
        Ok(found)
    }

    /// Ends a part of the purge: written down and committed, or in a dry run only counted.
    async fn end(&mut self, mut tx: Tx, part: Purged, told: Told<'_>) -> Result<()> {
        if part.is_nothing() {
            return Ok(());
        }
        if !self.dry_run {
            let now = self.portal.clock.now();
            let team = Some(self.team.name.as_str());
            let entry = audit::Entry::<(), _> {
                team,
                action: told.action,
                object: told.object,
                object_name: told.name,
                before: None,
                after: Some(&part),
            };
            audit::record(&mut tx, self.caller, now, entry).await?;
            for change in &told.changes {
                events::publish(&mut tx, now, team, change).await?;
            }
            tx.commit().await?;
        }
        self.purged.add(part);
        Ok(())
    }

    /// Says in one record what all of it came to, and gives the bytes back.
    async fn finish(mut self) -> Result<Purged> {
        let Self { portal, before, dry_run, .. } = self;
        (self.purged.kept_runs, self.purged.kept_models) = store::kept(&portal.db, &self.team.id, before).await?;
        if dry_run || self.purged.is_nothing() {
            return Ok(self.purged);
        }
        let freed = self.purged.in_numbers();
        tracing::info!(team = self.team.name, %freed, "what was deleted was purged");
        let entry = audit::Entry::<(), _> {
            team: Some(&self.team.name),
            action: "team.purge",
            object: self.team.id.as_str(),
            object_name: &self.team.name,
            before: None,
            after: Some(freed),
        };
        let mut tx = portal.db.begin().await?;
        audit::record(&mut tx, self.caller, portal.clock.now(), entry).await?;
        tx.commit().await?;
        if let Err(error) = artifacts::sweep::collect(portal).await {
            tracing::warn!(%error, "purged artifacts are still in the store; the sweep tries again");
        }
        Ok(self.purged)
    }
}
