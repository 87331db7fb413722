//! Teams and who is in them. Everything a person makes belongs to a team.

use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Member, Role, Team, TeamSummary, UserId},
    portal::Portal,
};

/// Makes a team with the caller as its admin (from the console: without members).
pub async fn create(_portal: &Portal, _caller: &Caller, _name: &str) -> Result<Team> {
    Err(Error::Internal("stub".into()))
}
/// Every team, for portal administrators.
pub async fn list_all(_portal: &Portal, _caller: &Caller) -> Result<Vec<TeamSummary>> {
    Err(Error::Internal("stub".into()))
}
pub async fn members(_portal: &Portal, _caller: &Caller, _team: &str) -> Result<Vec<Member>> {
    Err(Error::Internal("stub".into()))
}
/// Adds an existing user, or changes their role. For team admins and portal administrators. The last admin of a team stays one.
pub async fn set_member(_portal: &Portal, _caller: &Caller, _team: &str, _email: &str, _role: Role) -> Result<Member> {
    Err(Error::Internal("stub".into()))
}
/// Removes a member (an admin does, or oneself). Their notebooks in the team are stopped.
pub async fn remove_member(_portal: &Portal, _caller: &Caller, _team: &str, _user: &UserId) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
