//! Pages and server functions: experiments, their runs, one run.
pub mod api;
mod experiments_page;
pub mod files_api;
mod first_log;
#[cfg(feature = "ssr")]
pub mod links;
pub mod metrics_api;
mod run_artifacts;
mod run_console;
mod run_metrics;
mod run_note;
mod run_page;
mod run_sources;
pub mod run_table;
mod run_tags;
mod run_values;
mod runs_page;
pub mod sources_api;
mod words;

pub use experiments_page::ExperimentsPage;
pub(crate) use run_artifacts::encoded;
pub use run_page::RunPage;
pub use runs_page::RunsPage;
pub(crate) use words::{RunBadge, number};
pub use words::{page_of_experiment, page_of_run};
