//! The table of codes and tickets: SQL and nothing else.

use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{Millis, NotebookId, UserId},
};

/// What a code or a ticket stands for.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub user: UserId,
    /// Handle of the portal session.
    pub session: String,
    pub expires_at: Millis,
}

fn ticket_of(row: (String, String, i64)) -> Ticket {
    Ticket { user: row.0.into(), session: row.1, expires_at: row.2 }
}

pub(super) async fn insert_ticket(tx: &mut Tx, digest: &str, id: &NotebookId, ticket: &Ticket, redeemed: bool) -> Result<()> {
    tx.execute(
        "INSERT INTO notebook_tickets (digest, notebook_id, user_id, session, redeemed, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        args![digest, id, &ticket.user, &ticket.session, redeemed, ticket.expires_at],
    )
    .await
    .map(drop)
}

/// Takes a code away, so that it works once.
pub(super) async fn take_code(tx: &mut Tx, digest: &str, id: &NotebookId, now: Millis) -> Result<Option<Ticket>> {
    let sql = "DELETE FROM notebook_tickets WHERE digest = $1 AND notebook_id = $2 AND redeemed = 0 AND expires_at > $3
               RETURNING user_id, session, expires_at";
    Ok(tx.fetch_optional(sql, args![digest, id, now]).await?.map(ticket_of))
}

pub(super) async fn ticket(db: &Db, digest: &str, id: &NotebookId, now: Millis) -> Result<Option<Ticket>> {
    let sql = "SELECT user_id, session, expires_at FROM notebook_tickets
               WHERE digest = $1 AND notebook_id = $2 AND redeemed = 1 AND expires_at > $3";
    Ok(db.fetch_optional(sql, args![digest, id, now]).await?.map(ticket_of))
}

/// Marks a session as used.
pub(super) async fn mark_seen(db: &Db, session: &str, now: Millis) -> Result<()> {
    db.execute("UPDATE sessions SET last_seen_at = $2 WHERE handle = $1 AND last_seen_at < $2", args![session, now]).await.map(drop)
}

pub(super) async fn sweep_tickets(db: &Db, now: Millis) -> Result<()> {
    db.execute("DELETE FROM notebook_tickets WHERE expires_at <= $1", args![now]).await.map(drop)
}
