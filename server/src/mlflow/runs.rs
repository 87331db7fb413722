//! Runs and what they log.

use super::{
    Answer, Endpoint, MlflowError, endpoint,
    experiments::{stage, tags},
    inputs::{Inputs, Outputs, wire},
    wire::{Asked, Double, Empty, Int, List, Pair, choice, double, required},
};
use axum::{
    Json,
    routing::{get, post},
};
use domain::{
    model::{Batch, ExperimentId, LoggedModelId, Metric, ModelMetric, NewRun, Permission, Run, RunChange, RunId, RunLinks, RunStatus, Tag},
    tracking::{lineage, runs},
};
use serde::{Deserialize, Serialize};

/// Longest body of a batch, in bytes, as MLflow's documentation says.
const BATCH: usize = 1024 * 1024;

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking, WriteTracking};
    vec![
        endpoint("POST", "2.0/mlflow/runs/create", WriteTracking, post(create)),
        endpoint("GET", "2.0/mlflow/runs/get", ReadTracking, get(by_id)),
        endpoint("POST", "2.0/mlflow/runs/update", WriteTracking, post(update)),
        endpoint("POST", "2.0/mlflow/runs/delete", WriteTracking, post(delete)),
        endpoint("POST", "2.0/mlflow/runs/restore", WriteTracking, post(restore)),
        endpoint("POST", "2.0/mlflow/runs/log-metric", WriteTracking, post(log_metric)),
        endpoint("POST", "2.0/mlflow/runs/log-batch", WriteTracking, post(log_batch)),
        endpoint("POST", "2.0/mlflow/runs/log-parameter", WriteTracking, post(log_parameter)),
        endpoint("POST", "2.0/mlflow/runs/set-tag", WriteTracking, post(set_tag)),
        endpoint("POST", "2.0/mlflow/runs/delete-tag", WriteTracking, post(delete_tag)),
    ]
}

/// A run as clients read it.
#[derive(Serialize)]
pub(super) struct Wire {
    info: Info,
    data: Data,
    inputs: Inputs,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<Outputs>,
}

#[derive(Serialize)]
pub(super) struct Info {
    run_uuid: String,
    run_id: String,
    run_name: String,
    experiment_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    artifact_uri: String,
    lifecycle_stage: &'static str,
}

#[derive(Serialize)]
struct Data {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<Logged>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<Tag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

#[derive(Serialize)]
struct Logged {
    key: String,
    #[serde(serialize_with = "double")]
    value: f64,
    timestamp: i64,
    step: i64,
}

impl Wire {
    /// With what the run read and made.
    pub(super) fn linked(mut self, links: Option<RunLinks>) -> Self {
        if let Some(links) = links {
            (self.inputs, self.outputs) = wire(links);
        }
        self
    }
}

impl From<Run> for Wire {
    fn from(mut run: Run) -> Self {
        let logged = |m: Metric| Logged { key: m.key, value: m.value, timestamp: m.timestamp, step: m.step };
        let data = Data {
            metrics: std::mem::take(&mut run.metrics).into_iter().map(logged).collect(),
            params: std::mem::take(&mut run.params),
            tags: std::mem::take(&mut run.tags),
        };
        Self { info: run.into(), data, inputs: Inputs::default(), outputs: None }
    }
}

impl From<Run> for Info {
    fn from(run: Run) -> Self {
        Self {
            run_uuid: run.id.0.clone(),
            run_id: run.id.0,
            run_name: run.name,
            experiment_id: run.experiment.0,
            user_id: run.user_id,
            status: run.status.as_str(),
            start_time: run.start_time,
            end_time: run.end_time,
            artifact_uri: run.artifact_uri,
            lifecycle_stage: stage(run.deleted_at),
        }
    }
}

#[derive(Serialize)]
struct Found {
    run: Wire,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Create {
    #[serde(alias = "experimentId")]
    experiment_id: Option<String>,
    #[serde(alias = "userId")]
    user_id: Option<String>,
    #[serde(alias = "runName")]
    run_name: Option<String>,
    #[serde(alias = "startTime")]
    start_time: Option<Int>,
    tags: List<Pair>,
}

async fn create(Asked { door, fields }: Asked<Create>) -> Answer<Json<Found>> {
    let new = NewRun {
        experiment: fields.experiment_id.filter(|id| !id.is_empty()).map(ExperimentId),
        user_id: fields.user_id.unwrap_or_default(),
        name: fields.run_name.unwrap_or_default(),
        start_time: fields.start_time.map(|time| time.0),
        tags: tags(fields.tags),
    };
    let run = runs::create(door.portal(), &door.caller, &door.team, new).await?;
    Ok(Json(Found { run: run.into() }))
}

/// What requests about a run say.
#[derive(Default, Deserialize)]
#[serde(default)]
struct About {
    #[serde(alias = "runId")]
    run_id: Option<String>,
    #[serde(alias = "runUuid")]
    run_uuid: Option<String>,
    key: Option<String>,
    value: Option<String>,
    status: Option<serde_json::Value>,
    #[serde(alias = "endTime")]
    end_time: Option<Int>,
    #[serde(alias = "runName")]
    run_name: Option<String>,
}

impl About {
    fn run(&self) -> Answer<RunId> {
        run_id(self.run_id.clone(), self.run_uuid.clone())
    }
}

/// A run goes by either name.
pub(super) fn run_id(id: Option<String>, uuid: Option<String>) -> Answer<RunId> {
    required(id.filter(|id| !id.is_empty()).or(uuid), "run_id").map(RunId)
}

async fn by_id(Asked { door, fields }: Asked<About>) -> Answer<Json<Found>> {
    let id = fields.run()?;
    let run = runs::get(door.portal(), &door.caller, &door.team, &id).await?;
    let links = lineage::of_run_ids(door.portal(), &door.caller, &door.team, std::slice::from_ref(&id)).await?.remove(&id);
    Ok(Json(Found { run: Wire::from(run).linked(links) }))
}

#[derive(Serialize)]
struct Updated {
    run_info: Info,
}

async fn update(Asked { door, fields }: Asked<About>) -> Answer<Json<Updated>> {
    let id = fields.run()?;
    let status = fields.status.as_ref().map(|status| {
        let names = ["", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];
        let name = choice(status, &names).and_then(str::parse::<RunStatus>);
        name.map_err(|reason| MlflowError::invalid(format!("Invalid value for parameter 'status': {reason}")))
    });
    let change = RunChange { status: status.transpose()?, end_time: fields.end_time.map(|time| time.0), name: fields.run_name };
    let run = runs::update(door.portal(), &door.caller, &door.team, &id, change).await?;
    Ok(Json(Updated { run_info: run.into() }))
}

async fn delete(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    runs::delete(door.portal(), &door.caller, &door.team, &fields.run()?).await?;
    Ok(Json(Empty {}))
}

async fn restore(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    runs::restore(door.portal(), &door.caller, &door.team, &fields.run()?).await?;
    Ok(Json(Empty {}))
}

/// One metric of a batch.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Measured {
    key: Option<String>,
    value: Option<Double>,
    timestamp: Option<Int>,
    step: Option<Int>,
    /// The logged model that it was measured of, and the data it was measured on.
    #[serde(alias = "modelId")]
    model_id: Option<String>,
    #[serde(alias = "datasetName")]
    dataset_name: Option<String>,
    #[serde(alias = "datasetDigest")]
    dataset_digest: Option<String>,
}

impl Measured {
    /// The same for its model, where it names one.
    fn of_model(&self) -> Option<ModelMetric> {
        let model = self.model_id.clone().filter(|id| !id.is_empty()).map(LoggedModelId)?;
        Some(ModelMetric {
            model,
            key: self.key.clone()?,
            value: self.value?.0,
            timestamp: self.timestamp?.0,
            step: self.step.unwrap_or_default().0,
            run: None,
            dataset_name: self.dataset_name.clone().unwrap_or_default(),
            dataset_digest: self.dataset_digest.clone().unwrap_or_default(),
        })
    }

    /// `place` says where it stood, for the message: `metrics[1].`.
    fn metric(self, place: impl Fn() -> String) -> Answer<Metric> {
        let missing = |name: &str| MlflowError::missing(&format!("{}{name}", place()));
        Ok(Metric {
            key: self.key.filter(|key| !key.is_empty()).ok_or_else(|| missing("key"))?,
            value: self.value.ok_or_else(|| missing("value"))?.0,
            timestamp: self.timestamp.ok_or_else(|| missing("timestamp"))?.0,
            step: self.step.unwrap_or_default().0,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogMetric {
    #[serde(alias = "runId")]
    run_id: Option<String>,
    #[serde(alias = "runUuid")]
    run_uuid: Option<String>,
    key: Option<String>,
    value: Option<Double>,
    timestamp: Option<Int>,
    step: Option<Int>,
    #[serde(alias = "modelId")]
    model_id: Option<String>,
    #[serde(alias = "datasetName")]
    dataset_name: Option<String>,
    #[serde(alias = "datasetDigest")]
    dataset_digest: Option<String>,
}

async fn log_metric(Asked { door, fields }: Asked<LogMetric>) -> Answer<Json<Empty>> {
    let id = run_id(fields.run_id, fields.run_uuid)?;
    let measured = Measured {
        key: fields.key,
        value: fields.value,
        timestamp: fields.timestamp,
        step: fields.step,
        model_id: fields.model_id,
        dataset_name: fields.dataset_name,
        dataset_digest: fields.dataset_digest,
    };
    let model_metrics = measured.of_model().into_iter().collect();
    let batch = Batch { metrics: vec![measured.metric(String::new)?], model_metrics, ..Batch::default() };
    runs::log(door.portal(), &door.caller, &door.team, &id, batch).await?;
    Ok(Json(Empty {}))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogBatch {
    #[serde(alias = "runId")]
    run_id: Option<String>,
    metrics: List<Measured>,
    params: List<Pair>,
    tags: List<Pair>,
}

async fn log_batch(Asked { door, fields }: Asked<LogBatch, BATCH>) -> Answer<Json<Empty>> {
    let id = run_id(fields.run_id, None)?;
    let model_metrics = fields.metrics.0.iter().filter_map(Measured::of_model).collect();
    let metric = |(i, measured): (usize, Measured)| measured.metric(|| format!("metrics[{i}]."));
    let metrics = fields.metrics.0.into_iter().enumerate().map(metric).collect::<Answer<_>>()?;
    let batch = Batch { metrics, model_metrics, params: tags(fields.params), tags: tags(fields.tags) };
    runs::log(door.portal(), &door.caller, &door.team, &id, batch).await?;
    Ok(Json(Empty {}))
}

async fn log_parameter(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    let (id, key) = (fields.run()?, required(fields.key, "key")?);
    let batch = Batch { params: vec![Tag { key, value: fields.value.unwrap_or_default() }], ..Batch::default() };
    runs::log(door.portal(), &door.caller, &door.team, &id, batch).await?;
    Ok(Json(Empty {}))
}

async fn set_tag(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    let (id, key) = (fields.run()?, required(fields.key, "key")?);
    let batch = Batch { tags: vec![Tag { key, value: fields.value.unwrap_or_default() }], ..Batch::default() };
    runs::log(door.portal(), &door.caller, &door.team, &id, batch).await?;
    Ok(Json(Empty {}))
}

async fn delete_tag(Asked { door, fields }: Asked<About>) -> Answer<Json<Empty>> {
    let (id, key) = (fields.run()?, required(fields.key, "key")?);
    runs::delete_tag(door.portal(), &door.caller, &door.team, &id, &key).await?;
    Ok(Json(Empty {}))
}
