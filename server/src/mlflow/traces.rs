//! Traces: what a client says about them, reads and searches.

mod changes;
mod metrics;
mod older;
pub mod shape;

use super::{
    Answer, Endpoint, MlflowError,
    assessments::AssessmentIn,
    endpoint,
    wire::{Asked, Bool, Int, List, Nothing, choice, required},
};
use axum::{
    Json,
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    model::{ExperimentId, Pairs, Permission, TraceInfo, TraceState},
    traces::{self, TraceSearch},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shape::{InfoOut, TraceOut};

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking as Read, WriteTracking as Write};
    let own = vec![
        endpoint("POST", "3.0/mlflow/traces", Write, post(start)),
        endpoint("GET", "3.0/mlflow/traces/{trace_id}", Read, get(info)),
        endpoint("GET", "3.0/mlflow/traces/get", Read, get(whole)),
        endpoint("GET", "3.0/mlflow/traces/batchGet", Read, get(batch)),
        endpoint("POST", "3.0/mlflow/traces/batchGetInfos", Read, post(batch_infos)),
        endpoint("POST", "3.0/mlflow/traces/search", Read, post(search)),
        endpoint("POST", "3.0/mlflow/traces/calculate-filter-correlation", Read, post(correlation)),
        endpoint("GET", "3.0/mlflow/get-trace-artifact", Read, get(artifact)),
        endpoint("GET", "2.0/mlflow/get-trace-artifact", Read, get(artifact)),
    ];
    [own, changes::endpoints(), older::endpoints(), metrics::endpoints()].into_iter().flatten().collect()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Start {
    trace: Option<TraceIn>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TraceIn {
    #[serde(alias = "traceInfo")]
    trace_info: Option<InfoIn>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InfoIn {
    #[serde(alias = "traceId")]
    trace_id: Option<String>,
    #[serde(alias = "clientRequestId")]
    client_request_id: Option<String>,
    #[serde(alias = "traceLocation")]
    trace_location: Option<Location>,
    #[serde(alias = "requestPreview")]
    request_preview: Option<String>,
    #[serde(alias = "responsePreview")]
    response_preview: Option<String>,
    #[serde(alias = "requestTime")]
    request_time: Option<String>,
    #[serde(alias = "executionDuration")]
    execution_duration: Option<String>,
    state: Option<Value>,
    #[serde(alias = "traceMetadata")]
    trace_metadata: Option<Pairs>,
    tags: Option<Pairs>,
    assessments: List<AssessmentIn>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Location {
    #[serde(alias = "mlflowExperiment")]
    mlflow_experiment: Option<InExperiment>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InExperiment {
    #[serde(alias = "experimentId")]
    experiment_id: Option<String>,
}

impl Location {
    fn experiment(self) -> Option<ExperimentId> {
        self.mlflow_experiment.and_then(|e| e.experiment_id).map(ExperimentId)
    }
}

#[derive(Serialize)]
struct Started {
    trace: TraceOut,
}

fn state(said: Option<Value>) -> Answer<TraceState> {
    let Some(said) = said.filter(|said| !said.is_null()) else { return Ok(TraceState::default()) };
    let refused = |reason: String| MlflowError::invalid(format!("Invalid value for parameter 'state': it {reason}"));
    choice(&said, &TraceState::ALL.map(TraceState::as_str)).map_err(refused)?.parse().map_err(refused)
}

async fn start(Asked { door, fields }: Asked<Start>) -> Answer<Json<Started>> {
    let said = fields.trace.and_then(|trace| trace.trace_info).ok_or_else(|| MlflowError::missing("trace"))?;
    let id = required(said.trace_id, "trace.trace_info.trace_id")?;
    let experiment = said.trace_location.and_then(Location::experiment);
    let experiment = experiment.ok_or_else(|| MlflowError::missing("trace.trace_info.trace_location.mlflow_experiment.experiment_id"))?;
    let invalid =
        |name: &'static str| move |reason: String| MlflowError::invalid(format!("Invalid value for parameter '{name}': it {reason}"));
    let assessments = said.assessments.0.into_iter().map(|a| a.read(&id)).collect::<Answer<_>>()?;
    let request_time =
        shape::read_timestamp(&required(said.request_time, "trace.trace_info.request_time")?).map_err(invalid("request_time"))?;
    let duration = said.execution_duration.map(|text| shape::read_duration(&text)).transpose().map_err(invalid("execution_duration"))?;
    let new = TraceInfo {
        id,
        experiment,
        request_time,
        duration,
        state: state(said.state)?,
        client_request_id: said.client_request_id,
        request_preview: said.request_preview,
        response_preview: said.response_preview,
        metadata: said.trace_metadata.unwrap_or_default(),
        tags: said.tags.unwrap_or_default(),
        assessments,
    };
    let info = traces::start(door.portal(), &door.caller, &door.team, new).await?;
    Ok(Json(Started { trace: shape::only_info(info) }))
}

async fn info(Path(id): Path<String>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<Started>> {
    let info = traces::info(door.portal(), &door.caller, &door.team, &id).await?;
    Ok(Json(Started { trace: shape::only_info(info) }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Whole {
    #[serde(alias = "traceId")]
    trace_id: Option<String>,
    #[serde(alias = "allowPartial")]
    allow_partial: Bool,
}

async fn whole(Asked { door, fields }: Asked<Whole>) -> Answer<Json<Started>> {
    let id = required(fields.trace_id, "trace_id")?;
    let trace = traces::get(door.portal(), &door.caller, &door.team, &id, fields.allow_partial.0).await?;
    Ok(Json(Started { trace: shape::whole(trace) }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Batch {
    #[serde(alias = "traceIds")]
    trace_ids: List<String>,
    #[serde(alias = "experimentIds")]
    experiment_ids: Option<List<String>>,
}

impl Batch {
    /// The traces, and the experiments in which they must lie.
    fn asked(self) -> Answer<(Vec<String>, Option<Vec<ExperimentId>>)> {
        if self.trace_ids.0.is_empty() {
            return Err(MlflowError::missing("trace_ids"));
        }
        Ok((self.trace_ids.0, self.experiment_ids.map(|ids| ids.0.into_iter().map(ExperimentId).collect())))
    }
}

async fn batch(Asked { door, fields }: Asked<Batch>) -> Answer<Json<Value>> {
    let (ids, experiments) = fields.asked()?;
    let traces = traces::batch(door.portal(), &door.caller, &door.team, &ids, experiments.as_deref()).await?;
    Ok(Json(listed("traces", traces.into_iter().map(shape::whole).collect::<Vec<_>>())))
}

async fn batch_infos(Asked { door, fields }: Asked<Batch>) -> Answer<Json<Value>> {
    let (ids, experiments) = fields.asked()?;
    let infos = traces::batch_infos(door.portal(), &door.caller, &door.team, &ids, experiments.as_deref()).await?;
    Ok(Json(listed("trace_infos", infos.into_iter().map(shape::info).collect::<Vec<_>>())))
}

/// A list under its name, which is left out where there is nothing in it.
fn listed<T: Serialize>(name: &str, list: Vec<T>) -> Value {
    if list.is_empty() { json!({}) } else { json!({ name: list }) }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Search {
    locations: List<Location>,
    #[serde(alias = "experimentIds")]
    experiment_ids: List<String>,
    filter: Option<String>,
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "orderBy")]
    order_by: List<String>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

impl Search {
    fn of(self, experiments: Vec<ExperimentId>) -> TraceSearch {
        TraceSearch {
            experiments,
            filter: self.filter.unwrap_or_default(),
            order_by: self.order_by.0,
            most: self.max_results.map_or(100, |most| most.0),
            page_token: self.page_token,
        }
    }
}

#[derive(Serialize)]
struct Found<T> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    traces: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

async fn search(Asked { door, mut fields }: Asked<Search>) -> Answer<Json<Found<InfoOut>>> {
    let locations = std::mem::take(&mut fields.locations).0;
    if locations.is_empty() {
        return Err(MlflowError::missing("locations"));
    }
    let search = fields.of(locations.into_iter().filter_map(Location::experiment).collect());
    let page = traces::search(door.portal(), &door.caller, &door.team, &search).await?;
    Ok(Json(Found { traces: page.traces.into_iter().map(shape::info).collect(), next_page_token: page.next }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Correlate {
    #[serde(alias = "experimentIds")]
    experiment_ids: List<String>,
    #[serde(alias = "filterString1")]
    filter_string1: Option<String>,
    #[serde(alias = "filterString2")]
    filter_string2: Option<String>,
    #[serde(alias = "baseFilter")]
    base_filter: Option<String>,
}

/// MLflow's prior for small counts.
const SMOOTHING: f64 = 0.5;

async fn correlation(Asked { door, fields }: Asked<Correlate>) -> Answer<Json<Value>> {
    let first = required(fields.filter_string1, "filter_string1")?;
    let second = required(fields.filter_string2, "filter_string2")?;
    let experiments: Vec<_> = fields.experiment_ids.0.into_iter().map(ExperimentId).collect();
    if experiments.is_empty() {
        return Err(MlflowError::missing("experiment_ids"));
    }
    let base = fields.base_filter.as_deref();
    let found = traces::correlation(door.portal(), &door.caller, &door.team, &experiments, [&first, &second], base).await?;
    let number = |npmi: Option<f64>| npmi.map_or_else(|| json!("NaN"), |npmi| json!(npmi));
    Ok(Json(json!({
        "npmi": number(found.npmi(0.0)),
        "npmi_smoothed": number(found.npmi(SMOOTHING)),
        "filter1_count": found.first,
        "filter2_count": found.second,
        "joint_count": found.both,
        "total_count": found.total,
    })))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Artifact {
    request_id: Option<String>,
    path: Option<String>,
}

/// The spans as the file that older clients keep beside a trace.
async fn artifact(Asked { door, fields }: Asked<Artifact>) -> Answer<Response> {
    let id = required(fields.request_id, "request_id")?;
    if fields.path.is_some_and(|path| !path.is_empty()) {
        return Err(MlflowError::new(super::Code::NotImplemented, "Attachments of traces are read from the trace's artifact location."));
    }
    let spans = traces::parts(door.portal(), &door.caller, &door.team, &id).await?;
    let spans: Vec<Value> = spans.into_iter().map(|span| shape::file_span(&id, span)).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"traces.json\""),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, json!({ "spans": spans }).to_string()).into_response())
}
