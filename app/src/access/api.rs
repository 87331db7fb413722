//! Server functions about who has access to what.

use crate::error::AppError;
use domain::model::{AccessFilter, AccessList};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::request;

/// A page of what matches.
#[server(prefix = "/api", endpoint = "access/list")]
pub async fn list_access(#[server(default)] filter: AccessFilter) -> Result<AccessList, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::access::list(&portal, &caller, &filter).await?)
}
