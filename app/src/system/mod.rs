//! Pages about the machine and what the portal stands on, for administrators.
mod compute_page;
mod holders;
mod system_page;

pub use {compute_page::ComputePage, system_page::SystemPage};
