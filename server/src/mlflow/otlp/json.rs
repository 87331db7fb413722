//! Reads OTLP's JSON: protobuf's, except that ids are hexadecimal digits.

use super::{
    PARTS,
    message::{self, Attributes, Export, ResourceSpans, double},
};
use crate::mlflow::wire::{Double, Int, List, choice};
use domain::model::SpanLink;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::fmt;

/// Reads an `ExportTraceServiceRequest`.
///
/// # Errors
/// Says what cannot be read.
pub fn read(bytes: &[u8]) -> Result<Export, String> {
    if parts(bytes) > PARTS {
        return Err(format!("there are more than {PARTS} values"));
    }
    let request: Request = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let groups = request.resource_spans.0.into_iter().map(|group| {
        let scopes = group.scope_spans.0.into_iter().flat_map(|scope| scope.spans.0);
        Ok(ResourceSpans { resource: group.resource.attributes.0, spans: scopes.map(span).collect::<Result<_, String>>()? })
    });
    Ok(Export { resource_spans: groups.collect::<Result<_, String>>()? })
}

/// How many values there are at most: what begins or separates one, outside of text.
fn parts(bytes: &[u8]) -> usize {
    let (mut parts, mut in_text, mut escaped) = (0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' | b',' if !in_text => parts += 1,
            _ => {}
        }
    }
    parts
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Request {
    #[serde(alias = "resourceSpans")]
    resource_spans: List<Group>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group {
    resource: Resource,
    #[serde(alias = "scopeSpans")]
    scope_spans: List<Scope>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resource {
    attributes: Pairs,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Scope {
    spans: List<Span>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "OpenTelemetry names them so")]
struct Span {
    #[serde(alias = "traceId")]
    trace_id: Option<String>,
    #[serde(alias = "spanId")]
    span_id: Option<String>,
    #[serde(alias = "parentSpanId")]
    parent_span_id: Option<String>,
    name: Option<String>,
    kind: Option<Value>,
    #[serde(alias = "startTimeUnixNano")]
    start_time_unix_nano: Option<Int>,
    #[serde(alias = "endTimeUnixNano")]
    end_time_unix_nano: Option<Int>,
    attributes: Pairs,
    events: List<Event>,
    links: List<Link>,
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    message: Option<String>,
    code: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event {
    #[serde(alias = "timeUnixNano")]
    time_unix_nano: Option<Int>,
    name: Option<String>,
    attributes: Pairs,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Link {
    #[serde(alias = "traceId")]
    trace_id: Option<String>,
    #[serde(alias = "spanId")]
    span_id: Option<String>,
    attributes: Pairs,
}

const KINDS: [&str; 6] =
    ["SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"];
const CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

fn span(span: Span) -> Result<message::Span, String> {
    let id = |id: Option<String>| {
        let id = id.unwrap_or_default().to_ascii_lowercase();
        if domain::model::is_hex(&id) { Ok(id) } else { Err("an id is no hexadecimal number".to_owned()) }
    };
    let number = |value: Option<Value>, names: &[&'static str]| {
        let name = value.filter(|v| !v.is_null()).map(|value| choice(&value, names)).transpose()?;
        Ok::<_, String>(name.and_then(|name| names.iter().position(|n| *n == name)).and_then(|n| i64::try_from(n).ok()).unwrap_or(0))
    };
    let time = |at: Option<Int>| u64::try_from(at.unwrap_or_default().0).map_err(|_| "a time is not negative".to_owned());
    let events = span.events.0.into_iter().map(|event| {
        let name = event.name.unwrap_or_default();
        Ok(message::Event { name, time: time(event.time_unix_nano)?, attributes: event.attributes.0 })
    });
    let links = span
        .links
        .0
        .into_iter()
        .map(|link| Ok(SpanLink { trace_id: id(link.trace_id)?, span_id: id(link.span_id)?, attributes: link.attributes.0 }));
    Ok(message::Span {
        events: events.collect::<Result<_, String>>()?,
        links: links.collect::<Result<_, String>>()?,
        trace_id: id(span.trace_id)?,
        span_id: id(span.span_id)?,
        parent_span_id: id(span.parent_span_id)?,
        name: span.name.unwrap_or_default(),
        kind: number(span.kind, &KINDS)?,
        start: time(span.start_time_unix_nano)?,
        end: time(span.end_time_unix_nano)?,
        attributes: span.attributes.0,
        status_code: number(span.status.code, &CODES)?,
        status_message: span.status.message.unwrap_or_default(),
    })
}

/// `[{"key": …, "value": …}]`
#[derive(Default)]
struct Pairs(Attributes);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Pair {
            #[serde(default)]
            key: String,
            #[serde(default)]
            value: Any,
        }
        let pairs = Option::<List<Pair>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(Self(pairs.0.into_iter().map(|pair| (pair.key, pair.value.0)).collect::<Map<_, _>>()))
    }
}

/// `{"stringValue": …}` and its siblings; `{}` for nothing.
#[derive(Default)]
struct Any(Value);

#[derive(Deserialize, Default)]
#[serde(default)]
struct Values {
    values: List<Any>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct KeyValues {
    values: Pairs,
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Any;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value such as {\"stringValue\": \"x\"}")
            }
            fn visit_unit<E>(self) -> Result<Any, E> {
                Ok(Any(Value::Null))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
                let mut read = None;
                while let Some(kind) = map.next_key::<String>()? {
                    let value: Value = match kind.as_str() {
                        "stringValue" | "string_value" | "bytesValue" | "bytes_value" => map.next_value::<String>()?.into(),
                        "boolValue" | "bool_value" => map.next_value::<bool>()?.into(),
                        "intValue" | "int_value" => map.next_value::<Int>()?.0.into(),
                        "doubleValue" | "double_value" => double(map.next_value::<Double>()?.0),
                        "arrayValue" | "array_value" => map.next_value::<Values>()?.values.0.into_iter().map(|any| any.0).collect(),
                        "kvlistValue" | "kvlist_value" => map.next_value::<KeyValues>()?.values.0.into(),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    if read.replace(value).is_some() {
                        return Err(A::Error::custom("a value is said twice"));
                    }
                }
                Ok(Any(read.unwrap_or_default()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(span: &Value) -> Result<message::Span, String> {
        let request = json!({ "resourceSpans": [{ "resource": { "attributes": [] }, "scopeSpans": [{ "spans": [span] }] }] });
        read(request.to_string().as_bytes()).map(|mut export| export.resource_spans.remove(0).spans.remove(0))
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let value = |value: Value| one(&json!({ "attributes": [{ "key": "k", "value": value }] })).map(|span| span.attributes["k"].clone());
        assert_eq!(value(json!({ "intValue": "9223372036854775807" })), Ok(json!(i64::MAX)));
        assert_eq!(value(json!({ "doubleValue": "NaN" })), Ok(json!("NaN")));
        assert_eq!(value(json!({ "arrayValue": { "values": [{ "boolValue": true }, {}] } })), Ok(json!([true, null])));
        assert_eq!(
            value(json!({ "kvlistValue": { "values": [{ "key": "x", "value": { "stringValue": "y" } }] } })),
            Ok(json!({ "x": "y" }))
        );
        assert!(value(json!({ "intValue": "x" })).is_err());
        assert!(value(json!({ "stringValue": "x", "intValue": 1 })).is_err());
    }

    #[test]
    fn ids_are_hexadecimal_and_enums_numbers_or_names() {
        let span = one(&json!({ "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "kind": 2,
            "startTimeUnixNano": "1544712660000000000", "status": { "code": "STATUS_CODE_ERROR" } }))
        .expect("read");
        assert_eq!((span.trace_id.as_str(), span.kind, span.status_code), ("5b8efff798038103d269b633813fc60c", 2, 2));
        assert_eq!(span.start, 1_544_712_660_000_000_000);
        for bad in [json!({ "traceId": "../../etc" }), json!({ "kind": "NONE" }), json!({ "startTimeUnixNano": -1 }), json!({ "name": 1 })]
        {
            assert!(one(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn empty_values_are_counted() {
        assert_eq!(parts(br#"{"a":"[,{\"[","b":[1,2]}"#), 4);
        let many = format!("{{\"resourceSpans\":[{}]}}", "{},".repeat(PARTS));
        assert!(read(many.as_bytes()).expect_err("many").contains("more than"));
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
    }
}
