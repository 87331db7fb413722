//! SQL of versions and their tags.

use crate::{
    args,
    db::{Db, Tx, Value},
    error::{Error, Result},
    model::{LoggedModelId, Millis, ModelVersion, RunId, Stage, Tag, TeamId, UserId},
};
use std::collections::HashMap;

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct VersionRow {
    pub model_id: String,
    name: String,
    pub version: i64,
    pub description: Option<String>,
    pub stage: String,
    pub source: String,
    pub download_uri: String,
    pub run_id: Option<String>,
    run_link: Option<String>,
    pub logged_model_id: Option<String>,
    pub artifact_root: Option<String>,
    pub digest: Option<String>,
    created_by: String,
    pub created_at: i64,
    pub updated_at: i64,
}

pub(crate) const MISSING: Error = Error::NotFound("model version");

impl VersionRow {
    /// Without tags and aliases.
    pub(super) fn version(self) -> Result<ModelVersion> {
        Ok(ModelVersion {
            stage: self.stage.parse().map_err(|e: String| Error::internal("model_versions.stage", e))?,
            name: self.name,
            version: self.version,
            description: self.description,
            source: self.source,
            run: self.run_id.map(RunId),
            run_link: self.run_link,
            logged_model: self.logged_model_id.map(LoggedModelId),
            download_uri: self.download_uri,
            artifact_root: self.artifact_root,
            digest: self.digest,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
            tags: Vec::new(),
            aliases: Vec::new(),
        })
    }
}

/// What `VersionRow` reads.
const SELECT: &str = "SELECT v.model_id, m.name, v.version, v.description, v.stage, v.source, v.download_uri, v.run_id, v.run_link,
    v.logged_model_id, v.artifact_root, v.digest, u.email AS created_by, v.created_at, v.updated_at
    FROM model_versions v JOIN registered_models m ON m.id = v.model_id JOIN users u ON u.id = v.created_by";

pub(crate) async fn find_tx(tx: &mut Tx, model: &str, version: i64) -> Result<VersionRow> {
    let sql = format!("{SELECT} WHERE v.model_id = $1 AND v.version = $2");
    tx.fetch_all_assembled(sql, args![model, version]).await?.pop().ok_or(MISSING)
}

pub(super) struct NewRow<'a> {
    pub model: &'a str,
    pub description: Option<&'a str>,
    pub source: &'a str,
    pub download_uri: &'a str,
    pub run: Option<&'a str>,
    pub run_link: Option<&'a str>,
    pub logged_model: Option<&'a str>,
    pub artifact_root: Option<&'a str>,
    pub by: &'a UserId,
    pub at: Millis,
}

/// The number that it got.
pub(super) async fn insert(tx: &mut Tx, row: NewRow<'_>) -> Result<i64> {
    let sql = "UPDATE registered_models SET last_version = last_version + 1, updated_at = $2 WHERE id = $1 RETURNING last_version";
    let (version,): (i64,) = tx.fetch_one(sql, args![row.model, row.at]).await?;
    insert_row(tx, row, version).await?;
    Ok(version)
}

/// Gives it this number, which is free; the next one of its own is greater.
pub(super) async fn insert_numbered(tx: &mut Tx, row: NewRow<'_>, version: i64) -> Result<()> {
    let sql = "UPDATE registered_models SET last_version = $2 WHERE id = $1 AND last_version < $2";
    tx.execute(sql, args![row.model, version]).await?;
    insert_row(tx, row, version).await
}

async fn insert_row(tx: &mut Tx, row: NewRow<'_>, version: i64) -> Result<()> {
    let sql = "INSERT INTO model_versions (model_id, version, description, stage, source, download_uri, run_id, run_link, logged_model_id,
               artifact_root, created_by, created_at, updated_at)
               VALUES ($1, $2, $3, 'None', $4, $5, $6, $7, $8, $9, $10, $11, $11)";
    let args = args![
        row.model,
        version,
        row.description,
        row.source,
        row.download_uri,
        row.run,
        row.run_link,
        row.logged_model,
        row.artifact_root,
        row.by,
        row.at
    ];
    tx.execute(sql, args).await.map(drop)
}

pub(super) async fn set_description(tx: &mut Tx, (model, version): (&str, i64), description: Option<&str>, at: Millis) -> Result<()> {
    let sql = "UPDATE model_versions SET description = $3, updated_at = $4 WHERE model_id = $1 AND version = $2";
    tx.execute(sql, args![model, version, description, at]).await.map(drop)
}

pub(crate) async fn set_stage(tx: &mut Tx, (model, version): (&str, i64), stage: Stage, at: Millis) -> Result<()> {
    let sql = "UPDATE model_versions SET stage = $3, updated_at = $4 WHERE model_id = $1 AND version = $2";
    tx.execute(sql, args![model, version, stage.as_str(), at]).await.map(drop)
}

/// Archives every other version in this stage; their numbers.
pub(crate) async fn archive_others(tx: &mut Tx, (model, version): (&str, i64), stage: Stage, at: Millis) -> Result<Vec<i64>> {
    let sql = "UPDATE model_versions SET stage = 'Archived', updated_at = $4 WHERE model_id = $1 AND version <> $2 AND stage = $3
               RETURNING version";
    let rows: Vec<(i64,)> = tx.fetch_all(sql, args![model, version, stage.as_str(), at]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

pub(super) async fn delete(tx: &mut Tx, (model, version): (&str, i64)) -> Result<()> {
    tx.execute("DELETE FROM model_versions WHERE model_id = $1 AND version = $2", args![model, version]).await.map(drop)
}

/// Numbers of all versions of a model.
pub(super) async fn numbers(tx: &mut Tx, model: &str) -> Result<Vec<i64>> {
    let rows: Vec<(i64,)> = tx.fetch_all("SELECT version FROM model_versions WHERE model_id = $1 ORDER BY version", args![model]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

/// Numbers of those that hold files.
pub(super) async fn holding(tx: &mut Tx, model: &str) -> Result<Vec<i64>> {
    let rows: Vec<(i64,)> =
        tx.fetch_all("SELECT version FROM model_versions WHERE model_id = $1 AND digest IS NOT NULL", args![model]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

pub(super) async fn tag(tx: &mut Tx, (model, version): (&str, i64), key: &str) -> Result<Option<String>> {
    let sql = "SELECT value FROM model_version_tags WHERE model_id = $1 AND version = $2 AND key = $3";
    let row: Option<(String,)> = tx.fetch_optional(sql, args![model, version, key]).await?;
    Ok(row.map(|r| r.0))
}

pub(super) async fn set_tags(tx: &mut Tx, (model, version): (&str, i64), tags: &[Tag]) -> Result<()> {
    let rows = tags.iter().map(|t| args![model, version, &t.key, &t.value]).collect();
    let tail = "ON CONFLICT (model_id, version, key) DO UPDATE SET value = excluded.value";
    tx.insert_many("INSERT INTO model_version_tags (model_id, version, key, value)", tail, rows).await.map(drop)
}

pub(super) async fn delete_tag(tx: &mut Tx, (model, version): (&str, i64), key: &str) -> Result<()> {
    let sql = "DELETE FROM model_version_tags WHERE model_id = $1 AND version = $2 AND key = $3";
    tx.execute(sql, args![model, version, key]).await.map(drop)
}

/// Versions that go into one statement.
const AT_ONCE: usize = 256;

/// `($1, $2), ($3, $4)` and their values.
fn pairs(of: &[(String, i64)]) -> (String, Vec<Value>) {
    let places: Vec<String> = (0..of.len()).map(|i| format!("(${}, ${})", 2 * i + 1, 2 * i + 2)).collect();
    (places.join(", "), of.iter().flat_map(|(model, version)| args![model, *version]).collect())
}

#[derive(sqlx::FromRow)]
struct TagRow {
    model_id: String,
    version: i64,
    key: String,
    value: String,
}

/// These versions with their tags, without aliases, in the order of the list; what is gone by now is left out.
pub(super) async fn versions(db: &Db, of: &[(String, i64)]) -> Result<Vec<ModelVersion>> {
    let mut found: HashMap<(String, i64), ModelVersion> = HashMap::new();
    for part in of.chunks(AT_ONCE) {
        let (places, args) = pairs(part);
        let rows: Vec<VersionRow> =
            db.fetch_all_assembled(format!("{SELECT} WHERE (v.model_id, v.version) IN (VALUES {places})"), args.clone()).await?;
        for row in rows {
            found.insert((row.model_id.clone(), row.version), row.version()?);
        }
        let sql = format!(
            "SELECT model_id, version, key, value FROM model_version_tags WHERE (model_id, version) IN (VALUES {places}) ORDER BY key"
        );
        for row in db.fetch_all_assembled::<TagRow>(sql, args).await? {
            if let Some(version) = found.get_mut(&(row.model_id, row.version)) {
                version.tags.push(Tag { key: row.key, value: row.value });
            }
        }
    }
    Ok(of.iter().filter_map(|key| found.remove(key)).collect())
}

/// The newest version in a stage.
pub(super) async fn latest_in(tx: &mut Tx, model: &str, stage: Stage) -> Result<Option<i64>> {
    let sql = "SELECT version FROM model_versions WHERE model_id = $1 AND stage = $2 ORDER BY version DESC LIMIT 1";
    let row: Option<(i64,)> = tx.fetch_optional(sql, args![model, stage.as_str()]).await?;
    Ok(row.map(|r| r.0))
}

/// Path and SHA-256 of the files that this holder has pinned.
pub(super) async fn held(tx: &mut Tx, team: &TeamId, holder: &str) -> Result<Vec<(String, String)>> {
    let sql = "SELECT CASE WHEN a.folder = '' THEN a.name ELSE a.folder || '/' || a.name END AS path, a.sha256
               FROM artifact_pins p JOIN artifacts a ON a.object = p.object WHERE p.team_id = $1 AND p.holder = $2";
    tx.fetch_all(sql, args![team, holder]).await
}

pub(super) async fn set_digest(tx: &mut Tx, (model, version): (&str, i64), digest: &str) -> Result<()> {
    let sql = "UPDATE model_versions SET digest = $3 WHERE model_id = $1 AND version = $2";
    tx.execute(sql, args![model, version, digest]).await.map(drop)
}

/// Number of each version of a model, the newest first.
pub(super) async fn all(db: &Db, model: &str) -> Result<Vec<i64>> {
    let rows: Vec<(i64,)> =
        db.fetch_all("SELECT version FROM model_versions WHERE model_id = $1 ORDER BY version DESC", args![model]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

/// Bytes of the files that each version of a model holds.
pub(super) async fn sizes(db: &Db, team: &TeamId, model: &str) -> Result<HashMap<i64, i64>> {
    let sql = "SELECT v.version, CAST(SUM(a.size) AS BIGINT) AS bytes FROM model_versions v
               JOIN artifact_pins p ON p.team_id = $1 AND p.holder = v.model_id || '/' || CAST(v.version AS TEXT)
               JOIN artifacts a ON a.object = p.object WHERE v.model_id = $2 GROUP BY v.version";
    let rows: Vec<(i64, i64)> = db.fetch_all(sql, args![team, model]).await?;
    Ok(rows.into_iter().collect())
}
