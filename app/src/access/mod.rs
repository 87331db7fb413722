//! Pages and server functions: who has access to what.
mod access_page;
pub mod api;

pub use access_page::AccessPage;
