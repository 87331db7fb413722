//! Pages and server functions: volumes.
pub mod api;
mod volumes_page;

pub use volumes_page::VolumesPage;
