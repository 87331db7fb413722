//! Searches over runs and experiments.

use super::{
    Answer, Endpoint, MlflowError, endpoint, experiments,
    run_shape::write_found,
    wire::{Asked, Int, List, choice},
};
use axum::{
    Json,
    body::Body,
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::{
    Portal,
    model::{ExperimentId, ExperimentSearch, PAGE_OF_RUNS, Permission, RunSearch, View},
    tracking::{self, Found},
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;

/// Bytes of an answer that go out at a time, at least.
const PART: usize = 4 * 1024 * 1024;

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
    let found = tracking::find_runs(door.portal(), &door.caller, &door.team, &search).await?;
    let mut page = Page { portal: door.server.portal, found, runs: 0, ended: false };
    let first = page.next().await?.unwrap_or_default();
    let rest = if page.ended { Body::from(first) } else { page.body(first) };
    Ok(([(header::CONTENT_TYPE, "application/json")], rest).into_response())
}

/// A page of runs on its way out, part by part: it may be far larger than what one client is worth in memory.
struct Page {
    portal: Portal,
    found: Found,
    runs: usize,
    ended: bool,
}

impl Page {
    /// The next bytes; none at the end. The first ones are the whole answer where it is short.
    async fn next(&mut self) -> domain::Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let mut out = Vec::new();
        if self.runs == 0 {
            out.push(b'{');
        }
        while out.len() < PART {
            let Some(part) = self.found.next(&self.portal).await? else {
                self.end(&mut out);
                break;
            };
            for run in &part {
                out.extend_from_slice(if self.runs == 0 { b"\"runs\":[" } else { b"," });
                write_found(&mut out, run);
                self.runs += 1;
            }
        }
        Ok(Some(out))
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.ended = true;
        if self.runs > 0 {
            out.push(b']');
        }
        if let Some(token) = &self.found.next_page_token {
            out.extend_from_slice(if self.runs == 0 { b"\"next_page_token\":\"" } else { b",\"next_page_token\":\"" });
            // Of letters, digits, - and _.
            out.extend_from_slice(token.as_bytes());
            out.push(b'"');
        }
        out.push(b'}');
    }

    /// What was made already, and the rest as it is read.
    fn body(self, first: Vec<u8>) -> Body {
        let rest = stream::try_unfold(self, |mut page: Page| async move {
            match page.next().await {
                Ok(next) => Ok(next.map(|bytes| (bytes, page))),
                Err(error) => {
                    tracing::error!(%error, "a page of runs broke off");
                    Err(error)
                }
            }
        });
        Body::from_stream(stream::once(async { Ok(first) }).chain(rest))
    }
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
