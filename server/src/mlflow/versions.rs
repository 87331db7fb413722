//! Versions of registered models.

use super::{
    Answer, Endpoint, endpoint,
    models::{Search, tags},
    wire::{Asked, Bool, Empty, List, Pair, required},
};
use axum::{
    Json,
    routing::{delete, get, patch, post},
};
use domain::{
    Error,
    model::{ModelVersion, NewModelVersion, Permission, Stage, Tag, parse_version},
    registry,
};
use serde::{Deserialize, Serialize};

pub fn endpoints() -> Vec<Endpoint> {
    let (read, write) = (Permission::ReadRegistry, Permission::WriteRegistry);
    vec![
        endpoint("POST", "2.0/mlflow/model-versions/create", write, post(create)),
        endpoint("GET", "2.0/mlflow/model-versions/get", read, get(one)),
        endpoint("PATCH", "2.0/mlflow/model-versions/update", write, patch(update)),
        endpoint("DELETE", "2.0/mlflow/model-versions/delete", write, delete(remove)),
        endpoint("GET", "2.0/mlflow/model-versions/search", read, get(search)),
        endpoint("POST", "2.0/mlflow/model-versions/set-tag", write, post(set_tag)),
        endpoint("DELETE", "2.0/mlflow/model-versions/delete-tag", write, delete(delete_tag)),
        endpoint("POST", "2.0/mlflow/model-versions/transition-stage", write, post(transition)),
        endpoint("GET", "2.0/mlflow/model-versions/get-download-uri", read, get(download_uri)),
    ]
}

#[derive(Serialize)]
pub(super) struct VersionOut {
    name: String,
    version: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    user_id: String,
    current_stage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
}

impl From<ModelVersion> for VersionOut {
    fn from(version: ModelVersion) -> Self {
        Self {
            name: version.name,
            version: version.version.to_string(),
            creation_timestamp: version.created_at,
            last_updated_timestamp: version.updated_at,
            user_id: version.created_by,
            current_stage: version.stage.as_str(),
            description: version.description,
            source: version.source,
            run_id: version.run.map(|r| r.0),
            run_link: version.run_link,
            model_id: version.logged_model.map(|m| m.0),
            status: "READY",
            tags: version.tags,
            aliases: version.aliases,
        }
    }
}

#[derive(Serialize)]
pub(super) struct One {
    model_version: VersionOut,
}

#[expect(clippy::unnecessary_wraps, reason = "it is what every handler returns")]
pub(super) fn answer(version: ModelVersion) -> Answer<Json<One>> {
    Ok(Json(One { model_version: version.into() }))
}

#[derive(Serialize)]
pub(super) struct Found {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_versions: Vec<VersionOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

impl Found {
    pub(super) fn new(versions: Vec<ModelVersion>, next_page_token: Option<String>) -> Self {
        Self { model_versions: versions.into_iter().map(VersionOut::from).collect(), next_page_token }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Create {
    name: Option<String>,
    source: Option<String>,
    #[serde(alias = "runId")]
    run_id: Option<String>,
    tags: List<Pair>,
    #[serde(alias = "runLink")]
    run_link: Option<String>,
    description: Option<String>,
    #[serde(alias = "modelId")]
    model_id: Option<String>,
}

async fn create(Asked { door, fields }: Asked<Create>) -> Answer<Json<One>> {
    let new = NewModelVersion {
        name: required(fields.name, "name")?,
        source: required(fields.source, "source")?,
        run: fields.run_id,
        logged_model: fields.model_id,
        run_link: fields.run_link,
        description: fields.description,
        tags: tags(fields.tags),
    };
    answer(registry::create_version(door.portal(), &door.caller, &door.team, new).await?)
}

/// What names a version, and what is to become of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
    version: Option<String>,
    key: Option<String>,
    value: Option<String>,
    description: Option<String>,
    stage: Option<String>,
    #[serde(alias = "archiveExistingVersions")]
    archive_existing_versions: Option<Bool>,
}

impl Named {
    fn which(&self) -> Answer<(String, i64)> {
        let (name, version) = (required(self.name.clone(), "name")?, required(self.version.clone(), "version")?);
        Ok((name, parse_version(&version).map_err(|e| Error::invalid("version", e))?))
    }
}

async fn one(Asked { door, fields }: Asked<Named>) -> Answer<Json<One>> {
    let (name, version) = fields.which()?;
    answer(registry::get_version(door.portal(), &door.caller, &door.team, &name, version).await?)
}

async fn update(Asked { door, fields }: Asked<Named>) -> Answer<Json<One>> {
    let (name, version) = fields.which()?;
    let description = fields.description.as_deref();
    answer(registry::update_version(door.portal(), &door.caller, &door.team, (&name, version), description).await?)
}

async fn remove(Asked { door, fields }: Asked<Named>) -> Answer<Json<Empty>> {
    let (name, version) = fields.which()?;
    registry::delete_version(door.portal(), &door.caller, &door.team, (&name, version)).await?;
    Ok(Json(Empty {}))
}

async fn search(Asked { door, fields }: Asked<Search>) -> Answer<Json<Found>> {
    let (versions, next) = registry::search_versions(door.portal(), &door.caller, &door.team, &fields.query(10_000)).await?;
    Ok(Json(Found::new(versions, next)))
}

async fn set_tag(Asked { door, fields }: Asked<Named>) -> Answer<Json<Empty>> {
    let (name, version) = fields.which()?;
    let tag = Tag::new(required(fields.key, "key")?, fields.value.unwrap_or_default());
    registry::set_version_tag(door.portal(), &door.caller, &door.team, (&name, version), tag).await?;
    Ok(Json(Empty {}))
}

async fn delete_tag(Asked { door, fields }: Asked<Named>) -> Answer<Json<Empty>> {
    let (name, version) = fields.which()?;
    let key = required(fields.key, "key")?;
    registry::delete_version_tag(door.portal(), &door.caller, &door.team, (&name, version), &key).await?;
    Ok(Json(Empty {}))
}

async fn transition(Asked { door, fields }: Asked<Named>) -> Answer<Json<One>> {
    let (name, version) = fields.which()?;
    let stage: Stage = required(fields.stage, "stage")?.parse().map_err(|e: String| Error::invalid("stage", e))?;
    let archive = fields.archive_existing_versions.unwrap_or_default().0;
    answer(registry::set_stage(door.portal(), &door.caller, &door.team, (&name, version), stage, archive).await?)
}

#[derive(Serialize)]
struct DownloadUri {
    artifact_uri: String,
}

async fn download_uri(Asked { door, fields }: Asked<Named>) -> Answer<Json<DownloadUri>> {
    let (name, version) = fields.which()?;
    let version = registry::get_version(door.portal(), &door.caller, &door.team, &name, version).await?;
    Ok(Json(DownloadUri { artifact_uri: version.download_uri }))
}
