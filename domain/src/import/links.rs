//! What can be done only when all runs and logged models are in: the links between them, and deleting what is deleted at the source.

use super::{
    Import,
    answers::{DatasetInput as SaidInput, Run as From},
    client::Fault,
    imported_store::{self, Entry, Kind},
};
use crate::{
    model::{Dataset, DatasetInput, LINKS_OF_A_CALL, LoggedModelId, ModelOutput, RunId, Tag},
    tracking::{inputs, runs},
};

/// A run of which something is still to be done.
pub(super) struct Pending {
    pub entry: Entry,
    deleted: bool,
    datasets: Vec<SaidInput>,
    /// Logged models by the source's ids.
    used: Vec<String>,
    made: Vec<(String, i64)>,
}

impl Pending {
    pub fn new(from: &From, entry: Entry) -> Self {
        Self {
            entry,
            deleted: from.is_deleted(),
            datasets: from.inputs.dataset_inputs.clone(),
            used: from.inputs.model_inputs.iter().map(|m| m.model_id.clone()).collect(),
            made: from.outputs.model_outputs.iter().map(|m| (m.model_id.clone(), m.step)).collect(),
        }
    }

    /// Whether nothing is to be done but to write down that it is done.
    pub fn is_nothing(&self) -> bool {
        !self.deleted && self.datasets.is_empty() && self.used.is_empty() && self.made.is_empty()
    }
}

impl Import<'_> {
    pub(super) async fn links(&self, pending: Vec<Pending>) -> Result<(), Fault> {
        for mut run in pending {
            let linked = self.link(&run).await;
            if let Err(fault) = linked {
                // The next import tries again.
                run.entry.fingerprint = None;
                self.failed(format!("what run {} read and made", run.entry.source_id), fault)?;
            }
            if let Err(fault) = self.finish_run(&run).await {
                self.failed(format!("run {}", run.entry.source_id), fault)?;
            }
        }
        Ok(())
    }

    async fn link(&self, run: &Pending) -> Result<(), Fault> {
        if run.datasets.is_empty() && run.used.is_empty() && run.made.is_empty() {
            return Ok(());
        }
        let id = RunId(run.entry.local_id.clone());
        if runs::get(self.portal, self.caller, self.team, &id).await?.deleted_at.is_some() {
            // An import was broken off between deleting it and writing that down: the links were in by then.
            return Ok(());
        }
        let datasets: Vec<DatasetInput> = run.datasets.iter().map(dataset).collect();
        let mut used = Vec::new();
        for model in &run.used {
            used.extend(self.model_here(model, run).await?);
        }
        let mut made = Vec::new();
        for (model, step) in &run.made {
            made.extend(self.model_here(model, run).await?.map(|model| ModelOutput { model, step: *step }));
        }
        for datasets in datasets.chunks(LINKS_OF_A_CALL) {
            inputs::log_inputs(self.portal, self.caller, self.team, &id, datasets, &[]).await?;
        }
        for used in used.chunks(LINKS_OF_A_CALL) {
            inputs::log_inputs(self.portal, self.caller, self.team, &id, &[], used).await?;
        }
        for made in made.chunks(LINKS_OF_A_CALL) {
            inputs::log_outputs(self.portal, self.caller, self.team, &id, made).await?;
        }
        self.report.count(|c| c.links.copy(datasets.len() + used.len() + made.len()));
        Ok(())
    }

    async fn model_here(&self, source: &str, run: &Pending) -> Result<Option<LoggedModelId>, Fault> {
        let here = self.here(Kind::LoggedModel, source).await?;
        if here.is_none() {
            self.report.note(format!(
                "Run {} is linked with the model {source}, which is not here: it was deleted, or its experiment was not copied.",
                run.entry.source_id
            ));
        }
        Ok(here.map(LoggedModelId))
    }

    /// Deletes the run where it is deleted at the source, and writes down that it is done, unless something of it could not be copied.
    pub(super) async fn finish_run(&self, run: &Pending) -> Result<(), Fault> {
        if run.deleted {
            runs::delete(self.portal, self.caller, self.team, &RunId(run.entry.local_id.clone())).await?;
        }
        let mut entry = run.entry.clone();
        entry.finished = i64::from(entry.fingerprint.is_some());
        Ok(imported_store::put(&self.portal.db, &self.scope.team, Kind::Run, &entry).await?)
    }
}

fn dataset(said: &SaidInput) -> DatasetInput {
    let data = &said.dataset;
    DatasetInput {
        dataset: Dataset {
            name: data.name.clone(),
            digest: data.digest.clone(),
            source_type: data.source_type.clone(),
            source: data.source.clone(),
            schema: data.schema.clone(),
            profile: data.profile.clone(),
        },
        tags: said.tags.iter().map(|tag| Tag::new(&tag.key, &tag.value)).collect(),
    }
}
