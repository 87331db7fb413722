//! Pages and server functions: teams.
pub mod api;
mod members_page;
mod new_team_page;
mod teams_page;

pub use {members_page::MembersPage, new_team_page::NewTeamPage, teams_page::TeamsPage};
