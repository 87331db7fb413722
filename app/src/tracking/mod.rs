//! Pages and server functions: experiments, their runs, one run.
pub mod api;
mod experiments_page;
mod first_log;
#[cfg(feature = "ssr")]
pub mod links;
mod run_artifacts;
mod run_page;
mod run_values;
mod runs_page;
mod words;

pub use experiments_page::ExperimentsPage;
pub use run_page::RunPage;
pub use runs_page::RunsPage;
pub use words::page_of_run;
pub(crate) use words::{RunBadge, number, page_of_experiment};
