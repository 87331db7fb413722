//! Server functions about experiments and runs.

use crate::{components::SafeHtml, error::AppError};
use domain::model::{Experiment, Run, RunId};
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
    /// Its note, as Markdown means it.
    pub note: SafeHtml,
}

#[server(prefix = "/api", endpoint = "tracking/run")]
pub async fn get_run(team: String, run: RunId) -> Result<RunDetail, AppError> {
    let (portal, caller) = request()?;
    let record = domain::tracking::reproduce(&portal, &caller, &team, &run).await?.to_json();
    let run = domain::tracking::runs::get(&portal, &caller, &team, &run).await?;
    let experiment = domain::tracking::experiments::get(&portal, &caller, &team, &run.experiment).await?;
    let note = run.tags.iter().find(|t| t.key == domain::model::TAG_NOTE).map(|t| SafeHtml::of_markdown(&t.value));
    Ok(RunDetail { run, experiment, record, note: note.unwrap_or_default() })
}

/// Changes the note, in Markdown; `before` is what its writer saw.
#[server(prefix = "/api", endpoint = "tracking/set_note")]
pub async fn set_note(
    team: String,
    run: RunId,
    #[server(default)] before: String,
    #[server(default)] note: String,
) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let note = note.replace("\r\n", "\n");
    Ok(domain::tracking::runs::set_note(&portal, &caller, &team, &run, &before, note.trim_end()).await?)
}

/// Sets a tag, in place of what it said before. Says which it was.
#[server(prefix = "/api", endpoint = "tracking/set_tag")]
pub async fn set_tag(
    team: String,
    run: RunId,
    #[server(default)] key: String,
    #[server(default)] value: String,
) -> Result<String, AppError> {
    use domain::model::{Batch, Tag};
    let ((portal, caller), key) = (request()?, key.trim().to_owned());
    let tags = vec![Tag::new(&key, value.replace("\r\n", "\n"))];
    domain::tracking::runs::log(&portal, &caller, &team, &run, Batch { tags, ..Batch::default() }).await?;
    Ok(key)
}

#[server(prefix = "/api", endpoint = "tracking/delete_tag")]
pub async fn delete_tag(team: String, run: RunId, key: String) -> Result<String, AppError> {
    let (portal, caller) = request()?;
    domain::tracking::runs::delete_tag(&portal, &caller, &team, &run, &key).await?;
    Ok(key)
}
