//! SQL of what decides whether local accounts work.

use crate::{
    args,
    db::{Db, Tx},
    error::Result,
    model::{LOCAL_ISSUER, UserId},
};

pub(super) async fn setting(db: &Db, name: &'static str) -> Result<Option<String>> {
    Ok(db.fetch_optional::<(String,)>("SELECT value FROM settings WHERE name = $1", args![name]).await?.map(|row| row.0))
}

pub(super) async fn setting_tx(tx: &mut Tx, name: &'static str) -> Result<Option<String>> {
    Ok(tx.fetch_optional::<(String,)>("SELECT value FROM settings WHERE name = $1", args![name]).await?.map(|row| row.0))
}

pub(super) async fn set(tx: &mut Tx, name: &'static str, value: &str) -> Result<()> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tx.execute(sql, args![name, value]).await.map(drop)
}

pub(super) async fn unset(tx: &mut Tx, name: &'static str) -> Result<()> {
    tx.execute("DELETE FROM settings WHERE name = $1", args![name]).await.map(drop)
}

/// Ends every session of every local account; how many.
pub(super) async fn end_sessions(tx: &mut Tx) -> Result<u64> {
    let sql = "DELETE FROM sessions WHERE user_id IN (SELECT i.user_id FROM identities i WHERE i.issuer = $1)";
    tx.execute(sql, args![LOCAL_ISSUER]).await
}

/// Ends the sessions that a break-glass window let this account begin; how many.
pub(super) async fn end_break_glass_sessions(tx: &mut Tx, user: &UserId) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE user_id = $1 AND break_glass_until IS NOT NULL", args![user]).await
}

/// Whether this account signs in with a provider that is switched on.
pub(super) async fn has_provider(tx: &mut Tx, user: &UserId) -> Result<bool> {
    let sql = "SELECT CAST(1 AS BIGINT) FROM identities i JOIN sso_providers p ON p.issuer = i.issuer
               WHERE i.user_id = $1 AND p.enabled = 1 LIMIT 1";
    Ok(tx.fetch_optional::<(i64,)>(sql, args![user]).await?.is_some())
}

/// Enabled administrators who sign in with a provider that is switched on.
pub(super) async fn administrators_tx(tx: &mut Tx) -> Result<i64> {
    Ok(tx.fetch_one::<(i64,)>(ADMINISTRATORS, args![]).await?.0)
}

/// The same.
pub(super) async fn administrators(db: &Db) -> Result<i64> {
    Ok(db.fetch_one::<(i64,)>(ADMINISTRATORS, args![]).await?.0)
}

const ADMINISTRATORS: &str = "SELECT COUNT(*) FROM users u WHERE u.admin = 1 AND u.disabled_at IS NULL AND EXISTS
    (SELECT 1 FROM identities i JOIN sso_providers p ON p.issuer = i.issuer WHERE i.user_id = u.id AND p.enabled = 1)";

/// Local accounts that are not disabled.
pub(super) async fn accounts(db: &Db) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM users u WHERE u.disabled_at IS NULL AND EXISTS
               (SELECT 1 FROM identities i WHERE i.user_id = u.id AND i.issuer = $1)";
    Ok(db.fetch_one::<(i64,)>(sql, args![LOCAL_ISSUER]).await?.0)
}

/// Emails of the enabled local administrators, ordered.
pub(super) async fn local_administrators(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "SELECT u.email FROM users u JOIN identities i ON i.user_id = u.id
               WHERE i.issuer = $1 AND u.admin = 1 AND u.disabled_at IS NULL ORDER BY u.email";
    Ok(tx.fetch_all::<(String,)>(sql, args![LOCAL_ISSUER]).await?.into_iter().map(|row| row.0).collect())
}
