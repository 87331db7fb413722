//! Traces and spans in MLflow's shapes: protobuf's JSON, and the file `traces.json`.

use crate::mlflow::{
    assessments::{AssessmentOut, out},
    wire::Pair,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::model::{Millis, Pairs, SPAN_TRACE_ID, Span, SpanStatus, Trace, TraceInfo, TraceState};
use serde::Serialize;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A protobuf timestamp: `2026-01-01T00:00:00.500Z`.
pub fn timestamp(at: Millis) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}

/// Reads one.
///
/// # Errors
/// Where it is none.
pub fn read_timestamp(text: &str) -> Result<Millis, String> {
    let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "is no time such as 2026-01-01T00:00:00Z".to_owned())?;
    Millis::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).map_err(|e| e.to_string())
}

/// A protobuf duration: `1.500s`.
pub fn duration(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let (seconds, rest) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    if rest == 0 { format!("{sign}{seconds}s") } else { format!("{sign}{seconds}.{rest:03}s") }
}

/// Reads one, in milliseconds.
///
/// # Errors
/// Where it is none.
pub fn read_duration(text: &str) -> Result<i64, String> {
    let refused = || "is no duration such as 1.5s".to_owned();
    let digits = text.strip_suffix('s').ok_or_else(refused)?;
    let (seconds, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(seconds) || !plain(rest) || rest.len() > 9 {
        return Err(refused());
    }
    let seconds: i64 = seconds.parse().map_err(|_| refused())?;
    let nanos: i64 = format!("{rest:0<9}").parse().map_err(|_| refused())?;
    seconds.checked_mul(1000).and_then(|millis| millis.checked_add(nanos / 1_000_000)).ok_or_else(refused)
}

/// `TraceInfoV3`.
#[derive(Serialize)]
pub struct InfoOut {
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_id: Option<String>,
    trace_location: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_preview: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_preview: Option<String>,
    request_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_duration: Option<String>,
    state: TraceState,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    trace_metadata: Pairs,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    assessments: Vec<AssessmentOut>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    tags: Pairs,
}

pub fn info(info: TraceInfo) -> InfoOut {
    InfoOut {
        trace_id: info.id,
        client_request_id: info.client_request_id,
        trace_location: json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": info.experiment } }),
        request_preview: info.request_preview,
        response_preview: info.response_preview,
        request_time: timestamp(info.request_time),
        execution_duration: info.duration.map(duration),
        state: info.state,
        trace_metadata: info.metadata,
        assessments: info.assessments.into_iter().map(out).collect(),
        tags: info.tags,
    }
}

/// `Trace`, without spans where none are asked for.
#[derive(Serialize)]
pub struct TraceOut {
    trace_info: InfoOut,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spans: Vec<Value>,
}

pub fn only_info(trace: TraceInfo) -> TraceOut {
    TraceOut { trace_info: info(trace), spans: Vec::new() }
}

pub fn whole(trace: Trace) -> TraceOut {
    let id = trace.info.id.clone();
    TraceOut { trace_info: info(trace.info), spans: trace.spans.into_iter().map(|s| span(&id, s)).collect() }
}

/// `TraceInfo` of older clients.
#[derive(Serialize)]
pub struct InfoV2Out {
    request_id: String,
    experiment_id: String,
    timestamp_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_time_ms: Option<i64>,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    request_metadata: Vec<Pair>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Pair>,
}

pub fn info_v2(mut info: TraceInfo) -> InfoV2Out {
    for (key, preview) in [("mlflow.traceInputs", info.request_preview.take()), ("mlflow.traceOutputs", info.response_preview.take())] {
        if let Some(preview) = preview {
            info.metadata.entry(key.to_owned()).or_insert(preview);
        }
    }
    let pairs = |pairs: Pairs| pairs.into_iter().map(|(key, value)| Pair { key: Some(key), value: Some(value) }).collect();
    InfoV2Out {
        request_id: info.id,
        experiment_id: info.experiment.0,
        timestamp_ms: info.request_time,
        execution_time_ms: info.duration,
        status: if info.state == TraceState::StateUnspecified { "TRACE_STATUS_UNSPECIFIED" } else { info.state.as_str() },
        request_metadata: pairs(info.metadata),
        tags: pairs(info.tags),
    }
}

const KINDS: [&str; 6] =
    ["SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"];

fn kind(span: &Span) -> &'static str {
    KINDS.get(usize::from(span.kind)).copied().unwrap_or(KINDS[0])
}

fn code(status: SpanStatus) -> &'static str {
    match status {
        SpanStatus::Unset => "STATUS_CODE_UNSET",
        SpanStatus::Ok => "STATUS_CODE_OK",
        SpanStatus::Error => "STATUS_CODE_ERROR",
    }
}

/// Bytes as protobuf's JSON writes them, from hexadecimal digits; what is none is empty.
fn bytes(hex: &str) -> String {
    let hex = hex.strip_prefix("tr-").unwrap_or(hex);
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    STANDARD.encode(pairs.collect::<Option<Vec<u8>>>().unwrap_or_default())
}

/// OpenTelemetry's `AnyValue`.
fn any(value: Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({ "bool_value": value }),
        Value::Number(number) if number.is_i64() => json!({ "int_value": number }),
        Value::Number(number) => json!({ "double_value": number.as_f64() }),
        Value::String(text) => json!({ "string_value": text }),
        Value::Array(items) => json!({ "array_value": { "values": items.into_iter().map(any).collect::<Vec<_>>() } }),
        Value::Object(items) => json!({ "kvlist_value": { "values": attributes(items) } }),
    }
}

fn attributes(attributes: Map<String, Value>) -> Vec<Value> {
    attributes.into_iter().map(|(key, value)| json!({ "key": key, "value": any(value) })).collect()
}

/// OpenTelemetry's `Span` as protobuf's JSON.
fn span(trace: &str, span: Span) -> Value {
    let mut out = json!({
        "trace_id": bytes(trace),
        "span_id": bytes(&span.id),
        "kind": kind(&span),
        "start_time_unix_nano": span.start,
        "status": { "code": code(span.status), "message": span.message },
        "name": span.name,
    });
    if let Some(parent) = &span.parent_id {
        out["parent_span_id"] = bytes(parent).into();
    }
    if let Some(end) = span.end {
        out["end_time_unix_nano"] = end.into();
    }
    out["attributes"] = attributes(span.attributes).into();
    let events = span.events.into_iter();
    out["events"] = events.map(|e| json!({ "time_unix_nano": e.time, "name": e.name, "attributes": attributes(e.attributes) })).collect();
    let links = span.links.into_iter();
    out["links"] = links
        .map(|l| json!({ "trace_id": bytes(&l.trace_id), "span_id": bytes(&l.span_id), "attributes": attributes(l.attributes) }))
        .collect();
    out
}

/// A span as the file `traces.json` has it: each attribute is JSON in text.
pub fn file_span(trace: &str, span: Span) -> Value {
    let mut attributes: Map<String, Value> = Map::new();
    attributes.insert(SPAN_TRACE_ID.to_owned(), json!(trace).to_string().into());
    let (kind, code) = (kind(&span), code(span.status));
    attributes.extend(span.attributes.into_iter().map(|(key, value)| (key, Value::from(value.to_string()))));
    let events = span.events.into_iter().map(|e| json!({ "name": e.name, "time_unix_nano": e.time, "attributes": e.attributes }));
    let links = span.links.into_iter();
    let links = links.map(|l| json!({ "trace_id": format!("tr-{}", l.trace_id), "span_id": l.span_id, "attributes": l.attributes }));
    json!({
        "trace_id": bytes(trace),
        "span_id": bytes(&span.id),
        "parent_span_id": span.parent_id.as_deref().map(bytes),
        "name": span.name,
        "kind": kind,
        "start_time_unix_nano": span.start,
        "end_time_unix_nano": span.end,
        "status": { "code": code, "message": span.message },
        "attributes": attributes,
        "events": events.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_come_back_as_they_were() {
        for millis in [0, 1, 1500, 60_000, 86_400_123] {
            assert_eq!(read_duration(&duration(millis)), Ok(millis));
            assert_eq!(read_timestamp(&timestamp(millis)), Ok(millis));
        }
        assert_eq!(read_timestamp("2026-01-01T01:00:00.123456789+01:00"), Ok(1_767_225_600_123));
        for bad in ["", "s", "1", "-1s", "1.s", "1e9s", "99999999999999999999s", "1.0000000000s"] {
            assert!(read_duration(bad).is_err(), "{bad}");
        }
        for bad in ["", "yesterday", "2026-13-01T00:00:00Z", "1767225600000"] {
            assert!(read_timestamp(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_are_base64_in_protobufs_json() {
        assert_eq!(bytes("tr-00000000000000000000000000000001"), "AAAAAAAAAAAAAAAAAAAAAQ==");
        assert_eq!(bytes("no number"), "");
    }
}
