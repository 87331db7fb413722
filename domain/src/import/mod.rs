//! Copies what a running MLflow server has into a team: experiments, runs with full histories, artifacts, models.
//!
//! Everything goes through the verbs of its capability, so that permissions, limits and the audit trail hold. It can be broken off at any
//! moment and made again: what is in is found in the table `imported` or by comparing, and only what is missing is written. The order is: runs with
//! all that is theirs, then logged models, then what links the two and what is deleted, then the registry.

mod answers;
mod client;
mod experiments;
mod files;
mod identity;
mod imported_store;
mod links;
mod logged_models;
mod numbers;
mod pages;
mod pairs;
mod points;
mod registry;
mod report;
mod runs;
mod source;

pub use report::{Counts, Problem, Progress, Report, Tally};
pub use source::{Auth, Source};

use crate::{
    audit,
    caller::{Caller, TeamScope},
    error::{Error, Result},
    model::{ExperimentId, Permission},
    portal::Portal,
};
use client::{Client, Fault};
use report::Draft;
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;

/// Runs that are copied at the same time.
const AT_ONCE: usize = 4;
/// Batches of points on their way to the writer: as many as one of its transactions takes.
const BATCHES: usize = 20;

/// What of the server is wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Names of experiments; all of them where there are none.
    pub experiments: Vec<String>,
    /// Also compares again what the table `imported` says is in.
    pub again: bool,
}

/// One import while it goes on.
struct Import<'a> {
    portal: &'a Portal,
    caller: &'a Caller,
    team: &'a str,
    scope: TeamScope,
    client: Client,
    wanted: &'a Wanted,
    progress: &'a Progress,
    report: Draft,
    logging: Semaphore,
    /// Runs and logged models, by the source's ids, that are not whole here.
    unsound: Mutex<HashSet<String>>,
    /// What the source's experiments are called here.
    experiments: Mutex<HashMap<String, ExperimentId>>,
}

/// Copies everything that is wanted and is not here yet.
///
/// # Errors
/// Where nothing could be begun. What goes wrong later is in the report.
pub async fn mlflow(portal: &Portal, caller: &Caller, team: &str, source: &Source, wanted: &Wanted, progress: &Progress) -> Result<Report> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    caller.require_in(Permission::WriteRegistry, team)?;
    let import = Import {
        portal,
        caller,
        team,
        scope,
        client: Client::new(source)?,
        wanted,
        progress,
        report: Draft::new(source.address(), team),
        logging: Semaphore::new(BATCHES),
        unsound: Mutex::default(),
        experiments: Mutex::default(),
    };
    progress.enter("looking");
    let experiments = import.look().await.map_err(|fault| match fault {
        Fault::Stop(why) | Fault::Item(why) => Error::Unavailable(why),
    })?;
    import.record(source, "import.begin", None).await?;
    let stopped = match import.everything(&experiments).await {
        Ok(()) => None,
        Err(Fault::Stop(why) | Fault::Item(why)) => Some(why),
    };
    let report = import.end(source, stopped).await;
    progress.enter("done");
    Ok(report)
}

impl Import<'_> {
    /// The experiments that are wanted.
    async fn look(&self) -> Result<Vec<answers::Experiment>, Fault> {
        let mut all = pages::experiments(&self.client).await?;
        let wanted = &self.wanted.experiments;
        if !wanted.is_empty() {
            if let Some(name) = wanted.iter().find(|name| !all.iter().any(|e| e.name == **name)) {
                return Err(Fault::Stop(format!("The server has no experiment \"{name}\". Look at the name, or leave --experiment out.")));
            }
            all.retain(|e| wanted.contains(&e.name));
        }
        Ok(all)
    }

    async fn everything(&self, experiments: &[answers::Experiment]) -> Result<(), Fault> {
        self.count(experiments).await?;
        self.progress.enter("runs");
        let mut opened = Vec::new();
        let mut pending = Vec::new();
        for experiment in experiments {
            if let Some(target) = self.experiment(experiment, &mut pending).await? {
                opened.push((experiment, target));
            }
            Progress::add(&self.progress.experiments, 1);
        }
        self.progress.enter("links");
        self.links(pending).await?;
        for (experiment, target) in opened {
            self.close_experiment(experiment, &target).await?;
        }
        self.progress.enter("models");
        self.registry(false).await?;
        self.registry(true).await?;
        self.note_what_stays(experiments).await;
        Ok(())
    }

    /// How many runs there are, for whoever waits.
    async fn count(&self, experiments: &[answers::Experiment]) -> Result<(), Fault> {
        let mut all = 0;
        for experiment in experiments {
            match pages::count_runs(&self.client, &experiment.id).await {
                Ok(Some(count)) => all += count,
                Ok(None) => return Ok(()),
                Err(Fault::Stop(why)) => return Err(Fault::Stop(why)),
                // The copying meets it again, and reports it.
                Err(Fault::Item(_)) => {}
            }
        }
        self.progress.runs_in_all.store(all, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Says what the server has and an import leaves there.
    async fn note_what_stays(&self, experiments: &[answers::Experiment]) {
        let (mut traces, mut more) = (0, false);
        for experiment in experiments {
            // An older server has none.
            if let Ok((count, on)) = pages::traces(&self.client, &experiment.id).await {
                traces += count;
                more |= on;
            }
        }
        if traces > 0 {
            self.report.note(format!(
                "{traces}{} traces were not copied: an import leaves traces where they are.",
                if more { " or more" } else { "" }
            ));
        }
    }

    /// One thing could not be copied; the import goes on.
    fn failed(&self, what: impl Into<String>, fault: Fault) -> Result<(), Fault> {
        match fault {
            Fault::Item(why) => {
                self.report.problem(what, why);
                Ok(())
            }
            stop @ Fault::Stop(_) => Err(stop),
        }
    }

    fn unsound(&self) -> MutexGuard<'_, HashSet<String>> {
        self.unsound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn end(self, source: &Source, stopped: Option<String>) -> Report {
        let (portal, caller, team) = (self.portal, self.caller, self.team);
        let mut report = self.report.finish(stopped);
        let after = serde_json::json!({ "counts": report.counts, "failures": report.failures, "stopped": report.stopped });
        if let Err(error) = record(portal, caller, team, (source, "import.end"), Some(after)).await {
            report.notes.push(format!("The end of the import is not in the audit trail: {error}"));
        }
        report
    }

    async fn record(&self, source: &Source, action: &'static str, after: Option<serde_json::Value>) -> Result<()> {
        record(self.portal, self.caller, self.team, (source, action), after).await
    }
}

async fn record(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    (source, action): (&Source, &'static str),
    after: Option<serde_json::Value>,
) -> Result<()> {
    let address = source.address();
    let entry = audit::Entry { team: Some(team), action, object: address, object_name: address, before: None::<()>, after };
    let mut tx = portal.db.begin().await?;
    audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    tx.commit().await
}
