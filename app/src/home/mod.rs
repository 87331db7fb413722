//! Pages and server functions: home.
pub mod api;
