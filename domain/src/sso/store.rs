//! SQL of identity providers.

use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Provider, ProviderChoice, UserId},
};

/// A provider with its sealed secret.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct ProviderRow {
    pub id: String,
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    pub scopes: String,
    pub admits: i64,
    pub enabled: i64,
    pub created_at: i64,
    pub groups_claim: String,
}

const COLUMNS: &str = "id, name, issuer, client_id, client_secret, scopes, admits, enabled, created_at, groups_claim";

impl ProviderRow {
    pub fn seen(self, accounts: i64) -> Provider {
        Provider {
            has_secret: self.client_secret.is_some(),
            id: self.id,
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            scopes: self.scopes,
            admits: self.admits != 0,
            enabled: self.enabled != 0,
            groups_claim: self.groups_claim,
            created_at: self.created_at,
            accounts,
        }
    }
}

pub(super) async fn choices(db: &Db) -> Result<Vec<ProviderChoice>> {
    let sql = "SELECT id, name FROM sso_providers WHERE enabled = 1 ORDER BY name, id";
    let rows: Vec<(String, String)> = db.fetch_all(sql, args![]).await?;
    Ok(rows.into_iter().map(|(id, name)| ProviderChoice { id, name }).collect())
}

pub(super) async fn all(db: &Db) -> Result<Vec<Provider>> {
    let rows: Vec<ProviderRow> = db.fetch_all_assembled(format!("SELECT {COLUMNS} FROM sso_providers ORDER BY name, id"), args![]).await?;
    let sql = "SELECT issuer, COUNT(*) FROM identities GROUP BY issuer";
    let counts: Vec<(String, i64)> = db.fetch_all(sql, args![]).await?;
    let count = |issuer: &str| counts.iter().find(|(of, _)| of == issuer).map_or(0, |(_, count)| *count);
    Ok(rows.into_iter().map(|row| (count(&row.issuer), row)).map(|(accounts, row)| row.seen(accounts)).collect())
}

pub(super) async fn find(db: &Db, id: &str) -> Result<ProviderRow> {
    let sql = format!("SELECT {COLUMNS} FROM sso_providers WHERE id = $1");
    db.fetch_all_assembled(sql, args![id]).await?.pop().ok_or(Error::NotFound("identity provider"))
}

/// The provider of this issuer.
pub(super) async fn find_issuer(db: &Db, issuer: &str) -> Result<Option<ProviderRow>> {
    let sql = format!("SELECT {COLUMNS} FROM sso_providers WHERE issuer = $1");
    Ok(db.fetch_all_assembled(sql, args![issuer]).await?.pop())
}

pub(super) async fn find_tx(tx: &mut Tx, id: &str) -> Result<ProviderRow> {
    let sql = format!("SELECT {COLUMNS} FROM sso_providers WHERE id = $1");
    tx.fetch_all_assembled(sql, args![id]).await?.pop().ok_or(Error::NotFound("identity provider"))
}

pub(super) async fn count(tx: &mut Tx) -> Result<i64> {
    Ok(tx.fetch_one::<(i64,)>("SELECT COUNT(*) FROM sso_providers", args![]).await?.0)
}

pub(super) async fn insert(tx: &mut Tx, row: &ProviderRow) -> Result<()> {
    let sql = "INSERT INTO sso_providers (id, name, issuer, client_id, client_secret, scopes, admits, enabled, created_at, groups_claim)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let secret = row.client_secret.clone();
    let args = args![
        &row.id,
        &row.name,
        &row.issuer,
        &row.client_id,
        secret,
        &row.scopes,
        row.admits,
        row.enabled,
        row.created_at,
        &row.groups_claim
    ];
    tx.insert(sql, args, || taken(&row.issuer)).await
}

pub(super) async fn update(tx: &mut Tx, row: &ProviderRow) -> Result<()> {
    let sql = "UPDATE sso_providers SET name = $2, issuer = $3, client_id = $4, client_secret = $5, scopes = $6, admits = $7, enabled = $8, groups_claim = $9 WHERE id = $1";
    let secret = row.client_secret.clone();
    let args = args![&row.id, &row.name, &row.issuer, &row.client_id, secret, &row.scopes, row.admits, row.enabled, &row.groups_claim];
    tx.insert(sql, args, || taken(&row.issuer)).await
}

fn taken(issuer: &str) -> Error {
    Error::invalid("issuer", format!("There is a provider with the issuer {issuer} already."))
}

pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute("DELETE FROM sso_providers WHERE id = $1", args![id]).await?;
    Ok(())
}

/// Somebody about whom a provider can be asked.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Whom {
    pub issuer: String,
    pub subject: String,
    pub user_id: String,
    pub grants: String,
    pub asked_at: Option<i64>,
}

/// Those who were asked about before `signed_in` and have a session that began with the provider, or before `away` and have a role by a group. Sessions count that
/// were used after `idle` and began after `absolute`. The longest waiting first.
pub(super) async fn due(db: &Db, signed_in: i64, away: i64, idle: i64, absolute: i64) -> Result<Vec<Whom>> {
    db.fetch_all(
        "SELECT i.issuer, i.subject, i.user_id, i.grants, i.asked_at FROM identities i
         WHERE i.grants IS NOT NULL AND (
            ((i.asked_at IS NULL OR i.asked_at <= $1) AND EXISTS (
                SELECT 1 FROM sessions s WHERE s.user_id = i.user_id AND s.issuer = i.issuer AND s.last_seen_at > $3 AND s.created_at > $4))
            OR ((i.asked_at IS NULL OR i.asked_at <= $2) AND EXISTS (
                SELECT 1 FROM memberships m WHERE m.user_id = i.user_id AND m.by_rule IS NOT NULL)))
         ORDER BY COALESCE(i.asked_at, 0), i.issuer, i.subject LIMIT 500",
        args![signed_in, away, idle, absolute],
    )
    .await
}

/// Whom the provider calls so.
pub(super) async fn known(db: &Db, issuer: &str, subject: &str) -> Result<Option<UserId>> {
    let sql = "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2";
    let row: Option<(String,)> = db.fetch_optional(sql, args![issuer, subject]).await?;
    Ok(row.map(|row| row.0.into()))
}
