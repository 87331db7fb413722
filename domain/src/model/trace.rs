//! Traces of generative applications: what a request to one did, span by span, and what people and judges say about it. MLflow's words.

use super::{Checks, ExperimentId, FieldError, Millis, validate_key, validate_unreserved};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most spans in one request.
pub const SPANS_OF_A_REQUEST: usize = 10_000;
/// Most spans of one trace.
pub const SPANS_OF_A_TRACE: i64 = 50_000;
/// Longest span: all its attributes, events and links as JSON, in bytes.
pub const SPAN_LENGTH: usize = 8 * 1024 * 1024;
/// Longest trace: its spans together, in bytes.
pub const TRACE_LENGTH: i64 = 128 * 1024 * 1024;
/// Most attributes of a span, and of each of its events and links.
pub const ATTRIBUTES: usize = 1000;
/// Most events, and as many links, of a span.
pub const SPAN_EVENTS: usize = 10_000;
/// Longest name of a span, in characters; what is longer is cut.
pub const SPAN_NAME_LENGTH: usize = 1000;
/// Longest id of a trace, in characters.
pub const TRACE_ID_LENGTH: usize = 50;
/// Longest value of a trace's tag or metadata, in characters; what is longer is cut, as MLflow does.
pub const TRACE_VALUE_LENGTH: usize = 8000;
/// Most tags, and as many metadata, of one request about a trace.
pub const TRACE_PAIRS: usize = 500;
/// Longest preview of a request or response, in characters; what is longer is cut.
pub const PREVIEW_LENGTH: usize = 1000;
/// Most traces of one page of a search.
pub const TRACES_OF_A_PAGE: i64 = 500;
/// Longest value, rationale, error or metadata of an assessment, in bytes.
pub const ASSESSMENT_LENGTH: usize = 1024 * 1024;
/// Most assessments of one trace.
pub const ASSESSMENTS_OF_A_TRACE: i64 = 10_000;

/// MLflow's keys that Slipway reads or writes.
pub const TRACE_NAME: &str = "mlflow.traceName";
pub const TRACE_TOKEN_USAGE: &str = "mlflow.trace.tokenUsage";
pub const TRACE_COST: &str = "mlflow.trace.cost";
pub const TRACE_SESSION: &str = "mlflow.trace.session";
pub const TRACE_USER: &str = "mlflow.trace.user";
pub const TRACE_SIZE: &str = "mlflow.trace.sizeStats";
pub const TRACE_SOURCE_RUN: &str = "mlflow.sourceRun";
pub const TRACE_SPANS_LOCATION: &str = "mlflow.trace.spansLocation";
pub const TRACE_ARTIFACT_LOCATION: &str = "mlflow.artifactLocation";
pub const SPAN_TRACE_ID: &str = "mlflow.traceRequestId";
pub const SPAN_TYPE: &str = "mlflow.spanType";
pub const SPAN_INPUTS: &str = "mlflow.spanInputs";
pub const SPAN_OUTPUTS: &str = "mlflow.spanOutputs";
pub const SPAN_USAGE: &str = "mlflow.chat.tokenUsage";
pub const SPAN_COST: &str = "mlflow.llm.cost";
pub const SPAN_MODEL: &str = "mlflow.llm.model";
pub const SPAN_PROVIDER: &str = "mlflow.llm.provider";
/// What says a trace's tag among the attributes of its root span.
pub const SPAN_TRACE_TAG: &str = "mlflow.traceTag.";
/// Tags that only Slipway writes: where a trace's files and spans are.
pub const TRACE_FIXED_TAGS: [&str; 4] =
    [TRACE_ARTIFACT_LOCATION, TRACE_SPANS_LOCATION, "mlflow.trace.archiveLocation", "mlflow.trace.archivalFailure"];

/// How far a trace is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TraceState {
    #[default]
    StateUnspecified,
    Ok,
    Error,
    InProgress,
}

impl TraceState {
    /// In the order of MLflow's numbers.
    pub const ALL: [Self; 4] = [Self::StateUnspecified, Self::Ok, Self::Error, Self::InProgress];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::StateUnspecified => "STATE_UNSPECIFIED",
            Self::Ok => "OK",
            Self::Error => "ERROR",
            Self::InProgress => "IN_PROGRESS",
        }
    }
    /// Whether the end is yet to come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::StateUnspecified | Self::InProgress)
    }
}

impl std::str::FromStr for TraceState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| format!("\"{text}\" is no state of a trace."))
    }
}

/// Text by text, ordered.
pub type Pairs = BTreeMap<String, String>;

/// A trace without its spans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceInfo {
    /// As the client calls it, for example `tr-` and 32 hexadecimal digits; unique in its team.
    pub id: String,
    pub experiment: ExperimentId,
    pub request_time: Millis,
    /// Milliseconds; none while it goes on.
    pub duration: Option<i64>,
    pub state: TraceState,
    pub client_request_id: Option<String>,
    pub request_preview: Option<String>,
    pub response_preview: Option<String>,
    /// What never changes, for example token counts and the run that made it.
    pub metadata: Pairs,
    pub tags: Pairs,
    /// Oldest first.
    pub assessments: Vec<Assessment>,
}

/// A trace with its spans: roots first, then by start.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub info: TraceInfo,
    pub spans: Vec<Span>,
}

/// How a span ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SpanStatus {
    #[default]
    Unset,
    Ok,
    Error,
}

impl SpanStatus {
    /// In the order of OpenTelemetry's numbers.
    pub const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "UNSET",
            Self::Ok => "OK",
            Self::Error => "ERROR",
        }
    }
}

/// One step of a trace, as OpenTelemetry describes it. Attribute values are JSON; bytes are base64, numbers that JSON lacks are text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub id: String,
    pub parent_id: Option<String>,
    pub name: String,
    /// OpenTelemetry's number, 0 to 5.
    pub kind: u8,
    /// Epoch nanoseconds.
    pub start: i64,
    pub end: Option<i64>,
    pub status: SpanStatus,
    pub message: String,
    pub attributes: Map<String, Value>,
    pub events: Vec<SpanEvent>,
    pub links: Vec<SpanLink>,
}

/// Something that happened within a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanEvent {
    pub name: String,
    /// Epoch nanoseconds.
    pub time: i64,
    pub attributes: Map<String, Value>,
}

/// A span that another one refers to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanLink {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    pub span_id: String,
    pub attributes: Map<String, Value>,
}

impl Span {
    /// The attribute as text, where it is text and not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
    /// MLflow's type, for example `LLM`; `UNKNOWN` where none is said.
    pub fn kind_of_step(&self) -> &str {
        self.text(SPAN_TYPE).unwrap_or("UNKNOWN")
    }

    /// Ids, times and how much there is of everything.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        let id = |text: &str| text.len() == 16 && is_hex(text) && text.bytes().any(|b| b != b'0');
        checks.require(id(&self.id), "span_id", "A span's id is 8 bytes that are not all zero.");
        checks.require(self.parent_id.as_deref().is_none_or(id), "parent_span_id", "A span's id is 8 bytes that are not all zero.");
        checks.require(self.start >= 0 && self.end.is_none_or(|end| end >= 0), "start_time_unix_nano", "A time is not negative.");
        checks.require(self.attributes.len() <= ATTRIBUTES, "attributes", format!("A span has at most {ATTRIBUTES} attributes."));
        checks.require(
            self.events.len() <= SPAN_EVENTS && self.links.len() <= SPAN_EVENTS,
            "events",
            format!("A span has at most {SPAN_EVENTS} events, and as many links."),
        );
        let fine =
            self.events.iter().map(|e| e.attributes.len()).chain(self.links.iter().map(|l| l.attributes.len())).all(|n| n <= ATTRIBUTES);
        checks.require(fine, "events", format!("An event or link has at most {ATTRIBUTES} attributes."));
        checks.finish()
    }
}

/// Lower-case hexadecimal digits and nothing else.
pub fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// The id of a trace that a client chose.
pub fn validate_trace_id(id: &str) -> Result<(), String> {
    let fine = !id.is_empty()
        && id.chars().count() <= TRACE_ID_LENGTH
        && !id.starts_with('.')
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fine {
        Ok(())
    } else {
        Err(format!("A trace's id is made of at most {TRACE_ID_LENGTH} letters, digits, dashes, underscores and periods."))
    }
}

/// The key of a tag that a client writes.
pub fn validate_trace_tag(key: &str) -> Result<(), String> {
    validate_key(key)?;
    validate_unreserved(key)?;
    if TRACE_FIXED_TAGS.contains(&key) { Err(format!("The tag {key} says where the trace is kept and cannot be changed.")) } else { Ok(()) }
}

/// What an assessment says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// How good it was. A value that could not be found has an error instead.
    Feedback { value: Value, error: Option<AssessmentError> },
    /// What should have come out.
    Expectation { value: Value },
    /// A known problem; the assessment's name is its id.
    Issue { name: String },
}

impl Judgement {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Feedback { .. } => "feedback",
            Self::Expectation { .. } => "expectation",
            Self::Issue { .. } => "issue",
        }
    }
}

/// Why there is no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssessmentError {
    pub code: Option<String>,
    pub message: Option<String>,
    pub stack: Option<String>,
}

/// What a person, a judge or a program says about a trace or one of its spans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// `a-` and 32 hexadecimal digits.
    pub id: String,
    pub trace: String,
    pub name: String,
    pub span: Option<String>,
    /// HUMAN, `LLM_JUDGE`, CODE or `SOURCE_TYPE_UNSPECIFIED`.
    pub source_type: String,
    pub source_id: String,
    pub judgement: Judgement,
    pub rationale: Option<String>,
    pub metadata: Pairs,
    /// The assessment of the same trace that this one replaces.
    pub overrides: Option<String>,
    /// Whether none replaces it.
    pub valid: bool,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// Who may judge.
pub const SOURCE_TYPES: [&str; 4] = ["SOURCE_TYPE_UNSPECIFIED", "HUMAN", "LLM_JUDGE", "CODE"];

impl Assessment {
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        let name = self.name.chars().count();
        checks.require((1..=250).contains(&name), "assessment.assessment_name", "An assessment's name has 1 to 250 characters.");
        checks.require(SOURCE_TYPES.contains(&self.source_type.as_str()), "assessment.source.source_type", "Use HUMAN, LLM_JUDGE or CODE.");
        checks.require(self.source_id.chars().count() <= 250, "assessment.source.source_id", "A source's id has at most 250 characters.");
        checks.require(self.span.as_ref().is_none_or(|s| s.len() <= TRACE_ID_LENGTH), "assessment.span_id", "This is no span's id.");
        let missing = matches!(&self.judgement, Judgement::Expectation { value } if value.is_null());
        checks.require(!missing, "assessment.expectation.value", "The `value` field must be specified.");
        let length = serde_json::to_string(&(&self.judgement, &self.rationale, &self.metadata)).map_or(usize::MAX, |text| text.len());
        checks.require(length <= ASSESSMENT_LENGTH, "assessment", format!("An assessment has at most {ASSESSMENT_LENGTH} bytes."));
        checks.finish()
    }

    /// What sums and averages count: a number itself, 1 and 0 for yes and no.
    pub fn number(&self) -> Option<f64> {
        let (Judgement::Feedback { value, .. } | Judgement::Expectation { value }) = &self.judgement else { return None };
        match value {
            Value::Bool(value) => Some(f64::from(u8::from(*value))),
            Value::Number(number) => number.as_f64(),
            Value::String(text) if text.trim().eq_ignore_ascii_case("yes") => Some(1.0),
            Value::String(text) if text.trim().eq_ignore_ascii_case("no") => Some(0.0),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_an_id_and_limits() {
        let span = || Span { id: "00000000000000a1".into(), ..Span::default() };
        assert_eq!(span().validate(), Ok(()));
        let many = (0..=ATTRIBUTES).map(|i| (i.to_string(), Value::Null)).collect();
        for bad in [
            Span { id: String::new(), ..span() },
            Span { id: "0".repeat(16), ..span() },
            Span { id: "../../../../etc/".into(), ..span() },
            Span { parent_id: Some("x".into()), ..span() },
            Span { start: -1, ..span() },
            Span { attributes: many, ..span() },
            Span { events: vec![SpanEvent::default(); SPAN_EVENTS + 1], ..span() },
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_traces_id_is_no_path() {
        assert_eq!(validate_trace_id("tr-0123456789abcdef0123456789abcdef"), Ok(()));
        for bad in ["", "../x", "a/b", ".", "..", "a b", "tr-\u{202e}", &"a".repeat(51)] {
            assert!(validate_trace_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_that_say_where_a_trace_is_kept_are_ours() {
        assert_eq!(validate_trace_tag("topic"), Ok(()));
        for bad in [TRACE_ARTIFACT_LOCATION, TRACE_SPANS_LOCATION, "slipway.team", "", "a\nb", "../x"] {
            assert!(validate_trace_tag(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn yes_and_true_count_as_one() {
        let said = |value: Value| Assessment {
            id: "a".into(),
            trace: "t".into(),
            name: "n".into(),
            span: None,
            source_type: "HUMAN".into(),
            source_id: "x".into(),
            judgement: Judgement::Feedback { value, error: None },
            rationale: None,
            metadata: Pairs::new(),
            overrides: None,
            valid: true,
            created_at: 0,
            updated_at: 0,
        };
        for (value, number) in [(Value::from(true), Some(1.0)), (" No".into(), Some(0.0)), (2.5.into(), Some(2.5)), ("good".into(), None)] {
            assert_eq!(said(value).number(), number);
        }
    }
}
