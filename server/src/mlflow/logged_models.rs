//! Models that runs logged.

use super::{
    Answer, Endpoint, MlflowError, endpoint,
    experiments::tags,
    wire::{Asked, Bool, Empty, Int, List, Nothing, Pair, choice, double, required},
};
use axum::{
    Json,
    extract::Path,
    routing::{delete, get, patch, post},
};
use domain::{
    model::{ExperimentId, LoggedModel, LoggedModelId, LoggedModelStatus, ModelMetric, NewLoggedModel, Permission, RunId, Tag},
    tracking::logged_models::{self as models, ModelOrder, ModelSearch},
};
use serde::{Deserialize, Serialize};

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking, WriteTracking};
    let one = "2.0/mlflow/logged-models/{model_id}";
    vec![
        endpoint("POST", "2.0/mlflow/logged-models", WriteTracking, post(create)),
        endpoint("POST", "2.0/mlflow/logged-models/search", ReadTracking, post(search)),
        endpoint("GET", one, ReadTracking, get(by_id)),
        endpoint("PATCH", one, WriteTracking, patch(finalize)),
        endpoint("DELETE", one, WriteTracking, delete(remove)),
        endpoint("POST", "2.0/mlflow/logged-models/{model_id}/params", WriteTracking, post(log_params)),
        endpoint("PATCH", "2.0/mlflow/logged-models/{model_id}/tags", WriteTracking, patch(set_tags)),
        endpoint("DELETE", "2.0/mlflow/logged-models/{model_id}/tags/{tag_key}", WriteTracking, delete(remove_tag)),
    ]
}

/// A logged model as clients read it.
#[derive(Serialize)]
struct Wire {
    info: Info,
    data: Data,
}

#[derive(Serialize)]
struct Info {
    model_id: LoggedModelId,
    experiment_id: ExperimentId,
    name: String,
    creation_timestamp_ms: i64,
    last_updated_timestamp_ms: i64,
    artifact_uri: String,
    status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    model_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registrations: Vec<Registered>,
}

/// A version of a registered model that comes from it.
#[derive(Serialize)]
struct Registered {
    name: String,
    version: String,
}

/// The tag in which MLflow's pages look for the same.
const TAG_VERSIONS: &str = "mlflow.modelVersions";

/// The tags, with what the registry says in the place of what a client said of it.
fn told(model: &mut LoggedModel) -> Vec<Tag> {
    let mut tags = std::mem::take(&mut model.tags);
    if !model.registrations.is_empty() {
        let versions = model.registrations.iter().map(|r| serde_json::json!({ "name": r.name, "version": r.version })).collect();
        tags.retain(|t| t.key != TAG_VERSIONS);
        tags.push(Tag::new(TAG_VERSIONS, serde_json::Value::Array(versions).to_string()));
    }
    tags
}

#[derive(Serialize)]
struct Data {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<Tag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    key: String,
    #[serde(serialize_with = "double")]
    value: f64,
    timestamp: i64,
    step: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    dataset_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    dataset_digest: String,
    model_id: LoggedModelId,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
}

impl From<ModelMetric> for Point {
    fn from(m: ModelMetric) -> Self {
        Self {
            key: m.key,
            value: m.value,
            timestamp: m.timestamp,
            step: m.step,
            dataset_name: m.dataset_name,
            dataset_digest: m.dataset_digest,
            model_id: m.model,
            run_id: m.run,
        }
    }
}

impl From<LoggedModel> for Wire {
    fn from(mut model: LoggedModel) -> Self {
        let tags = told(&mut model);
        let registered = |r: domain::model::Registration| Registered { name: r.name, version: r.version.to_string() };
        let info = Info {
            model_id: model.id,
            experiment_id: model.experiment,
            name: model.name,
            creation_timestamp_ms: model.created_at,
            last_updated_timestamp_ms: model.updated_at,
            artifact_uri: model.artifact_uri,
            status: match model.status {
                LoggedModelStatus::Pending => STATUSES[1],
                LoggedModelStatus::Ready => STATUSES[2],
                LoggedModelStatus::Failed => STATUSES[3],
            },
            model_type: model.model_type,
            source_run_id: model.source_run,
            tags,
            registrations: model.registrations.into_iter().map(registered).collect(),
        };
        Self { info, data: Data { params: model.params, metrics: model.metrics.into_iter().map(Point::from).collect() } }
    }
}

/// MLflow's names, from number 0 on, which says nothing.
const STATUSES: [&str; 4] = ["", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"];

#[derive(Serialize)]
struct One {
    model: Wire,
}

fn one(model: LoggedModel) -> Json<One> {
    Json(One { model: model.into() })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Create {
    #[serde(alias = "experimentId")]
    experiment_id: Option<String>,
    name: Option<String>,
    #[serde(alias = "modelType")]
    model_type: Option<String>,
    #[serde(alias = "sourceRunId")]
    source_run_id: Option<String>,
    params: List<Pair>,
    tags: List<Pair>,
}

async fn create(Asked { door, fields }: Asked<Create>) -> Answer<Json<One>> {
    let new = NewLoggedModel {
        experiment: ExperimentId(required(fields.experiment_id, "experiment_id")?),
        name: fields.name.filter(|name| !name.is_empty()),
        model_type: fields.model_type.unwrap_or_default(),
        source_run: fields.source_run_id.filter(|id| !id.is_empty()).map(RunId),
        params: tags(fields.params),
        tags: tags(fields.tags),
    };
    models::create(door.portal(), &door.caller, &door.team, new).await.map(one).map_err(MlflowError::from)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Get {
    allow_deleted: Option<Bool>,
}

async fn by_id(Path(id): Path<String>, Asked { door, fields }: Asked<Get>) -> Answer<Json<One>> {
    let deleted_too = fields.allow_deleted.unwrap_or_default().0;
    models::get(door.portal(), &door.caller, &door.team, &LoggedModelId(id), deleted_too).await.map(one).map_err(MlflowError::from)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Finalize {
    status: Option<serde_json::Value>,
}

async fn finalize(Path(id): Path<String>, Asked { door, fields }: Asked<Finalize>) -> Answer<Json<One>> {
    let status = fields.status.ok_or_else(|| MlflowError::missing("status"))?;
    let name =
        choice(&status, &STATUSES).map_err(|reason| MlflowError::invalid(format!("Invalid value for parameter 'status': {reason}")))?;
    let status = match name {
        "LOGGED_MODEL_READY" => LoggedModelStatus::Ready,
        "LOGGED_MODEL_UPLOAD_FAILED" => LoggedModelStatus::Failed,
        _ => LoggedModelStatus::Pending,
    };
    models::finalize(door.portal(), &door.caller, &door.team, &LoggedModelId(id), status).await.map(one).map_err(MlflowError::from)
}

async fn remove(Path(id): Path<String>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<Empty>> {
    models::remove(door.portal(), &door.caller, &door.team, &LoggedModelId(id)).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Params {
    params: List<Pair>,
}

async fn log_params(Path(id): Path<String>, Asked { door, fields }: Asked<Params>) -> Answer<Json<Empty>> {
    models::log_params(door.portal(), &door.caller, &door.team, &LoggedModelId(id), &tags(fields.params)).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tags {
    tags: List<Pair>,
}

async fn set_tags(Path(id): Path<String>, Asked { door, fields }: Asked<Tags>) -> Answer<Json<One>> {
    models::set_tags(door.portal(), &door.caller, &door.team, &LoggedModelId(id), &tags(fields.tags))
        .await
        .map(one)
        .map_err(MlflowError::from)
}

async fn remove_tag(Path((id, key)): Path<(String, String)>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<Empty>> {
    models::remove_tag(door.portal(), &door.caller, &door.team, &LoggedModelId(id), &key).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    #[serde(alias = "experimentIds")]
    experiment_ids: List<String>,
    filter: Option<String>,
    datasets: List<OnData>,
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "orderBy")]
    order_by: List<OrderBy>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OnData {
    #[serde(alias = "datasetName")]
    dataset_name: Option<String>,
    #[serde(alias = "datasetDigest")]
    dataset_digest: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OrderBy {
    #[serde(alias = "fieldName")]
    field_name: Option<String>,
    ascending: Option<Bool>,
    #[serde(alias = "datasetName")]
    dataset_name: Option<String>,
    #[serde(alias = "datasetDigest")]
    dataset_digest: Option<String>,
}

#[derive(Serialize)]
struct Page {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<Wire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

async fn search(Asked { door, fields }: Asked<Search>) -> Answer<Json<Page>> {
    if fields.experiment_ids.0.is_empty() {
        return Err(MlflowError::missing("experiment_ids"));
    }
    let dataset = |d: OnData| Ok((required(d.dataset_name, "datasets.dataset_name")?, d.dataset_digest.unwrap_or_default()));
    let order = |o: OrderBy| {
        Ok(ModelOrder {
            field: required(o.field_name, "order_by.field_name")?,
            ascending: o.ascending.is_none_or(|a| a.0),
            dataset_name: o.dataset_name.unwrap_or_default(),
            dataset_digest: o.dataset_digest.unwrap_or_default(),
        })
    };
    let question = ModelSearch {
        experiments: fields.experiment_ids.0.into_iter().map(ExperimentId).collect(),
        filter: fields.filter.unwrap_or_default(),
        datasets: fields.datasets.0.into_iter().map(dataset).collect::<Answer<_>>()?,
        order_by: fields.order_by.0.into_iter().map(order).collect::<Answer<_>>()?,
        max_results: page_size(fields.max_results, 100)?,
        page_token: fields.page_token,
    };
    let (found, next_page_token) = models::search(door.portal(), &door.caller, &door.team, &question).await?;
    Ok(Json(Page { models: found.into_iter().map(Wire::from).collect(), next_page_token }))
}

/// How many are asked for at most: 1 to 50 000, or `usual` where nothing is said.
pub(super) fn page_size(said: Option<Int>, usual: usize) -> Answer<usize> {
    let Some(Int(said)) = said else { return Ok(usual) };
    let refused = || MlflowError::invalid(format!("Invalid value {said} for parameter 'max_results' supplied: ask for 1 to 50000."));
    usize::try_from(said).ok().filter(|n| (1..=50_000).contains(n)).ok_or_else(refused)
}
