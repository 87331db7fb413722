//! Pages and server functions: notebooks.
pub mod api;
mod form;

pub use form::{Draft, LaunchForm, VariableField, VolumeField, memory_gib, memory_mib};
