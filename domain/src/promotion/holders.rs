//! Who held an alias when: every move of it, in the transaction of the move.

use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{AliasHolder, Millis, UserId},
};

/// How a version came to an alias, or the alias to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Set,
    Promoted,
    RolledBack,
    Removed,
    /// With its version.
    Deleted,
    Imported,
}

impl How {
    fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled back",
            Self::Removed => "removed",
            Self::Deleted => "deleted",
            Self::Imported => "imported",
        }
    }
}

/// One move.
pub(crate) struct Move<'a> {
    pub alias: &'a str,
    /// None where nothing holds it from now on.
    pub to: Option<i64>,
    pub how: How,
    pub reason: Option<&'a str>,
    pub request: Option<&'a str>,
}

/// Writes it down. The model's row is held, so that the numbers follow each other.
pub(crate) async fn record(tx: &mut Tx, model: &str, moved: Move<'_>, by: &UserId, at: Millis) -> Result<()> {
    let sql = "INSERT INTO alias_holders (model_id, seq, alias, version, how, reason, request_id, changed_by, changed_at)
               SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, CAST($3 AS BIGINT), $4, $5, $6, $7, CAST($8 AS BIGINT)
               FROM alias_holders WHERE model_id = $1";
    tx.execute(sql, args![model, moved.alias, moved.to, moved.how.as_str(), moved.reason, moved.request, by, at]).await.map(drop)
}

/// The aliases of a version.
pub(crate) async fn aliases(tx: &mut Tx, model: &str, version: i64) -> Result<Vec<String>> {
    let sql = "SELECT alias FROM model_aliases WHERE model_id = $1 AND version = $2 ORDER BY alias";
    let rows: Vec<(String,)> = tx.fetch_all(sql, args![model, version]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

/// All aliases of a model.
pub(super) async fn all_aliases(tx: &mut Tx, model: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = tx.fetch_all("SELECT alias FROM model_aliases WHERE model_id = $1 ORDER BY alias", args![model]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

/// Whether the version ever held the alias.
pub(super) async fn held(tx: &mut Tx, model: &str, alias: &str, version: i64) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM alias_holders WHERE model_id = $1 AND alias = $2 AND version = $3 LIMIT 1";
    let row: Option<(i32,)> = tx.fetch_optional(sql, args![model, alias, version]).await?;
    Ok(row.is_some())
}

#[derive(sqlx::FromRow)]
struct HolderRow {
    seq: i64,
    version: Option<i64>,
    how: String,
    reason: Option<String>,
    request_id: Option<String>,
    email: String,
    changed_at: i64,
    there: Option<i64>,
}

/// The holders of an alias, the newest first.
pub(super) async fn of_alias(db: &Db, model: &str, alias: &str) -> Result<Vec<AliasHolder>> {
    let sql = "SELECT h.seq, h.version, h.how, h.reason, h.request_id, u.email, h.changed_at, v.version AS there
               FROM alias_holders h JOIN users u ON u.id = h.changed_by
               LEFT JOIN model_versions v ON v.model_id = h.model_id AND v.version = h.version
               WHERE h.model_id = $1 AND h.alias = $2 ORDER BY h.seq DESC LIMIT 500";
    let rows: Vec<HolderRow> = db.fetch_all(sql, args![model, alias]).await?;
    let holder = |r: HolderRow| AliasHolder {
        seq: r.seq,
        exists: r.there.is_some(),
        version: r.version,
        how: r.how,
        reason: r.reason,
        request: r.request_id,
        by: r.email,
        at: r.changed_at,
    };
    Ok(rows.into_iter().map(holder).collect())
}

/// The version that holds the alias.
pub(super) async fn now(db: &Db, model: &str, alias: &str) -> Result<Option<i64>> {
    let row: Option<(i64,)> =
        db.fetch_optional("SELECT version FROM model_aliases WHERE model_id = $1 AND alias = $2", args![model, alias]).await?;
    Ok(row.map(|r| r.0))
}
