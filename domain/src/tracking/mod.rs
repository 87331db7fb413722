//! Experiments, runs and what runs log.

pub(crate) mod store;
