//! Pages and server functions: notebooks.

mod actions;
pub mod api;
mod delete;
mod form;
mod launch_environment;
mod launch_fields;
mod launch_manifests;
mod launch_page;
mod launch_review;
mod launch_start;
mod list_bulk;
mod list_filter;
mod list_keys;
mod list_page;
mod list_row;
mod log_lines;
mod log_view;
mod notebook_facts;
mod notebook_page;
mod settings;
mod sgr;
mod standing;
mod state;
mod timeline;
pub mod words;

pub use actions::{NotebookActions, PhaseActions, use_notebook_actions};
pub use form::{Draft, LaunchForm, VariableField, VolumeField, memory_gib, memory_mib};
pub use launch_page::LaunchPage;
pub use list_page::NotebooksPage;
pub(crate) use log_view::LogView;
pub use notebook_page::NotebookPage;
pub use standing::Standing;
pub use state::NotebookState;
