//! Changes to traces: tags, links to runs and prompts, deletion.

use crate::mlflow::{
    Answer, Endpoint, MlflowError, endpoint,
    wire::{Asked, Empty, Int, List, Pair, required},
};
use axum::{
    Json,
    extract::Path,
    routing::{delete, patch, post},
};
use domain::{
    model::{ExperimentId, Permission, RunId},
    traces::{self, Doomed},
};
use serde::Deserialize;
use serde_json::{Value, json};

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::WriteTracking as Write;
    vec![
        endpoint("POST", "3.0/mlflow/traces/delete-traces", Write, post(remove)),
        endpoint("PATCH", "3.0/mlflow/traces/{trace_id}/tags", Write, patch(set_tag)),
        endpoint("DELETE", "3.0/mlflow/traces/{trace_id}/tags", Write, delete(delete_tag)),
        endpoint("PATCH", "2.0/mlflow/traces/{request_id}/tags", Write, patch(set_tag)),
        endpoint("DELETE", "2.0/mlflow/traces/{request_id}/tags", Write, delete(delete_tag)),
        endpoint("POST", "2.0/mlflow/traces/delete-traces", Write, post(remove)),
        endpoint("POST", "2.0/mlflow/traces/link-to-run", Write, post(link_run)),
        endpoint("POST", "2.0/mlflow/traces/link-prompts", Write, post(link_prompts)),
    ]
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
