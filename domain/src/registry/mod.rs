//! Registered models, their versions, aliases and stages; prompts are registered models with a tag.

pub mod adopt;
mod aliases;
pub(crate) mod changes;
mod files;
mod filter;
mod lineage;
mod models;
mod names;
mod search;
mod search_store;
mod source;
mod source_store;
pub(crate) mod store;
pub(crate) mod version_store;
mod versions;

pub use aliases::{delete_alias, set_alias, version_by_alias};
pub use files::{file, files, versions_of};
pub use models::{create, delete, delete_tag, get, latest_versions, rename, set_tag, update};
pub use search::{MODELS_MOST, Query, VERSIONS_MOST, search, search_versions};
pub use versions::{create_version, delete_version, delete_version_tag, get_version, set_stage, set_version_tag, update_version};
