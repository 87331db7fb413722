//! Pages and server functions: home.

mod activity;
pub mod api;
mod home_page;
mod usage;

pub use home_page::HomePage;
