//! Experiments: found here by their names, or made.

use super::{
    AT_ONCE, Import,
    answers::{Experiment, Pair, Run},
    client::Fault,
    identity::fingerprint,
    imported_store::{self, Kind},
    links::Pending,
    pages,
};
use crate::{
    error::Error,
    model::{self, EXPERIMENT_TAG_LENGTH, ExperimentId, Tag, validate_key, validate_unreserved, validate_value},
    tracking::{
        adopt::{self, Dates},
        experiments,
    },
};
use futures::StreamExt;
use std::sync::{
    PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// The experiment of the source that is the team's Default here.
const DEFAULT: &str = "0";

/// Where an experiment's runs go.
pub(super) struct Target {
    pub id: ExperimentId,
    /// Whether it is deleted here now; then it is taken back as soon as something is to be written, and deleted again at the end.
    deleted: AtomicBool,
    opening: tokio::sync::Mutex<()>,
}

impl Import<'_> {
    /// Copies an experiment with its runs and logged models; adds what is still to be done to `pending`. None where it could not be begun.
    pub(super) async fn experiment(&self, from: &Experiment, pending: &mut Vec<Pending>) -> Result<Option<Target>, Fault> {
        let target = match self.target(from).await {
            Ok(target) => target,
            Err(fault) => {
                self.report.count(|c| c.experiments.fail(1));
                self.failed(format!("experiment {}", from.name), fault)?;
                return Ok(None);
            }
        };
        self.experiments.lock().unwrap_or_else(PoisonError::into_inner).insert(from.id.clone(), target.id.clone());
        if let Err(fault) = self.all_runs(from, &target, pending).await {
            self.failed(format!("runs of the experiment {}", from.name), fault)?;
        }
        if let Err(fault) = self.all_logged_models(from, &target).await {
            self.failed(format!("logged models of the experiment {}", from.name), fault)?;
        }
        Ok(Some(target))
    }

    async fn target(&self, from: &Experiment) -> Result<Target, Fault> {
        let tags = self.experiment_tags(from);
        let found = if from.id == DEFAULT {
            experiments::get(self.portal, self.caller, self.team, &DEFAULT.into()).await
        } else {
            experiments::get_by_name(self.portal, self.caller, self.team, &from.name).await
        };
        let here = match found {
            Ok(here) => here,
            Err(Error::NotFound(_)) => {
                let now = self.portal.clock.now();
                let created_at = from.creation_time.unwrap_or(now);
                let dates = Dates { created_at, updated_at: from.last_update_time.unwrap_or(created_at) };
                let id = adopt::experiment(self.portal, self.caller, self.team, &from.name, &tags, dates).await?;
                self.report.count(|c| c.experiments.copy(1));
                return Ok(Target::new(id, false));
            }
            Err(error) => return Err(error.into()),
        };
        if here.deleted_at.is_some() && !from.is_deleted() {
            return Err(Fault::Item(
                "an experiment of this name is deleted here. Restore it, or purge it, and start the import again".to_owned(),
            ));
        }
        if crate::artifacts::ours(&here.artifact_location).is_none() {
            return Err(Fault::Item(format!(
                "the experiment here keeps its artifacts at {}, where Slipway does not write. Rename it and start the import again",
                here.artifact_location
            )));
        }
        if here.deleted_at.is_none() {
            self.bring_tags(&here, &tags).await?;
        }
        self.report.count(|c| c.experiments.there(1));
        Ok(Target::new(here.id.clone(), here.deleted_at.is_some()))
    }

    async fn bring_tags(&self, here: &model::Experiment, tags: &[Tag]) -> Result<(), Fault> {
        for tag in tags.iter().filter(|tag| !here.tags.contains(tag)) {
            experiments::set_tag(self.portal, self.caller, self.team, &here.id, tag).await?;
        }
        Ok(())
    }

    /// The tags that can be kept; the others are reported.
    fn experiment_tags(&self, from: &Experiment) -> Vec<Tag> {
        let fits = |pair: &Pair| {
            validate_key(&pair.key)?;
            validate_unreserved(&pair.key)?;
            if pair.value.chars().count() > EXPERIMENT_TAG_LENGTH {
                return Err(format!("its value is longer than {EXPERIMENT_TAG_LENGTH} characters"));
            }
            validate_value(&pair.value)
        };
        let mut tags = Vec::with_capacity(from.tags.len());
        for pair in &from.tags {
            match fits(pair) {
                Ok(()) => tags.push(Tag::new(&pair.key, &pair.value)),
                Err(why) => self.report.problem(format!("tag \"{}\" of the experiment {}", pair.key, from.name), why),
            }
        }
        tags
    }

    async fn all_runs(&self, from: &Experiment, target: &Target, pending: &mut Vec<Pending>) -> Result<(), Fault> {
        let mut token = String::new();
        loop {
            let page = pages::runs(&self.client, &from.id, &token).await?;
            let mut runs = Vec::with_capacity(page.runs.len());
            for json in page.runs {
                let fingerprint = fingerprint(&json);
                match serde_json::from_value::<Run>(json) {
                    Ok(run) => runs.push((run, fingerprint)),
                    Err(error) => {
                        self.report.count(|c| c.runs.fail(1));
                        self.report.problem(format!("a run of the experiment {}", from.name), format!("it cannot be read: {error}"));
                    }
                }
            }
            let ids: Vec<&str> = runs.iter().map(|(run, _)| run.id()).collect();
            let known = imported_store::entries(&self.portal.db, &self.scope.team, Kind::Run, &ids).await?;
            let copying = runs.iter().map(|(run, print)| self.run(target, run, print, known.get(run.id())));
            let mut copying = futures::stream::iter(copying).buffer_unordered(AT_ONCE);
            while let Some(done) = copying.next().await {
                pending.extend(done?);
            }
            match pages::next(&token, page.next_page_token) {
                Some(next) => token = next,
                None => return Ok(()),
            }
        }
    }

    /// Sees to it that something can be written to the experiment.
    pub(super) async fn open(&self, target: &Target) -> Result<(), Fault> {
        let _one_at_a_time = target.opening.lock().await;
        if target.deleted.load(Ordering::Relaxed) {
            experiments::restore(self.portal, self.caller, self.team, &target.id).await?;
            target.deleted.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Deletes what is deleted at the source, now that everything is in.
    pub(super) async fn close_experiment(&self, from: &Experiment, target: &Target) -> Result<(), Fault> {
        if !from.is_deleted() || target.deleted.load(Ordering::Relaxed) {
            return Ok(());
        }
        match experiments::delete(self.portal, self.caller, self.team, &target.id).await {
            Ok(()) => Ok(()),
            Err(error) => self.failed(format!("deleting the experiment {}", from.name), error.into()),
        }
    }
}

impl Target {
    fn new(id: ExperimentId, deleted: bool) -> Self {
        Self { id, deleted: AtomicBool::new(deleted), opening: tokio::sync::Mutex::default() }
    }
}
