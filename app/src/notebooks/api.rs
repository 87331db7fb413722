//! Server functions about notebooks.

use crate::error::AppError;
use domain::model::{LaunchRequest, LogPage, Notebook, NotebookId, Resources};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::request;

#[server(prefix = "/api", endpoint = "notebooks/list")]
pub async fn list_notebooks(team: String) -> Result<Vec<Notebook>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::list(&portal, &caller, &team).await?)
}

#[server(prefix = "/api", endpoint = "notebooks/get")]
pub async fn get_notebook(team: String, id: NotebookId) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::get(&portal, &caller, &team, &id).await?)
}

/// Launches and goes to the notebook's page.
#[server(prefix = "/api", endpoint = "notebooks/launch")]
pub async fn launch_notebook(team: String, request: LaunchRequest) -> Result<Notebook, AppError> {
    let (portal, caller) = crate::context::request()?;
    let notebook = domain::notebooks::launch(&portal, &caller, &team, request).await?;
    leptos_axum::redirect(&format!("/t/{team}/notebooks/{}", notebook.id));
    Ok(notebook)
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

/// `idle_minutes` 0 means never.
#[server(prefix = "/api", endpoint = "notebooks/resize")]
pub async fn resize_notebook(team: String, id: NotebookId, resources: Resources, idle_minutes: u32) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    let idle = (idle_minutes > 0).then_some(idle_minutes);
    Ok(domain::notebooks::resize(&portal, &caller, &team, &id, resources, idle).await?)
}

#[server(prefix = "/api", endpoint = "notebooks/snooze")]
pub async fn snooze_notebook(team: String, id: NotebookId) -> Result<Notebook, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::snooze(&portal, &caller, &team, &id).await?)
}

/// Deletes and goes to the list.
#[server(prefix = "/api", endpoint = "notebooks/delete")]
pub async fn delete_notebook(team: String, id: NotebookId, #[server(default)] delete_home: bool) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::notebooks::delete(&portal, &caller, &team, &id, delete_home).await?;
    leptos_axum::redirect(&format!("/t/{team}/notebooks"));
    Ok(())
}

#[server(prefix = "/api", endpoint = "notebooks/logs")]
pub async fn notebook_logs(team: String, id: NotebookId, from: Option<u64>, limit: u32) -> Result<LogPage, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::notebooks::logs(&portal, &caller, &team, &id, from, limit.min(5000)).await?)
}
