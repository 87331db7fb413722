//! SQL of spans.

use super::store::list;
use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{SPAN_COST, SPAN_LENGTH, SPAN_MODEL, SPAN_PROVIDER, SPAN_USAGE, Span, SpanEvent, SpanLink, SpanStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Longest model or provider that is kept beside a span, in characters.
const MODEL_LENGTH: usize = 500;

/// What is kept of a span as JSON.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Content {
    kind: u8,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    attributes: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<SpanEvent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<SpanLink>,
}

#[derive(sqlx::FromRow)]
struct SpanRow {
    trace_no: i64,
    span_id: String,
    parent_id: Option<String>,
    name: String,
    status: String,
    start_ns: i64,
    end_ns: Option<i64>,
    content: String,
}

/// What a trace is said from: a span without its content.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Outline {
    pub span_id: String,
    pub parent_id: Option<String>,
    pub usage: Option<String>,
    pub input_cost: Option<f64>,
    pub output_cost: Option<f64>,
    pub total_cost: Option<f64>,
}

/// A span ready to be written; made before the transaction, because it is long work.
pub(super) struct Prepared(Vec<crate::db::Value>);

/// Writes a span as its row will have it.
///
/// # Errors
/// `Invalid` where it is too long.
pub(super) fn prepare(span: Span) -> Result<Prepared> {
    let cost = |key: &str| span.attributes.get(SPAN_COST).and_then(|cost| cost.get(key)).and_then(Value::as_f64);
    let short = |key: &str| span.text(key).map(|text| crate::model::cut(text, MODEL_LENGTH).replace('\0', "\u{fffd}"));
    let usage = span.attributes.get(SPAN_USAGE).filter(|u| u.is_object()).map(Value::to_string);
    let (input, output, total) = (cost("input_cost"), cost("output_cost"), cost("total_cost"));
    let (model, provider) = (short(SPAN_MODEL), short(SPAN_PROVIDER));
    let step = crate::model::cut(span.kind_of_step(), MODEL_LENGTH).replace('\0', "\u{fffd}");
    let name = span.name.replace('\0', "\u{fffd}");
    let content = Content { kind: span.kind, message: span.message, attributes: span.attributes, events: span.events, links: span.links };
    let content = serde_json::to_string(&content).map_err(|e| Error::internal("a span", e))?;
    if content.len() > SPAN_LENGTH {
        return Err(Error::invalid("spans", format!("A span has at most {SPAN_LENGTH} bytes; {} has {}.", span.id, content.len())));
    }
    let bytes = i64::try_from(content.len()).unwrap_or(i64::MAX);
    Ok(Prepared(args![
        span.id,
        span.parent_id,
        name,
        step,
        span.status.as_str(),
        span.start,
        span.end,
        model,
        provider,
        input,
        output,
        total,
        usage,
        bytes,
        content,
    ]))
}

/// Writes spans of one trace, over those of the same id.
pub(super) async fn put(tx: &mut Tx, no: i64, spans: Vec<Prepared>) -> Result<()> {
    let rows = spans.into_iter().map(|Prepared(values)| [args![no], values].concat()).collect();
    tx.insert_many(
        "INSERT INTO spans (trace_no, span_id, parent_id, name, type, status, start_ns, end_ns, model, provider, input_cost, output_cost,
         total_cost, usage, bytes, content)",
        "ON CONFLICT (trace_no, span_id) DO UPDATE SET parent_id = excluded.parent_id, name = excluded.name, type = excluded.type,
         status = excluded.status, start_ns = excluded.start_ns, end_ns = excluded.end_ns, model = excluded.model,
         provider = excluded.provider, input_cost = excluded.input_cost, output_cost = excluded.output_cost,
         total_cost = excluded.total_cost, usage = excluded.usage, bytes = excluded.bytes,
         content = excluded.content",
        rows,
    )
    .await?;
    Ok(())
}

/// How many spans the trace has, and how many bytes they are together.
pub(super) async fn size(tx: &mut Tx, no: i64) -> Result<(i64, i64)> {
    tx.fetch_one("SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM spans WHERE trace_no = $1", args![no]).await
}

/// These traces, in groups whose spans fit into memory; a trace alone always does.
pub(super) async fn groups(db: &Db, nos: &[i64], most: i64) -> Result<Vec<Vec<i64>>> {
    let mut args = Vec::new();
    let places = list(&mut args, nos);
    let sql =
        format!("SELECT trace_no, CAST(SUM(bytes) AS BIGINT) FROM spans WHERE trace_no IN {places} GROUP BY trace_no ORDER BY trace_no");
    let sizes: Vec<(i64, i64)> = db.fetch_all_assembled(sql, args).await?;
    let mut groups: Vec<Vec<i64>> = Vec::new();
    let mut left = 0;
    for (no, bytes) in sizes {
        if let Some(group) = groups.last_mut().filter(|_| bytes <= left) {
            group.push(no);
        } else {
            groups.push(vec![no]);
            left = most;
        }
        left -= bytes;
    }
    Ok(groups)
}

/// All spans of the trace without their content.
pub(super) async fn outlines(tx: &mut Tx, no: i64) -> Result<Vec<Outline>> {
    let sql = "SELECT span_id, parent_id, usage, input_cost, output_cost, total_cost FROM spans WHERE trace_no = $1";
    tx.fetch_all(sql, args![no]).await
}

/// Spans of these traces, by the trace's number: roots first, then by start.
pub(super) async fn all(db: &Db, nos: &[i64]) -> Result<HashMap<i64, Vec<Span>>> {
    let mut spans: HashMap<i64, Vec<Span>> = HashMap::new();
    if nos.is_empty() {
        return Ok(spans);
    }
    let mut args = Vec::new();
    let sql = format!(
        "SELECT trace_no, span_id, parent_id, name, status, start_ns, end_ns, content FROM spans WHERE trace_no IN {}",
        list(&mut args, nos)
    );
    let rows: Vec<SpanRow> = db.fetch_all_assembled(sql, args).await?;
    for row in rows {
        spans.entry(row.trace_no).or_default().push(span(row)?);
    }
    for spans in spans.values_mut() {
        spans.sort_by(|a, b| (a.parent_id.is_some(), a.start, &a.id).cmp(&(b.parent_id.is_some(), b.start, &b.id)));
    }
    Ok(spans)
}

fn span(row: SpanRow) -> Result<Span> {
    let content: Content = serde_json::from_str(&row.content).map_err(|e| Error::internal("a stored span", e))?;
    Ok(Span {
        id: row.span_id,
        parent_id: row.parent_id,
        name: row.name,
        kind: content.kind,
        start: row.start_ns,
        end: row.end_ns,
        status: SpanStatus::ALL.into_iter().find(|s| s.as_str() == row.status).unwrap_or_default(),
        message: content.message,
        attributes: content.attributes,
        events: content.events,
        links: content.links,
    })
}

/// A span as a search looks at it.
#[derive(sqlx::FromRow)]
pub(super) struct Seen {
    pub trace_no: i64,
    pub name: String,
    #[sqlx(rename = "type")]
    pub step: String,
    pub status: String,
    pub content: String,
}

impl Seen {
    /// The attribute as text: text as it is, anything else as JSON.
    pub fn attribute(&self, key: &str) -> Option<String> {
        let content: Content = serde_json::from_str(&self.content).ok()?;
        content.attributes.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

/// Spans of these traces for a search; their content only where it matters.
pub(super) async fn seen(db: &Db, nos: &[i64], with_content: bool) -> Result<Vec<Seen>> {
    let content = if with_content { "content" } else { "'' AS content" };
    let mut args = Vec::new();
    let sql = format!("SELECT trace_no, name, type, status, {content} FROM spans WHERE trace_no IN {}", list(&mut args, nos));
    db.fetch_all_assembled(sql, args).await
}
