//! Server functions about experiments and runs.

use crate::error::AppError;
use domain::model::{ArtifactEntry, Experiment, Run, RunId};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::request;

/// The team's experiments, newest first; `deleted` shows those that were deleted instead.
#[server(prefix = "/api", endpoint = "tracking/experiments")]
pub async fn list_experiments(team: String, #[server(default)] deleted: bool) -> Result<Vec<Experiment>, AppError> {
    use domain::model::{ExperimentSearch, View};
    let (portal, caller) = request()?;
    let view = if deleted { View::Deleted } else { View::Active };
    let search = ExperimentSearch { view, max_results: 5000, ..ExperimentSearch::default() };
    Ok(domain::tracking::search_experiments(&portal, &caller, &team, &search).await?.experiments)
}

/// A run, and the name of its experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDetail {
    pub run: Run,
    pub experiment: Experiment,
    /// What it takes to do it again, as JSON for people.
    pub record: String,
}

#[server(prefix = "/api", endpoint = "tracking/run")]
pub async fn get_run(team: String, run: RunId) -> Result<RunDetail, AppError> {
    let (portal, caller) = request()?;
    let record = domain::tracking::reproduce(&portal, &caller, &team, &run).await?.to_json();
    let run = domain::tracking::runs::get(&portal, &caller, &team, &run).await?;
    let experiment = domain::tracking::experiments::get(&portal, &caller, &team, &run.experiment).await?;
    Ok(RunDetail { run, experiment, record })
}

/// What is in a folder of a run's artifacts; an empty `folder` is their root.
#[server(prefix = "/api", endpoint = "tracking/artifacts")]
pub async fn run_artifacts(team: String, run: RunId, #[server(default)] folder: String) -> Result<Vec<ArtifactEntry>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::artifacts::list_of_run(&portal, &caller, &team, &run, &folder).await?)
}
