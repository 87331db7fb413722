//! Traces as clients before MLflow 3 begin, end, read and search them.

use super::{Found, Search, shape, state};
use crate::mlflow::{
    Answer, Endpoint, MlflowError, endpoint,
    wire::{Asked, Int, List, Nothing, Pair, required},
};
use axum::{
    Json,
    extract::Path,
    routing::{get, patch, post},
};
use domain::{
    model::{ExperimentId, Pairs, Permission, TraceState},
    traces::{self, End},
};
use serde::Deserialize;
use serde_json::{Value, json};
use shape::InfoV2Out;

pub fn endpoints() -> Vec<Endpoint> {
    use Permission::{ReadTracking as Read, WriteTracking as Write};
    vec![
        endpoint("GET", "2.0/mlflow/traces", Read, get(search_v2)),
        endpoint("POST", "2.0/mlflow/traces", Write, post(start_v2)),
        endpoint("PATCH", "2.0/mlflow/traces/{request_id}", Write, patch(end_v2)),
        endpoint("GET", "2.0/mlflow/traces/{request_id}/info", Read, get(info_v2)),
    ]
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
