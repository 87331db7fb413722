//! Searches over runs and experiments.

use super::{
    Answer, Endpoint, MlflowError, endpoint, experiments,
    run_shape::write_found,
    wire::{Asked, Int, List, choice},
};
use axum::{
    Json,
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::{
    model::{ExperimentId, ExperimentSearch, PAGE_OF_RUNS, Permission, RunSearch, View},
    tracking,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;

pub fn endpoints() -> Vec<Endpoint> {
    let needs = Permission::ReadTracking;
    vec![
        endpoint("POST", "2.0/mlflow/runs/search", needs, post(found_runs)),
        endpoint("GET", "2.0/mlflow/experiments/search", needs, get(found_experiments)),
        endpoint("POST", "2.0/mlflow/experiments/search", needs, post(found_experiments)),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SearchRuns {
    #[serde(alias = "experimentIds")]
    experiment_ids: Option<List<String>>,
    filter: Option<String>,
    #[serde(alias = "runViewType")]
    run_view_type: Option<AnyJson>,
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "orderBy")]
    order_by: Option<List<String>>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

async fn found_runs(asked: Asked<SearchRuns>) -> Answer {
    let Asked { door, fields } = asked;
    let search = RunSearch {
        experiments: fields.experiment_ids.unwrap_or_default().0.into_iter().map(ExperimentId).collect(),
        filter: fields.filter.unwrap_or_default(),
        view: view(fields.run_view_type, "run_view_type")?,
        order_by: fields.order_by.unwrap_or_default().0,
        max_results: fields.max_results.map_or(PAGE_OF_RUNS, |most| most.0),
        page_token: fields.page_token.unwrap_or_default(),
    };
    let (found, next) = tracking::find_runs(door.portal(), &door.caller, &door.team, &search).await?;
    let mut out = Vec::with_capacity(64 + found.len() * 1024);
    out.push(b'{');
    for (i, run) in found.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"\"runs\":[" } else { b"," });
        write_found(&mut out, run);
    }
    if !found.is_empty() {
        out.push(b']');
    }
    if let Some(token) = next {
        out.extend_from_slice(if found.is_empty() { b"\"next_page_token\":\"" } else { b",\"next_page_token\":\"" });
        // Of letters, digits, - and _.
        out.extend_from_slice(token.as_bytes());
        out.push(b'"');
    }
    out.push(b'}');
    Ok(([(header::CONTENT_TYPE, "application/json")], out).into_response())
}

/// The view of this number or name; the first where none is given.
fn view(asked: Option<AnyJson>, field: &str) -> Result<View, MlflowError> {
    let Some(asked) = asked.filter(|asked| !asked.is_null()) else { return Ok(View::Active) };
    let name = choice(&asked, &["", "ACTIVE_ONLY", "DELETED_ONLY", "ALL"])
        .map_err(|reason| MlflowError::invalid(format!("Invalid value for parameter '{field}': it {reason}")))?;
    Ok(match name {
        "DELETED_ONLY" => View::Deleted,
        "ALL" => View::All,
        _ => View::Active,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SearchExperiments {
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
    filter: Option<String>,
    #[serde(alias = "orderBy")]
    order_by: Option<List<String>>,
    #[serde(alias = "viewType")]
    view_type: Option<AnyJson>,
}

#[derive(Serialize)]
struct FoundExperiments {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    experiments: Vec<experiments::Wire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

async fn found_experiments(asked: Asked<SearchExperiments>) -> Answer<Json<FoundExperiments>> {
    let Asked { door, fields } = asked;
    let search = ExperimentSearch {
        filter: fields.filter.unwrap_or_default(),
        view: view(fields.view_type, "view_type")?,
        order_by: fields.order_by.unwrap_or_default().0,
        // Clients of this search always say how many.
        max_results: fields.max_results.unwrap_or_default().0,
        page_token: fields.page_token.unwrap_or_default(),
    };
    let page = tracking::search_experiments(door.portal(), &door.caller, &door.team, &search).await?;
    let experiments = page.experiments.into_iter().map(Into::into).collect();
    Ok(Json(FoundExperiments { experiments, next_page_token: page.next_page_token }))
}
