//! Experiments.

use super::{
    Answer, Endpoint, endpoint,
    wire::{Asked, Empty, List, Pair, required},
};
use axum::{
    Json,
    routing::{get, post},
};
use domain::{
    model::{Experiment, ExperimentId, Permission, Tag},
    tracking::experiments,
};
use serde::{Deserialize, Serialize};

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking, WriteTracking};
    vec![
        endpoint("POST", "2.0/mlflow/experiments/create", WriteTracking, post(create)),
        endpoint("GET", "2.0/mlflow/experiments/get", ReadTracking, get(by_id)),
        endpoint("GET", "2.0/mlflow/experiments/get-by-name", ReadTracking, get(by_name)),
        endpoint("POST", "2.0/mlflow/experiments/update", WriteTracking, post(rename)),
        endpoint("POST", "2.0/mlflow/experiments/delete", WriteTracking, post(delete)),
        endpoint("POST", "2.0/mlflow/experiments/restore", WriteTracking, post(restore)),
        endpoint("POST", "2.0/mlflow/experiments/set-experiment-tag", WriteTracking, post(set_tag)),
        endpoint("POST", "2.0/mlflow/experiments/delete-experiment-tag", WriteTracking, post(delete_tag)),
    ]
}

/// An experiment as clients read it.
#[derive(Serialize)]
pub(super) struct Wire {
    experiment_id: String,
    name: String,
    artifact_location: String,
    lifecycle_stage: &'static str,
    last_update_time: i64,
    creation_time: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

impl From<Experiment> for Wire {
    fn from(e: Experiment) -> Self {
        Self {
            experiment_id: e.id.0,
            name: e.name,
            artifact_location: e.artifact_location,
            lifecycle_stage: stage(e.deleted_at),
            last_update_time: e.updated_at,
            creation_time: e.created_at,
            tags: e.tags,
        }
    }
}

/// MLflow's word for whether something is deleted.
pub(super) fn stage(deleted_at: Option<i64>) -> &'static str {
    if deleted_at.is_some() { "deleted" } else { "active" }
}

/// Tags of a request; of what is not said nothing is meant.
pub(super) fn tags(pairs: List<Pair>) -> Vec<Tag> {
    pairs.0.into_iter().map(|pair| Tag::new(pair.key.unwrap_or_default(), pair.value.unwrap_or_default())).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Create {
    name: Option<String>,
    #[serde(alias = "artifactLocation")]
    artifact_location: Option<String>,
    tags: List<Pair>,
}

#[derive(Serialize)]
struct Created {
    experiment_id: ExperimentId,
}

async fn create(Asked { door, fields }: Asked<Create>) -> Answer<Json<Created>> {
    let name = required(fields.name, "name")?;
    let location = fields.artifact_location.as_deref();
    let experiment_id = experiments::create(door.portal(), &door.caller, &door.team, &name, location, &tags(fields.tags)).await?;
    Ok(Json(Created { experiment_id }))
}

/// What most requests about an experiment say.
#[derive(Default, Deserialize)]
#[serde(default)]
struct About {
    #[serde(alias = "experimentId")]
    experiment_id: Option<String>,
    #[serde(alias = "experimentName")]
    experiment_name: Option<String>,
    #[serde(alias = "newName")]
    new_name: Option<String>,
    key: Option<String>,
    value: Option<String>,
}

impl About {
    fn id(&self) -> Answer<ExperimentId> {
        required(self.experiment_id.clone(), "experiment_id").map(ExperimentId)
    }
}

#[derive(Serialize)]
struct Found {
    experiment: Wire,
}

async fn by_id(Asked { door, fields }: Asked<About>) -> Answer<Json<Found>> {
    let experiment = experiments::get(door.portal(), &door.caller, &door.team, &fields.id()?).await?;
    Ok(Json(Found { experiment: experiment.into() }))
}

async fn by_name(Asked { door, fields }: Asked<About>) -> Answer<Json<Found>> {
    let name = required(fields.experiment_name, "experiment_name")?;
    let experiment = experiments::get_by_name(door.portal(), &door.caller, &door.team, &name).await?;
    Ok(Json(Found { experiment: experiment.into() }))
}

async fn rename(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    let (id, name) = (fields.id()?, required(fields.new_name, "new_name")?);
    experiments::rename(door.portal(), &door.caller, &door.team, &id, &name).await?;
    Ok(Json(Empty {}))
}

async fn delete(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    experiments::delete(door.portal(), &door.caller, &door.team, &fields.id()?).await?;
    Ok(Json(Empty {}))
}

async fn restore(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    experiments::restore(door.portal(), &door.caller, &door.team, &fields.id()?).await?;
    Ok(Json(Empty {}))
}

async fn set_tag(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    let (id, key) = (fields.id()?, required(fields.key, "key")?);
    let tag = Tag { key, value: fields.value.unwrap_or_default() };
    experiments::set_tag(door.portal(), &door.caller, &door.team, &id, &tag).await?;
    Ok(Json(Empty {}))
}

async fn delete_tag(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    let (id, key) = (fields.id()?, required(fields.key, "key")?);
    experiments::delete_tag(door.portal(), &door.caller, &door.team, &id, &key).await?;
    Ok(Json(Empty {}))
}
