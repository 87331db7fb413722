//! The server function behind what a run came from and what came of it.

use crate::error::AppError;
use domain::model::{LoggedModelId, Millis, ReadDataset, Registration, RunId, RunStatus, Tag};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use {
    crate::context::request,
    domain::{Caller, Error, Portal},
};

/// Nested runs that are shown.
pub const CHILDREN: i64 = 100;
/// Longest file that says what a model needs, in bytes.
#[cfg(feature = "ssr")]
const LONGEST: u64 = 64 * 1024;
/// Most such files of a run.
#[cfg(feature = "ssr")]
const NEEDS: usize = 12;
/// What MLflow's clients log of the environment that a model needs.
#[cfg(feature = "ssr")]
const FILES: [&str; 4] = ["requirements.txt", "conda.yaml", "python_env.yaml", "environment.yml"];

/// Another run, as a list names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherRun {
    pub id: RunId,
    pub name: String,
    pub status: RunStatus,
    pub start_time: Option<Millis>,
}

/// Where a run comes from and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    pub parent: Option<OtherRun>,
    /// Runs nested in it, the newest first; at most `CHILDREN`.
    pub children: Vec<OtherRun>,
    pub more_children: bool,
    pub datasets: Vec<ReadDataset>,
    pub used_models: Vec<LoggedModelId>,
    pub models: Vec<LoggedModelId>,
    pub versions: Vec<Registration>,
    /// What its tags say of the program, by the name of each fact.
    pub program: Vec<Tag>,
    /// Files among its artifacts that say what it needs, by path.
    pub files: Vec<Tag>,
}

#[server(prefix = "/api", endpoint = "tracking/sources")]
pub async fn run_sources(team: String, run: RunId) -> Result<Sources, AppError> {
    let (portal, caller) = request()?;
    let record = domain::tracking::reproduce(&portal, &caller, &team, &run).await?;
    let found = domain::tracking::runs::get(&portal, &caller, &team, &run).await?;
    let parent = match found.tags.iter().find(|t| t.key == domain::model::TAG_PARENT) {
        Some(tag) => match domain::tracking::runs::get(&portal, &caller, &team, &RunId::from(tag.value.as_str())).await {
            Ok(run) => Some(other(run)),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let search = domain::model::RunSearch {
        experiments: vec![found.experiment.clone()],
        filter: format!("tags.`{}` = '{}'", domain::model::TAG_PARENT, run.as_str().replace('\'', "")),
        max_results: CHILDREN,
        ..domain::model::RunSearch::default()
    };
    let nested = domain::tracking::search_runs(&portal, &caller, &team, &search).await?;
    let fact = |name: &str, value: Option<String>| value.map(|value| Tag::new(name, value));
    let program = [
        fact("Source", record.source),
        fact("Kind of source", record.source_type),
        fact("Entry point", record.entry_point),
        fact("Git commit", record.git_commit),
        fact("Git branch", record.git_branch),
        fact("Git repository", record.git_repository),
        fact("User of the client", Some(found.user_id).filter(|user| !user.is_empty())),
    ];
    Ok(Sources {
        parent,
        more_children: nested.next_page_token.is_some(),
        children: nested.runs.into_iter().map(other).collect(),
        datasets: record.datasets,
        used_models: record.used_models,
        models: record.models,
        versions: record.versions,
        program: program.into_iter().flatten().chain(record.environment).collect(),
        files: needs(&portal, &caller, &team, &run).await?,
    })
}

#[cfg(feature = "ssr")]
fn other(run: domain::model::Run) -> OtherRun {
    OtherRun { id: run.id, name: run.name, status: run.status, start_time: run.start_time }
}

/// The files that say what the run needs, of its own and of the models that it logged.
#[cfg(feature = "ssr")]
async fn needs(portal: &Portal, caller: &Caller, team: &str, run: &RunId) -> Result<Vec<Tag>, AppError> {
    let mut files = Vec::new();
    for found in domain::artifacts::near_top(portal, caller, team, run).await?.0 {
        let is_one = FILES.contains(&found.path.name()) && found.size <= LONGEST && files.len() < NEEDS;
        if is_one
            && let Ok(text) =
                String::from_utf8(domain::artifacts::find(portal, caller, team, &found.path).await?.beginning(portal, LONGEST).await?)
        {
            files.push(Tag::new(found.name, text.replace(['\0', '\r'], "")));
        }
    }
    Ok(files)
}
