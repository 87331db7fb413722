//! Server functions about teams and their members.

use crate::{components::Planned, error::AppError};
use domain::model::{Member, Quota, Role, Team, TeamSummary, UserId};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::request;

/// Makes a team and goes to its home.
#[server(prefix = "/api", endpoint = "teams/create")]
pub async fn create_team(name: String) -> Result<Team, AppError> {
    let (portal, caller) = request()?;
    let team = domain::teams::create(&portal, &caller, &name).await?;
    leptos_axum::redirect(&format!("/t/{}", team.name));
    Ok(team)
}

#[server(prefix = "/api", endpoint = "teams/list_all")]
pub async fn list_all_teams() -> Result<Vec<TeamSummary>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::teams::list_all(&portal, &caller).await?)
}

#[server(prefix = "/api", endpoint = "teams/members")]
pub async fn list_members(team: String) -> Result<Vec<Member>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::teams::members(&portal, &caller, &team).await?)
}

#[server(prefix = "/api", endpoint = "teams/set_member")]
pub async fn set_member(team: String, email: String, role: Role) -> Result<Member, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::teams::set_member(&portal, &caller, &team, &email, role).await?)
}

#[server(prefix = "/api", endpoint = "teams/remove_member")]
pub async fn remove_member(team: String, user: UserId) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::teams::remove_member(&portal, &caller, &team, &user).await?)
}

/// Sets what a team's notebooks may hold at once. Whole CPUs and GPUs, memory in GiB; an empty field is no limit.
#[server(prefix = "/api", endpoint = "teams/set_quota")]
pub async fn set_quota(
    team: String,
    #[server(default)] cpus: String,
    #[server(default)] memory: String,
    #[server(default)] gpus: String,
) -> Result<(String, Quota), AppError> {
    let (portal, caller) = request()?;
    let quota = Quota::read(&cpus, &memory, &gpus).map_err(domain::Error::Invalid)?;
    domain::teams::set_quota(&portal, &caller, &team, quota).await?;
    Ok((team, quota))
}

/// What the engine keeps for a team beside its notebooks, and where it differs from what it should be.
#[server(prefix = "/api", endpoint = "teams/belongings")]
pub async fn team_belongings(team: String) -> Result<Vec<Planned>, AppError> {
    let (portal, caller) = request()?;
    let all = domain::teams::belongings(&portal, &caller, &team).await?;
    Ok(all.into_iter().map(Planned::of).collect())
}

/// Asks that it be made as it should be.
#[server(prefix = "/api", endpoint = "teams/repair")]
pub async fn repair_team(team: String) -> Result<String, AppError> {
    let (portal, caller) = request()?;
    domain::teams::repair(&portal, &caller, &team).await?;
    Ok(team)
}
