//! SQL that finds what gates look at.

use crate::{
    args,
    db::Tx,
    error::Result,
    model::{TeamId, UserId},
};
use std::collections::HashMap;

/// What a run logged last of each metric.
pub(super) async fn run_metrics(tx: &mut Tx, team: &TeamId, run: &str) -> Result<HashMap<String, f64>> {
    let sql = "SELECT l.key, l.value FROM latest_metrics l JOIN runs r ON r.no = l.run_no WHERE r.id = $1 AND r.team_id = $2";
    numbers(tx.fetch_all(sql, args![run, team]).await?)
}

/// What a logged model has last of each metric.
pub(super) async fn model_metrics(tx: &mut Tx, team: &TeamId, model: &str) -> Result<HashMap<String, f64>> {
    let sql = "SELECT p.key, p.value FROM logged_model_metrics p JOIN logged_models l ON l.no = p.model_no
               WHERE l.id = $1 AND l.team_id = $2 ORDER BY p.key, p.step, p.timestamp, p.run_no, p.dataset_name, p.dataset_digest";
    numbers(tx.fetch_all(sql, args![model, team]).await?)
}

/// The last of each key; none is kept for what is not a number.
#[expect(clippy::unnecessary_wraps, reason = "it ends both of the above")]
fn numbers(rows: Vec<(String, Option<f64>)>) -> Result<HashMap<String, f64>> {
    Ok(rows.into_iter().map(|(key, value)| (key, value.unwrap_or(f64::NAN))).collect())
}

/// The tags of a version.
pub(super) async fn tags(tx: &mut Tx, (model, version): (&str, i64)) -> Result<HashMap<String, String>> {
    let sql = "SELECT key, value FROM model_version_tags WHERE model_id = $1 AND version = $2";
    let rows: Vec<(String, String)> = tx.fetch_all(sql, args![model, version]).await?;
    Ok(rows.into_iter().collect())
}

/// Whoever may approve in this team: id and email, ordered by email.
pub(super) async fn able(tx: &mut Tx, team: &TeamId) -> Result<Vec<(UserId, String)>> {
    let sql = "SELECT m.user_id, u.email FROM memberships m JOIN users u ON u.id = m.user_id
               WHERE m.team_id = $1 AND m.role IN ('member', 'admin') AND u.disabled_at IS NULL ORDER BY u.email";
    let rows: Vec<(String, String)> = tx.fetch_all(sql, args![team]).await?;
    Ok(rows.into_iter().map(|(id, email)| (UserId(id), email)).collect())
}
