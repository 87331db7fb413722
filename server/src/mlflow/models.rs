//! Registered models and their aliases.

use super::{
    Answer, Endpoint, endpoint,
    versions::{self, VersionOut},
    wire::{Asked, Empty, Int, List, Pair, required},
};
use axum::{
    Json,
    routing::{delete, get, patch, post},
};
use domain::{
    Error,
    model::{Permission, RegisteredModel, Stage, Tag, parse_version},
    registry::{self, Query},
};
use serde::{Deserialize, Serialize};

pub fn endpoints() -> Vec<Endpoint> {
    let (read, write) = (Permission::ReadRegistry, Permission::WriteRegistry);
    let latest = "2.0/mlflow/registered-models/get-latest-versions";
    let alias = "2.0/mlflow/registered-models/alias";
    vec![
        endpoint("POST", "2.0/mlflow/registered-models/create", write, post(create)),
        endpoint("GET", "2.0/mlflow/registered-models/get", read, get(one)),
        endpoint("PATCH", "2.0/mlflow/registered-models/update", write, patch(update)),
        endpoint("POST", "2.0/mlflow/registered-models/rename", write, post(rename)),
        endpoint("DELETE", "2.0/mlflow/registered-models/delete", write, delete(remove)),
        endpoint("GET", "2.0/mlflow/registered-models/search", read, get(search)),
        endpoint("GET", latest, read, get(latest_versions)),
        endpoint("POST", latest, read, post(latest_versions)),
        endpoint("POST", "2.0/mlflow/registered-models/set-tag", write, post(set_tag)),
        endpoint("DELETE", "2.0/mlflow/registered-models/delete-tag", write, delete(delete_tag)),
        endpoint("POST", alias, write, post(set_alias)),
        endpoint("GET", alias, read, get(by_alias)),
        endpoint("DELETE", alias, write, delete(delete_alias)),
    ]
}

#[derive(Serialize)]
struct ModelOut {
    name: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latest_versions: Vec<VersionOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<AliasOut>,
}

#[derive(Serialize)]
struct AliasOut {
    alias: String,
    version: String,
}

impl From<RegisteredModel> for ModelOut {
    fn from(model: RegisteredModel) -> Self {
        let alias = |a: domain::model::Alias| AliasOut { alias: a.alias, version: a.version.to_string() };
        Self {
            name: model.name,
            creation_timestamp: model.created_at,
            last_updated_timestamp: model.updated_at,
            user_id: model.created_by,
            description: model.description,
            latest_versions: model.latest_versions.into_iter().map(VersionOut::from).collect(),
            tags: model.tags,
            aliases: model.aliases.into_iter().map(alias).collect(),
        }
    }
}

#[derive(Serialize)]
struct One {
    registered_model: ModelOut,
}

#[expect(clippy::unnecessary_wraps, reason = "it is what every handler returns")]
fn answer(model: RegisteredModel) -> Answer<Json<One>> {
    Ok(Json(One { registered_model: model.into() }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Create {
    name: Option<String>,
    tags: List<Pair>,
    description: Option<String>,
}

async fn create(Asked { door, fields }: Asked<Create>) -> Answer<Json<One>> {
    let name = required(fields.name, "name")?;
    let tags = tags(fields.tags);
    answer(registry::create(door.portal(), &door.caller, &door.team, &name, fields.description.as_deref(), tags).await?)
}

/// Tags as clients send them; a value that is not there is empty.
pub(super) fn tags(pairs: List<Pair>) -> Vec<Tag> {
    pairs.0.into_iter().map(|p| Tag::new(p.key.unwrap_or_default(), p.value.unwrap_or_default())).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
}

async fn one(Asked { door, fields }: Asked<Named>) -> Answer<Json<One>> {
    let name = required(fields.name, "name")?;
    answer(registry::get(door.portal(), &door.caller, &door.team, &name).await?)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Update {
    name: Option<String>,
    description: Option<String>,
}

async fn update(Asked { door, fields }: Asked<Update>) -> Answer<Json<One>> {
    let name = required(fields.name, "name")?;
    let description = fields.description.unwrap_or_default();
    answer(registry::update(door.portal(), &door.caller, &door.team, &name, &description).await?)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rename {
    name: Option<String>,
    #[serde(alias = "newName")]
    new_name: Option<String>,
}

async fn rename(Asked { door, fields }: Asked<Rename>) -> Answer<Json<One>> {
    let (name, new_name) = (required(fields.name, "name")?, required(fields.new_name, "new_name")?);
    answer(registry::rename(door.portal(), &door.caller, &door.team, &name, &new_name).await?)
}

async fn remove(Asked { door, fields }: Asked<Named>) -> Answer<Json<Empty>> {
    let name = required(fields.name, "name")?;
    registry::delete(door.portal(), &door.caller, &door.team, &name).await?;
    Ok(Json(Empty {}))
}

/// What both searches of the registry send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    filter: String,
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "orderBy")]
    order_by: List<String>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

impl Search {
    pub(super) fn query(self, usually: i64) -> Query {
        let most = self.max_results.map_or(usually, |most| most.0);
        Query { filter: self.filter, order: self.order_by.0, most, page: self.page_token }
    }
}

#[derive(Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registered_models: Vec<ModelOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

async fn search(Asked { door, fields }: Asked<Search>) -> Answer<Json<Found>> {
    let (models, next_page_token) = registry::search(door.portal(), &door.caller, &door.team, &fields.query(100)).await?;
    Ok(Json(Found { registered_models: models.into_iter().map(ModelOut::from).collect(), next_page_token }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Latest {
    name: Option<String>,
    stages: List<String>,
}

async fn latest_versions(Asked { door, fields }: Asked<Latest>) -> Answer<Json<versions::Found>> {
    let name = required(fields.name, "name")?;
    let stages: Result<Vec<Stage>, Error> =
        fields.stages.0.iter().map(|s| s.parse().map_err(|e: String| Error::invalid("stages", e))).collect();
    let found = registry::latest_versions(door.portal(), &door.caller, &door.team, &name, &stages?).await?;
    Ok(Json(versions::Found::new(found, None)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OneTag {
    name: Option<String>,
    key: Option<String>,
    value: Option<String>,
}

async fn set_tag(Asked { door, fields }: Asked<OneTag>) -> Answer<Json<Empty>> {
    let (name, key) = (required(fields.name, "name")?, required(fields.key, "key")?);
    let tag = Tag::new(key, fields.value.unwrap_or_default());
    registry::set_tag(door.portal(), &door.caller, &door.team, &name, tag).await?;
    Ok(Json(Empty {}))
}

async fn delete_tag(Asked { door, fields }: Asked<OneTag>) -> Answer<Json<Empty>> {
    let (name, key) = (required(fields.name, "name")?, required(fields.key, "key")?);
    registry::delete_tag(door.portal(), &door.caller, &door.team, &name, &key).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OneAlias {
    name: Option<String>,
    alias: Option<String>,
    version: Option<String>,
}

impl OneAlias {
    fn read(self) -> Answer<(String, String, Option<String>)> {
        Ok((required(self.name, "name")?, required(self.alias, "alias")?, self.version))
    }
}

async fn set_alias(Asked { door, fields }: Asked<OneAlias>) -> Answer<Json<Empty>> {
    let (name, alias, version) = fields.read()?;
    let version = parse_version(&required(version, "version")?).map_err(|e| Error::invalid("version", e))?;
    registry::set_alias(door.portal(), &door.caller, &door.team, &name, &alias, version).await?;
    Ok(Json(Empty {}))
}

async fn by_alias(Asked { door, fields }: Asked<OneAlias>) -> Answer<Json<versions::One>> {
    let (name, alias, _) = fields.read()?;
    versions::answer(registry::version_by_alias(door.portal(), &door.caller, &door.team, &name, &alias).await?)
}

async fn delete_alias(Asked { door, fields }: Asked<OneAlias>) -> Answer<Json<Empty>> {
    let (name, alias, _) = fields.read()?;
    registry::delete_alias(door.portal(), &door.caller, &door.team, &name, &alias).await?;
    Ok(Json(Empty {}))
}
