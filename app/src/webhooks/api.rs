//! Server functions about webhooks.

use crate::error::AppError;
use domain::model::{Webhook, WebhookAttempt, WebhookTest};
use leptos::prelude::*;
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

/// The ticked boxes of a form: each event that is told, with any value.
#[cfg(feature = "ssr")]
fn ticked(events: BTreeMap<String, String>) -> Vec<String> {
    events.into_keys().collect()
}

/// Makes a webhook; with `make_secret`, its secret is made here and returned, this once. A browser without scripts goes to the webhook.
#[server(prefix = "/api", endpoint = "webhooks/create")]
pub async fn create_webhook(
    team: String,
    name: String,
    url: String,
    #[server(default)] description: String,
    #[server(default)] events: BTreeMap<String, String>,
    #[server(default)] secret: String,
    #[server(default)] make_secret: bool,
) -> Result<(Webhook, Option<String>), AppError> {
    let (portal, caller) = request()?;
    let made = make_secret.then(domain::webhooks::new_secret);
    let form = WebhookForm {
        name: Some(name.trim().to_owned()),
        url: Some(url.trim().to_owned()),
        description: Some(description),
        events: Some(ticked(events)),
        secret: made.clone().or(Some(secret)),
        active: Some(true),
    };
    let webhook = domain::webhooks::create(&portal, &caller, &team, form).await?;
    if is_plain_post() {
        leptos_axum::redirect(&page_of_webhook(&team, &webhook.id));
    }
    Ok((webhook, made))
}

/// Changes a webhook. An empty `secret` leaves the old one, `unsigned` takes it away.
#[server(prefix = "/api", endpoint = "webhooks/update")]
pub async fn update_webhook(
    team: String,
    id: String,
    name: String,
    url: String,
    #[server(default)] description: String,
    #[server(default)] events: BTreeMap<String, String>,
    #[server(default)] secret: String,
    #[server(default)] unsigned: bool,
) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    let form = WebhookForm {
        name: Some(name.trim().to_owned()),
        url: Some(url.trim().to_owned()),
        description: Some(description),
        events: Some(ticked(events)),
        secret: if unsigned { Some(String::new()) } else { Some(secret).filter(|s| !s.is_empty()) },
        active: None,
    };
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
