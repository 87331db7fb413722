//! Evaluation datasets and their records.

use super::{
    Answer, Endpoint, MlflowError, endpoint,
    logged_models::page_size,
    wire::{Asked, Empty, Int, List, Nothing, required},
};
use axum::{
    Json,
    extract::Path,
    routing::{delete, get, patch, post},
};
use domain::{
    model::{EvaluationDataset, EvaluationRecord, ExperimentId, NewRecord, Permission, Tag},
    traces::datasets::{self, DatasetSearch},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking, WriteTracking};
    let (one, records) = ("3.0/mlflow/datasets/{dataset_id}", "3.0/mlflow/datasets/{dataset_id}/records");
    vec![
        endpoint("POST", "3.0/mlflow/datasets/create", WriteTracking, post(create)),
        endpoint("GET", "3.0/mlflow/datasets/search", ReadTracking, get(search)),
        endpoint("POST", "3.0/mlflow/datasets/search", ReadTracking, post(search)),
        endpoint("GET", one, ReadTracking, get(by_id)),
        endpoint("DELETE", one, WriteTracking, delete(remove)),
        endpoint("GET", records, ReadTracking, get(read_records)),
        endpoint("POST", records, WriteTracking, post(merge_records)),
        endpoint("DELETE", records, WriteTracking, delete(remove_records)),
        endpoint("PATCH", "3.0/mlflow/datasets/{dataset_id}/tags", WriteTracking, patch(set_tags)),
        endpoint("DELETE", "3.0/mlflow/datasets/{dataset_id}/tags/{key}", WriteTracking, delete(remove_tag)),
        endpoint("POST", "3.0/mlflow/datasets/{dataset_id}/add-experiments", WriteTracking, post(add_experiments)),
        endpoint("POST", "3.0/mlflow/datasets/{dataset_id}/remove-experiments", WriteTracking, post(remove_experiments)),
        endpoint("GET", "3.0/mlflow/datasets/{dataset_id}/experiment-ids", ReadTracking, get(experiment_ids)),
    ]
}

/// A dataset as clients read it; what is JSON goes as text.
#[derive(Serialize)]
struct Wire {
    dataset_id: String,
    name: String,
    tags: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    digest: String,
    created_time: i64,
    last_update_time: i64,
    created_by: String,
    last_updated_by: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    experiment_ids: Vec<ExperimentId>,
}

impl From<EvaluationDataset> for Wire {
    fn from(dataset: EvaluationDataset) -> Self {
        let tags: Map<String, Value> = dataset.tags.into_iter().map(|t| (t.key, t.value.into())).collect();
        Self {
            dataset_id: dataset.id,
            name: dataset.name,
            tags: Value::Object(tags).to_string(),
            schema: dataset.schema,
            profile: (dataset.records > 0).then(|| json!({ "num_records": dataset.records }).to_string()),
            digest: dataset.digest,
            created_time: dataset.created_at,
            last_update_time: dataset.updated_at,
            created_by: dataset.created_by,
            last_updated_by: dataset.updated_by,
            experiment_ids: dataset.experiments,
        }
    }
}

#[derive(Serialize)]
struct One {
    dataset: Wire,
}

fn one(dataset: EvaluationDataset) -> Json<One> {
    Json(One { dataset: dataset.into() })
}

/// Tags as clients send them: an object as text. Values that are no text are kept as JSON, and none means nothing.
fn tags(text: Option<&str>) -> Answer<Vec<Tag>> {
    let Some(text) = text.filter(|t| !t.is_empty()) else { return Ok(Vec::new()) };
    let refused = |_| MlflowError::invalid("Invalid value for parameter 'tags': it is not an object as JSON text.");
    let tags: Option<Map<String, Value>> = serde_json::from_str(text).map_err(refused)?;
    let tag = |(key, value): (String, Value)| match value {
        Value::Null => None,
        Value::String(value) => Some(Tag { key, value }),
        other => Some(Tag { key, value: other.to_string() }),
    };
    Ok(tags.unwrap_or_default().into_iter().filter_map(tag).collect())
}

fn experiments(ids: List<String>) -> Vec<ExperimentId> {
    ids.0.into_iter().map(ExperimentId).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Create {
    name: Option<String>,
    #[serde(alias = "experimentIds")]
    experiment_ids: List<String>,
    tags: Option<String>,
}

async fn create(Asked { door, fields }: Asked<Create>) -> Answer<Json<One>> {
    let (name, tags) = (required(fields.name, "name")?, tags(fields.tags.as_deref())?);
    let experiments = experiments(fields.experiment_ids);
    let made = datasets::create(door.portal(), &door.caller, &door.team, &name, &tags, &experiments).await?;
    Ok(one(made))
}

async fn by_id(Path(id): Path<String>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<One>> {
    datasets::get(door.portal(), &door.caller, &door.team, &id).await.map(one).map_err(MlflowError::from)
}

async fn remove(Path(id): Path<String>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<Empty>> {
    datasets::remove(door.portal(), &door.caller, &door.team, &id).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    #[serde(alias = "experimentIds")]
    experiment_ids: List<String>,
    #[serde(alias = "filterString")]
    filter_string: Option<String>,
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "orderBy")]
    order_by: List<String>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

#[derive(Serialize)]
struct Page {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    datasets: Vec<Wire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

async fn search(Asked { door, fields }: Asked<Search>) -> Answer<Json<Page>> {
    let question = DatasetSearch {
        experiments: Some(experiments(fields.experiment_ids)).filter(|ids| !ids.is_empty()),
        filter: fields.filter_string.unwrap_or_default(),
        order_by: fields.order_by.0,
        max_results: page_size(fields.max_results, 1000)?,
        page_token: fields.page_token,
    };
    let (found, next_page_token) = datasets::search(door.portal(), &door.caller, &door.team, &question).await?;
    Ok(Json(Page { datasets: found.into_iter().map(Wire::from).collect(), next_page_token }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReadRecords {
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

#[derive(Serialize)]
struct Records {
    /// A list as text.
    records: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

async fn read_records(Path(id): Path<String>, Asked { door, fields }: Asked<ReadRecords>) -> Answer<Json<Records>> {
    let most = fields.max_results.map_or(1000, |n| n.0);
    let (found, next_page_token) =
        datasets::records(door.portal(), &door.caller, &door.team, &id, most, fields.page_token.as_deref()).await?;
    let records: Vec<Value> = found.into_iter().map(|r| record(&id, r)).collect();
    Ok(Json(Records { records: Value::Array(records).to_string(), next_page_token }))
}

/// A record as clients read it.
fn record(dataset: &str, record: EvaluationRecord) -> Value {
    let mut fields = json!({
        "dataset_record_id": record.id,
        "dataset_id": dataset,
        "inputs": record.inputs,
        "tags": record.tags,
        "created_time": record.created_at,
        "last_update_time": record.updated_at,
        "created_by": record.created_by,
        "last_updated_by": record.updated_by,
    });
    let kind = record.source.as_ref().and_then(|s| s.get("source_type")).cloned();
    let place = record.source.as_ref().and_then(|source| {
        let name = if kind.as_ref().is_some_and(|k| k == "TRACE") { "trace_id" } else { "source_id" };
        source.get("source_data")?.get(name).cloned()
    });
    let rest = [
        ("outputs", record.outputs),
        ("expectations", record.expectations),
        ("source", record.source),
        ("source_type", kind),
        ("source_id", place),
    ];
    for (name, value) in rest {
        if let (Some(value), Some(fields)) = (value, fields.as_object_mut()) {
            fields.insert(name.to_owned(), value);
        }
    }
    fields
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MergeRecords {
    /// A list as text.
    records: Option<String>,
}

#[derive(Serialize)]
struct Merged {
    inserted_count: usize,
    updated_count: usize,
}

async fn merge_records(Path(id): Path<String>, Asked { door, fields }: Asked<MergeRecords>) -> Answer<Json<Merged>> {
    let text = required(fields.records, "records")?;
    let refused = |e: serde_json::Error| {
        MlflowError::invalid(format!("Invalid value for parameter 'records': it is no list of records as JSON text ({e})."))
    };
    let records: Vec<NewRecord> = serde_json::from_str(&text).map_err(refused)?;
    drop(text);
    let merged = datasets::merge_records(door.portal(), &door.caller, &door.team, &id, records).await?;
    Ok(Json(Merged { inserted_count: merged.inserted, updated_count: merged.updated }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RemoveRecords {
    #[serde(alias = "datasetRecordIds")]
    dataset_record_ids: List<String>,
}

#[derive(Serialize)]
struct Removed {
    deleted_count: i64,
}

async fn remove_records(Path(id): Path<String>, Asked { door, fields }: Asked<RemoveRecords>) -> Answer<Json<Removed>> {
    let deleted_count = datasets::remove_records(door.portal(), &door.caller, &door.team, &id, &fields.dataset_record_ids.0).await?;
    Ok(Json(Removed { deleted_count }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SetTags {
    /// An object as text.
    tags: Option<String>,
}

async fn set_tags(Path(id): Path<String>, Asked { door, fields }: Asked<SetTags>) -> Answer<Json<One>> {
    let tags = tags(Some(&required(fields.tags, "tags")?))?;
    datasets::set_tags(door.portal(), &door.caller, &door.team, &id, &tags).await.map(one).map_err(MlflowError::from)
}

async fn remove_tag(Path((id, key)): Path<(String, String)>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<Empty>> {
    datasets::remove_tag(door.portal(), &door.caller, &door.team, &id, &key).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Experiments {
    #[serde(alias = "experimentIds")]
    experiment_ids: List<String>,
}

async fn add_experiments(Path(id): Path<String>, Asked { door, fields }: Asked<Experiments>) -> Answer<Json<One>> {
    let ids = experiments(fields.experiment_ids);
    datasets::set_experiments(door.portal(), &door.caller, &door.team, &id, &ids, true).await.map(one).map_err(MlflowError::from)
}

async fn remove_experiments(Path(id): Path<String>, Asked { door, fields }: Asked<Experiments>) -> Answer<Json<One>> {
    let ids = experiments(fields.experiment_ids);
    datasets::set_experiments(door.portal(), &door.caller, &door.team, &id, &ids, false).await.map(one).map_err(MlflowError::from)
}

#[derive(Serialize)]
struct Ids {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    experiment_ids: Vec<ExperimentId>,
}

async fn experiment_ids(Path(id): Path<String>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<Ids>> {
    let dataset = datasets::get(door.portal(), &door.caller, &door.team, &id).await?;
    Ok(Json(Ids { experiment_ids: dataset.experiments }))
}
