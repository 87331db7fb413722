//! Experiments, runs and what runs log.
//!
//! What a training loop sends many times a second goes through the `writer`, which puts what is waiting into one transaction; everything
//! else is a transaction of its own. Each change of a run, by whichever way, sets `runs.version` to a new version of its experiment
//! in the same transaction, and locks the experiment's row first: versions are in the order of the commits.

pub mod adopt;
pub mod bulk;
mod curves;
mod experiment_store;
pub mod experiments;
mod group;
mod group_store;
mod history_store;
pub mod inputs;
pub mod lineage;
pub mod links;
pub mod logged_models;
pub(crate) mod logged_models_store;
pub mod metrics;
mod model_search;
mod names;
pub(crate) mod page_token;
pub mod purge;
mod reproduce;
mod run_store;
pub mod runs;
mod search;
mod series;
pub(crate) mod store;
mod view_store;
pub mod views;
mod writer;

pub(crate) use experiment_store::add_default;
pub use {
    curves::curves,
    purge::purge,
    reproduce::reproduce,
    search::{
        ChosenRun, ChosenRuns, Found, FoundRun, Indexes, RunText, RunTexts, choose_runs, csv_head, csv_lines, export_runs, find_runs,
        run_ids, run_keys, runs_window, search_experiments, search_runs,
    },
    writer::Writer,
};
