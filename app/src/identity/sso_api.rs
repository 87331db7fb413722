//! Server functions about sign-in with an identity provider.

use crate::error::AppError;
use domain::model::{GroupPreview, GroupRule, GroupRuleForm, Provider, ProviderChoice, ProviderForm, ProviderGroups};
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
    let signed_in = domain::sso::finish(&portal, &caller, attempt, answer).await?;
    let next = crate::tracking::links::after_sign_in(&portal, &caller, &signed_in.user.id, crate::navigation::safe_path(&next)).await;
    (door.start)(signed_in.user.id, Some(signed_in.began)).await?;
    leptos_axum::redirect(&next);
    Ok(next)
}

/// The name of a provider that somebody may leave, too.
#[server(prefix = "/api", endpoint = "sso/ends")]
pub async fn sso_ends(provider: String) -> Result<Option<String>, AppError> {
    let (portal, _) = request()?;
    Ok(domain::sso::ends(&portal, &provider).await?)
}

/// Addresses of this portal that providers are told of: where browsers come back to from a sign-in and from a sign-out, and where logout tokens go.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Addresses {
    pub redirect: String,
    pub ended: String,
    pub back_channel: String,
}

/// Every provider, and what they are to be told.
#[server(prefix = "/api", endpoint = "sso/list")]
pub async fn list_providers() -> Result<(Vec<Provider>, Addresses), AppError> {
    let (portal, caller) = request()?;
    let ended = domain::sso::ended_at(&portal);
    let back_channel = domain::sso::back_channel_at(&portal);
    Ok((domain::sso::list(&portal, &caller).await?, Addresses { redirect: domain::sso::redirect(&portal), ended, back_channel }))
}

/// The rules of a provider, and whom it knows.
#[server(prefix = "/api", endpoint = "sso/groups")]
pub async fn list_groups(provider: String) -> Result<ProviderGroups, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sso::groups(&portal, &caller, &provider).await?)
}

/// Who would get what by one more rule.
#[server(prefix = "/api", endpoint = "sso/preview_rule")]
pub async fn preview_rule(provider: String, form: GroupRuleForm) -> Result<GroupPreview, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sso::preview(&portal, &caller, &provider, &form).await?)
}

/// Who would lose what without a rule.
#[server(prefix = "/api", endpoint = "sso/preview_without_rule")]
pub async fn preview_without_rule(rule: String) -> Result<GroupPreview, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sso::preview_without(&portal, &caller, &rule).await?)
}

#[server(prefix = "/api", endpoint = "sso/add_rule")]
pub async fn add_group_rule(provider: String, form: GroupRuleForm) -> Result<GroupRule, AppError> {
    let (portal, caller) = request()?;
    let rule = domain::sso::add_rule(&portal, &caller, &provider, form).await?;
    leptos_axum::redirect(&format!("/admin/sign-in/{provider}"));
    Ok(rule)
}

#[server(prefix = "/api", endpoint = "sso/remove_rule")]
pub async fn remove_group_rule(rule: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::sso::remove_rule(&portal, &caller, &rule).await?)
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
