//! The nouns: plain data with its own validation, the same in the browser and in the domain.

mod audit;
mod capacity;
mod environment;
mod event;
mod home;
mod id;
mod identity;
mod notebook;
mod notebook_list;
mod permission;
mod tracking;
mod validation;
mod volume;

pub use audit::*;
pub use capacity::*;
pub use environment::*;
pub use event::*;
pub use home::*;
pub use id::*;
pub use identity::*;
pub use notebook::*;
pub use notebook_list::*;
pub use permission::*;
pub use tracking::*;
pub use validation::*;
pub use volume::*;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;
