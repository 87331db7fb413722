//! The delivery worker: takes what is due from the outbox, sends it, and tries again until it has arrived or is given up.

use super::{
    log_store::{self, Attempt},
    outbound::Reply,
    outbox_store::{self, Claimed},
    registered::context,
    store::{self, WebhookRow},
};
use crate::{
    error::{Error, Result},
    model::Millis,
    portal::Portal,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::borrow::Cow;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Deliveries under way at once in one process, and of one team.
const AT_ONCE: i64 = 16;
const OF_A_TEAM: i64 = 4;
/// A process that has taken a delivery and is not heard of for so long has died.
const CLAIM: Millis = 60 * 1000;
/// The first wait after a failure; each further one is twice as long, up to the last.
const FIRST_WAIT: Millis = 10 * 1000;
const LONGEST_WAIT: Millis = 60 * 60 * 1000;
/// What has not arrived after so long is given up.
const GIVEN_UP: Millis = 24 * 60 * 60 * 1000;
/// What was given up is kept so long for people to see.
const KEPT: Millis = 7 * 24 * 60 * 60 * 1000;

/// Delivers until the process ends.
pub async fn run(portal: Portal) {
    let mut under_way: JoinSet<()> = JoinSet::new();
    let mut swept_at = 0;
    loop {
        while under_way.try_join_next().is_some() {}
        let now = portal.clock.now();
        if now - swept_at > KEPT / 168 {
            swept_at = now;
            if let Err(error) = sweep(&portal).await {
                tracing::warn!(%error, "old deliveries could not be removed");
            }
        }
        let free = AT_ONCE - i64::try_from(under_way.len()).unwrap_or(AT_ONCE);
        let claimed = claim(&portal, free).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the outbox cannot be read; trying again");
            Vec::new()
        });
        for delivery in claimed {
            let portal = portal.clone();
            under_way.spawn(async move { deliver(&portal, &delivery).await });
        }
        tokio::select! {
            Some(_) = under_way.join_next() => {}
            () = portal.outbound.woken() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Removes what is older than a week from the outbox and the log.
pub async fn sweep(portal: &Portal) -> Result<()> {
    let before = portal.clock.now() - KEPT;
    outbox_store::sweep(&portal.db, before).await?;
    log_store::sweep(&portal.db, before).await
}

/// Makes every delivery that can be made now, once, and says how many that were. For tests and for one look.
pub async fn look(portal: &Portal) -> Result<usize> {
    let mut made = 0;
    loop {
        let claimed = claim(portal, AT_ONCE).await?;
        if claimed.is_empty() {
            return Ok(made);
        }
        made += claimed.len();
        futures::future::join_all(claimed.iter().map(|delivery| deliver(portal, delivery))).await;
    }
}

async fn claim(portal: &Portal, most: i64) -> Result<Vec<Claimed>> {
    let now = portal.clock.now();
    // Looking costs no lock; most of the time there is nothing.
    if most <= 0 || !outbox_store::any_due(&portal.db, now).await? {
        return Ok(Vec::new());
    }
    outbox_store::claim(&portal.db, now, now + CLAIM, (most, OF_A_TEAM)).await
}

async fn deliver(portal: &Portal, delivery: &Claimed) {
    let begun = Instant::now();
    let sent = match store::row(&portal.db, &delivery.webhook_id).await {
        Ok(webhook) => send(portal, &webhook, &delivery.id, delivery.body.clone()).await,
        // Deleted meanwhile, and this with it.
        Err(Error::NotFound(_)) => return,
        Err(error) => Err(error.to_string()),
    };
    let now = portal.clock.now();
    let mut attempt = attempt(&sent, begun, now);
    let stored = if attempt.error.is_none() {
        outbox_store::delivered(&portal.db, delivery, &attempt).await
    } else {
        attempt.next_at = (now - delivery.created_at < GIVEN_UP).then(|| now + wait(delivery.tries));
        outbox_store::failed(&portal.db, delivery, &attempt).await
    };
    if let Err(error) = stored {
        // It is made again once the claim ends: at least once, and that is what was promised.
        tracing::warn!(%error, delivery = %delivery.id, "what came of a delivery could not be kept");
    }
}

/// How a try went that ends now.
pub(super) fn attempt(sent: &std::result::Result<Reply, String>, begun: Instant, at: Millis) -> Attempt<'_> {
    let duration = Millis::try_from(begun.elapsed().as_millis()).unwrap_or(Millis::MAX);
    let reply = sent.as_ref().ok();
    let error = match sent {
        Ok(reply) => accepted(reply).err().map(Cow::Owned),
        Err(error) => Some(Cow::Borrowed(error.as_str())),
    };
    Attempt { at, duration, status: reply.map(|r| r.status), answer: reply.map(|r| r.body.as_str()), error, next_at: None }
}

fn accepted(reply: &Reply) -> std::result::Result<(), String> {
    match reply.status {
        200..300 => Ok(()),
        300..400 => Err(format!("The receiver answered {}; redirects are not followed.", reply.status)),
        status => Err(format!("The receiver answered {status}.")),
    }
}

/// How long to wait after so many failures.
fn wait(tries: i64) -> Millis {
    let doublings = u32::try_from(tries - 1).unwrap_or(0).min(20);
    (FIRST_WAIT << doublings).min(LONGEST_WAIT)
}

/// Sends one body, signed as MLflow's clients check it: HMAC-SHA256 over `<id>.<seconds>.<body>`.
pub(super) async fn send(portal: &Portal, webhook: &WebhookRow, id: &str, body: String) -> std::result::Result<Reply, String> {
    let seconds = (portal.clock.now() / 1000).to_string();
    let mut headers = vec![("x-mlflow-delivery-id", id.to_owned()), ("x-mlflow-timestamp", seconds.clone())];
    if let Some(sealed) = &webhook.secret {
        let secret = portal.sealing.open(&context(&webhook.id), sealed).map_err(|e| e.to_string())?;
        let signature = crate::sealing::hmac(secret.as_bytes(), &format!("{id}.{seconds}.{body}"));
        headers.push(("x-mlflow-signature", format!("v1,{}", STANDARD.encode(signature))));
    }
    portal.outbound.post(&webhook.url, &headers, body).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let minutes: Vec<Millis> = [1, 2, 3, 9, 10, 100, 0, -1].into_iter().map(|t| wait(t) / 1000).collect();
        assert_eq!(minutes, [10, 20, 40, 2560, 3600, 3600, 10, 10]);
    }
}
