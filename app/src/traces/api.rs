//! Server functions about traces and their spans.

use crate::error::AppError;
use domain::model::{ExperimentId, Millis, RunId, SpanStatus, Tag, TraceState};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use {crate::context::request, domain::model::TraceInfo};

/// Traces of one page of a list.
#[cfg(feature = "ssr")]
const A_PAGE: i64 = 50;
/// Spans of a trace that one page shows.
#[cfg(feature = "ssr")]
const SPANS: usize = 1000;
/// Longest text of a span that is shown, in characters.
#[cfg(feature = "ssr")]
const LONGEST: usize = 64 * 1024;

/// A trace as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TraceLine {
    pub id: String,
    pub name: String,
    pub state: TraceState,
    pub at: Millis,
    /// Milliseconds.
    pub duration: Option<i64>,
    pub request: String,
    pub response: String,
    pub assessments: usize,
}

/// A page of a list of traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLines {
    /// The experiment's name.
    pub experiment: String,
    pub traces: Vec<TraceLine>,
    /// Leads to the next page.
    pub next: Option<String>,
}

/// Traces of an experiment, or of one of its runs where `run` is not empty, the newest first.
#[server(prefix = "/api", endpoint = "tracking/traces")]
pub async fn list_traces(
    team: String,
    experiment: ExperimentId,
    #[server(default)] run: String,
    #[server(default)] page: String,
) -> Result<TraceLines, AppError> {
    use domain::traces::{TraceSearch, search};
    let (portal, caller) = request()?;
    let name = domain::tracking::experiments::get(&portal, &caller, &team, &experiment).await?.name;
    let filter = if run.is_empty() {
        String::new()
    } else {
        let run = domain::tracking::runs::get(&portal, &caller, &team, &RunId(run)).await?;
        format!("metadata.`{}` = '{}'", domain::model::TRACE_SOURCE_RUN, run.id.as_str().replace('\'', ""))
    };
    let order_by = vec!["timestamp_ms DESC".to_owned()];
    let asked = TraceSearch { experiments: vec![experiment], filter, order_by, most: A_PAGE, page_token: Some(page) };
    let found = search(&portal, &caller, &team, &asked).await?;
    Ok(TraceLines { experiment: name, traces: found.traces.into_iter().map(line).collect(), next: found.next })
}

#[cfg(feature = "ssr")]
fn line(info: TraceInfo) -> TraceLine {
    TraceLine {
        name: named(&info),
        state: info.state,
        at: info.request_time,
        duration: info.duration,
        request: info.request_preview.unwrap_or_default(),
        response: info.response_preview.unwrap_or_default(),
        assessments: info.assessments.iter().filter(|a| a.valid).count(),
        id: info.id,
    }
}

#[cfg(feature = "ssr")]
fn named(info: &TraceInfo) -> String {
    info.tags.get(domain::model::TRACE_NAME).filter(|name| !name.is_empty()).unwrap_or(&info.id).clone()
}

/// A line of the waterfall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanLine {
    pub id: String,
    /// Steps from the root.
    pub depth: usize,
    pub name: String,
    /// MLflow's type, for example `LLM`.
    pub kind: String,
    /// The language model that it called.
    pub model: Option<String>,
    pub status: SpanStatus,
    /// Nanoseconds after the trace began, and how many it took.
    pub from: i64,
    pub lasted: Option<i64>,
}

/// All of one span that people read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanDetail {
    pub line: SpanLine,
    /// What it says where it failed.
    pub message: String,
    pub inputs: Option<String>,
    pub outputs: Option<String>,
    /// The others of its attributes, as JSON.
    pub attributes: Vec<Tag>,
    /// Name, nanoseconds after the trace began, attributes as JSON.
    pub events: Vec<(String, i64, String)>,
}

/// What somebody says about a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub name: String,
    /// `feedback`, `expectation` or `issue`.
    pub kind: String,
    pub value: String,
    pub by: String,
    pub rationale: String,
    pub span: Option<String>,
    pub at: Millis,
}

/// A trace with its waterfall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceDetail {
    pub line: TraceLine,
    pub experiment: ExperimentId,
    pub experiment_name: String,
    pub run: Option<RunId>,
    pub tags: Vec<Tag>,
    pub metadata: Vec<Tag>,
    pub assessments: Vec<Said>,
    pub spans: Vec<SpanLine>,
    /// Spans that have come.
    pub count: usize,
    /// Nanoseconds from the first start to the last end.
    pub length: i64,
    /// The span that was asked for, or the first.
    pub chosen: Option<SpanDetail>,
}

/// A trace; `span` names the one whose details are wanted.
#[server(prefix = "/api", endpoint = "tracking/trace")]
pub async fn get_trace(team: String, trace: String, #[server(default)] span: String) -> Result<TraceDetail, AppError> {
    let (portal, caller) = request()?;
    let found = domain::traces::get(&portal, &caller, &team, &trace, true).await?;
    let info = found.info;
    let experiment_name = domain::tracking::experiments::get(&portal, &caller, &team, &info.experiment).await?.name;
    let lines = super::tree::lines(&found.spans, SPANS);
    let start = found.spans.iter().map(|s| s.start).min().unwrap_or(0);
    let end = found.spans.iter().filter_map(|s| s.end.or(Some(s.start))).max().unwrap_or(start);
    let wanted = lines.iter().find(|l| l.id == span).or(lines.first());
    let chosen = wanted.and_then(|line| Some(detail(line.clone(), found.spans.iter().find(|s| s.id == line.id)?, start)));
    let tags = |pairs: &domain::model::Pairs| pairs.iter().map(|(key, value)| Tag::new(key, cut(value))).collect();
    Ok(TraceDetail {
        experiment: info.experiment.clone(),
        experiment_name,
        run: info.metadata.get(domain::model::TRACE_SOURCE_RUN).map(|run| RunId::from(run.as_str())),
        tags: tags(&info.tags),
        metadata: tags(&info.metadata),
        assessments: info.assessments.iter().filter(|a| a.valid).map(said).collect(),
        count: found.spans.len(),
        length: end.saturating_sub(start),
        spans: lines,
        chosen,
        line: line(info),
    })
}

#[cfg(feature = "ssr")]
fn cut(text: &str) -> String {
    let start = domain::model::cut(text, LONGEST);
    if start.len() == text.len() { text.to_owned() } else { format!("{start}…\n(longer; MLflow's client reads all of it)") }
}

#[cfg(feature = "ssr")]
fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => cut(text),
        other => cut(&serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

#[cfg(feature = "ssr")]
fn detail(line: SpanLine, span: &domain::model::Span, start: i64) -> SpanDetail {
    use domain::model::{SPAN_INPUTS, SPAN_OUTPUTS};
    let own = |key: &str| span.attributes.get(key).filter(|v| !v.is_null()).map(shown);
    let event = |e: &domain::model::SpanEvent| {
        let attributes = serde_json::to_string_pretty(&e.attributes).unwrap_or_default();
        (e.name.clone(), e.time.saturating_sub(start), cut(&attributes))
    };
    SpanDetail {
        line,
        message: cut(&span.message),
        inputs: own(SPAN_INPUTS),
        outputs: own(SPAN_OUTPUTS),
        attributes: span
            .attributes
            .iter()
            .filter(|(key, _)| ![SPAN_INPUTS, SPAN_OUTPUTS].contains(&key.as_str()))
            .map(|(key, value)| Tag::new(key, shown(value)))
            .collect(),
        events: span.events.iter().take(100).map(event).collect(),
    }
}

#[cfg(feature = "ssr")]
fn said(assessment: &domain::model::Assessment) -> Said {
    use domain::model::Judgement;
    let value = match &assessment.judgement {
        Judgement::Feedback { error: Some(error), .. } => format!("failed: {}", error.message.as_deref().unwrap_or("no reason given")),
        Judgement::Feedback { value, .. } | Judgement::Expectation { value } => shown(value),
        Judgement::Issue { name } => name.clone(),
    };
    Said {
        name: assessment.name.clone(),
        kind: assessment.judgement.kind().to_owned(),
        value,
        by: format!("{} ({})", assessment.source_id, assessment.source_type.to_lowercase().replace('_', " ")),
        rationale: assessment.rationale.as_deref().map(cut).unwrap_or_default(),
        span: assessment.span.clone(),
        at: assessment.created_at,
    }
}
