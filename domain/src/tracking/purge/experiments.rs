//! Experiments on their way out: traces, data that no run reads any more, and what is left of their files.

use super::{Job, Told, store};
use crate::{
    artifacts::{self, Removed},
    db::Tx,
    error::{Error, Result},
    model::{Change, ExperimentId, Purged},
    tracking::experiment_store::next_version,
};
use std::collections::BTreeSet;

impl Job<'_> {
    /// Files of traces that are there no more: a trace is deleted at once and for good, its files wait for this.
    pub(super) async fn files_of_gone_traces(&mut self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for (experiment, location) in store::locations(&self.portal.db, &self.team.id).await? {
            let traces = format!("{}/traces", location.trim_end_matches('/'));
            let Some(folder) = artifacts::ours(&traces).filter(|folder| seen.insert(folder.as_str().to_owned())) else { continue };
            let gone = artifacts::folders_of_gone_traces(&self.portal.db, &self.team.id, &folder, self.before).await?;
            for some in gone.chunks(super::AT_ONCE) {
                let mut tx = self.begin().await?;
                let mut part = Purged::default();
                for trace in some {
                    let files = self.files(&mut tx, experiment, &traces, &format!("{trace}/artifacts")).await?;
                    part.files += files.files;
                    part.file_bytes += files.bytes;
                }
                let name = format!("files of {} traces", some.len());
                self.end(tx, part, Told { action: "trace.purge", object: "", name: &name, changes: Vec::new() }).await?;
            }
        }
        Ok(())
    }

    /// Data that only purged runs read, in experiments that lost some (`touched`) or go; then the experiments themselves.
    pub(super) async fn deleted_experiments(&mut self, touched: BTreeSet<i64>) -> Result<()> {
        let doomed = store::deleted_experiments(&self.portal.db, &self.team.id, self.before).await?;
        for id in touched.into_iter().chain(doomed.iter().copied()).collect::<BTreeSet<_>>() {
            self.unread_datasets(id).await?;
        }
        for id in doomed {
            if store::experiment_stays(&self.portal.db, id, self.before).await? {
                continue;
            }
            let models = store::models_of_experiment(&self.portal.db, id).await?;
            self.models_in_parts(&models, false).await?;
            self.traces(id).await?;
            match self.experiment(id).await {
                // Something came to it, or it came back, meanwhile.
                Err(Error::Conflict(_) | Error::NotFound(_)) => {}
                other => other?,
            }
        }
        Ok(())
    }

    async fn unread_datasets(&mut self, experiment: i64) -> Result<()> {
        let (found, _) = store::unread_datasets(&mut self.portal.db.begin_snapshot().await?, experiment, self.before).await?;
        if found == 0 {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        if !self.dry_run {
            next_version(&mut tx, experiment).await?;
        }
        let (mut datasets, row_bytes) = store::unread_datasets(&mut tx, experiment, self.before).await?;
        if !self.dry_run {
            datasets = store::delete_unread_datasets(&mut tx, experiment).await?;
        }
        let part = Purged { datasets, row_bytes, ..Purged::default() };
        let (object, name) = (experiment.to_string(), format!("{datasets} datasets"));
        self.end(tx, part, Told { action: "dataset.purge", object: &object, name: &name, changes: Vec::new() }).await
    }

    async fn traces(&mut self, experiment: i64) -> Result<()> {
        let mut last = (i64::MIN, i64::MIN);
        loop {
            let found = store::traces(&self.portal.db, experiment, last).await?;
            let Some(end) = found.last() else { return Ok(()) };
            last = (end.request_time, end.no);
            let mut tx = self.begin().await?;
            let Some(place) = self.still_deleted(&mut tx, experiment).await? else { return Ok(()) };
            let mut part = Purged::default();
            for trace in &found {
                part.row_bytes += store::bytes_of_trace(&mut tx, trace.no).await?;
                part.traces += 1;
                if !self.dry_run {
                    store::delete_trace(&mut tx, trace.no).await?;
                }
                let files = self.files(&mut tx, experiment, &place.artifact_location, &format!("traces/{}", trace.id)).await?;
                part.files += files.files;
                part.file_bytes += files.bytes;
            }
            let (object, name) = (experiment.to_string(), format!("{} traces", found.len()));
            self.end(tx, part, Told { action: "trace.purge", object: &object, name: &name, changes: Vec::new() }).await?;
        }
    }

    /// The experiment, locked, if nobody took it back.
    async fn still_deleted(&self, tx: &mut Tx, id: i64) -> Result<Option<store::Place>> {
        if !self.dry_run {
            next_version(tx, id).await?;
        }
        store::deleted_experiment(tx, id, self.before).await
    }

    async fn experiment(&mut self, id: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let Some(place) = self.still_deleted(&mut tx, id).await? else { return Ok(()) };
        if !self.dry_run && !store::delete_experiment(&mut tx, id).await? {
            return Ok(());
        }
        let files = self.folder(&mut tx, id, &place.artifact_location).await?;
        let object = id.to_string();
        let part =
            Purged { experiments: vec![ExperimentId(object.clone())], files: files.files, file_bytes: files.bytes, ..Purged::default() };
        let told = Told { action: "experiment.purge", object: &object, name: &place.name, changes: vec![Change::Experiments] };
        self.end(tx, part, told).await
    }

    /// What is left in the experiment's own folder. A place that was chosen by a client may hold more than is the experiment's.
    async fn folder(&mut self, tx: &mut Tx, id: i64, location: &str) -> Result<Removed> {
        let own = format!("mlflow-artifacts:/{id}");
        if location != own || store::is_shared(tx, &self.team.id, id, &own).await? {
            return Ok(Removed::default());
        }
        let counted = self.counted.remove(&id).unwrap_or_default();
        let all = self.files(tx, id, "mlflow-artifacts:", &id.to_string()).await?;
        Ok(Removed { files: all.files - counted.files, bytes: all.bytes - counted.bytes })
    }
}
