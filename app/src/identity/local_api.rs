//! Server functions about accounts that sign in with a password of this portal.

use crate::error::AppError;
use domain::model::LocalAccounts;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::request;

/// Whether people sign in with a password of this portal.
#[server(prefix = "/api", endpoint = "identity/passwords_work")]
pub async fn passwords_work() -> Result<bool, AppError> {
    let (portal, _) = request()?;
    Ok(domain::identity::passwords_work(&portal).await?)
}

/// Whether local accounts work, for how many, and the break-glass window that is open.
#[server(prefix = "/api", endpoint = "identity/local_state")]
pub async fn local_state() -> Result<LocalAccounts, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::local_accounts(&portal, &caller).await?)
}

/// Lets people sign in with a password of this portal, or not any more.
#[server(prefix = "/api", endpoint = "identity/set_local")]
pub async fn set_local(on: bool) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::identity::set_local(&portal, &caller, on).await?)
}
