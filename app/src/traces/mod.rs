//! Pages and server functions: traces of generative applications, and the spans of one.
mod api;
mod list;
mod span;
mod trace_page;
mod traces_page;
#[cfg(feature = "ssr")]
mod tree;
mod words;

pub use trace_page::TracePage;
pub use traces_page::{RunTraces, TracesPage};
pub use words::traces_of_experiment;
