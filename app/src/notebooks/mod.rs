//! Pages and server functions: notebooks.
pub mod api;
