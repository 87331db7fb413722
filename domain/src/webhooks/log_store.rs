//! SQL of the log: what was sent, and how each try went.

use super::outbox::told;
use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    events,
    model::{Change, Millis, TeamId, WebhookAttempt, cut},
};
use std::borrow::Cow;

/// Longest answer of a receiver that is kept, in characters.
const ANSWER: usize = 2000;
/// Deliveries of one webhook that are kept, however new they are.
const MOST: i64 = 1000;

/// A body that was sent.
pub(super) struct Sent<'a> {
    pub delivery: &'a str,
    pub webhook: &'a str,
    pub team: &'a TeamId,
    /// Empty for a test.
    pub object: &'a str,
    pub body: &'a str,
}

/// How a try went.
pub(super) struct Attempt<'a> {
    pub at: Millis,
    pub duration: Millis,
    pub status: Option<u16>,
    pub answer: Option<&'a str>,
    pub error: Option<Cow<'a, str>>,
    pub next_at: Option<Millis>,
}

/// Adds a try, and tells open pages of it.
pub(super) async fn add(tx: &mut Tx, sent: &Sent<'_>, attempt: &Attempt<'_>) -> Result<()> {
    let (event, about) = told(sent.body);
    let sql = "INSERT INTO webhook_sent (delivery, webhook_id, team_id, object, event, about, body, test, last_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (delivery) DO UPDATE SET last_at = excluded.last_at";
    let test = i64::from(sent.object.is_empty());
    tx.execute(sql, args![sent.delivery, sent.webhook, sent.team, sent.object, event, about, sent.body, test, attempt.at]).await?;
    let seq = tx.next("webhook_attempt").await?;
    // No database keeps NUL in a text.
    let answer = attempt.answer.map(|text| cut(text, ANSWER).replace('\0', "\u{fffd}"));
    let sql = "INSERT INTO webhook_attempts (seq, delivery, webhook_id, at, duration, status, answer, error, next_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let status = attempt.status.map(i64::from);
    tx.execute(
        sql,
        args![seq, sent.delivery, sent.webhook, attempt.at, attempt.duration, status, answer, attempt.error.as_deref(), attempt.next_at],
    )
    .await?;
    let (team,): (String,) = tx.fetch_one("SELECT name FROM teams WHERE id = $1", args![sent.team]).await?;
    events::publish(tx, attempt.at, Some(&team), &Change::Webhooks).await
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    seq: i64,
    delivery: String,
    event: String,
    about: String,
    test: i64,
    at: i64,
    duration: i64,
    status: Option<i64>,
    answer: Option<String>,
    error: Option<String>,
    next_at: Option<i64>,
}

/// Tries of a webhook that came before `before`, the newest first.
pub(super) async fn attempts(db: &Db, webhook: &str, before: i64, most: i64) -> Result<Vec<WebhookAttempt>> {
    let sql = "SELECT a.seq, a.delivery, s.event, s.about, s.test, a.at, a.duration, a.status, a.answer, a.error, a.next_at
               FROM webhook_attempts a JOIN webhook_sent s ON s.delivery = a.delivery
               WHERE a.webhook_id = $1 AND a.seq < $2 ORDER BY a.seq DESC LIMIT $3";
    let rows: Vec<AttemptRow> = db.fetch_all(sql, args![webhook, before, most]).await?;
    let attempt = |r: AttemptRow| WebhookAttempt {
        seq: r.seq,
        delivery: r.delivery,
        event: r.event,
        about: r.about,
        test: r.test != 0,
        at: r.at,
        duration: r.duration,
        status: r.status.and_then(|status| u16::try_from(status).ok()),
        answer: r.answer,
        error: r.error,
        next_at: r.next_at,
    };
    Ok(rows.into_iter().map(attempt).collect())
}

/// Object, event and body of something that this webhook was sent because it happened.
pub(super) async fn sent(tx: &mut Tx, webhook: &str, delivery: &str) -> Result<(String, String, String)> {
    let sql = "SELECT object, event, body FROM webhook_sent WHERE delivery = $1 AND webhook_id = $2 AND test = 0";
    tx.fetch_optional(sql, args![delivery, webhook]).await?.ok_or(Error::NotFound("delivery"))
}

/// Removes what is old, and of each webhook what is beyond the newest; what is still to be delivered stays.
pub(super) async fn sweep(db: &Db, before: Millis) -> Result<()> {
    let sql = "DELETE FROM webhook_sent WHERE last_at < $1 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.id = webhook_sent.delivery)";
    db.execute(sql, args![before]).await?;
    let sql = "DELETE FROM webhook_sent WHERE delivery IN (
                   SELECT delivery FROM (
                       SELECT delivery, ROW_NUMBER() OVER (PARTITION BY webhook_id ORDER BY last_at DESC, delivery) AS place FROM webhook_sent
                   ) placed WHERE place > $1)
               AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.id = webhook_sent.delivery)";
    db.execute(sql, args![MOST]).await.map(drop)
}
