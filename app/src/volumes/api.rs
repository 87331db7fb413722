//! Server functions about volumes.

use crate::error::AppError;
use domain::model::Volume;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::request;

#[server(prefix = "/api", endpoint = "volumes/list")]
pub async fn list_volumes(team: String) -> Result<Vec<Volume>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::volumes::list(&portal, &caller, &team).await?)
}

#[server(prefix = "/api", endpoint = "volumes/create")]
pub async fn create_volume(team: String, name: String) -> Result<Volume, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::volumes::create(&portal, &caller, &team, &name).await?)
}

#[server(prefix = "/api", endpoint = "volumes/remove")]
pub async fn remove_volume(team: String, name: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::volumes::remove(&portal, &caller, &team, &name).await?)
}
