//! SQL of registered models, their tags and aliases.

use crate::{
    args,
    db::{Db, Tx, Value},
    error::{Error, Result},
    model::{Alias, Millis, Tag, TeamId, UserId},
};
use std::collections::HashMap;

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ModelRow {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub created_by: String,
    pub created_at: i64,
    pub updated_at: i64,
}

pub(crate) const MISSING: Error = Error::NotFound("registered model");

/// What PostgreSQL takes for no text is no model's name.
fn check_sayable(name: &str) -> Result<()> {
    if name.contains('\0') { Err(MISSING) } else { Ok(()) }
}

pub(crate) async fn find(db: &Db, team: &TeamId, name: &str) -> Result<ModelRow> {
    check_sayable(name)?;
    let sql = "SELECT m.id, m.name, m.description, u.email AS created_by, m.created_at, m.updated_at
               FROM registered_models m JOIN users u ON u.id = m.created_by WHERE m.team_id = $1 AND m.name = $2";
    db.fetch_optional(sql, args![team, name]).await?.ok_or(MISSING)
}

/// Finds it and holds its row until the end of the transaction, so that changes of one model come one after the other.
pub(crate) async fn lock(tx: &mut Tx, team: &TeamId, name: &str) -> Result<ModelRow> {
    check_sayable(name)?;
    let locked =
        tx.execute("UPDATE registered_models SET updated_at = updated_at WHERE team_id = $1 AND name = $2", args![team, name]).await?;
    if locked == 0 {
        return Err(MISSING);
    }
    find_tx(tx, team, name).await
}

/// Finds it inside a transaction, without holding it.
pub(super) async fn find_tx(tx: &mut Tx, team: &TeamId, name: &str) -> Result<ModelRow> {
    let sql = "SELECT m.id, m.name, m.description, u.email AS created_by, m.created_at, m.updated_at
               FROM registered_models m JOIN users u ON u.id = m.created_by WHERE m.team_id = $1 AND m.name = $2";
    tx.fetch_optional(sql, args![team, name]).await?.ok_or(MISSING)
}

/// Id and name of the model whose name looks like this.
pub(super) async fn by_key(tx: &mut Tx, team: &TeamId, key: &str) -> Result<Option<(String, String)>> {
    tx.fetch_optional("SELECT id, name FROM registered_models WHERE team_id = $1 AND name_key = $2", args![team, key]).await
}

pub(super) struct NewRow<'a> {
    pub id: &'a str,
    pub team: &'a TeamId,
    pub name: &'a str,
    pub key: &'a str,
    pub description: Option<&'a str>,
    pub by: &'a UserId,
    pub at: Millis,
}

pub(super) async fn insert(tx: &mut Tx, row: NewRow<'_>) -> Result<()> {
    let sql = "INSERT INTO registered_models (id, team_id, name, name_key, description, last_version, created_by, created_at, updated_at)
               VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $7)";
    tx.insert(sql, args![row.id, row.team, row.name, row.key, row.description, row.by, row.at], || taken(row.name)).await
}

pub(super) fn taken(name: &str) -> Error {
    Error::AlreadyExists(format!("Registered Model (name={name}) already exists."))
}

pub(super) async fn set_description(tx: &mut Tx, id: &str, description: Option<&str>, at: Millis) -> Result<()> {
    let sql = "UPDATE registered_models SET description = $2, updated_at = $3 WHERE id = $1";
    tx.execute(sql, args![id, description, at]).await.map(drop)
}

pub(super) async fn rename(tx: &mut Tx, id: &str, (name, key): (&str, &str), at: Millis) -> Result<()> {
    let sql = "UPDATE registered_models SET name = $2, name_key = $3, updated_at = $4 WHERE id = $1";
    tx.insert(sql, args![id, name, key, at], || taken(name)).await?;
    tx.execute("UPDATE model_versions SET updated_at = $2 WHERE model_id = $1", args![id, at]).await.map(drop)
}

pub(crate) async fn touch(tx: &mut Tx, id: &str, at: Millis) -> Result<()> {
    tx.execute("UPDATE registered_models SET updated_at = $2 WHERE id = $1", args![id, at]).await.map(drop)
}

pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute("DELETE FROM registered_models WHERE id = $1", args![id]).await.map(drop)
}

pub(super) async fn tag(tx: &mut Tx, id: &str, key: &str) -> Result<Option<String>> {
    let row: Option<(String,)> =
        tx.fetch_optional("SELECT value FROM registered_model_tags WHERE model_id = $1 AND key = $2", args![id, key]).await?;
    Ok(row.map(|r| r.0))
}

pub(super) async fn set_tags(tx: &mut Tx, id: &str, tags: &[Tag]) -> Result<()> {
    let rows = tags.iter().map(|t| args![id, &t.key, &t.value]).collect();
    let tail = "ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value";
    tx.insert_many("INSERT INTO registered_model_tags (model_id, key, value)", tail, rows).await.map(drop)
}

pub(super) async fn delete_tag(tx: &mut Tx, id: &str, key: &str) -> Result<()> {
    tx.execute("DELETE FROM registered_model_tags WHERE model_id = $1 AND key = $2", args![id, key]).await.map(drop)
}

pub(crate) async fn alias(tx: &mut Tx, id: &str, alias: &str) -> Result<Option<i64>> {
    let row: Option<(i64,)> =
        tx.fetch_optional("SELECT version FROM model_aliases WHERE model_id = $1 AND alias = $2", args![id, alias]).await?;
    Ok(row.map(|r| r.0))
}

pub(crate) async fn set_alias(tx: &mut Tx, id: &str, alias: &str, version: i64) -> Result<()> {
    let sql = "INSERT INTO model_aliases (model_id, alias, version) VALUES ($1, $2, $3)
               ON CONFLICT (model_id, alias) DO UPDATE SET version = excluded.version";
    tx.execute(sql, args![id, alias, version]).await.map(drop)
}

pub(crate) async fn delete_alias(tx: &mut Tx, id: &str, alias: &str) -> Result<()> {
    tx.execute("DELETE FROM model_aliases WHERE model_id = $1 AND alias = $2", args![id, alias]).await.map(drop)
}

/// Ids that go into one statement.
const AT_ONCE: usize = 256;

/// `$1, $2, $3`
fn places(count: usize) -> String {
    (1..=count).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

#[derive(sqlx::FromRow)]
struct TagRow {
    model_id: String,
    key: String,
    value: String,
}

/// The tags of each of these models, ordered by key.
pub(super) async fn tags_of(db: &Db, ids: &[&str]) -> Result<HashMap<String, Vec<Tag>>> {
    let mut tags: HashMap<String, Vec<Tag>> = HashMap::new();
    for ids in ids.chunks(AT_ONCE) {
        let sql = format!(
            "SELECT model_id, key, value FROM registered_model_tags WHERE model_id IN ({}) ORDER BY model_id, key",
            places(ids.len())
        );
        let rows: Vec<TagRow> = db.fetch_all_assembled(sql, ids.iter().map(|id| Value::from(*id)).collect()).await?;
        for row in rows {
            tags.entry(row.model_id).or_default().push(Tag { key: row.key, value: row.value });
        }
    }
    Ok(tags)
}

#[derive(sqlx::FromRow)]
struct AliasRow {
    model_id: String,
    alias: String,
    version: i64,
}

/// The aliases of each of these models, ordered.
pub(super) async fn aliases_of(db: &Db, ids: &[&str]) -> Result<HashMap<String, Vec<Alias>>> {
    let mut aliases: HashMap<String, Vec<Alias>> = HashMap::new();
    for ids in ids.chunks(AT_ONCE) {
        let sql = format!(
            "SELECT model_id, alias, version FROM model_aliases WHERE model_id IN ({}) ORDER BY model_id, alias",
            places(ids.len())
        );
        let rows: Vec<AliasRow> = db.fetch_all_assembled(sql, ids.iter().map(|id| Value::from(*id)).collect()).await?;
        for row in rows {
            aliases.entry(row.model_id).or_default().push(Alias { alias: row.alias, version: row.version });
        }
    }
    Ok(aliases)
}

/// These models, in no particular order.
pub(super) async fn models(db: &Db, ids: &[&str]) -> Result<Vec<ModelRow>> {
    let mut models = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let sql = format!(
            "SELECT m.id, m.name, m.description, u.email AS created_by, m.created_at, m.updated_at
             FROM registered_models m JOIN users u ON u.id = m.created_by WHERE m.id IN ({})",
            places(ids.len())
        );
        models.extend(db.fetch_all_assembled::<ModelRow>(sql, ids.iter().map(|id| Value::from(*id)).collect()).await?);
    }
    Ok(models)
}

/// The newest version in each stage of each of these models: (model, number).
pub(super) async fn latest_of(db: &Db, ids: &[&str]) -> Result<Vec<(String, i64)>> {
    let mut latest = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let sql = format!(
            "SELECT model_id, MAX(version) AS version FROM model_versions WHERE model_id IN ({}) GROUP BY model_id, stage ORDER BY 1, 2 DESC",
            places(ids.len())
        );
        latest.extend(db.fetch_all_assembled::<(String, i64)>(sql, ids.iter().map(|id| Value::from(*id)).collect()).await?);
    }
    Ok(latest)
}
