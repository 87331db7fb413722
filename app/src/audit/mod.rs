//! Pages and server functions: audit.
pub mod api;
mod audit_page;
mod changes;
mod filter;

pub use audit_page::{PortalAuditPage, TeamAuditPage};
