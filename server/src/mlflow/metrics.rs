//! Histories of metrics. They can be long, so they are written straight into the answer.

use super::{
    Answer, Endpoint, MlflowError, endpoint,
    runs::run_id,
    wire::{Asked, Int, List, double, required},
};
use axum::{
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{
    Error,
    model::{Permission, Point, RunId},
    tracking::metrics::{self, BULK, THINNED},
};
use serde::{Deserialize, Serialize, Serializer};

pub fn endpoints() -> Vec<Endpoint> {
    let read = Permission::ReadTracking;
    vec![
        endpoint("GET", "2.0/mlflow/metrics/get-history", read, get(history)),
        endpoint("GET", "2.0/mlflow/metrics/get-history-bulk", read, get(bulk)),
        endpoint("GET", "2.0/mlflow/metrics/get-history-bulk-interval", read, get(thinned)),
    ]
}

/// Points of one metric in one run or several.
struct Points<'a> {
    key: &'a str,
    runs: &'a [(Option<RunId>, Vec<Point>)],
}

#[derive(Serialize)]
struct Measured<'a> {
    key: &'a str,
    #[serde(serialize_with = "double")]
    value: f64,
    timestamp: i64,
    step: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
}

impl Points<'_> {
    fn none(&self) -> bool {
        self.runs.iter().all(|(_, points)| points.is_empty())
    }
}

impl Serialize for Points<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.runs.iter().flat_map(|(run, points)| {
            let run_id = run.as_ref().map(RunId::as_str);
            points.iter().map(move |p| Measured { key: self.key, value: p.value, timestamp: p.timestamp, step: p.step, run_id })
        }))
    }
}

#[derive(Serialize)]
struct Histories<'a> {
    #[serde(skip_serializing_if = "Points::none")]
    metrics: Points<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// Writes it on a thread where that keeps nobody waiting.
async fn answer(key: String, runs: Vec<(Option<RunId>, Vec<Point>)>, next_page_token: Option<String>) -> Answer {
    let count: usize = runs.iter().map(|(_, points)| points.len()).sum();
    let write = move || {
        let mut body = Vec::with_capacity(64 + count * (64 + key.len()));
        let histories = Histories { metrics: Points { key: &key, runs: &runs }, next_page_token };
        serde_json::to_writer(&mut body, &histories).map(|()| body)
    };
    let body = if count > 2000 { tokio::task::spawn_blocking(write).await.map_err(|e| Error::internal("history", e))? } else { write() };
    let body = body.map_err(|e| Error::internal("history", e))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ask {
    run_id: Option<String>,
    run_uuid: Option<String>,
    metric_key: Option<String>,
    max_results: Option<Int>,
    page_token: Option<String>,
}

async fn history(Asked { door, fields }: Asked<Ask>) -> Answer<Response> {
    let id = run_id(fields.run_id, fields.run_uuid)?;
    let key = required(fields.metric_key, "metric_key")?;
    let most = fields.max_results.map(|most| positive(most, usize::MAX)).transpose()?;
    let token = fields.page_token.filter(|token| !token.is_empty());
    let page = metrics::history(door.portal(), &door.caller, &door.team, &id, &key, most, token.as_deref()).await?;
    answer(key, vec![(None, page.points)], page.next).await
}

fn positive(count: Int, most: usize) -> Answer<usize> {
    let number = usize::try_from(count.0).ok().filter(|n| (1..=most).contains(n));
    number.ok_or_else(|| {
        let range = if most == usize::MAX { "a positive integer".to_owned() } else { format!("between 1 and {most}") };
        MlflowError::invalid(format!("Invalid value {} for parameter 'max_results' supplied. It must be {range}.", count.0))
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AskBulk {
    run_id: List<String>,
    run_ids: List<String>,
    metric_key: Option<String>,
    max_results: Option<Int>,
    start_step: Option<Int>,
    end_step: Option<Int>,
}

async fn bulk(Asked { door, fields }: Asked<AskBulk>) -> Answer<Response> {
    let key = required(fields.metric_key, "metric_key")?;
    let most = fields.max_results.map_or(Ok(BULK), |most| positive(most, usize::MAX))?;
    let runs: Vec<RunId> = fields.run_id.0.into_iter().map(RunId).collect();
    let found = metrics::bulk(door.portal(), &door.caller, &door.team, &runs, &key, most).await?;
    answer(key, named(found), None).await
}

async fn thinned(Asked { door, fields }: Asked<AskBulk>) -> Answer<Response> {
    if fields.run_ids.0.is_empty() {
        return Err(MlflowError::missing("run_ids"));
    }
    let key = required(fields.metric_key, "metric_key")?;
    let most = fields.max_results.map_or(Ok(THINNED), |most| positive(most, THINNED))?;
    let steps = match (fields.start_step, fields.end_step) {
        (Some(first), Some(last)) => Some((first.0, last.0)),
        (None, None) => None,
        _ => return Err(MlflowError::invalid("If either start step or end step are specified, both must be specified.")),
    };
    let runs: Vec<RunId> = fields.run_ids.0.into_iter().map(RunId).collect();
    let found = metrics::thinned(door.portal(), &door.caller, &door.team, &runs, &key, steps, most).await?;
    answer(key, named(found), None).await
}

fn named(found: Vec<(RunId, Vec<Point>)>) -> Vec<(Option<RunId>, Vec<Point>)> {
    found.into_iter().map(|(run, points)| (Some(run), points)).collect()
}
