//! Scorers, as clients register and fetch them.

use super::{
    Answer, Endpoint, MlflowError, endpoint,
    wire::{Asked, Empty, Int, List, required},
};
use axum::{
    Json,
    routing::{delete, get, post},
};
use domain::{
    model::{ExperimentId, Permission, ScorerVersion},
    traces::scorers::{self, Of},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking, WriteTracking};
    vec![
        endpoint("POST", "3.0/mlflow/scorers/register", WriteTracking, post(register)),
        endpoint("GET", "3.0/mlflow/scorers/list", ReadTracking, get(list)),
        endpoint("GET", "3.0/mlflow/scorers/get", ReadTracking, get(one)),
        endpoint("GET", "3.0/mlflow/scorers/versions", ReadTracking, get(versions)),
        endpoint("DELETE", "3.0/mlflow/scorers/delete", WriteTracking, delete(remove)),
        endpoint("GET", "3.0/mlflow/scorers/online-configs", ReadTracking, get(online_configs)),
    ]
}

/// A version as clients read it.
#[derive(Serialize)]
struct Wire {
    experiment_id: i64,
    scorer_name: String,
    scorer_version: i64,
    serialized_scorer: String,
    creation_time: i64,
    scorer_id: String,
}

impl From<ScorerVersion> for Wire {
    fn from(version: ScorerVersion) -> Self {
        Self {
            // Here alone it is a number on the wire.
            experiment_id: version.experiment.as_str().parse().unwrap_or_default(),
            scorer_name: version.name,
            scorer_version: version.version,
            serialized_scorer: version.serialized,
            creation_time: version.created_at,
            scorer_id: version.scorer_id,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct About {
    #[serde(alias = "experimentId")]
    experiment_id: Option<String>,
    name: Option<String>,
    #[serde(alias = "serializedScorer")]
    serialized_scorer: Option<String>,
    version: Option<Int>,
}

impl About {
    fn scorer(&self) -> Answer<(ExperimentId, String)> {
        Ok((ExperimentId(required(self.experiment_id.clone(), "experiment_id")?), required(self.name.clone(), "name")?))
    }
}

#[derive(Serialize)]
struct Registered {
    version: i64,
    scorer_id: String,
    experiment_id: ExperimentId,
    name: String,
    serialized_scorer: String,
    creation_time: i64,
}

async fn register(Asked { door, fields }: Asked<About>) -> Answer<Json<Registered>> {
    let (experiment, name) = fields.scorer()?;
    let serialized = required(fields.serialized_scorer, "serialized_scorer")?;
    let made = scorers::register(door.portal(), &door.caller, &door.team, &experiment, &name, &serialized).await?;
    Ok(Json(Registered {
        version: made.version,
        scorer_id: made.scorer_id,
        experiment_id: made.experiment,
        name: made.name,
        serialized_scorer: made.serialized,
        creation_time: made.created_at,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Whose {
    #[serde(alias = "experimentId")]
    experiment_id: Option<String>,
    #[serde(alias = "experimentIds")]
    experiment_ids: Option<List<String>>,
}

#[derive(Serialize)]
struct Listed {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scorers: Vec<Wire>,
}

fn listed(found: Vec<ScorerVersion>) -> Json<Listed> {
    Json(Listed { scorers: found.into_iter().map(Wire::from).collect() })
}

async fn list(Asked { door, fields }: Asked<Whose>) -> Answer<Json<Listed>> {
    let one = fields.experiment_id.filter(|id| !id.is_empty()).map(ExperimentId);
    let several = fields.experiment_ids.map(|ids| ids.0.into_iter().map(ExperimentId).collect::<Vec<_>>());
    let of = match (&one, &several) {
        (Some(_), Some(_)) => return Err(MlflowError::invalid("Cannot specify both 'experiment_id' and 'experiment_ids'.")),
        (Some(id), None) => Of::One(id),
        (None, Some(ids)) => Of::Several(ids),
        (None, None) => Of::Team,
    };
    scorers::list(door.portal(), &door.caller, &door.team, of).await.map(listed).map_err(MlflowError::from)
}

async fn versions(Asked { door, fields }: Asked<About>) -> Answer<Json<Listed>> {
    let (experiment, name) = fields.scorer()?;
    scorers::versions(door.portal(), &door.caller, &door.team, &experiment, &name).await.map(listed).map_err(MlflowError::from)
}

#[derive(Serialize)]
struct Found {
    scorer: Wire,
}

async fn one(Asked { door, fields }: Asked<About>) -> Answer<Json<Found>> {
    let (experiment, name) = fields.scorer()?;
    let number = fields.version.map(|v| v.0);
    let found = scorers::get(door.portal(), &door.caller, &door.team, &experiment, &name, number).await?;
    Ok(Json(Found { scorer: found.into() }))
}

async fn remove(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    let (experiment, name) = fields.scorer()?;
    let number = fields.version.map(|v| v.0);
    scorers::remove(door.portal(), &door.caller, &door.team, &experiment, &name, number).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configs {
    scorer_ids: List<String>,
}

/// Scorers run nowhere here, so none has a configuration; clients ask whenever they fetch scorers.
async fn online_configs(Asked { fields, .. }: Asked<Configs>) -> Answer<Json<Value>> {
    if fields.scorer_ids.0.is_empty() {
        return Err(MlflowError::missing("scorer_ids"));
    }
    Ok(Json(json!({ "configs": [] })))
}
