//! The log of a webhook's deliveries, for whoever looks after it, and what was sent once sent again.

use super::{
    log_store,
    outbox::delivery_id,
    outbox_store::{self, NewRow},
    registered::commit,
    store,
};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Permission, WebhookAttempt},
    portal::Portal,
};
use serde_json::json;

/// Tries on one page of the log.
pub const ATTEMPTS_MOST: i64 = 50;

/// The tries of a webhook's deliveries in the last week, the newest first; those before the try `before`, where one is named.
pub async fn log(portal: &Portal, caller: &Caller, team: &str, id: &str, before: Option<i64>) -> Result<Vec<WebhookAttempt>> {
    let scope = caller.require_in(Permission::ManageWebhooks, team)?;
    store::find(&portal.db, &scope.team, id).await?;
    log_store::attempts(&portal.db, id, before.unwrap_or(i64::MAX), ATTEMPTS_MOST).await
}

/// Sends again what was sent once: at once where it waits for its next try, else as a new delivery of the same body.
///
/// # Errors
/// `NotFound` where the log does not have it, `Conflict` where the webhook is paused.
pub async fn replay(portal: &Portal, caller: &Caller, team: &str, id: &str, delivery: &str) -> Result<()> {
    let scope = caller.require_in(Permission::ManageWebhooks, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, id).await?;
    if row.status != "ACTIVE" {
        return Err(Error::Conflict(format!("The webhook {} is paused. Resume it first.", row.name)));
    }
    let (object, event, body) = log_store::sent(&mut tx, id, delivery).await?;
    if !outbox_store::hasten(&mut tx, delivery, now).await? {
        let seq = tx.next("webhook_delivery").await?;
        let new = delivery_id();
        let row = NewRow { seq, id: &new, webhook: id, team: &scope.team, object: &object, body: &body, at: now };
        outbox_store::insert(&mut tx, row).await?;
    }
    let after = json!({ "delivery": delivery, "event": event });
    commit(tx, (caller, &scope), now, ("webhook.replay", id, &row.name), None, Some(after)).await?;
    portal.outbound.wake();
    Ok(())
}
