//! Server functions about sign-in with an identity provider.

use crate::error::AppError;
use domain::model::{Provider, ProviderChoice, ProviderForm};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::{request, session_door};

/// The providers that the sign-in page offers.
#[server(prefix = "/api", endpoint = "sso/choices")]
pub async fn sso_choices() -> Result<Vec<ProviderChoice>, AppError> {
    let (portal, _) = request()?;
    Ok(domain::sso::choices(&portal).await?)
}

/// Signs in whom a provider's answer names, in the browser that the sign-in began in; where to go then. Each answer is good for one.
#[server(prefix = "/api", endpoint = "sso/finish")]
pub async fn finish_sso(
    #[server(default)] state: String,
    #[server(default)] code: String,
    #[server(default)] iss: String,
    #[server(default)] error: String,
    #[server(default)] description: String,
) -> Result<String, AppError> {
    let (portal, caller) = request()?;
    let door = session_door()?;
    let elsewhere = "This sign-in began in another browser, or is over. Sign in again.";
    let attempt = (door.take_attempt)(state.clone()).await?.ok_or_else(|| domain::Error::invalid("state", elsewhere))?;
    let next = attempt.next.clone();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let answer = domain::sso::Answer { code, state, iss: some(iss), error: some(error), error_description: some(description) };
    let user = domain::sso::finish(&portal, &caller, attempt, answer).await?;
    let next = crate::tracking::links::after_sign_in(&portal, &caller, &user.id, crate::navigation::safe_path(&next)).await;
    (door.start)(user.id).await?;
    leptos_axum::redirect(&next);
    Ok(next)
}

/// Every provider, and where they are to send browsers back to.
#[server(prefix = "/api", endpoint = "sso/list")]
pub async fn list_providers() -> Result<(Vec<Provider>, String), AppError> {
    let (portal, caller) = request()?;
    Ok((domain::sso::list(&portal, &caller).await?, domain::sso::redirect(&portal)))
}

/// Adds a provider, or changes the one of this id.
#[server(prefix = "/api", endpoint = "sso/save")]
pub async fn save_provider(#[server(default)] id: String, form: ProviderForm) -> Result<Provider, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sso::save(&portal, &caller, Some(id.as_str()).filter(|id| !id.is_empty()), form).await?)
}

#[server(prefix = "/api", endpoint = "sso/set_enabled")]
pub async fn set_provider_enabled(id: String, enabled: bool) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sso::set_enabled(&portal, &caller, &id, enabled).await?)
}

#[server(prefix = "/api", endpoint = "sso/remove")]
pub async fn remove_provider(id: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sso::remove(&portal, &caller, &id).await?)
}
