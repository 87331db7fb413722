//! Counts, sums, averages and percentiles over traces, their spans and assessments, by time and dimension.

use super::{
    metrics_store::{self, Cell},
    search::experiments,
};
use crate::{
    args,
    caller::Caller,
    db::Value,
    error::{Error, Result},
    model::{Comparator, Condition, ExperimentId, Millis, Permission, TRACE_NAME, TRACE_SESSION, TRACE_SOURCE_RUN, parse_filter},
    portal::Portal,
};

/// Most points of one answer.
const POINTS: i64 = 10_000;
/// Most filters of one question, each with one condition.
const FILTERS: usize = 20;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Traces,
    Spans,
    Assessments,
}

/// How many values become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregation {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    /// 0 to 100, between neighbours where it falls between them.
    Percentile(f64),
}

impl Aggregation {
    /// MLflow's name for the result, for example `P99.0`.
    pub fn label(self) -> String {
        match self {
            Self::Count => "COUNT".to_owned(),
            Self::Sum => "SUM".to_owned(),
            Self::Avg => "AVG".to_owned(),
            Self::Min => "MIN".to_owned(),
            Self::Max => "MAX".to_owned(),
            Self::Percentile(p) => format!("P{p:?}"),
        }
    }

    /// Over values in ascending order, each with how often it comes.
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn over(self, values: &[(f64, i64)]) -> f64 {
        let count: i64 = values.iter().map(|(_, n)| n).sum();
        let sum: f64 = values.iter().map(|(value, n)| value * *n as f64).sum();
        match self {
            Self::Count => count as f64,
            Self::Sum => sum,
            Self::Avg => sum / count as f64,
            Self::Min => values.first().map_or(f64::NAN, |(value, _)| *value),
            Self::Max => values.last().map_or(f64::NAN, |(value, _)| *value),
            Self::Percentile(p) => {
                let place = p / 100.0 * (count - 1) as f64;
                let at = |index: f64| {
                    let mut seen = 0.0;
                    let found = values.iter().find(|(_, n)| {
                        seen += *n as f64;
                        index < seen
                    });
                    found.or(values.last()).map_or(f64::NAN, |(value, _)| *value)
                };
                let (low, high) = (at(place.floor()), at(place.ceil()));
                low + (high - low) * place.fract()
            }
        }
    }
}

/// A question, in MLflow's words.
#[derive(Clone, Debug)]
pub struct MetricsQuery {
    pub experiments: Vec<ExperimentId>,
    pub view: View,
    pub metric: String,
    pub aggregations: Vec<Aggregation>,
    pub dimensions: Vec<String>,
    pub filters: Vec<String>,
    pub interval_seconds: Option<i64>,
    /// Both ends belong to it.
    pub from: Option<Millis>,
    pub to: Option<Millis>,
    pub most: i64,
}

/// One point of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct DataPoint {
    /// When its interval begins.
    pub bucket: Option<Millis>,
    pub dimensions: Vec<(String, String)>,
    pub values: Vec<(String, f64)>,
}

/// What a metric is made of: where its value is, what it can be grouped by, and whether values can be counted only.
pub(super) struct Plan {
    pub value: &'static str,
    dimensions: &'static [(&'static str, &'static str)],
    aggregations: Kinds,
}

#[derive(PartialEq)]
enum Kinds {
    Count,
    Spread,
    SpreadAndSum,
}

const NAME: &[(&str, &str)] = &[("trace_name", "t.name")];
const MODEL: &[(&str, &str)] = &[("span_model_name", "s.model"), ("span_model_provider", "s.provider")];

fn plan(view: View, metric: &str) -> Option<Plan> {
    let plan = |value, dimensions, aggregations| Some(Plan { value, dimensions, aggregations });
    match (view, metric) {
        (View::Traces, "trace_count") => plan("1", &[("trace_name", "t.name"), ("trace_status", "t.state")], Kinds::Count),
        (View::Traces, "session_count") => plan("1", &[], Kinds::Count),
        (View::Traces, "latency") => plan("t.duration", NAME, Kinds::Spread),
        (View::Traces, "input_tokens") => plan("t.input_tokens", NAME, Kinds::SpreadAndSum),
        (View::Traces, "output_tokens") => plan("t.output_tokens", NAME, Kinds::SpreadAndSum),
        (View::Traces, "total_tokens") => plan("t.total_tokens", NAME, Kinds::SpreadAndSum),
        (View::Traces, "cache_read_input_tokens") => plan("t.cache_read_tokens", NAME, Kinds::SpreadAndSum),
        (View::Traces, "cache_creation_input_tokens") => plan("t.cache_creation_tokens", NAME, Kinds::SpreadAndSum),
        (View::Spans, "span_count") => plan(
            "1",
            &[
                ("span_name", "s.name"),
                ("span_type", "s.type"),
                ("span_status", "s.status"),
                ("span_model_name", "s.model"),
                ("span_model_provider", "s.provider"),
            ],
            Kinds::Count,
        ),
        (View::Spans, "latency") => {
            plan("(s.end_ns - s.start_ns) / 1000000", &[("span_name", "s.name"), ("span_status", "s.status")], Kinds::Spread)
        }
        (View::Spans, "input_cost") => plan("s.input_cost", MODEL, Kinds::SpreadAndSum),
        (View::Spans, "output_cost") => plan("s.output_cost", MODEL, Kinds::SpreadAndSum),
        (View::Spans, "total_cost") => plan("s.total_cost", MODEL, Kinds::SpreadAndSum),
        (View::Assessments, "assessment_count") => {
            plan("1", &[("assessment_name", "a.name"), ("assessment_value", "a.value")], Kinds::Count)
        }
        (View::Assessments, "assessment_value") => plan("a.number", &[("assessment_name", "a.name")], Kinds::Spread),
        _ => None,
    }
}

/// Answers a question about the traces of these experiments; those that the team does not have are passed over.
///
/// # Errors
/// `Invalid` where metric, aggregation, dimension or filter do not go together, or too much would have to be counted.
pub async fn metrics(portal: &Portal, caller: &Caller, team: &str, query: &MetricsQuery) -> Result<Vec<DataPoint>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let plan = plan(query.view, &query.metric)
        .ok_or_else(|| Error::invalid("metric_name", format!("There is no metric '{}' of this view.", query.metric)))?;
    check(query, &plan)?;
    let columns = query.dimensions.iter().map(|wanted| {
        let found = plan.dimensions.iter().find(|(name, _)| name == wanted);
        found.map(|(_, column)| *column).ok_or_else(|| Error::invalid("dimensions", format!("Found invalid dimension: {wanted}.")))
    });
    let columns: Vec<&'static str> = columns.collect::<Result<_>>()?;
    let mut args = Vec::new();
    let mut conditions = range(query, &mut args);
    for text in &query.filters {
        conditions += &filter(query.view, text, &mut args)?;
    }
    let experiments = experiments(&portal.db, &scope.team, &query.experiments).await?;
    if experiments.is_empty() {
        return Ok(Vec::new());
    }
    let sessions = query.metric == "session_count";
    let asked = metrics_store::Asked {
        view: query.view,
        value: plan.value,
        columns: &columns,
        interval: query.interval_seconds.map(|seconds| seconds * 1000),
        sessions,
        conditions,
        args,
        experiments: &experiments,
    };
    let cells = metrics_store::cells(&portal.db, asked).await?;
    Ok(points(query, cells))
}

fn check(query: &MetricsQuery, plan: &Plan) -> Result<()> {
    let fits = |aggregation: &Aggregation| match aggregation {
        Aggregation::Count => plan.aggregations == Kinds::Count,
        Aggregation::Sum => plan.aggregations == Kinds::SpreadAndSum,
        Aggregation::Percentile(p) => plan.aggregations != Kinds::Count && (0.0..=100.0).contains(p),
        _ => plan.aggregations != Kinds::Count,
    };
    if query.aggregations.is_empty() || query.aggregations.len() > 20 {
        return Err(Error::invalid("aggregations", "Ask for 1 to 20 aggregations."));
    }
    if let Some(bad) = query.aggregations.iter().find(|a| !fits(a)) {
        return Err(Error::invalid("aggregations", format!("{} cannot be asked of {}.", bad.label(), query.metric)));
    }
    if query.dimensions.iter().enumerate().any(|(i, d)| query.dimensions[..i].contains(d)) {
        return Err(Error::invalid("dimensions", "A dimension comes twice."));
    }
    if query.filters.len() > FILTERS {
        return Err(Error::invalid("filters", format!("Use at most {FILTERS} filters.")));
    }
    if !(1..=POINTS).contains(&query.most) {
        return Err(Error::invalid("max_results", format!("Ask for 1 to {POINTS} points.")));
    }
    if let Some(seconds) = query.interval_seconds {
        let fine = (1..=100 * 366 * 86_400).contains(&seconds);
        if !fine || query.from.is_none() || query.to.is_none() {
            let reason = "An interval is a positive number of seconds, and needs start_time_ms and end_time_ms.";
            return Err(Error::invalid("time_interval_seconds", reason));
        }
    }
    Ok(())
}

/// Cost is counted when the span began, everything else when the trace did.
fn range(query: &MetricsQuery, args: &mut Vec<Value>) -> String {
    let by_span = query.view == View::Spans && query.metric.ends_with("_cost");
    let column = if by_span { "s.start_ns / 1000000" } else { "t.request_time" };
    let mut sql = String::new();
    for (op, at) in [(">=", query.from), ("<=", query.to)] {
        if let Some(at) = at {
            args.push(at.into());
            let condition = format!(" AND {column} {op} ${}", args.len());
            sql.push_str(&condition);
        }
    }
    sql
}

fn filter(view: View, text: &str, args: &mut Vec<Value>) -> Result<String> {
    let refused = |reason: String| Error::invalid("filters", reason);
    let conditions = parse_filter(text).map_err(|e| refused(e.to_string()))?;
    let [condition]: [Condition; 1] =
        conditions.try_into().map_err(|_| refused(format!("Invalid filter: '{text}'. Expected one filter clause.")))?;
    condition.only(&[Comparator::Eq]).map_err(|e| refused(e.to_string()))?;
    let value = condition.text().map_err(|e| refused(e.to_string()))?.to_owned();
    let (entity, key) = (condition.entity.as_deref().unwrap_or_default(), condition.key.as_str());
    let mut bind = |value: &str| {
        args.extend(args![value]);
        format!("${}", args.len())
    };
    let plain = match (entity, key) {
        ("trace", "status") => Some("t.state"),
        ("trace", "tag.mlflow.traceName") => Some("t.name"),
        ("span", "name") if view == View::Spans => Some("s.name"),
        ("span", "status") if view == View::Spans => Some("s.status"),
        ("span", "type") if view == View::Spans => Some("s.type"),
        ("assessment", "name") if view == View::Assessments => Some("a.name"),
        ("assessment", "type") if view == View::Assessments => Some("a.kind"),
        _ => None,
    };
    if let Some(column) = plain {
        return Ok(format!(" AND {column} = {}", bind(&value)));
    }
    let pair = key.strip_prefix("tag.").map(|key| ("trace_tags", key)).or(key.strip_prefix("metadata.").map(|key| ("trace_metadata", key)));
    let Some((table, key)) = pair.filter(|(_, key)| entity == "trace" && !key.is_empty() && *key != TRACE_NAME) else {
        return Err(refused(format!(
            "'{text}' cannot filter this view. Use trace.status, trace.tag.<key>, trace.metadata.<key>, span.name, span.type, span.status, assessment.name or assessment.type."
        )));
    };
    let (key_place, value_place) = (bind(key), bind(&value));
    let there = format!("EXISTS (SELECT 1 FROM {table} p WHERE p.trace_no = t.no AND p.key = {key_place} AND p.value = {value_place})");
    Ok(if table == "trace_metadata" && key == TRACE_SOURCE_RUN {
        format!(
            " AND ({there} OR EXISTS (SELECT 1 FROM trace_runs l JOIN runs r ON r.no = l.run_no WHERE l.trace_no = t.no AND r.id = {value_place}))"
        )
    } else {
        format!(" AND {there}")
    })
}

/// Groups are in order, and so are the values of each.
fn points(query: &MetricsQuery, cells: Vec<Cell>) -> Vec<DataPoint> {
    let mut points: Vec<(DataPoint, Vec<(f64, i64)>)> = Vec::new();
    for cell in cells {
        let names = query.dimensions.iter().cloned();
        let dimensions: Vec<(String, String)> = names.zip([cell.a, cell.b, cell.c, cell.d, cell.e]).collect();
        let bucket = query.interval_seconds.map(|_| cell.bucket);
        match points.last_mut().filter(|(point, _)| point.bucket == bucket && point.dimensions == dimensions) {
            Some((_, values)) => values.push((cell.value, cell.times)),
            None => points.push((DataPoint { bucket, dimensions, values: Vec::new() }, vec![(cell.value, cell.times)])),
        }
    }
    let finished = points.into_iter().take(usize::try_from(query.most).unwrap_or_default()).map(|(mut point, values)| {
        point.values = query.aggregations.iter().map(|a| (a.label(), a.over(&values))).collect();
        point
    });
    finished.collect()
}

/// Where a trace's session is.
pub(super) const SESSION_KEY: &str = TRACE_SESSION;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_neighbours() {
        let values = [(10.0, 1), (20.0, 2), (40.0, 1)];
        for (p, expected) in [(0.0, 10.0), (50.0, 20.0), (100.0, 40.0), (75.0, 25.0), (10.0, 13.0)] {
            assert!((Aggregation::Percentile(p).over(&values) - expected).abs() < 1e-9, "{p}");
        }
        assert!((Aggregation::Avg.over(&values) - 22.5).abs() < 1e-9);
        assert!((Aggregation::Count.over(&values) - 4.0).abs() < 1e-9);
        assert_eq!((Aggregation::Percentile(99.0).label(), Aggregation::Percentile(99.9).label()), ("P99.0".into(), "P99.9".into()));
    }
}
