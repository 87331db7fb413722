//! Server functions about where versions come from and how they differ.

use super::api::SourceRun;
use crate::error::AppError;
use domain::model::{ExperimentId, ModelVersion, NotebookId, ReadDataset, Registration, RunId, VersionFiles};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::request;

/// Versions that are compared at most.
pub const COMPARED_MOST: usize = 20;

/// The run that a version comes from, with what it read and what else came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub run: RunId,
    pub run_name: String,
    pub experiment: ExperimentId,
    pub experiment_name: String,
    pub notebook: Option<NotebookId>,
    /// The program, as the client names it.
    pub source: Option<String>,
    pub commit: Option<String>,
    pub repository: Option<String>,
    pub datasets: Vec<ReadDataset>,
    /// Ids of logged models that the run used.
    pub used_models: Vec<String>,
    /// Versions that come from the same run.
    pub versions: Vec<Registration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    pub version: ModelVersion,
    /// None where it comes from no run, or where that is gone.
    pub origin: Option<Origin>,
}

/// Where a version comes from and where it is used. `version` is a number as an address has it.
#[server(prefix = "/api", endpoint = "registry/lineage")]
pub async fn get_lineage(team: String, model: String, version: String) -> Result<Lineage, AppError> {
    let (portal, caller) = request()?;
    let number = version.parse::<i64>().map_err(|_| domain::Error::NotFound("model version"))?;
    let version = domain::registry::get_version(&portal, &caller, &team, &model, number).await?;
    let Some(run) = version.run.clone() else { return Ok(Lineage { version, origin: None }) };
    let record = match domain::tracking::reproduce(&portal, &caller, &team, &run).await {
        Ok(record) => record,
        Err(domain::Error::NotFound(_)) => return Ok(Lineage { version, origin: None }),
        Err(error) => return Err(error.into()),
    };
    let experiment = domain::tracking::experiments::get(&portal, &caller, &team, &record.experiment).await?;
    let origin = Origin {
        run: record.run,
        run_name: record.name,
        experiment: experiment.id,
        experiment_name: experiment.name,
        notebook: record.notebook,
        source: record.source,
        commit: record.git_commit,
        repository: record.git_repository,
        datasets: record.datasets,
        used_models: record.used_models.into_iter().map(|id| id.0).collect(),
        versions: record.versions.into_iter().filter(|v| (v.name.as_str(), v.version) != (model.as_str(), number)).collect(),
    };
    Ok(Lineage { version, origin: Some(origin) })
}

/// A version with what can be compared of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    pub version: ModelVersion,
    pub files: VersionFiles,
    pub run: Option<SourceRun>,
}

/// Versions of a model side by side, in the order of `versions`: numbers with commas between them.
#[server(prefix = "/api", endpoint = "registry/compare")]
pub async fn compare_versions(team: String, model: String, #[server(default)] versions: String) -> Result<Vec<Compared>, AppError> {
    let mut numbers: Vec<&str> = Vec::new();
    for number in versions.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    if numbers.len() > COMPARED_MOST {
        return Err(domain::Error::invalid("versions", format!("At most {COMPARED_MOST} versions are compared at once.")).into());
    }
    let mut found = Vec::new();
    for number in numbers {
        let super::api::VersionDetail { version, files, run, .. } =
            super::api::get_version(team.clone(), model.clone(), number.to_owned()).await?;
        found.push(Compared { version, files, run });
    }
    if found.is_empty() {
        // The model itself must be there, and the caller in its team.
        let (portal, caller) = request()?;
        domain::registry::get(&portal, &caller, &team, &model).await?;
    }
    Ok(found)
}
