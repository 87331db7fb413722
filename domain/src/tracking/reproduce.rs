//! What it takes to do a run again.

use super::{lineage, run_store};
use crate::{
    caller::Caller,
    error::Result,
    model::{DatasetInput, Permission, ReadDataset, Reproduction, RunId, TAG_DATASET_CONTEXT, Tag},
    portal::Portal,
};

/// Tags that say in what the run ran.
const SURROUNDINGS: [&str; 4] = ["mlflow.project.", "mlflow.docker.", "mlflow.databricks.", "slipway.environment"];

/// Command, source and commit, params, data, models, who and where, as the run's tags, its links and its token say.
pub async fn reproduce(portal: &Portal, caller: &Caller, team: &str, run: &RunId) -> Result<Reproduction> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let row = run_store::full(&portal.db, &scope.team, run).await?;
    let no = row.no;
    let mut run = row.run()?;
    run_store::logged(&portal.db, no, &mut run).await?;
    let trace = lineage::trace(&portal.db, no).await?;
    let versions = run_store::versions_of(&portal.db, &scope.team, no, &run.id).await?;
    let tag = |key: &str| run.tags.iter().find(|t| t.key == key).map(|t| t.value.clone()).filter(|value| !value.is_empty());
    let surroundings = |t: &&Tag| SURROUNDINGS.iter().any(|prefix| t.key.starts_with(prefix));
    Ok(Reproduction {
        source: tag("mlflow.source.name"),
        source_type: tag("mlflow.source.type"),
        entry_point: tag("mlflow.project.entryPoint"),
        git_commit: tag("mlflow.source.git.commit"),
        git_branch: tag("mlflow.source.git.branch"),
        git_repository: tag("mlflow.source.git.repoURL"),
        environment: run.tags.iter().filter(surroundings).cloned().collect(),
        datasets: trace.links.datasets.into_iter().map(read).collect(),
        used_models: trace.links.inputs,
        models: trace.models,
        versions,
        run: run.id,
        experiment: run.experiment,
        name: run.name,
        created_by: run.created_by,
        notebook: run.notebook,
        start_time: run.start_time,
        params: run.params,
    })
}

fn read(input: DatasetInput) -> ReadDataset {
    let context = input.tags.into_iter().find(|t| t.key == TAG_DATASET_CONTEXT).map(|t| t.value);
    let data = input.dataset;
    ReadDataset { name: data.name, digest: data.digest, source_type: data.source_type, source: data.source, context }
}
