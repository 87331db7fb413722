//! Server functions about the catalogue of environments.

use crate::error::AppError;
use domain::model::{Environment, EnvironmentChoice};
use leptos::{prelude::*, server_fn::codec::Json};

#[cfg(feature = "ssr")]
use crate::context::request;

/// What a member of the team may launch.
#[server(prefix = "/api", endpoint = "environments/choices")]
pub async fn environment_choices(team: String) -> Result<Vec<EnvironmentChoice>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::environments::choices(&portal, &caller, &team).await?)
}

#[server(prefix = "/api", endpoint = "environments/list_all")]
pub async fn list_environments() -> Result<Vec<EnvironmentChoice>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::environments::list_all(&portal, &caller).await?)
}

#[server(prefix = "/api", endpoint = "environments/save", input = Json)]
pub async fn save_environment(environment: Environment, create: bool) -> Result<Environment, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::environments::save(&portal, &caller, environment, create).await?)
}

#[server(prefix = "/api", endpoint = "environments/remove")]
pub async fn remove_environment(name: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::environments::remove(&portal, &caller, &name).await?)
}
