//! Server functions about webhooks.

use crate::error::AppError;
use domain::model::{Webhook, WebhookAttempt, WebhookTest};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[cfg(feature = "ssr")]
use {
    super::words::{page_of_webhook, page_of_webhooks},
    crate::context::{is_plain_post, request},
    domain::model::WebhookForm,
};

/// The team's webhooks, the newest first.
#[server(prefix = "/api", endpoint = "webhooks/list")]
pub async fn list_webhooks(team: String) -> Result<Vec<Webhook>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::webhooks::list(&portal, &caller, &team, domain::model::WEBHOOKS_OF_A_TEAM, None).await?.0)
}

#[server(prefix = "/api", endpoint = "webhooks/get")]
pub async fn get_webhook(team: String, id: String) -> Result<Webhook, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::webhooks::get(&portal, &caller, &team, &id).await?)
}

/// What the form of a webhook sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookInput {
    pub name: String,
    pub url: String,
    pub description: String,
    /// The ticked boxes: each event that is told, with any value.
    pub events: BTreeMap<String, String>,
    pub secret: String,
    /// Of a new one: its secret is made here.
    pub make_secret: bool,
    /// Of one that has a secret: it is taken away.
    pub unsigned: bool,
}

#[cfg(feature = "ssr")]
impl WebhookInput {
    /// Without the secret and the state.
    fn form(self) -> WebhookForm {
        WebhookForm {
            name: Some(self.name.trim().to_owned()),
            url: Some(self.url.trim().to_owned()),
            description: Some(self.description),
            events: Some(self.events.into_keys().collect()),
            ..WebhookForm::default()
        }
    }
}

/// Makes a webhook; the secret that is made for it is returned, this once. A browser without scripts goes to the webhook.
#[server(prefix = "/api", endpoint = "webhooks/create")]
pub async fn create_webhook(team: String, webhook: WebhookInput) -> Result<(Webhook, Option<String>), AppError> {
    let (portal, caller) = request()?;
    let made = webhook.make_secret.then(domain::webhooks::new_secret);
    let secret = made.clone().or(Some(webhook.secret.clone()));
    let form = WebhookForm { secret, active: Some(true), ..webhook.form() };
    let webhook = domain::webhooks::create(&portal, &caller, &team, form).await?;
    if is_plain_post() {
        leptos_axum::redirect(&page_of_webhook(&team, &webhook.id));
    }
    Ok((webhook, made))
}

/// Changes a webhook. An empty secret leaves the old one.
#[server(prefix = "/api", endpoint = "webhooks/update")]
pub async fn update_webhook(team: String, id: String, webhook: WebhookInput) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let secret = if webhook.unsigned { Some(String::new()) } else { Some(webhook.secret.clone()).filter(|s| !s.is_empty()) };
    let form = WebhookForm { secret, ..webhook.form() };
    domain::webhooks::update(&portal, &caller, &team, &id, form).await?;
    Ok(())
}

/// Pauses a webhook or lets it go on; what is still to be delivered waits meanwhile.
#[server(prefix = "/api", endpoint = "webhooks/set_active")]
pub async fn set_webhook_active(team: String, id: String, active: bool) -> Result<bool, AppError> {
    let (portal, caller) = request()?;
    let form = WebhookForm { active: Some(active), ..WebhookForm::default() };
    Ok(domain::webhooks::update(&portal, &caller, &team, &id, form).await?.active)
}

/// Deletes a webhook; a browser without scripts goes to the list.
#[server(prefix = "/api", endpoint = "webhooks/delete")]
pub async fn delete_webhook(team: String, id: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    domain::webhooks::delete(&portal, &caller, &team, &id).await?;
    if is_plain_post() {
        leptos_axum::redirect(&page_of_webhooks(&team));
    }
    Ok(())
}

/// Sends an example of an event, and says what came of it; the log keeps it, too.
#[server(prefix = "/api", endpoint = "webhooks/test")]
pub async fn test_webhook(team: String, id: String) -> Result<WebhookTest, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::webhooks::test(&portal, &caller, &team, &id, None).await?)
}

/// Tries of deliveries, the newest first; `before` is the number of the try before them, 0 for the newest of all.
#[server(prefix = "/api", endpoint = "webhooks/log")]
pub async fn webhook_log(team: String, id: String, #[server(default)] before: i64) -> Result<Vec<WebhookAttempt>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::webhooks::log(&portal, &caller, &team, &id, (before > 0).then_some(before)).await?)
}

/// Sends once more what was sent once.
#[server(prefix = "/api", endpoint = "webhooks/replay")]
pub async fn replay_delivery(team: String, id: String, delivery: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::webhooks::replay(&portal, &caller, &team, &id, &delivery).await?)
}
