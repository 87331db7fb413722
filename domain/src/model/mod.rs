//! The nouns: plain data with its own validation, the same in the browser and in the domain.

mod artifact;
mod audit;
mod capacity;
mod environment;
mod evaluation;
mod event;
mod filter;
mod home;
mod id;
mod identity;
mod logged_model;
mod metric_rule;
mod ml_model;
mod notebook;
mod notebook_list;
mod pattern;
mod permission;
mod promotion;
mod registry;
mod run_table;
mod search;
mod trace;
mod tracking;
mod validation;
mod volume;
mod webhook;

pub use artifact::*;
pub use audit::*;
pub use capacity::*;
pub use environment::*;
pub use evaluation::*;
pub use event::*;
pub use filter::*;
pub use home::*;
pub use id::*;
pub use identity::*;
pub use logged_model::*;
pub use metric_rule::*;
pub use ml_model::*;
pub use notebook::*;
pub use notebook_list::*;
pub use pattern::*;
pub use permission::*;
pub use promotion::*;
pub use registry::*;
pub use run_table::*;
pub use search::*;
pub use trace::*;
pub use tracking::*;
pub use validation::*;
pub use volume::*;
pub use webhook::*;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;
