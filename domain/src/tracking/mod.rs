//! Experiments, runs and what runs log.

pub mod inputs;
pub mod lineage;
pub mod logged_models;
pub(crate) mod logged_models_store;
mod model_search;
pub(crate) mod page_token;
pub(crate) mod store;
