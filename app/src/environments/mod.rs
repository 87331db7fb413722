//! Pages and server functions: environments.
pub mod api;
