//! SQL of model cards.

use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{Millis, UserId},
};
use std::collections::HashMap;

/// What is written of each field.
pub(super) async fn texts(tx: &mut Tx, (model, version): (&str, i64)) -> Result<HashMap<String, String>> {
    let sql = "SELECT field, text FROM model_cards WHERE model_id = $1 AND version = $2";
    let rows: Vec<(String, String)> = tx.fetch_all(sql, args![model, version]).await?;
    Ok(rows.into_iter().collect())
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct CardRow {
    pub field: String,
    pub text: String,
    pub email: String,
    pub updated_at: i64,
}

pub(super) async fn card(db: &Db, (model, version): (&str, i64)) -> Result<Vec<CardRow>> {
    let sql = "SELECT c.field, c.text, u.email, c.updated_at FROM model_cards c JOIN users u ON u.id = c.updated_by
               WHERE c.model_id = $1 AND c.version = $2 ORDER BY c.field";
    db.fetch_all(sql, args![model, version]).await
}

pub(super) async fn put(tx: &mut Tx, (model, version): (&str, i64), texts: &[(String, String)], by: &UserId, at: Millis) -> Result<()> {
    let rows = texts.iter().map(|(field, text)| args![model, version, field, text, by, at]).collect();
    let tail = "ON CONFLICT (model_id, version, field) DO UPDATE SET text = excluded.text, updated_by = excluded.updated_by,
                updated_at = excluded.updated_at";
    let head = "INSERT INTO model_cards (model_id, version, field, text, updated_by, updated_at)";
    tx.insert_many(head, tail, rows).await.map(drop)
}
