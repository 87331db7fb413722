//! Server functions about the audit trail.

use crate::error::AppError;
use domain::model::{AuditFilter, AuditRecord};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::request;

/// Records that match, in the filter's order; the next page starts past the last `seq`.
#[server(prefix = "/api", endpoint = "audit/list")]
pub async fn list_audit(filter: AuditFilter) -> Result<Vec<AuditRecord>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::audit::list(&portal, &caller, &filter).await?)
}
