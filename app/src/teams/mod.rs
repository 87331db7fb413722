//! Pages and server functions: teams.
pub mod api;
mod members_page;
mod namespace_page;
mod new_team_page;
mod teams_page;

pub use {members_page::MembersPage, namespace_page::NamespacePage, new_team_page::NewTeamPage, teams_page::TeamsPage};
