//! SQL of approvals that no longer count.

use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{LapsedApproval, Millis, TeamId, UserId},
};

/// Approvals of a version's open requests: request and email.
pub(super) async fn approvals(tx: &mut Tx, (model, version): (&str, i64)) -> Result<Vec<(String, String)>> {
    let sql =
        "SELECT r.id, u.email FROM promotion_reviews v JOIN promotion_requests r ON r.id = v.request_id JOIN users u ON u.id = v.user_id
               WHERE r.model_id = $1 AND r.version = $2 AND r.state = 'open' AND v.approves = 1 ORDER BY r.requested_at, r.id, u.email";
    tx.fetch_all(sql, args![model, version]).await
}

/// Moves the approvals of a request to those that lapsed.
pub(super) async fn lapse(tx: &mut Tx, request: &str, by: &UserId, at: Millis) -> Result<()> {
    let sql = "INSERT INTO promotion_lapses (request_id, user_id, comment, reviewed_at, lapsed_by, lapsed_at)
               SELECT request_id, user_id, comment, reviewed_at, $2, CAST($3 AS BIGINT) FROM promotion_reviews
               WHERE request_id = $1 AND approves = 1 ON CONFLICT DO NOTHING";
    tx.execute(sql, args![request, by, at]).await?;
    tx.execute("DELETE FROM promotion_reviews WHERE request_id = $1 AND approves = 1", args![request]).await.map(drop)
}

/// What is read of those of a request of the team.
const LAPSES: &str = "SELECT u.email, l.comment, l.reviewed_at, c.email, l.lapsed_at
    FROM promotion_lapses l JOIN promotion_requests r ON r.id = l.request_id JOIN users u ON u.id = l.user_id JOIN users c ON c.id = l.lapsed_by
    WHERE r.team_id = $1 AND r.id = $2 ORDER BY l.lapsed_at, u.email";

type Row = (String, String, i64, String, i64);

fn lapsed(rows: Vec<Row>) -> Vec<LapsedApproval> {
    rows.into_iter().map(|(by, comment, at, lapsed_by, lapsed_at)| LapsedApproval { by, comment, at, lapsed_by, lapsed_at }).collect()
}

pub(super) async fn of(db: &Db, team: &TeamId, request: &str) -> Result<Vec<LapsedApproval>> {
    Ok(lapsed(db.fetch_all(LAPSES, args![team, request]).await?))
}

pub(super) async fn of_tx(tx: &mut Tx, team: &TeamId, request: &str) -> Result<Vec<LapsedApproval>> {
    Ok(lapsed(tx.fetch_all(LAPSES, args![team, request]).await?))
}

/// The team's open requests of which an approval of this person lapsed.
pub(super) async fn open_of(db: &Db, team: &TeamId, user: &UserId) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT l.request_id FROM promotion_lapses l JOIN promotion_requests r ON r.id = l.request_id
               WHERE r.team_id = $1 AND r.state = 'open' AND l.user_id = $2";
    let rows: Vec<(String,)> = db.fetch_all(sql, args![team, user]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}
