//! Runs and logged models on their way out.

use super::{AT_ONCE, Job, Told, store};
use crate::{
    db::Tx,
    error::{Error, Result},
    model::{Change, ExperimentId, LoggedModelId, Purged, RunId},
    tracking::experiment_store::next_version,
};
use std::collections::{BTreeMap, BTreeSet};

impl Job<'_> {
    /// Models that were deleted by themselves.
    pub(super) async fn deleted_models(&mut self) -> Result<()> {
        let doomed = store::deleted_models(&self.portal.db, &self.team.id, self.before).await?;
        self.models_in_parts(&doomed, true).await
    }

    /// Models in small transactions; where they were `deleted`, only those that still are.
    pub(super) async fn models_in_parts(&mut self, doomed: &[i64], deleted: bool) -> Result<()> {
        for some in doomed.chunks(AT_ONCE) {
            let mut tx = self.begin().await?;
            if !self.dry_run {
                for no in some {
                    store::lock_model(&mut tx, *no).await?;
                }
            }
            let mut part = Purged::default();
            for no in some {
                if !deleted || store::is_model_deleted(&mut tx, *no, self.before).await? {
                    self.model(&mut tx, *no, &mut part).await?;
                }
            }
            let name = format!("{} logged models", part.models.len());
            self.end(tx, part, Told { action: "logged_model.purge", object: "", name: &name, changes: Vec::new() }).await?;
        }
        Ok(())
    }

    /// Takes one model, unless a registered version comes from it. Whoever calls has locked it.
    async fn model(&mut self, tx: &mut Tx, no: i64, part: &mut Purged) -> Result<()> {
        if self.models.contains(&no) {
            return Ok(());
        }
        let Some(model) = store::unneeded_model(tx, no).await? else { return Ok(()) };
        part.row_bytes += store::bytes_of_model(tx, no).await?;
        if !self.dry_run {
            store::delete_model(tx, no).await?;
        }
        let files = self.files(tx, model.experiment_id, &model.artifact_location, &format!("models/{}", model.id)).await?;
        part.files += files.files;
        part.file_bytes += files.bytes;
        self.models.insert(no);
        part.models.push(LoggedModelId(model.id));
        Ok(())
    }

    /// Runs with everything they logged and the models they made. The experiments that they were in.
    pub(super) async fn deleted_runs(&mut self) -> Result<BTreeSet<i64>> {
        let doomed = store::deleted_runs(&self.portal.db, &self.team.id, self.before).await?;
        for some in doomed.chunks(AT_ONCE) {
            self.some_runs(some).await?;
        }
        Ok(doomed.into_iter().map(|(_, experiment)| experiment).collect())
    }

    async fn some_runs(&mut self, some: &[(i64, i64)]) -> Result<()> {
        let mut tx = self.begin().await?;
        if !self.dry_run {
            lock(&mut tx, some).await?;
        }
        let (mut part, mut experiments) = (Purged::default(), BTreeMap::<i64, ExperimentId>::new());
        for (no, _) in some {
            // One that was taken back, or became a version's meanwhile, stays.
            let Some(run) = store::doomed_run(&mut tx, *no, self.before).await? else { continue };
            for model in store::models_of_run(&mut tx, *no).await? {
                self.model(&mut tx, model, &mut part).await?;
            }
            let size = store::size(&mut tx, *no).await?;
            if !self.dry_run {
                store::delete_run(&mut tx, *no).await?;
            }
            let files = self.files(&mut tx, run.experiment_id, &run.artifact_location, &run.id).await?;
            part.points += size.points;
            part.row_bytes += size.bytes;
            part.files += files.files;
            part.file_bytes += files.bytes;
            experiments.insert(run.experiment_id, run.experiment());
            part.runs.push(RunId(run.id));
        }
        let name = format!("{} runs", part.runs.len());
        let changes = experiments.into_values().map(|experiment| Change::Runs { experiment }).collect();
        self.end(tx, part, Told { action: "run.purge", object: "", name: &name, changes }).await
    }
}

/// Keeps everybody else from the runs, always in this order: whoever makes a version locks the model before the run, and files come last.
async fn lock(tx: &mut Tx, runs: &[(i64, i64)]) -> Result<()> {
    for experiment in runs.iter().map(|(_, experiment)| *experiment).collect::<BTreeSet<_>>() {
        match next_version(tx, experiment).await {
            // Another purge has taken it; its runs are gone too.
            Err(Error::NotFound(_)) => {}
            other => drop(other?),
        }
    }
    for (no, _) in runs {
        store::lock_models_of_run(tx, *no).await?;
    }
    for (no, _) in runs {
        store::lock_run(tx, *no).await?;
    }
    Ok(())
}
