//! Assessments of traces: feedback and expectations.

use super::{
    Answer, Endpoint, MlflowError, endpoint,
    traces::shape::{read_timestamp, timestamp},
    wire::{Asked, Bool, Empty, Nothing, choice},
};
use axum::{
    Json,
    extract::Path,
    routing::{delete, get, patch, post},
};
use domain::{
    model::{Assessment, AssessmentError, Judgement, Pairs, Permission, SOURCE_TYPES},
    traces::{self, AssessmentChange},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "3.0/mlflow/traces/{trace_id}/assessments";
    const ONE: &str = "3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}";
    vec![
        endpoint("POST", ALL, Permission::WriteTracking, post(create)),
        endpoint("GET", ONE, Permission::ReadTracking, get(read)),
        endpoint("PATCH", ONE, Permission::WriteTracking, patch(update)),
        endpoint("DELETE", ONE, Permission::WriteTracking, delete(remove)),
    ]
}

/// An assessment as clients send it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AssessmentIn {
    #[serde(alias = "assessmentId")]
    assessment_id: Option<String>,
    #[serde(alias = "assessmentName")]
    assessment_name: Option<String>,
    #[serde(alias = "spanId")]
    span_id: Option<String>,
    source: Option<SourceIn>,
    #[serde(alias = "createTime")]
    create_time: Option<String>,
    #[serde(alias = "lastUpdateTime")]
    last_update_time: Option<String>,
    feedback: Option<FeedbackIn>,
    expectation: Option<ExpectationIn>,
    issue: Option<IssueIn>,
    rationale: Option<String>,
    error: Option<ErrorIn>,
    metadata: Option<Pairs>,
    overrides: Option<String>,
    valid: Option<Bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SourceIn {
    #[serde(alias = "sourceType")]
    source_type: Option<Value>,
    #[serde(alias = "sourceId")]
    source_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FeedbackIn {
    value: Value,
    error: Option<ErrorIn>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExpectationIn {
    value: Option<Value>,
    #[serde(alias = "serializedValue")]
    serialized_value: Option<SerializedIn>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SerializedIn {
    #[serde(alias = "serializationFormat")]
    serialization_format: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct IssueIn {
    #[serde(alias = "issueName")]
    issue_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorIn {
    #[serde(alias = "errorCode")]
    error_code: Option<String>,
    #[serde(alias = "errorMessage")]
    error_message: Option<String>,
    #[serde(alias = "stackTrace")]
    stack_trace: Option<String>,
}

impl AssessmentIn {
    fn judgement(&mut self) -> Answer<Judgement> {
        let error = |e: ErrorIn| AssessmentError { code: e.error_code, message: e.error_message, stack: e.stack_trace };
        match (self.feedback.take(), self.expectation.take(), self.issue.take()) {
            (Some(said), None, None) => Ok(Judgement::Feedback { value: said.value, error: said.error.or(self.error.take()).map(error) }),
            (None, Some(said), None) => Ok(Judgement::Expectation { value: expected(said)? }),
            (None, None, Some(said)) => Ok(Judgement::Issue { name: said.issue_name.unwrap_or_default() }),
            _ => Err(MlflowError::invalid("Exactly one of `expectation`, `feedback`, or `issue` should be specified.")),
        }
    }

    /// The assessment, of this trace.
    pub fn read(mut self, trace: &str) -> Answer<Assessment> {
        let judgement = self.judgement()?;
        let source = self.source.unwrap_or_default();
        let source_type = match source.source_type {
            None | Some(Value::Null) => SOURCE_TYPES[0],
            Some(said) => choice(&said, &SOURCE_TYPES).map_err(|reason| {
                MlflowError::invalid(format!("Invalid value for parameter 'assessment.source.source_type': it {reason}"))
            })?,
        };
        let time = |text: Option<String>, name: &str| {
            let at = text.map(|text| read_timestamp(&text)).transpose();
            at.map(Option::unwrap_or_default)
                .map_err(|reason| MlflowError::invalid(format!("Invalid value for parameter 'assessment.{name}': it {reason}")))
        };
        Ok(Assessment {
            id: self.assessment_id.unwrap_or_default(),
            trace: trace.to_owned(),
            name: self.assessment_name.unwrap_or_default(),
            span: self.span_id.filter(|id| !id.is_empty()),
            source_type: source_type.to_owned(),
            source_id: source.source_id.unwrap_or_default(),
            judgement,
            rationale: self.rationale.filter(|text| !text.is_empty()),
            metadata: self.metadata.unwrap_or_default(),
            overrides: self.overrides.filter(|id| !id.is_empty()),
            valid: self.valid.is_none_or(|valid| valid.0),
            created_at: time(self.create_time, "create_time")?,
            updated_at: time(self.last_update_time, "last_update_time")?,
        })
    }
}

fn expected(said: ExpectationIn) -> Answer<Value> {
    let Some(serialized) = said.serialized_value else { return Ok(said.value.unwrap_or_default()) };
    if serialized.serialization_format.as_deref() != Some("JSON_FORMAT") {
        return Err(MlflowError::invalid("Unknown serialization format. Only JSON_FORMAT is supported."));
    }
    serde_json::from_str(&serialized.value.unwrap_or_default())
        .map_err(|e| MlflowError::invalid(format!("Invalid value for parameter 'assessment.expectation.serialized_value': {e}")))
}

/// An assessment as clients read it.
#[derive(Serialize)]
pub struct AssessmentOut {
    assessment_id: String,
    assessment_name: String,
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
    source: Value,
    create_time: String,
    last_update_time: String,
    #[serde(flatten)]
    judgement: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    rationale: Option<String>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    metadata: Pairs,
    #[serde(skip_serializing_if = "Option::is_none")]
    overrides: Option<String>,
    valid: bool,
}

pub fn out(said: Assessment) -> AssessmentOut {
    let judgement = match said.judgement {
        Judgement::Feedback { value, error: None } => json!({ "feedback": { "value": value } }),
        Judgement::Feedback { value, error: Some(error) } => {
            let error = [("error_code", error.code), ("error_message", error.message), ("stack_trace", error.stack)];
            let error: serde_json::Map<_, _> = error.into_iter().filter_map(|(k, v)| v.map(|v| (k.to_owned(), v.into()))).collect();
            json!({ "feedback": { "value": value, "error": error } })
        }
        // Protobuf's own value has no whole numbers inside of structures, so those travel as text.
        Judgement::Expectation { value: value @ (Value::Object(_) | Value::Array(_)) } => {
            json!({ "expectation": { "serialized_value": { "serialization_format": "JSON_FORMAT", "value": value.to_string() } } })
        }
        Judgement::Expectation { value } => json!({ "expectation": { "value": value } }),
        Judgement::Issue { name } => json!({ "issue": { "issue_name": name } }),
    };
    AssessmentOut {
        assessment_id: said.id,
        assessment_name: said.name,
        trace_id: said.trace,
        span_id: said.span,
        source: json!({ "source_type": said.source_type, "source_id": said.source_id }),
        create_time: timestamp(said.created_at),
        last_update_time: timestamp(said.updated_at),
        judgement,
        rationale: said.rationale,
        metadata: said.metadata,
        overrides: said.overrides,
        valid: said.valid,
    }
}

#[derive(Serialize)]
struct One {
    assessment: AssessmentOut,
}

fn one(said: Assessment) -> Json<One> {
    Json(One { assessment: out(said) })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Create {
    assessment: Option<AssessmentIn>,
}

async fn create(Path(trace): Path<String>, Asked { door, fields }: Asked<Create>) -> Answer<Json<One>> {
    let said = fields.assessment.ok_or_else(|| MlflowError::missing("assessment"))?.read(&trace)?;
    Ok(one(traces::assess(door.portal(), &door.caller, &door.team, said).await?))
}

async fn read(Path((trace, id)): Path<(String, String)>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<One>> {
    Ok(one(traces::assessment(door.portal(), &door.caller, &door.team, &trace, &id).await?))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Update {
    assessment: Option<AssessmentIn>,
    #[serde(alias = "updateMask")]
    update_mask: Option<Mask>,
}

/// A field mask: names in one text, as protobuf's JSON has it, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Mask {
    Text(String),
    Paths { paths: Vec<String> },
}

async fn update(Path((trace, id)): Path<(String, String)>, Asked { door, fields }: Asked<Update>) -> Answer<Json<One>> {
    let mut said = fields.assessment.ok_or_else(|| MlflowError::missing("assessment"))?;
    let paths = match fields.update_mask.ok_or_else(|| MlflowError::missing("update_mask"))? {
        Mask::Text(text) => text.split(',').map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()).collect(),
        Mask::Paths { paths } => paths,
    };
    let mut change = AssessmentChange::default();
    for path in &paths {
        match path.as_str() {
            "assessment_name" | "assessmentName" => change.name = Some(said.assessment_name.take().unwrap_or_default()),
            "rationale" => change.rationale = Some(said.rationale.take().unwrap_or_default()),
            "metadata" => change.metadata = Some(said.metadata.take().unwrap_or_default()),
            "feedback" | "expectation" if change.judgement.is_some() => {
                return Err(MlflowError::invalid("Cannot specify both `expectation` and `feedback` parameters."));
            }
            "feedback" | "expectation" => change.judgement = Some(said.judgement()?),
            other => return Err(MlflowError::invalid(format!("Invalid value for parameter 'update_mask': {other} cannot be updated."))),
        }
    }
    Ok(one(traces::change_assessment(door.portal(), &door.caller, &door.team, &trace, &id, change).await?))
}

async fn remove(Path((trace, id)): Path<(String, String)>, Asked { door, .. }: Asked<Nothing>) -> Answer<Json<Empty>> {
    traces::remove_assessment(door.portal(), &door.caller, &door.team, &trace, &id).await?;
    Ok(Json(Empty {}))
}
