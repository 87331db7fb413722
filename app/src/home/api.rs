//! Server functions of the home page and of what the machine has.

use crate::error::AppError;
use domain::model::{Capacity, Finding, Holder, Home};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::request;

#[server(prefix = "/api", endpoint = "home/summary")]
pub async fn home_summary(team: String) -> Result<Home, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::home::summary(&portal, &caller, &team).await?)
}

#[server(prefix = "/api", endpoint = "home/capacity")]
pub async fn team_capacity(team: String) -> Result<Capacity, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::home::capacity(&portal, &caller, &team).await?)
}

/// What a look at the database, the engine and the machine finds, for administrators.
#[server(prefix = "/api", endpoint = "system/check")]
pub async fn check_system() -> Result<Vec<Finding>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::system::check(&portal, &caller).await?)
}

/// What the machine has and which workloads hold it, for administrators.
#[server(prefix = "/api", endpoint = "system/compute")]
pub async fn system_compute() -> Result<Capacity, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::system::compute(&portal, &caller).await?)
}

/// Which notebooks of all teams hold a part of the machine, for administrators.
#[server(prefix = "/api", endpoint = "system/holders")]
pub async fn system_holders() -> Result<Vec<Holder>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::system::holders(&portal, &caller).await?)
}
