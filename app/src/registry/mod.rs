//! Pages and server functions: registered models, one model, one version.
mod alias;
pub mod api;
mod compare_page;
mod describe;
mod lineage;
pub mod lineage_api;
mod lineage_graph;
mod model_page;
mod models_page;
mod signature;
mod snippet;
mod source_run;
mod version_facts;
mod version_files;
mod version_page;
mod versions_table;
pub(crate) mod words;

pub use compare_page::CompareVersionsPage;
pub use model_page::ModelPage;
pub use models_page::ModelsPage;
pub use version_page::VersionPage;
pub(crate) use words::page_of_version;
