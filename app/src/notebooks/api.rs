//! Server functions about notebooks.

use crate::{components::Planned, error::AppError, notebooks::LaunchForm};
use domain::model::{Capacity, EnvironmentChoice, LogPage, Notebook, NotebookId, NotebookPage, NotebookQuery, Volume};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::request;

#[server(prefix = "/api", endpoint = "notebooks/list")]
pub async fn list_notebooks(team: String) -> Result<Vec<Notebook>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::list(&portal, &caller, &team).await?)
}

/// One page of those that match.
#[server(prefix = "/api", endpoint = "notebooks/page")]
pub async fn page_of_notebooks(team: String, query: NotebookQuery) -> Result<NotebookPage, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::page(&portal, &caller, &team, &query).await?)
}

#[server(prefix = "/api", endpoint = "notebooks/get")]
pub async fn get_notebook(team: String, id: NotebookId) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::get(&portal, &caller, &team, &id).await?)
}

/// What the launch form is made of, in one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchChoices {
    pub choices: Vec<EnvironmentChoice>,
    pub capacity: Capacity,
    pub volumes: Vec<Volume>,
    /// Names of the team's notebooks.
    pub taken: Vec<String>,
    /// The notebook to clone, where one was asked for.
    pub original: Option<Notebook>,
    /// Email of who asks.
    pub email: String,
    /// The idempotency key of this form.
    pub key: String,
}

/// What can be launched, what is free, what there is to attach. `original` is a notebook's id or empty.
#[server(prefix = "/api", endpoint = "notebooks/launch_options")]
pub async fn launch_options(team: String, #[server(default)] original: String) -> Result<LaunchChoices, AppError> {
    let (portal, caller) = request()?;
    let choices = domain::environments::choices(&portal, &caller, &team).await?;
    let capacity = domain::home::capacity(&portal, &caller, &team).await?;
    let volumes = domain::volumes::list(&portal, &caller, &team).await?;
    let notebooks = domain::notebooks::list(&portal, &caller, &team).await?;
    let original = notebooks.iter().find(|n| n.id.as_str() == original).cloned();
    let taken = notebooks.into_iter().map(|n| n.spec.name).collect();
    Ok(LaunchChoices { choices, capacity, volumes, taken, original, email: caller.label().to_owned(), key: domain::random::id() })
}

/// A team's list of notebooks. A name that no team can have may hold what no address can, which is a panic where it becomes a header.
#[cfg(feature = "ssr")]
pub(super) fn list_of(team: &str) -> String {
    domain::model::validate_name(team, 40).map_or_else(|_| "/".to_owned(), |()| format!("/t/{team}/notebooks"))
}

/// Launches and goes to the notebook's page. A browser without scripts that is refused goes back to the form as it was, without secrets.
#[server(prefix = "/api", endpoint = "notebooks/launch")]
pub async fn launch_notebook(team: String, form: LaunchForm) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    let launched = domain::notebooks::launch(&portal, &caller, &team, form.request()).await.map_err(AppError::from);
    match &launched {
        Ok(notebook) => leptos_axum::redirect(&format!("{}/{}", list_of(&team), notebook.id)),
        Err(error) if crate::context::is_plain_post() => leptos_axum::redirect(&form.refused(&team, error)),
        Err(_) => {}
    }
    launched.map_err(|error| AppError { fields: form.on_form(error.fields), ..error })
}

/// What a launch would write into a cluster. Nothing is made.
#[server(prefix = "/api", endpoint = "notebooks/manifests")]
pub async fn launch_manifests(team: String, form: LaunchForm) -> Result<Vec<Planned>, AppError> {
    let (portal, caller) = request()?;
    let manifests = domain::notebooks::manifests(&portal, &caller, &team, form.request()).await?;
    Ok(manifests.into_iter().map(Planned::of).collect())
}

/// For browsers without scripts, whose review cannot follow what is typed: back to the form, which then shows what would be launched.
#[server(prefix = "/api", endpoint = "notebooks/review")]
pub async fn review_launch(team: String, form: LaunchForm) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    match domain::notebooks::review(&portal, &caller, &team, &form.request()).await {
        Ok(()) => leptos_axum::redirect(&form.reviewed(&team)),
        Err(refused @ domain::Error::Invalid(_)) => leptos_axum::redirect(&form.refused(&team, &refused.into())),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

#[server(prefix = "/api", endpoint = "notebooks/stop")]
pub async fn stop_notebook(team: String, id: NotebookId) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::stop(&portal, &caller, &team, &id).await?)
}

#[server(prefix = "/api", endpoint = "notebooks/start")]
pub async fn start_notebook(team: String, id: NotebookId) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::start(&portal, &caller, &team, &id).await?)
}

/// `memory` is in GiB; `idle` false means that it never stops by itself.
#[server(prefix = "/api", endpoint = "notebooks/resize")]
pub async fn resize_notebook(
    team: String,
    id: NotebookId,
    cpus: String,
    memory: String,
    gpus: String,
    #[server(default)] idle: bool,
    #[server(default)] idle_minutes: String,
) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    let form = LaunchForm { cpus, memory, gpus, idle, idle_minutes, ..LaunchForm::default() };
    let idle = form.request().spec.idle_minutes;
    Ok(domain::notebooks::resize(&portal, &caller, &team, &id, form.resources(), idle).await?)
}

#[server(prefix = "/api", endpoint = "notebooks/snooze")]
pub async fn snooze_notebook(team: String, id: NotebookId) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::snooze(&portal, &caller, &team, &id).await?)
}

/// Deletes; a browser without scripts goes to the list.
#[server(prefix = "/api", endpoint = "notebooks/delete")]
pub async fn delete_notebook(team: String, id: NotebookId, #[server(default)] delete_home: bool) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::notebooks::delete(&portal, &caller, &team, &id, delete_home).await?;
    if crate::context::is_plain_post() {
        leptos_axum::redirect(&list_of(&team));
    }
    Ok(())
}

#[server(prefix = "/api", endpoint = "notebooks/logs")]
pub async fn notebook_logs(team: String, id: NotebookId, from: Option<u64>, limit: u32) -> Result<LogPage, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::logs(&portal, &caller, &team, &id, from, limit.min(5000)).await?)
}
