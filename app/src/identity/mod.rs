//! Pages and server functions: identity.
pub mod api;
