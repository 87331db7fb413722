//! SQL of the outbox.

use super::log_store::{self, Attempt, Sent};
use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{Millis, TeamId},
};

/// Ids of the team's webhooks that want to be told of this.
pub(super) async fn subscribed(tx: &mut Tx, team: &TeamId, event: &str) -> Result<Vec<String>> {
    let sql = "SELECT w.id FROM webhooks w JOIN webhook_events e ON e.webhook_id = w.id
               WHERE w.team_id = $1 AND w.status = 'ACTIVE' AND e.event = $2 ORDER BY w.created_at, w.id";
    let rows: Vec<(String,)> = tx.fetch_all(sql, args![team, event]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

pub(super) struct NewRow<'a> {
    pub seq: i64,
    pub id: &'a str,
    pub webhook: &'a str,
    pub team: &'a TeamId,
    pub object: &'a str,
    pub body: &'a str,
    pub at: Millis,
}

pub(super) async fn insert(tx: &mut Tx, row: NewRow<'_>) -> Result<()> {
    let sql = "INSERT INTO webhook_deliveries (seq, id, webhook_id, team_id, object, body, created_at, tries, due_at, claimed_until)
               VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $7, 0)";
    tx.execute(sql, args![row.seq, row.id, row.webhook, row.team, row.object, row.body, row.at]).await.map(drop)
}

/// A delivery that this process is to make.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Claimed {
    pub seq: i64,
    pub id: String,
    pub webhook_id: String,
    pub team_id: String,
    pub object: String,
    pub body: String,
    pub created_at: i64,
    /// This one included.
    pub tries: i64,
}

/// Takes up to `most` deliveries that are due, for as long as `until`: of each webhook one at a time, of each team at most `of_a_team`,
/// teams in turn, and of each object only the first, so that the next waits until that is delivered or given up.
///
/// Two processes that claim at once wait for each other's rows and then find them taken.
pub(super) async fn claim(db: &Db, now: Millis, until: Millis, (most, of_a_team): (i64, i64)) -> Result<Vec<Claimed>> {
    let sql = "UPDATE webhook_deliveries SET claimed_until = $2, tries = tries + 1
        WHERE claimed_until <= $1 AND dead_at IS NULL AND seq IN (
            SELECT seq FROM (
                SELECT seq, due_at, ROW_NUMBER() OVER (PARTITION BY team_id ORDER BY due_at, seq)
                    + (SELECT COUNT(*) FROM webhook_deliveries o WHERE o.team_id = head.team_id AND o.claimed_until > $1 AND o.dead_at IS NULL)
                    AS turn
                FROM (
                    SELECT d.seq, d.due_at, d.team_id, ROW_NUMBER() OVER (PARTITION BY d.webhook_id ORDER BY d.due_at, d.seq) AS place
                    FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
                    WHERE w.status = 'ACTIVE' AND d.dead_at IS NULL AND d.due_at <= $1 AND d.claimed_until <= $1
                    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries o
                        WHERE o.webhook_id = d.webhook_id AND o.object = d.object AND o.seq < d.seq AND o.dead_at IS NULL)
                    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries o
                        WHERE o.webhook_id = d.webhook_id AND o.claimed_until > $1 AND o.dead_at IS NULL)
                ) head WHERE place = 1
            ) due WHERE turn <= $4 ORDER BY turn, due_at, seq LIMIT $3)
        RETURNING seq, id, webhook_id, team_id, object, body, created_at, tries";
    let mut tx = db.begin().await?;
    let mut claimed: Vec<Claimed> = tx.fetch_all(sql, args![now, until, most, of_a_team]).await?;
    tx.commit().await?;
    claimed.sort_unstable_by_key(|c| c.seq);
    Ok(claimed)
}

/// It has arrived.
pub(super) async fn delivered(db: &Db, delivery: &Claimed, attempt: &Attempt<'_>) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.execute("DELETE FROM webhook_deliveries WHERE seq = $1", args![delivery.seq]).await?;
    let sql = "UPDATE webhooks SET last_error = NULL, last_try_at = $2 WHERE id = $1";
    if tx.execute(sql, args![&delivery.webhook_id, attempt.at]).await? > 0 {
        delivery.log(&mut tx, attempt).await?;
    }
    tx.commit().await
}

impl Claimed {
    async fn log(&self, tx: &mut Tx, attempt: &Attempt<'_>) -> Result<()> {
        let team = TeamId::from(self.team_id.as_str());
        let sent = Sent { delivery: &self.id, webhook: &self.webhook_id, team: &team, object: &self.object, body: &self.body };
        log_store::add(tx, &sent, attempt).await
    }
}

/// It has not: another try is due then, or, where none is, it is given up.
pub(super) async fn failed(db: &Db, delivery: &Claimed, attempt: &Attempt<'_>) -> Result<()> {
    let (now, again, error) = (attempt.at, attempt.next_at, attempt.error.as_deref());
    let mut tx = db.begin().await?;
    let dead = again.is_none().then_some(now);
    let sql = "UPDATE webhook_deliveries SET claimed_until = 0, due_at = $2, dead_at = $3, last_error = $4 WHERE seq = $1";
    tx.execute(sql, args![delivery.seq, again.unwrap_or(now), dead, error]).await?;
    let sql = "UPDATE webhooks SET last_error = $3, last_try_at = $2 WHERE id = $1";
    if tx.execute(sql, args![&delivery.webhook_id, now, error]).await? > 0 {
        delivery.log(&mut tx, attempt).await?;
    }
    tx.commit().await
}

/// Makes a delivery that waits due at once. False where it does not wait; one that was given up is forgotten then.
pub(super) async fn hasten(tx: &mut Tx, id: &str, now: Millis) -> Result<bool> {
    let sql = "UPDATE webhook_deliveries SET due_at = $2 WHERE id = $1 AND dead_at IS NULL";
    if tx.execute(sql, args![id, now]).await? > 0 {
        return Ok(true);
    }
    tx.execute("DELETE FROM webhook_deliveries WHERE id = $1", args![id]).await?;
    Ok(false)
}

/// Removes what was given up before then.
pub(super) async fn sweep(db: &Db, before: Millis) -> Result<()> {
    db.execute("DELETE FROM webhook_deliveries WHERE dead_at < $1", args![before]).await.map(drop)
}

/// Whether anything is due that nobody is at.
pub(super) async fn any_due(db: &Db, now: Millis) -> Result<bool> {
    let sql = "SELECT seq FROM webhook_deliveries WHERE due_at <= $1 AND claimed_until <= $1 AND dead_at IS NULL LIMIT 1";
    let row: Option<(i64,)> = db.fetch_optional(sql, args![now]).await?;
    Ok(row.is_some())
}
