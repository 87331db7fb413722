//! Spans as they arrive: of several traces, in any order, in several requests, some of them twice.

use super::{
    change::link,
    derive,
    semantics::{DEPTH, is_flat, translate},
    span_store::{self, Prepared},
    start::{Tokens, tokens},
    store::{self, Kind, TraceRow},
    told,
};
use crate::{
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    model::{
        ExperimentId, Pairs, Permission, RunId, SPAN_INPUTS, SPAN_OUTPUTS, SPAN_TRACE_TAG, SPANS_OF_A_REQUEST, SPANS_OF_A_TRACE, Span,
        SpanStatus, TRACE_COST, TRACE_LENGTH, TRACE_NAME, TRACE_SESSION, TRACE_SPANS_LOCATION, TRACE_TOKEN_USAGE, TRACE_USER,
        TRACE_VALUE_LENGTH, TeamId, TraceInfo, TraceState, cut, validate_trace_id, validate_trace_tag,
    },
    portal::Portal,
    tracking::store as tracking,
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

const NANOS: i64 = 1_000_000;

/// A span on its way in.
#[derive(Clone, Debug)]
pub struct Arriving {
    /// As clients call the trace.
    pub trace: String,
    pub span: Span,
    /// What made it, for example `service.name`; becomes tags of the trace.
    pub resource: Arc<Map<String, Value>>,
}

/// What one request says about one trace.
struct Said {
    spans: Vec<Prepared>,
    start: i64,
    end: Option<i64>,
    /// How the root ended, where it is among the spans.
    root: Option<SpanStatus>,
    name: Option<String>,
    request: Option<String>,
    response: Option<String>,
    tags: Pairs,
    metadata: Pairs,
    has_numbers: bool,
}

/// Writes spans into the experiment: all of them or none. A span that is there already is written over.
///
/// With a run, the traces whose root is among the spans are linked to it.
///
/// # Errors
/// `NotFound` for an experiment or run of another team; `Invalid` where a span breaks a limit, where the trace lies in another
/// experiment, or where the experiment is deleted.
pub async fn log_spans(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    experiment: &ExperimentId,
    spans: Vec<Arriving>,
    run: Option<&RunId>,
) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    if spans.len() > SPANS_OF_A_REQUEST {
        return Err(Error::invalid("spans", format!("A request has at most {SPANS_OF_A_REQUEST} spans; this one has {}.", spans.len())));
    }
    // Long work, which must not hold up other requests of this thread.
    let said = tokio::task::spawn_blocking(move || said(spans)).await.map_err(|e| Error::internal("reading spans", e))??;
    let mut tx = portal.db.begin().await?;
    let experiment = tracking::experiment_tx(&mut tx, &scope.team, experiment).await?;
    if experiment.deleted_at.is_some() {
        return Err(Error::invalid("experiment_id", "The experiment is deleted; restore it first."));
    }
    let run = match run {
        Some(run) => Some(tracking::run_tx(&mut tx, &scope.team, run).await?.no),
        None => None,
    };
    let ids: Vec<String> = said.keys().cloned().collect();
    let mut numbers = store::numbers(&mut tx, &scope.team, &ids).await?;
    // In the order of their ids, so that no two requests wait for each other.
    for (id, said) in said {
        let ended = said.root.is_some();
        let no = write(&mut tx, &scope.team, experiment.id, &mut numbers, &id, said).await?;
        if let Some(run) = run.filter(|_| ended) {
            link(&mut tx, no, run).await?;
        }
    }
    tx.commit().await?;
    told::tell(portal, &scope, experiment.id);
    Ok(())
}

/// Sorts the spans by trace, and prepares everything that needs no database.
fn said(spans: Vec<Arriving>) -> Result<BTreeMap<String, Said>> {
    let mut traces: BTreeMap<String, BTreeMap<String, Arriving>> = BTreeMap::new();
    for mut arriving in spans {
        validate_trace_id(&arriving.trace).map_err(|reason| Error::invalid("trace_id", reason))?;
        arriving.span.validate()?;
        let Span { attributes, events, links, .. } = &mut arriving.span;
        let nested = events.iter().map(|e| &e.attributes).chain(links.iter().map(|l| &l.attributes)).chain([&*attributes]);
        if !nested.flat_map(Map::values).all(|value| is_flat(value, DEPTH)) {
            return Err(Error::invalid("attributes", format!("An attribute is nested at most {DEPTH} deep.")));
        }
        translate(attributes);
        traces.entry(arriving.trace.clone()).or_default().insert(arriving.span.id.clone(), arriving);
    }
    traces.into_iter().map(|(id, spans)| Ok((id, said_of_one(spans.into_values())?))).collect()
}

fn said_of_one(spans: impl Iterator<Item = Arriving>) -> Result<Said> {
    let mut said = Said {
        spans: Vec::new(),
        start: i64::MAX,
        end: None,
        root: None,
        name: None,
        request: None,
        response: None,
        tags: Pairs::new(),
        metadata: Pairs::new(),
        has_numbers: false,
    };
    let mut root_tags = Pairs::new();
    for Arriving { span, resource, .. } in spans {
        said.start = said.start.min(span.start / NANOS);
        said.end = said.end.max(span.end.map(|end| end / NANOS));
        for (key, from) in [(TRACE_SESSION, ["session.id", "gen_ai.conversation.id"]), (TRACE_USER, ["user.id", ""])] {
            if let Some(text) = from.iter().find_map(|from| span.text(from)) {
                said.metadata.entry(key.to_owned()).or_insert_with(|| text_value(text));
            }
        }
        if said.tags.is_empty() {
            said.tags.extend(resource_tags(&resource));
        }
        if span.parent_id.is_none() {
            said.root = Some(span.status);
            said.name = Some(span.name.replace('\0', "\u{fffd}"));
            let preview = |key: &str, role: &str| span.attributes.get(key).filter(|v| !v.is_null()).map(|v| derive::preview(v, role));
            said.request = preview(SPAN_INPUTS, "user");
            said.response = preview(SPAN_OUTPUTS, "assistant");
            root_tags = tags_of(span.attributes.iter().filter_map(|(k, v)| k.strip_prefix(SPAN_TRACE_TAG).map(|k| (k, v))));
        }
        said.has_numbers |= span.attributes.contains_key(crate::model::SPAN_USAGE) || span.attributes.contains_key(crate::model::SPAN_COST);
        said.spans.push(span_store::prepare(span)?);
    }
    said.name = root_tags.remove(TRACE_NAME).or(said.name);
    said.tags.extend(root_tags);
    said.tags.insert(TRACE_SPANS_LOCATION.to_owned(), "TRACKING_STORE".to_owned());
    Ok(said)
}

fn text_value(text: &str) -> String {
    cut(text, TRACE_VALUE_LENGTH).replace('\0', "\u{fffd}")
}

/// What made the spans, without what only its own tracer cares for.
fn resource_tags(resource: &Map<String, Value>) -> Pairs {
    tags_of(resource.iter().map(|(k, v)| (k.as_str(), v)).filter(|(k, _)| !k.starts_with("telemetry.sdk.") && !k.starts_with("mlflow.")))
}

/// Those that can be tags.
fn tags_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a Value)>) -> Pairs {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    pairs
        .filter(|(key, _)| validate_trace_tag(key).is_ok())
        .take(crate::model::TRACE_PAIRS)
        .map(|(key, value)| (key.to_owned(), text_value(&text(value))))
        .collect()
}

/// Writes what is said about one trace; its number.
async fn write(tx: &mut Tx, team: &TeamId, experiment: i64, numbers: &mut Vec<i64>, id: &str, mut said: Said) -> Result<i64> {
    let found = store::lock(tx, team, id).await?;
    let mut row = if let Some(row) = found {
        row
    } else {
        let new = TraceInfo {
            id: id.to_owned(),
            experiment: ExperimentId(String::new()),
            request_time: said.start,
            duration: None,
            state: TraceState::InProgress,
            client_request_id: None,
            request_preview: None,
            response_preview: None,
            metadata: Pairs::new(),
            tags: Pairs::new(),
            assessments: Vec::new(),
        };
        let no = match numbers.pop() {
            Some(no) => no,
            None => tx.next("trace").await?,
        };
        store::insert(tx, team, experiment, no, &new).await?
    };
    if row.experiment_id != experiment {
        return Err(Error::invalid("trace_id", format!("Trace with ID '{id}' already exists in another experiment.")));
    }
    span_store::put(tx, row.no, std::mem::take(&mut said.spans)).await?;
    let (count, bytes) = span_store::size(tx, row.no).await?;
    if count > SPANS_OF_A_TRACE || bytes > TRACE_LENGTH {
        return Err(Error::invalid("spans", format!("A trace has at most {SPANS_OF_A_TRACE} spans and {TRACE_LENGTH} bytes.")));
    }
    merge(&mut row, &said);
    store::update(tx, &row).await?;
    store::put(tx, Kind::Tags, row.no, &said.tags).await?;
    store::put_missing(tx, row.no, &said.metadata).await?;
    if said.has_numbers {
        sum_up(tx, &row).await?;
    }
    Ok(row.no)
}

/// What the spans say about the trace, as far as its client has not said it.
fn merge(row: &mut TraceRow, said: &Said) {
    if row.finished == 0 {
        let end = row.duration.map(|duration| row.request_time + duration).max(said.end);
        row.request_time = row.request_time.min(said.start);
        row.duration = end.map(|end| (end - row.request_time).max(0));
        row.name = row.name.take().or_else(|| said.name.as_deref().map(text_value));
    }
    let open = row.state.parse::<TraceState>().is_ok_and(TraceState::is_open);
    if let Some(root) = said.root.filter(|_| open) {
        let state = if root == SpanStatus::Error { TraceState::Error } else { TraceState::Ok };
        state.as_str().clone_into(&mut row.state);
    }
    row.request_preview = row.request_preview.take().or_else(|| said.request.clone());
    row.response_preview = row.response_preview.take().or_else(|| said.response.clone());
}

/// Counts tokens and cost over all spans of the trace, unless its client has.
async fn sum_up(tx: &mut Tx, row: &TraceRow) -> Result<()> {
    let outlines = span_store::outlines(tx, row.no).await?;
    for (key, sums) in [(TRACE_TOKEN_USAGE, derive::usage(&outlines)), (TRACE_COST, derive::cost(&outlines))] {
        let Some(sums) = sums else { continue };
        if row.finished != 0 && store::has_metadata(tx, row.no, key).await? {
            continue;
        }
        let metadata = Pairs::from([(key.to_owned(), Value::Object(sums).to_string())]);
        if let Some(Tokens(counts)) = tokens(&metadata) {
            store::set_tokens(tx, row.no, counts).await?;
        }
        store::put(tx, Kind::Metadata, row.no, &metadata).await?;
    }
    Ok(())
}
