//! Webhooks of a team: made, changed, tried, deleted. Their secrets go in and never come out.

use super::{
    log_store::{self, Sent},
    outbox::{body, delivery_id},
    store::{self, NewRow, WebhookRow},
    worker::{attempt, send},
};
use crate::{
    audit,
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    events,
    model::{Change, Checks, Millis, Permission, WEBHOOK_EVENTS, WEBHOOKS_OF_A_TEAM, Webhook, WebhookForm, WebhookTest},
    paging,
    portal::Portal,
    random,
};
use serde_json::{Value as Json, json};
use std::time::Instant;

/// What a secret is sealed with.
pub(super) fn context(id: &str) -> String {
    format!("webhook/{id}")
}

/// The team's webhooks, the newest first, and how to ask for the next page.
pub async fn list(portal: &Portal, caller: &Caller, team: &str, most: i64, page: Option<&str>) -> Result<(Vec<Webhook>, Option<String>)> {
    let scope = caller.require_in(Permission::ManageWebhooks, team)?;
    if !(1..=1000).contains(&most) {
        return Err(Error::invalid("max_results", "Use a number from 1 to 1000."));
    }
    let rows = store::list(&portal.db, &scope.team).await?;
    let (rows, next) = paging::cut(rows, paging::offset(page)?, most);
    let mut webhooks = Vec::with_capacity(rows.len());
    for row in rows {
        webhooks.push(store::whole(&portal.db, row).await?);
    }
    Ok((webhooks, next))
}

/// One webhook, with how its deliveries get on.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<Webhook> {
    let scope = caller.require_in(Permission::ManageWebhooks, team)?;
    Ok(store::find(&portal.db, &scope.team, id).await?.1)
}

/// A secret that nobody can guess, for who wants none of their own.
pub fn new_secret() -> String {
    random::hex(&random::bytes::<32>())
}

/// Makes a webhook. Name, address and events must be said.
///
/// # Errors
/// `Invalid` where the address is one that webhooks do not go to.
pub async fn create(portal: &Portal, caller: &Caller, team: &str, form: WebhookForm) -> Result<Webhook> {
    let scope = caller.require_in(Permission::ManageWebhooks, team)?;
    form.validate()?;
    let mut checks = Checks::new();
    for (there, field) in [(form.name.is_some(), "name"), (form.url.is_some(), "url"), (form.events.is_some(), "events")] {
        checks.require(there, field, "This must be said.");
    }
    checks.finish()?;
    let url = form.url.unwrap_or_default();
    let target = portal.outbound.check(&url).await.map_err(|reason| Error::invalid("url", reason))?;
    let (name, events) = (form.name.unwrap_or_default(), form.events.unwrap_or_default());
    let (id, now) = (random::id::<String>(), portal.clock.now());
    let secret = form.secret.filter(|s| !s.is_empty()).map(|s| portal.sealing.seal(&context(&id), &s)).transpose()?;
    let active = form.active.unwrap_or(true);
    let mut tx = portal.db.begin().await?;
    if store::count(&mut tx, &scope.team).await? >= WEBHOOKS_OF_A_TEAM {
        return Err(Error::QuotaExceeded(format!("A team has at most {WEBHOOKS_OF_A_TEAM} webhooks. Delete one first.")));
    }
    let description = form.description.as_deref().filter(|d| !d.is_empty());
    let row = NewRow {
        id: &id,
        team: &scope.team,
        name: &name,
        description,
        url: &url,
        secret: secret.as_deref(),
        active,
        by: &scope.user,
        at: now,
    };
    store::insert(&mut tx, row).await?;
    store::set_events(&mut tx, &id, &events).await?;
    let after = json!({ "name": name, "receiver": target.origin(), "events": events, "active": active, "signed": secret.is_some() });
    commit(tx, (caller, &scope), now, ("webhook.create", &id, &name), None, Some(after)).await?;
    get(portal, caller, team, &id).await
}

/// Changes what the form says; the rest stays.
pub async fn update(portal: &Portal, caller: &Caller, team: &str, id: &str, form: WebhookForm) -> Result<Webhook> {
    let scope = caller.require_in(Permission::ManageWebhooks, team)?;
    form.validate()?;
    if let Some(url) = &form.url {
        portal.outbound.check(url).await.map_err(|reason| Error::invalid("url", reason))?;
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let mut row = store::lock(&mut tx, &scope.team, id).await?;
    let before = shown(&row, &store::events_tx(&mut tx, id).await?);
    row.name = form.name.unwrap_or(row.name);
    row.url = form.url.unwrap_or(row.url);
    row.description = form.description.or(row.description).filter(|d| !d.is_empty());
    row.secret = match form.secret {
        None => row.secret,
        Some(empty) if empty.is_empty() => None,
        Some(secret) => Some(portal.sealing.seal(&context(id), &secret)?),
    };
    if let Some(active) = form.active {
        if active { "ACTIVE" } else { "DISABLED" }.clone_into(&mut row.status);
    }
    row.updated_at = now;
    store::save(&mut tx, &row).await?;
    if let Some(events) = &form.events {
        store::set_events(&mut tx, id, events).await?;
    }
    let after = shown(&row, &store::events_tx(&mut tx, id).await?);
    commit(tx, (caller, &scope), now, ("webhook.update", id, &row.name), Some(before), Some(after)).await?;
    portal.outbound.wake();
    get(portal, caller, team, id).await
}

/// Deletes a webhook with what it still had to deliver.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<()> {
    let scope = caller.require_in(Permission::ManageWebhooks, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, id).await?;
    let before = shown(&row, &store::events_tx(&mut tx, id).await?);
    store::delete(&mut tx, id).await?;
    commit(tx, (caller, &scope), now, ("webhook.delete", id, &row.name), Some(before), None).await
}

/// Sends an example of an event, the webhook's first where none is named, and says what came of it.
pub async fn test(portal: &Portal, caller: &Caller, team: &str, id: &str, event: Option<&str>) -> Result<WebhookTest> {
    let scope = caller.require_in(Permission::ManageWebhooks, team)?;
    let (row, webhook) = store::find(&portal.db, &scope.team, id).await?;
    let event = event.or(webhook.events.first().map(String::as_str)).unwrap_or(WEBHOOK_EVENTS[0]);
    if !WEBHOOK_EVENTS.contains(&event) {
        return Err(Error::invalid("event", format!("Use one of {}.", WEBHOOK_EVENTS.join(", "))));
    }
    let (body, delivery, begun) = (body(event, portal.clock.now(), &example(event)), delivery_id(), Instant::now());
    let answer = send(portal, &row, &delivery, body.clone()).await;
    let mut tx = portal.db.begin().await?;
    store::lock(&mut tx, &scope.team, id).await?;
    let sent = Sent { delivery: &delivery, webhook: id, team: &scope.team, object: "", body: &body };
    log_store::add(&mut tx, &sent, &attempt(&answer, begun, portal.clock.now())).await?;
    tx.commit().await?;
    Ok(match answer {
        Ok(reply) => WebhookTest {
            success: (200..300).contains(&reply.status),
            response_status: Some(reply.status),
            response_body: Some(reply.body),
            error: None,
        },
        Err(error) => WebhookTest { success: false, response_status: None, response_body: None, error: Some(error) },
    })
}

/// The payload of an event that did not happen, with MLflow's examples.
fn example(event: &str) -> Json {
    let (entity, action) = event.split_once('.').unwrap_or((event, ""));
    let prompt = entity.starts_with("prompt");
    let name = if prompt { "example_prompt" } else { "example_model" };
    let mut data = json!({ "name": name });
    let mut put = |key: &str, value: Json| {
        if let Some(fields) = data.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    };
    if entity.contains("version") && !entity.ends_with("alias") {
        put("version", json!("1"));
    }
    if entity.ends_with("_tag") {
        put("key", json!("example_key"));
        if action == "set" {
            put("value", json!("example_value"));
        }
    } else if entity.ends_with("_alias") {
        put("alias", json!("example_alias"));
        if action == "created" {
            put("version", json!("1"));
        }
    } else {
        put("tags", json!({ "example_key": "example_value" }));
        put("description", json!("An example"));
    }
    match entity {
        "model_version" => {
            put("source", json!("models:/123"));
            put("run_id", json!("abcd1234abcd5678"));
        }
        "prompt_version" => put("template", json!("Hello {{name}}!")),
        _ => {}
    }
    data
}

/// For the audit trail. The path of a receiver's address may be a secret, so only its host is told.
fn shown(row: &WebhookRow, events: &[String]) -> Json {
    let receiver = row.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let receiver = receiver.split('?').next().unwrap_or_default();
    json!({
        "name": row.name, "receiver": receiver, "address": random::digest(&row.url), "events": events, "active": row.status == "ACTIVE",
        "signed": row.secret.is_some(), "description": row.description,
    })
}

pub(super) async fn commit(
    mut tx: Tx,
    (caller, scope): (&Caller, &TeamScope),
    at: Millis,
    (action, id, name): (&'static str, &str, &str),
    before: Option<Json>,
    after: Option<Json>,
) -> Result<()> {
    let entry = audit::Entry { team: Some(&scope.team_name), action, object: id, object_name: name, before, after };
    audit::record(&mut tx, caller, at, entry).await?;
    events::publish(&mut tx, at, Some(&scope.team_name), &Change::Webhooks).await?;
    tx.commit().await
}
