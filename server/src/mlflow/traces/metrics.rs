//! Figures about traces: counts, latency, tokens, cost, by time and dimension.

use crate::mlflow::{
    Answer, Endpoint, MlflowError, endpoint,
    wire::{Asked, Double, Int, List, choice, required},
};
use axum::{Json, routing::post};
use domain::{
    model::{ExperimentId, Permission},
    traces::{self, Aggregation, DataPoint, MetricsQuery, View},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

pub fn endpoints() -> Vec<Endpoint> {
    vec![endpoint("POST", "3.0/mlflow/traces/metrics", Permission::ReadTracking, post(metrics))]
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Query {
    #[serde(alias = "experimentIds")]
    experiment_ids: List<String>,
    #[serde(alias = "viewType")]
    view_type: Option<Value>,
    #[serde(alias = "metricName")]
    metric_name: Option<String>,
    aggregations: List<AggregationIn>,
    dimensions: List<String>,
    filters: List<String>,
    #[serde(alias = "timeIntervalSeconds")]
    time_interval_seconds: Option<Int>,
    #[serde(alias = "startTimeMs")]
    start_time_ms: Option<Int>,
    #[serde(alias = "endTimeMs")]
    end_time_ms: Option<Int>,
    #[serde(alias = "maxResults")]
    max_results: Option<Int>,
    #[serde(alias = "pageToken")]
    page_token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AggregationIn {
    #[serde(alias = "aggregationType")]
    aggregation_type: Option<Value>,
    #[serde(alias = "percentileValue")]
    percentile_value: Option<Double>,
}

/// By protobuf's numbers; there is no number 0.
const VIEWS: [&str; 4] = ["", "TRACES", "SPANS", "ASSESSMENTS"];
const AGGREGATIONS: [&str; 7] = ["", "COUNT", "SUM", "AVG", "PERCENTILE", "MIN", "MAX"];

fn aggregation(said: AggregationIn) -> Answer<Aggregation> {
    let kind = said.aggregation_type.ok_or_else(|| MlflowError::missing("aggregations.aggregation_type"))?;
    let kind = choice(&kind, &AGGREGATIONS).map_err(|reason| MlflowError::invalid(format!("Invalid aggregation: it {reason}")))?;
    match (kind, said.percentile_value) {
        ("PERCENTILE", Some(Double(p))) if (0.0..=100.0).contains(&p) => Ok(Aggregation::Percentile(p)),
        ("PERCENTILE", _) => Err(MlflowError::invalid("A percentile needs a percentile_value between 0 and 100.")),
        (_, Some(_)) => Err(MlflowError::invalid("Percentile value is only allowed for PERCENTILE aggregation type.")),
        ("COUNT", None) => Ok(Aggregation::Count),
        ("SUM", None) => Ok(Aggregation::Sum),
        ("AVG", None) => Ok(Aggregation::Avg),
        ("MIN", None) => Ok(Aggregation::Min),
        _ => Ok(Aggregation::Max),
    }
}

async fn metrics(Asked { door, fields }: Asked<Query>) -> Answer<Json<Value>> {
    if fields.page_token.is_some_and(|token| !token.is_empty()) {
        return Err(MlflowError::invalid("Invalid value for parameter 'page_token': answers have one page."));
    }
    let view = fields.view_type.ok_or_else(|| MlflowError::missing("view_type"))?;
    let view =
        choice(&view, &VIEWS).map_err(|reason| MlflowError::invalid(format!("Invalid value for parameter 'view_type': it {reason}")))?;
    let experiments: Vec<_> = fields.experiment_ids.0.into_iter().map(ExperimentId).collect();
    if experiments.is_empty() {
        return Err(MlflowError::missing("experiment_ids"));
    }
    if fields.aggregations.0.is_empty() {
        return Err(MlflowError::missing("aggregations"));
    }
    let query = MetricsQuery {
        experiments,
        view: match view {
            "TRACES" => View::Traces,
            "SPANS" => View::Spans,
            _ => View::Assessments,
        },
        metric: required(fields.metric_name, "metric_name")?,
        aggregations: fields.aggregations.0.into_iter().map(aggregation).collect::<Answer<_>>()?,
        dimensions: fields.dimensions.0,
        filters: fields.filters.0,
        interval_seconds: fields.time_interval_seconds.map(|n| n.0).filter(|n| *n != 0),
        from: fields.start_time_ms.map(|at| at.0),
        to: fields.end_time_ms.map(|at| at.0),
        most: fields.max_results.map_or(1000, |most| most.0),
    };
    let points = traces::metrics(door.portal(), &door.caller, &door.team, &query).await?;
    let points: Vec<Value> = points.into_iter().map(|point| shown(&query.metric, point)).collect();
    Ok(Json(if points.is_empty() { json!({}) } else { json!({ "data_points": points }) }))
}

fn shown(metric: &str, point: DataPoint) -> Value {
    let mut dimensions: Map<String, Value> = point.dimensions.into_iter().map(|(name, value)| (name, value.into())).collect();
    if let Some(at) = point.bucket.and_then(|at| OffsetDateTime::from_unix_timestamp(at / 1000).ok()) {
        // As Python writes it.
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let month = u8::from(month);
        dimensions
            .insert("time_bucket".to_owned(), format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00").into());
    }
    let values: Map<String, Value> = point.values.into_iter().map(|(label, value)| (label, json!(value))).collect();
    let mut out = json!({ "metric_name": metric, "values": values });
    if !dimensions.is_empty() {
        out["dimensions"] = dimensions.into();
    }
    out
}
