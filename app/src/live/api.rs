//! Where the live stream stands, read before a page's data so that no change is missed between the two.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::request;

/// The newest event's sequence number; none for a visitor, who has no stream.
#[server(prefix = "/api", endpoint = "live/position")]
pub async fn live_position() -> Result<Option<i64>, AppError> {
    let (portal, caller) = request()?;
    if caller.identity.is_none() {
        return Ok(None);
    }
    Ok(Some(domain::events::latest(&portal).await?))
}
