//! SQL that gathers what a search of the registry chooses from.

use super::filter::Kind;
use crate::{
    args,
    db::Db,
    error::Result,
    model::{TAG_IS_PROMPT, TeamId},
};
use std::collections::{HashMap, HashSet};

/// A registered model (its version is 0) or a version.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Candidate {
    pub model_id: String,
    pub name: String,
    pub version: i64,
    pub run_id: Option<String>,
    pub source: String,
    pub created_at: i64,
    pub updated_at: i64,
}

/// All of the team's, or the one of a name.
pub(super) async fn models(db: &Db, team: &TeamId, name: Option<&str>) -> Result<Vec<Candidate>> {
    let sql = match name {
        Some(_) => {
            "SELECT id AS model_id, name, CAST(0 AS BIGINT) AS version, CAST(NULL AS TEXT) AS run_id, '' AS source, created_at, updated_at
             FROM registered_models WHERE team_id = $1 AND name = $2"
        }
        None => {
            "SELECT id AS model_id, name, CAST(0 AS BIGINT) AS version, CAST(NULL AS TEXT) AS run_id, '' AS source, created_at, updated_at
             FROM registered_models WHERE team_id = $1"
        }
    };
    let args = name.map_or_else(|| args![team], |name| args![team, name]);
    db.fetch_all(sql, args).await
}

/// All of the team's, those of a name, or those of a run.
pub(super) async fn versions(db: &Db, team: &TeamId, name: Option<&str>, run: Option<&str>) -> Result<Vec<Candidate>> {
    let (sql, args) = match (name, run) {
        (Some(name), _) => (
            "SELECT v.model_id, m.name, v.version, v.run_id, v.source, v.created_at, v.updated_at
             FROM model_versions v JOIN registered_models m ON m.id = v.model_id WHERE m.team_id = $1 AND m.name = $2",
            args![team, name],
        ),
        (None, Some(run)) => (
            "SELECT v.model_id, m.name, v.version, v.run_id, v.source, v.created_at, v.updated_at
             FROM model_versions v JOIN registered_models m ON m.id = v.model_id WHERE m.team_id = $1 AND v.run_id = $2",
            args![team, run],
        ),
        (None, None) => (
            "SELECT v.model_id, m.name, v.version, v.run_id, v.source, v.created_at, v.updated_at
             FROM model_versions v JOIN registered_models m ON m.id = v.model_id WHERE m.team_id = $1",
            args![team],
        ),
    };
    db.fetch_all(sql, args).await
}

/// Ids of the team's prompts: by their own tag, or by a tag of one of their versions.
pub(super) async fn prompts(db: &Db, team: &TeamId, kind: Kind) -> Result<HashSet<String>> {
    let sql = match kind {
        Kind::Models => {
            "SELECT m.id FROM registered_model_tags t JOIN registered_models m ON m.id = t.model_id
             WHERE t.key = $2 AND t.value = 'true' AND m.team_id = $1"
        }
        Kind::Versions => {
            "SELECT DISTINCT m.id FROM model_version_tags t JOIN registered_models m ON m.id = t.model_id
             WHERE t.key = $2 AND t.value = 'true' AND m.team_id = $1"
        }
    };
    let rows: Vec<(String,)> = db.fetch_all(sql, args![team, TAG_IS_PROMPT]).await?;
    Ok(rows.into_iter().map(|r| r.0).collect())
}

#[derive(sqlx::FromRow)]
struct TaggedRow {
    model_id: String,
    version: i64,
    value: String,
}

/// The value of one tag wherever the team has it, by model and version.
pub(super) async fn tagged(db: &Db, team: &TeamId, kind: Kind, key: &str) -> Result<HashMap<(String, i64), String>> {
    let sql = match kind {
        Kind::Models => {
            "SELECT t.model_id, CAST(0 AS BIGINT) AS version, t.value FROM registered_model_tags t
             JOIN registered_models m ON m.id = t.model_id WHERE t.key = $2 AND m.team_id = $1"
        }
        Kind::Versions => {
            "SELECT t.model_id, t.version, t.value FROM model_version_tags t
             JOIN registered_models m ON m.id = t.model_id WHERE t.key = $2 AND m.team_id = $1"
        }
    };
    let rows: Vec<TaggedRow> = db.fetch_all(sql, args![team, key]).await?;
    Ok(rows.into_iter().map(|r| ((r.model_id, r.version), r.value)).collect())
}
