//! Experiments, runs and what runs log.

mod search;
pub(crate) mod store;

pub use search::{FoundRun, Indexes, find_runs, search_experiments, search_runs};
