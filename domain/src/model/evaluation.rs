//! Evaluation datasets, their records, and scorers, in MLflow's words.

use super::{Checks, ExperimentId, FieldError, Millis, Tag, at_most, validate_line, validate_unreserved};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Longest name of an evaluation dataset or a scorer, in characters.
pub const EVALUATION_NAME_LENGTH: usize = 255;
/// Longest key and value of an evaluation dataset's tag, in characters.
pub const EVALUATION_TAG_KEY_LENGTH: usize = 255;
pub const EVALUATION_TAG_LENGTH: usize = 5000;
/// Most tags of an evaluation dataset.
pub const EVALUATION_TAGS: usize = 1000;
/// Most records in one call, and in a dataset.
pub const RECORDS_OF_A_CALL: usize = 10_000;
pub const RECORDS_OF_A_DATASET: i64 = 100_000;
/// Longest record as JSON, in bytes.
pub const RECORD_LENGTH: usize = 4 * 1024 * 1024;
/// Most names that the schema of a dataset keeps, over all of its records.
pub const SCHEMA_FIELDS: usize = 10_000;
/// Longest scorer as JSON, in bytes.
pub const SCORER_LENGTH: usize = 1024 * 1024;
/// Most scorers of an experiment, and most versions of a scorer.
pub const SCORERS: i64 = 1000;

/// A set of records that generative applications are measured with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationDataset {
    /// `d-` and 32 hexadecimal digits.
    pub id: String,
    pub name: String,
    /// Changes with each change of the records.
    pub digest: String,
    pub tags: Vec<Tag>,
    /// Kinds of the fields of its records, as JSON; none while it had none.
    pub schema: Option<String>,
    pub records: i64,
    /// Emails.
    pub created_by: String,
    pub updated_by: String,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub experiments: Vec<ExperimentId>,
}

/// One record of an evaluation dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// `dr-` and 32 hexadecimal digits.
    pub id: String,
    pub inputs: Json,
    pub outputs: Option<Json>,
    pub expectations: Option<Json>,
    pub tags: Json,
    /// Where it comes from: `{"source_type", "source_data"}`.
    pub source: Option<Json>,
    pub created_by: String,
    pub updated_by: String,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// A record as a client sends it. One with the same inputs is changed instead of added.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct NewRecord {
    #[serde(default)]
    pub inputs: BTreeMap<String, Json>,
    /// None where nothing was said of them, `Some(Null)` where they are to be removed.
    #[serde(default, deserialize_with = "said")]
    pub outputs: Option<Json>,
    #[serde(default)]
    pub expectations: Option<BTreeMap<String, Json>>,
    #[serde(default)]
    pub tags: Option<BTreeMap<String, Json>>,
    #[serde(default)]
    pub source: Option<RecordSource>,
}

/// Where a record comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordSource {
    /// `TRACE`, `HUMAN`, `DOCUMENT`, `CODE` or `UNSPECIFIED`, in any case.
    pub source_type: String,
    #[serde(default)]
    pub source_data: Option<BTreeMap<String, Json>>,
}

fn said<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// Kinds of sources of records.
pub const RECORD_SOURCES: [&str; 5] = ["UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"];

impl NewRecord {
    /// The source's kind is known.
    pub fn validate(&self, index: usize) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        if let Some(source) = &self.source {
            let known = RECORD_SOURCES.contains(&source.source_type.to_ascii_uppercase().as_str());
            checks.require(known, format!("records[{index}].source.source_type"), format!("Use one of {}.", RECORD_SOURCES.join(", ")));
        }
        checks.finish()
    }
}

/// Names and limits of an evaluation dataset's tags.
pub fn validate_evaluation_tags(tags: &[Tag]) -> Result<(), Vec<FieldError>> {
    let mut checks = Checks::new();
    checks.require(tags.len() <= EVALUATION_TAGS, "tags", format!("A dataset has at most {EVALUATION_TAGS} tags."));
    for tag in tags.iter().take(EVALUATION_TAGS) {
        checks.require(!tag.key.is_empty(), "tags", "A key has at least one character.");
        checks.check("tags", validate_line(&tag.key, EVALUATION_TAG_KEY_LENGTH));
        checks.check("tags", at_most(&tag.value, EVALUATION_TAG_LENGTH));
        checks.check("tags", validate_unreserved(&tag.key));
    }
    checks.finish()
}

/// The name of an evaluation dataset or a scorer.
pub fn validate_evaluation_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("A name has at least one character that is not blank.".to_owned());
    }
    validate_line(name, EVALUATION_NAME_LENGTH)
}

/// One version of a scorer: how clients judge what an application answers. Slipway keeps it and never runs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScorerVersion {
    pub scorer_id: String,
    pub experiment: ExperimentId,
    pub name: String,
    /// From 1 on; a number is never given twice.
    pub version: i64,
    /// JSON.
    pub serialized: String,
    pub created_at: Millis,
}
