//! SQL of webhooks.

use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Millis, TeamId, UserId, Webhook},
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct WebhookRow {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub url: String,
    pub secret: Option<String>,
    pub status: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub last_error: Option<String>,
    pub last_try_at: Option<i64>,
}

pub(super) const MISSING: Error = Error::NotFound("webhook");

impl WebhookRow {
    fn webhook(self, events: Vec<String>, (waiting, dead): (i64, i64)) -> Webhook {
        Webhook {
            id: self.id,
            name: self.name,
            description: self.description,
            url: self.url,
            events,
            active: self.status == "ACTIVE",
            has_secret: self.secret.is_some(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            last_error: self.last_error,
            last_try_at: self.last_try_at,
            waiting,
            dead,
        }
    }
}

pub(super) async fn count(tx: &mut Tx, team: &TeamId) -> Result<i64> {
    let (count,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM webhooks WHERE team_id = $1", args![team]).await?;
    Ok(count)
}

pub(super) struct NewRow<'a> {
    pub id: &'a str,
    pub team: &'a TeamId,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub url: &'a str,
    /// Sealed.
    pub secret: Option<&'a str>,
    pub active: bool,
    pub by: &'a UserId,
    pub at: Millis,
}

fn status(active: bool) -> &'static str {
    if active { "ACTIVE" } else { "DISABLED" }
}

pub(super) async fn insert(tx: &mut Tx, row: NewRow<'_>) -> Result<()> {
    let sql = "INSERT INTO webhooks (id, team_id, name, description, url, secret, status, created_by, created_at, updated_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    tx.execute(sql, args![row.id, row.team, row.name, row.description, row.url, row.secret, status(row.active), row.by, row.at])
        .await
        .map(drop)
}

pub(super) async fn set_events(tx: &mut Tx, id: &str, events: &[String]) -> Result<()> {
    tx.execute("DELETE FROM webhook_events WHERE webhook_id = $1", args![id]).await?;
    let rows = events.iter().map(|event| args![id, event]).collect();
    tx.insert_many("INSERT INTO webhook_events (webhook_id, event)", "ON CONFLICT (webhook_id, event) DO NOTHING", rows).await.map(drop)
}

/// Finds it and holds its row until the end of the transaction.
pub(super) async fn lock(tx: &mut Tx, team: &TeamId, id: &str) -> Result<WebhookRow> {
    let sql = "UPDATE webhooks SET updated_at = updated_at WHERE id = $1 AND team_id = $2
               RETURNING id, name, description, url, secret, status, created_at, updated_at, last_error, last_try_at";
    tx.fetch_optional(sql, args![id, team]).await?.ok_or(MISSING)
}

pub(super) async fn save(tx: &mut Tx, row: &WebhookRow) -> Result<()> {
    let sql = "UPDATE webhooks SET name = $2, description = $3, url = $4, secret = $5, status = $6, updated_at = $7 WHERE id = $1";
    tx.execute(sql, args![&row.id, &row.name, row.description.clone(), &row.url, row.secret.clone(), &row.status, row.updated_at])
        .await
        .map(drop)
}

pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute("DELETE FROM webhooks WHERE id = $1", args![id]).await.map(drop)
}

pub(super) async fn events_tx(tx: &mut Tx, id: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = tx.fetch_all("SELECT event FROM webhook_events WHERE webhook_id = $1 ORDER BY event", args![id]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

pub(super) async fn row(db: &Db, id: &str) -> Result<WebhookRow> {
    let sql =
        "SELECT id, name, description, url, secret, status, created_at, updated_at, last_error, last_try_at FROM webhooks WHERE id = $1";
    db.fetch_optional(sql, args![id]).await?.ok_or(MISSING)
}

pub(super) async fn find(db: &Db, team: &TeamId, id: &str) -> Result<(WebhookRow, Webhook)> {
    let sql = "SELECT id, name, description, url, secret, status, created_at, updated_at, last_error, last_try_at
               FROM webhooks WHERE id = $1 AND team_id = $2";
    let row: WebhookRow = db.fetch_optional(sql, args![id, team]).await?.ok_or(MISSING)?;
    let webhook = whole(db, row.clone()).await?;
    Ok((row, webhook))
}

/// The team's webhooks, the newest first.
pub(super) async fn list(db: &Db, team: &TeamId) -> Result<Vec<WebhookRow>> {
    let sql = "SELECT id, name, description, url, secret, status, created_at, updated_at, last_error, last_try_at
               FROM webhooks WHERE team_id = $1 ORDER BY created_at DESC, id";
    db.fetch_all(sql, args![team]).await
}

pub(super) async fn whole(db: &Db, row: WebhookRow) -> Result<Webhook> {
    let events: Vec<(String,)> =
        db.fetch_all("SELECT event FROM webhook_events WHERE webhook_id = $1 ORDER BY event", args![&row.id]).await?;
    let sql = "SELECT COUNT(*) - COUNT(dead_at), COUNT(dead_at) FROM webhook_deliveries WHERE webhook_id = $1";
    let counts: (i64, i64) = db.fetch_one(sql, args![&row.id]).await?;
    Ok(row.webhook(events.into_iter().map(|e| e.0).collect(), counts))
}
