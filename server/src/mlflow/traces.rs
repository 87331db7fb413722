//! Traces: what a client says about them, reads and searches; v3, and what older clients ask for.

mod metrics;
pub mod shape;

use super::{
    Answer, Endpoint, MlflowError,
    assessments::AssessmentIn,
    endpoint,
    wire::{Asked, Bool, Empty, Int, List, Nothing, Pair, choice, required},
};
use axum::{
    Json,
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post},
};
use domain::{
    model::{ExperimentId, Pairs, Permission, RunId, TraceInfo, TraceState},
    traces::{self, Doomed, End, TraceSearch},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shape::{InfoOut, InfoV2Out, TraceOut};

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
        endpoint("POST", "3.0/mlflow/traces/delete-traces", Write, post(remove)),
        endpoint("PATCH", "3.0/mlflow/traces/{trace_id}/tags", Write, patch(set_tag)),
        endpoint("DELETE", "3.0/mlflow/traces/{trace_id}/tags", Write, delete(delete_tag)),
        endpoint("GET", "3.0/mlflow/get-trace-artifact", Read, get(artifact)),
        endpoint("GET", "2.0/mlflow/traces", Read, get(search_v2)),
        endpoint("POST", "2.0/mlflow/traces", Write, post(start_v2)),
        endpoint("PATCH", "2.0/mlflow/traces/{request_id}", Write, patch(end_v2)),
        endpoint("GET", "2.0/mlflow/traces/{request_id}/info", Read, get(info_v2)),
        endpoint("PATCH", "2.0/mlflow/traces/{request_id}/tags", Write, patch(set_tag)),
        endpoint("DELETE", "2.0/mlflow/traces/{request_id}/tags", Write, delete(delete_tag)),
        endpoint("POST", "2.0/mlflow/traces/delete-traces", Write, post(remove)),
        endpoint("POST", "2.0/mlflow/traces/link-to-run", Write, post(link_run)),
        endpoint("POST", "2.0/mlflow/traces/link-prompts", Write, post(link_prompts)),
        endpoint("GET", "2.0/mlflow/get-trace-artifact", Read, get(artifact)),
    ];
    own.into_iter().chain(metrics::endpoints()).collect()
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

async fn search_v2(Asked { door, mut fields }: Asked<Search>) -> Answer<Json<Found<InfoV2Out>>> {
    let experiments = std::mem::take(&mut fields.experiment_ids).0;
    if experiments.is_empty() {
        return Err(MlflowError::missing("experiment_ids"));
    }
    let search = fields.of(experiments.into_iter().map(ExperimentId).collect());
    let page = traces::search(door.portal(), &door.caller, &door.team, &search).await?;
    Ok(Json(Found { traces: page.traces.into_iter().map(shape::info_v2).collect(), next_page_token: page.next }))
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
struct Remove {
    #[serde(alias = "experimentId")]
    experiment_id: Option<String>,
    #[serde(alias = "maxTimestampMillis")]
    max_timestamp_millis: Option<Int>,
    #[serde(alias = "maxTraces")]
    max_traces: Option<Int>,
    #[serde(alias = "requestIds")]
    request_ids: List<String>,
}

async fn remove(Asked { door, fields }: Asked<Remove>) -> Answer<Json<Value>> {
    let experiment = ExperimentId(required(fields.experiment_id, "experiment_id")?);
    let doomed =
        Doomed { ids: fields.request_ids.0, until: fields.max_timestamp_millis.map(|at| at.0), most: fields.max_traces.map(|most| most.0) };
    let deleted = traces::delete(door.portal(), &door.caller, &door.team, &experiment, doomed).await?;
    Ok(Json(json!({ "traces_deleted": deleted })))
}

async fn set_tag(Path(id): Path<String>, Asked { door, fields }: Asked<Pair>) -> Answer<Json<Empty>> {
    let key = required(fields.key, "key")?;
    traces::set_tag(door.portal(), &door.caller, &door.team, &id, &key, &fields.value.unwrap_or_default()).await?;
    Ok(Json(Empty {}))
}

async fn delete_tag(Path(id): Path<String>, Asked { door, fields }: Asked<Pair>) -> Answer<Json<Empty>> {
    let key = required(fields.key, "key")?;
    traces::delete_tag(door.portal(), &door.caller, &door.team, &id, &key).await?;
    Ok(Json(Empty {}))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LinkRun {
    #[serde(alias = "traceIds")]
    trace_ids: List<String>,
    #[serde(alias = "runId")]
    run_id: Option<String>,
}

async fn link_run(Asked { door, fields }: Asked<LinkRun>) -> Answer<Json<Empty>> {
    let run = RunId(required(fields.run_id, "run_id")?);
    if fields.trace_ids.0.is_empty() {
        return Err(MlflowError::missing("trace_ids"));
    }
    traces::link_run(door.portal(), &door.caller, &door.team, &fields.trace_ids.0, &run).await?;
    Ok(Json(Empty {}))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LinkPrompts {
    #[serde(alias = "traceId")]
    trace_id: Option<String>,
    #[serde(alias = "promptVersions")]
    prompt_versions: List<PromptIn>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PromptIn {
    name: Option<String>,
    version: Option<Int>,
}

async fn link_prompts(Asked { door, fields }: Asked<LinkPrompts>) -> Answer<Json<Empty>> {
    let id = required(fields.trace_id, "trace_id")?;
    if fields.prompt_versions.0.is_empty() {
        return Err(MlflowError::missing("prompt_versions"));
    }
    let read = |prompt: PromptIn| Ok((required(prompt.name, "name")?, required(prompt.version, "version")?.0));
    let prompts = fields.prompt_versions.0.into_iter().map(read).collect::<Answer<Vec<_>>>()?;
    traces::link_prompts(door.portal(), &door.caller, &door.team, &id, &prompts).await?;
    Ok(Json(Empty {}))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StartV2 {
    #[serde(alias = "experimentId")]
    experiment_id: Option<String>,
    #[serde(alias = "timestampMs")]
    timestamp_ms: Option<Int>,
    status: Option<Value>,
    #[serde(alias = "requestMetadata")]
    request_metadata: List<Pair>,
    tags: List<Pair>,
}

fn pairs(list: List<Pair>, name: &str) -> Answer<Pairs> {
    list.0.into_iter().map(|pair| Ok((required(pair.key, &format!("{name}.key"))?, pair.value.unwrap_or_default()))).collect()
}

async fn start_v2(Asked { door, fields }: Asked<StartV2>) -> Answer<Json<Value>> {
    let experiment = ExperimentId(required(fields.experiment_id, "experiment_id")?);
    let at = required(fields.timestamp_ms, "timestamp_ms")?.0;
    let (tags, metadata) = (pairs(fields.tags, "tags")?, pairs(fields.request_metadata, "request_metadata")?);
    let info = traces::start_v2(door.portal(), &door.caller, &door.team, &experiment, at, tags, metadata).await?;
    Ok(Json(json!({ "trace_info": shape::info_v2(info) })))
}

async fn end_v2(Path(id): Path<String>, Asked { door, fields }: Asked<StartV2>) -> Answer<Json<Value>> {
    let unspecified = fields.status.as_ref().is_some_and(|status| status == "TRACE_STATUS_UNSPECIFIED");
    let end = End {
        at: required(fields.timestamp_ms, "timestamp_ms")?.0,
        state: if unspecified { TraceState::default() } else { state(fields.status)? },
        tags: pairs(fields.tags, "tags")?,
        metadata: pairs(fields.request_metadata, "request_metadata")?,
    };
    let info = traces::end_v2(door.portal(), &door.caller, &door.team, &id, end).await?;
    Ok(Json(json!({ "trace_info": shape::info_v2(info) })))
}

async fn info_v2(Path(id): Path<String>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<Value>> {
    let info = traces::info(door.portal(), &door.caller, &door.team, &id).await?;
    Ok(Json(json!({ "trace_info": shape::info_v2(info) })))
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
