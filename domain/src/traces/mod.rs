//! Traces of generative applications: spans, assessments, evaluation datasets and scorers.

pub mod datasets;
mod datasets_store;
pub mod scorers;
