//! Spans as OpenTelemetry's exporters send them: OTLP over HTTP, protobuf or JSON (<https://opentelemetry.io/docs/specs/otlp/>).

mod json;
mod message;
mod protobuf;

use super::{
    Answer, Door, MlflowError,
    wire::{content_type, read_any, required},
};
use crate::{
    Server,
    router::{Access, Route},
};
use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    http::{HeaderMap, header},
    response::IntoResponse,
    routing::post,
};
use domain::{
    model::{ExperimentId, Permission, RunId, Span, SpanStatus},
    traces::{self, Arriving},
};
use message::Export;
use std::sync::Arc;

/// Longest request, in bytes: a trace with pictures in its messages.
const BODY: usize = 32 * 1024 * 1024;
/// Most values, keys and messages of a request. An empty one takes two bytes on the wire and many more in memory.
const PARTS: usize = 1_000_000;
const PROTOBUF: &str = "application/x-protobuf";

/// `POST /v1/traces`.
pub fn bare() -> Vec<Route> {
    vec![("POST", "/v1/traces".to_owned(), Access::Mlflow(Permission::WriteTracking), post(export))]
}

async fn export(axum::extract::State(server): axum::extract::State<Server>, request: Request) -> Answer {
    let (mut parts, body) = request.into_parts();
    let door = Door::from_request_parts(&mut parts, &server).await?;
    let experiment = ExperimentId(required(text(&parts.headers, "x-mlflow-experiment-id")?, "x-mlflow-experiment-id")?);
    let run = text(&parts.headers, "x-mlflow-run-id")?.filter(|id| !id.is_empty()).map(RunId);
    let (export, is_json) = read(&parts.headers, body).await?;
    let spans = spans(export)?;
    traces::log_spans(door.portal(), &door.caller, &door.team, &experiment, spans, run.as_ref()).await?;
    // An answer without words says that everything was taken; it comes in the encoding of the request.
    Ok(if is_json {
        ([(header::CONTENT_TYPE, "application/json")], "{}").into_response()
    } else {
        ([(header::CONTENT_TYPE, PROTOBUF)], Body::empty()).into_response()
    })
}

/// The one value of a header.
fn text(headers: &HeaderMap, name: &str) -> Answer<Option<String>> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(MlflowError::invalid(format!("The header {name} is said twice.")));
    }
    let read = |value: &header::HeaderValue| value.to_str().map(|text| text.trim().to_owned());
    first.map(read).transpose().map_err(|_| MlflowError::invalid(format!("The header {name} is no plain text.")))
}

async fn read(headers: &HeaderMap, body: Body) -> Answer<(Export, bool)> {
    let is_json = match content_type(headers).as_deref() {
        Some("application/json") => true,
        Some(PROTOBUF) => false,
        other => {
            let other = other.unwrap_or("none");
            return Err(MlflowError::invalid(format!("Invalid Content-Type: {other:?}. Expected: {PROTOBUF} or application/json")));
        }
    };
    let body = read_any(headers, body, BODY).await?;
    // Long work, which must not hold up other requests of this thread.
    let export = tokio::task::spawn_blocking(move || if is_json { json::read(&body) } else { protobuf::read(&body) })
        .await
        .map_err(|e| domain::Error::internal("reading spans", e))?;
    let export = export.map_err(|reason| MlflowError::invalid(format!("Invalid OpenTelemetry format: {reason}")))?;
    if export.resource_spans.is_empty() {
        return Err(MlflowError::invalid("Invalid OpenTelemetry format - no spans found"));
    }
    Ok((export, is_json))
}

fn spans(export: Export) -> Answer<Vec<Arriving>> {
    let mut all = Vec::new();
    for group in export.resource_spans {
        let resource = Arc::new(group.resource);
        for span in group.spans {
            let (trace, span) = arriving(span)?;
            all.push(Arriving { trace, span, resource: resource.clone() });
        }
    }
    Ok(all)
}

/// The trace's id as MLflow's clients call it, and the span.
fn arriving(span: message::Span) -> Answer<(String, Span)> {
    let trace = span.trace_id;
    if trace.len() != 32 || trace.bytes().all(|b| b == b'0') {
        return Err(MlflowError::invalid("A trace's id is 16 bytes that are not all zero."));
    }
    let time = |at: u64| i64::try_from(at).map_err(|_| MlflowError::invalid("A time does not fit 64 bits."));
    let parent = span.parent_span_id;
    let status = match span.status_code {
        1 => SpanStatus::Ok,
        2 => SpanStatus::Error,
        _ => SpanStatus::Unset,
    };
    let events = span
        .events
        .into_iter()
        .map(|e| Ok::<_, MlflowError>(domain::model::SpanEvent { name: e.name, time: time(e.time)?, attributes: e.attributes }));
    let span = Span {
        id: span.span_id,
        parent_id: Some(parent).filter(|id| !id.bytes().all(|b| b == b'0')),
        name: domain::model::cut(&span.name, domain::model::SPAN_NAME_LENGTH).to_owned(),
        kind: u8::try_from(span.kind).ok().filter(|kind| *kind <= 5).unwrap_or_default(),
        start: time(span.start)?,
        end: Some(time(span.end)?).filter(|end| *end > 0),
        status,
        message: span.status_message,
        attributes: span.attributes,
        events: events.collect::<Result<_, _>>()?,
        links: span.links,
    };
    Ok((format!("tr-{trace}"), span))
}
