//! Server functions about teams and their members.

use crate::error::AppError;
use domain::model::{Member, Role, Team, TeamSummary, UserId};
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
