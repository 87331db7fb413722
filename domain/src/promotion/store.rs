//! SQL of flows, requests and reviews.

use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Millis, PromotionFlow, PromotionRequest, RequestState, TeamId, UserId},
};

fn read_flow(row: Option<(String,)>) -> Result<PromotionFlow> {
    let read = |(text,): (String,)| serde_json::from_str(&text).map_err(|e| Error::internal("promotion_flows.flow", e));
    row.map_or_else(|| Ok(PromotionFlow::default()), read)
}

const FLOW: &str = "SELECT flow FROM promotion_flows WHERE team_id = $1";

pub(super) async fn flow(db: &Db, team: &TeamId) -> Result<PromotionFlow> {
    read_flow(db.fetch_optional(FLOW, args![team]).await?)
}

pub(super) async fn flow_tx(tx: &mut Tx, team: &TeamId) -> Result<PromotionFlow> {
    read_flow(tx.fetch_optional(FLOW, args![team]).await?)
}

/// Holds the team's row, so that changes of its flow come one after the other.
pub(super) async fn lock_team(tx: &mut Tx, team: &TeamId) -> Result<()> {
    tx.execute("UPDATE teams SET created_at = created_at WHERE id = $1", args![team]).await.map(drop)
}

pub(super) async fn put_flow(tx: &mut Tx, team: &TeamId, flow: &PromotionFlow, by: &UserId, at: Millis) -> Result<()> {
    let text = serde_json::to_string(flow).map_err(|e| Error::internal("flow", e))?;
    let sql = "INSERT INTO promotion_flows (team_id, flow, updated_by, updated_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (team_id) DO UPDATE SET flow = excluded.flow, updated_by = excluded.updated_by, updated_at = excluded.updated_at";
    tx.execute(sql, args![team, text, by, at]).await.map(drop)
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct RequestRow {
    pub id: String,
    pub model_id: String,
    pub model: String,
    pub version: i64,
    pub alias: String,
    pub state: String,
    pub note: String,
    pub holder: Option<i64>,
    pub gates_then: String,
    pub gates_closed: Option<String>,
    pub requester: String,
    pub requested_by: String,
    pub requested_at: i64,
    pub closed_by: Option<String>,
    pub closed_at: Option<i64>,
    pub closing: Option<String>,
}

impl RequestRow {
    pub(super) fn state(&self) -> Result<RequestState> {
        self.state.parse().map_err(|e: String| Error::internal("promotion_requests.state", e))
    }

    pub(super) fn request(&self) -> Result<PromotionRequest> {
        Ok(PromotionRequest {
            state: self.state()?,
            id: self.id.clone(),
            model: self.model.clone(),
            version: self.version,
            alias: self.alias.clone(),
            note: self.note.clone(),
            requested_by: self.requested_by.clone(),
            requested_at: self.requested_at,
            holder: self.holder,
            closed_by: self.closed_by.clone(),
            closed_at: self.closed_at,
            closing: self.closing.clone(),
            waits_for_me: false,
            asks_again: false,
            waiver_declined: false,
        })
    }
}

pub(super) const MISSING: Error = Error::NotFound("promotion request");

/// What `RequestRow` reads.
const SELECT: &str =
    "SELECT r.id, r.model_id, m.name AS model, r.version, r.alias, r.state, r.note, r.holder, r.gates_then, r.gates_closed,
    r.requested_by AS requester, a.email AS requested_by, r.requested_at, c.email AS closed_by, r.closed_at, r.closing
    FROM promotion_requests r JOIN registered_models m ON m.id = r.model_id JOIN users a ON a.id = r.requested_by
    LEFT JOIN users c ON c.id = r.closed_by";

pub(super) async fn find(db: &Db, team: &TeamId, id: &str) -> Result<RequestRow> {
    check_sayable(id)?;
    let rows = db.fetch_all_assembled(format!("{SELECT} WHERE r.id = $1 AND r.team_id = $2"), args![id, team]).await?;
    rows.into_iter().next().ok_or(MISSING)
}

/// Finds it and holds its model's row: what is decided of a model comes one after the other.
pub(super) async fn lock(tx: &mut Tx, team: &TeamId, id: &str) -> Result<RequestRow> {
    check_sayable(id)?;
    let sql = "UPDATE registered_models SET updated_at = updated_at
               WHERE id = (SELECT model_id FROM promotion_requests WHERE id = $1 AND team_id = $2)";
    tx.execute(sql, args![id, team]).await?;
    let rows = tx.fetch_all_assembled(format!("{SELECT} WHERE r.id = $1 AND r.team_id = $2"), args![id, team]).await?;
    rows.into_iter().next().ok_or(MISSING)
}

/// What no id has in it would be an error of PostgreSQL's.
fn check_sayable(id: &str) -> Result<()> {
    if crate::model::is_id(id) { Ok(()) } else { Err(MISSING) }
}

/// Open ones, the newest first.
pub(super) async fn open_requests(db: &Db, team: &TeamId) -> Result<Vec<RequestRow>> {
    let sql = format!("{SELECT} WHERE r.team_id = $1 AND r.state = 'open' ORDER BY r.requested_at DESC, r.id");
    db.fetch_all_assembled(sql, args![team]).await
}

/// The newest `most` that are closed.
pub(super) async fn closed_requests(db: &Db, team: &TeamId, most: i64) -> Result<Vec<RequestRow>> {
    let sql = format!("{SELECT} WHERE r.team_id = $1 AND r.state <> 'open' ORDER BY r.closed_at DESC, r.id LIMIT $2");
    db.fetch_all_assembled(sql, args![team, most]).await
}

/// The open request of a version for an alias.
pub(super) async fn open_for(tx: &mut Tx, (model, version): (&str, i64), alias: &str) -> Result<Option<String>> {
    let sql = "SELECT id FROM promotion_requests WHERE model_id = $1 AND version = $2 AND state = 'open' AND alias = $3";
    let row: Option<(String,)> = tx.fetch_optional(sql, args![model, version, alias]).await?;
    Ok(row.map(|r| r.0))
}

/// Open requests of a version.
pub(super) async fn open_of(tx: &mut Tx, (model, version): (&str, i64)) -> Result<Vec<String>> {
    let sql = "SELECT id FROM promotion_requests WHERE model_id = $1 AND version = $2 AND state = 'open' ORDER BY requested_at, id";
    let rows: Vec<(String,)> = tx.fetch_all(sql, args![model, version]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

pub(super) struct NewRow<'a> {
    pub id: &'a str,
    pub team: &'a TeamId,
    pub model: &'a str,
    pub version: i64,
    pub alias: &'a str,
    pub note: &'a str,
    pub holder: Option<i64>,
    pub gates: &'a str,
    pub by: &'a UserId,
    pub at: Millis,
}

pub(super) async fn insert(tx: &mut Tx, row: NewRow<'_>) -> Result<()> {
    let sql = "INSERT INTO promotion_requests (id, team_id, model_id, version, alias, state, note, holder, gates_then, requested_by, requested_at)
               VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8, $9, $10)";
    let args = args![row.id, row.team, row.model, row.version, row.alias, row.note, row.holder, row.gates, row.by, row.at];
    tx.execute(sql, args).await.map(drop)
}

pub(super) struct Closing<'a> {
    pub state: RequestState,
    pub gates: Option<&'a str>,
    pub why: Option<&'a str>,
    pub by: &'a UserId,
    pub at: Millis,
}

pub(super) async fn close(tx: &mut Tx, id: &str, closing: Closing<'_>) -> Result<()> {
    let sql = "UPDATE promotion_requests SET state = $2, gates_closed = $3, closing = $4, closed_by = $5, closed_at = $6 WHERE id = $1";
    tx.execute(sql, args![id, closing.state.as_str(), closing.gates, closing.why, closing.by, closing.at]).await.map(drop)
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct ReviewRow {
    pub request_id: String,
    pub user_id: String,
    pub email: String,
    pub approves: i64,
    pub comment: String,
    pub reviewed_at: i64,
    /// Whether the person may still review: an enabled member or admin of the team.
    pub counts: i64,
}

/// What `ReviewRow` reads, of open requests of the team ($1) or of one request ($2).
const REVIEWS: &str = "SELECT v.request_id, v.user_id, u.email, v.approves, v.comment, v.reviewed_at,
    CAST(CASE WHEN u.disabled_at IS NULL AND EXISTS (SELECT 1 FROM memberships m WHERE m.team_id = $1 AND m.user_id = v.user_id
        AND m.role IN ('member', 'admin')) THEN 1 ELSE 0 END AS BIGINT) AS counts
    FROM promotion_reviews v JOIN users u ON u.id = v.user_id JOIN promotion_requests r ON r.id = v.request_id
    WHERE r.team_id = $1 AND";

pub(super) async fn reviews(db: &Db, team: &TeamId, request: &str) -> Result<Vec<ReviewRow>> {
    db.fetch_all_assembled(format!("{REVIEWS} r.id = $2 ORDER BY v.reviewed_at, u.email"), args![team, request]).await
}

pub(super) async fn reviews_tx(tx: &mut Tx, team: &TeamId, request: &str) -> Result<Vec<ReviewRow>> {
    tx.fetch_all_assembled(format!("{REVIEWS} r.id = $2 ORDER BY v.reviewed_at, u.email"), args![team, request]).await
}

pub(super) async fn reviews_of_open(db: &Db, team: &TeamId) -> Result<Vec<ReviewRow>> {
    db.fetch_all_assembled(format!("{REVIEWS} r.state = 'open'"), args![team]).await
}

pub(super) async fn put_review(tx: &mut Tx, request: &str, by: &UserId, (approves, comment): (bool, &str), at: Millis) -> Result<()> {
    let sql = "INSERT INTO promotion_reviews (request_id, user_id, approves, comment, reviewed_at) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (request_id, user_id) DO UPDATE SET approves = excluded.approves, comment = excluded.comment,
               reviewed_at = excluded.reviewed_at";
    tx.execute(sql, args![request, by, approves, comment, at]).await.map(drop)
}
