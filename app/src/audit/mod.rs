//! Pages and server functions: audit.
pub mod api;
