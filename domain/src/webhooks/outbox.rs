//! What is to be delivered, written in the transaction of its change.

use super::outbox_store::{self, NewRow};
use crate::{
    db::Tx,
    error::Result,
    model::{Millis, TeamId},
    random,
};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Something that webhooks tell: one of `WEBHOOK_EVENTS`, and MLflow's payload of it (`mlflow/webhooks/types.py`).
pub(crate) struct Happening {
    pub event: &'static str,
    pub data: serde_json::Value,
}

/// Puts a delivery into the outbox for each of the team's webhooks that asked for it. `object` is what it is about: deliveries about
/// the same thing arrive in order.
pub(crate) async fn enqueue(tx: &mut Tx, team: &TeamId, object: &str, at: Millis, happening: &Happening) -> Result<()> {
    let webhooks = outbox_store::subscribed(tx, team, happening.event).await?;
    if webhooks.is_empty() {
        return Ok(());
    }
    let body = body(happening.event, at, &happening.data);
    for webhook in &webhooks {
        let seq = tx.next("webhook_delivery").await?;
        let id = delivery_id();
        outbox_store::insert(tx, NewRow { seq, id: &id, webhook, team, object, body: &body, at }).await?;
    }
    Ok(())
}

/// What a receiver knows a delivery by.
pub(super) fn delivery_id() -> String {
    random::hex(&random::bytes::<16>())
}

/// Event of a body, and the name that it is about.
pub(super) fn told(body: &str) -> (String, String) {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (format!("{}.{}", text(&body["entity"]), text(&body["action"])), text(&body["data"]["name"]))
}

/// The body of a delivery.
pub(super) fn body(event: &str, at: Millis, data: &serde_json::Value) -> String {
    let (entity, action) = event.split_once('.').unwrap_or((event, ""));
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).ok().and_then(|t| t.format(&Rfc3339).ok());
    json!({ "entity": entity, "action": action, "timestamp": moment.unwrap_or_default(), "data": data }).to_string()
}
