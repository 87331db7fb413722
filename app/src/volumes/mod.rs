//! Pages and server functions: volumes.
pub mod api;
