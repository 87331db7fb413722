//! SQL of waivers.

use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{Millis, TeamId, UserId},
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct WaiverRow {
    pub request_id: String,
    pub gate: String,
    pub reason: String,
    pub evidence: String,
    pub asker: String,
    pub asked_by: String,
    pub asked_at: i64,
    pub granted_by: Option<String>,
    pub granted_at: Option<i64>,
    pub declined_by: Option<String>,
    pub declined_at: Option<i64>,
    pub declining: Option<String>,
}

impl WaiverRow {
    /// Whether nobody has decided on it.
    pub(super) fn is_open(&self) -> bool {
        self.granted_at.is_none() && self.declined_at.is_none()
    }
}

/// What `WaiverRow` reads.
const WAIVERS: &str = "SELECT w.request_id, w.gate, w.reason, w.evidence, w.asked_by AS asker, a.email AS asked_by, w.asked_at,
    g.email AS granted_by, w.granted_at, d.email AS declined_by, w.declined_at, w.declining
    FROM promotion_waivers w JOIN promotion_requests r ON r.id = w.request_id JOIN users a ON a.id = w.asked_by
    LEFT JOIN users g ON g.id = w.granted_by LEFT JOIN users d ON d.id = w.declined_by WHERE r.team_id = $1 AND";

pub(super) async fn waivers(db: &Db, team: &TeamId, request: &str) -> Result<Vec<WaiverRow>> {
    db.fetch_all_assembled(format!("{WAIVERS} r.id = $2 ORDER BY w.asked_at, w.gate"), args![team, request]).await
}

pub(super) async fn waivers_tx(tx: &mut Tx, team: &TeamId, request: &str) -> Result<Vec<WaiverRow>> {
    tx.fetch_all_assembled(format!("{WAIVERS} r.id = $2 ORDER BY w.asked_at, w.gate"), args![team, request]).await
}

pub(super) async fn waivers_of_open(db: &Db, team: &TeamId) -> Result<Vec<WaiverRow>> {
    db.fetch_all_assembled(format!("{WAIVERS} r.state = 'open'"), args![team]).await
}

/// Asks for one; what was decided on an earlier one of this gate is gone.
pub(super) async fn put(tx: &mut Tx, request: &str, gate: &str, (reason, evidence): (&str, &str), by: &UserId, at: Millis) -> Result<()> {
    let sql = "INSERT INTO promotion_waivers (request_id, gate, reason, evidence, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (request_id, gate) DO UPDATE SET reason = excluded.reason, evidence = excluded.evidence,
               asked_by = excluded.asked_by, asked_at = excluded.asked_at, granted_by = NULL, granted_at = NULL,
               declined_by = NULL, declined_at = NULL, declining = NULL";
    tx.execute(sql, args![request, gate, reason, evidence, by, at]).await.map(drop)
}

pub(super) async fn grant(tx: &mut Tx, request: &str, gate: &str, by: &UserId, at: Millis) -> Result<()> {
    let sql = "UPDATE promotion_waivers SET granted_by = $3, granted_at = $4 WHERE request_id = $1 AND gate = $2";
    tx.execute(sql, args![request, gate, by, at]).await.map(drop)
}

pub(super) async fn decline(tx: &mut Tx, request: &str, gate: &str, why: &str, by: &UserId, at: Millis) -> Result<()> {
    let sql = "UPDATE promotion_waivers SET declined_by = $3, declined_at = $4, declining = $5 WHERE request_id = $1 AND gate = $2";
    tx.execute(sql, args![request, gate, by, at, why]).await.map(drop)
}
