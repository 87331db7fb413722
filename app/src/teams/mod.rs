//! Pages and server functions: teams.
pub mod api;
