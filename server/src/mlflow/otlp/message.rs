//! What a request of OTLP says, whichever way it was written.

use domain::model::SpanLink;
use serde_json::{Map, Value};

/// Attribute values as JSON: bytes become base64, what JSON has no number for becomes text.
pub type Attributes = Map<String, Value>;

#[derive(Debug, Default, PartialEq)]
pub struct Export {
    pub resource_spans: Vec<ResourceSpans>,
}

/// Spans of one resource; which scope made them does not matter here.
#[derive(Debug, Default, PartialEq)]
pub struct ResourceSpans {
    pub resource: Attributes,
    pub spans: Vec<Span>,
}

/// Ids are hexadecimal digits, times epoch nanoseconds.
#[derive(Debug, Default, PartialEq)]
#[expect(clippy::struct_field_names, reason = "OpenTelemetry names them so")]
pub struct Span {
    pub trace_id: String,
    pub span_id: String,
    /// Empty for a root.
    pub parent_span_id: String,
    pub name: String,
    pub kind: i64,
    pub start: u64,
    /// 0 where it goes on.
    pub end: u64,
    pub attributes: Attributes,
    pub events: Vec<Event>,
    pub links: Vec<SpanLink>,
    pub status_code: i64,
    pub status_message: String,
}

#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub name: String,
    pub time: u64,
    pub attributes: Attributes,
}

/// A double as JSON; NaN and infinities as protobuf's JSON writes them.
pub fn double(value: f64) -> Value {
    if value.is_nan() {
        return "NaN".into();
    }
    serde_json::Number::from_f64(value).map_or_else(|| if value > 0.0 { "Infinity" } else { "-Infinity" }.into(), Value::Number)
}
