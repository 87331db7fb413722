//! What an MLflow server answers, read leniently: fields that are missing are empty, numbers may be texts.

use super::numbers::{maybe_whole, real, text, whole};
use serde::Deserialize;
use serde_json::Value as Json;

/// Lifecycle of experiments and runs.
const DELETED: &str = "deleted";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pair {
    pub key: String,
    pub value: String,
}

/// An experiment; also what a page of them is made of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Experiment {
    #[serde(rename = "experiment_id", deserialize_with = "text")]
    pub id: String,
    pub name: String,
    pub lifecycle_stage: String,
    #[serde(deserialize_with = "maybe_whole")]
    pub creation_time: Option<i64>,
    #[serde(deserialize_with = "maybe_whole")]
    pub last_update_time: Option<i64>,
    pub tags: Vec<Pair>,
}

impl Experiment {
    pub fn is_deleted(&self) -> bool {
        self.lifecycle_stage == DELETED
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Experiments {
    pub experiments: Vec<Experiment>,
    pub next_page_token: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunInfo {
    pub run_id: String,
    /// What older servers say instead.
    pub run_uuid: String,
    pub run_name: String,
    pub user_id: String,
    #[serde(deserialize_with = "text")]
    pub status: String,
    #[serde(deserialize_with = "maybe_whole")]
    pub start_time: Option<i64>,
    #[serde(deserialize_with = "maybe_whole")]
    pub end_time: Option<i64>,
    pub artifact_uri: String,
    pub lifecycle_stage: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metric {
    pub key: String,
    #[serde(deserialize_with = "real")]
    pub value: f64,
    #[serde(deserialize_with = "whole")]
    pub timestamp: i64,
    #[serde(deserialize_with = "whole")]
    pub step: i64,
    /// Of a logged model's metric: who logged it, and the data it was measured on.
    pub run_id: String,
    pub dataset_name: String,
    pub dataset_digest: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Data {
    pub metrics: Vec<Metric>,
    pub params: Vec<Pair>,
    pub tags: Vec<Pair>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Dataset {
    pub name: String,
    pub digest: String,
    pub source_type: String,
    pub source: String,
    pub schema: Option<String>,
    pub profile: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DatasetInput {
    pub dataset: Dataset,
    pub tags: Vec<Pair>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelLink {
    pub model_id: String,
    #[serde(deserialize_with = "whole")]
    pub step: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Inputs {
    pub dataset_inputs: Vec<DatasetInput>,
    pub model_inputs: Vec<ModelLink>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Outputs {
    pub model_outputs: Vec<ModelLink>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Run {
    pub info: RunInfo,
    pub data: Data,
    pub inputs: Inputs,
    pub outputs: Outputs,
}

impl Run {
    pub fn id(&self) -> &str {
        if self.info.run_id.is_empty() { &self.info.run_uuid } else { &self.info.run_id }
    }
    pub fn is_deleted(&self) -> bool {
        self.info.lifecycle_stage == DELETED
    }
}

/// A page of things that are also looked at as they were written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Runs {
    pub runs: Vec<Json>,
    pub next_page_token: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OneRun {
    pub run: Run,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct History {
    pub metrics: Vec<Metric>,
    pub next_page_token: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub path: String,
    pub is_dir: bool,
    #[serde(rename = "file_size", deserialize_with = "maybe_whole")]
    pub size: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Files {
    pub files: Vec<File>,
    pub next_page_token: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoggedModelInfo {
    pub model_id: String,
    pub name: String,
    #[serde(deserialize_with = "whole")]
    pub creation_timestamp_ms: i64,
    #[serde(deserialize_with = "whole")]
    pub last_updated_timestamp_ms: i64,
    pub artifact_uri: String,
    /// `LOGGED_MODEL_READY` and so on.
    #[serde(deserialize_with = "text")]
    pub status: String,
    pub model_type: String,
    pub source_run_id: String,
    pub tags: Vec<Pair>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoggedModel {
    pub info: LoggedModelInfo,
    pub data: Data,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoggedModels {
    pub models: Vec<Json>,
    pub next_page_token: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OneLoggedModel {
    pub model: LoggedModel,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Alias {
    pub alias: String,
    #[serde(deserialize_with = "text")]
    pub version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RegisteredModel {
    pub name: String,
    #[serde(deserialize_with = "whole")]
    pub creation_timestamp: i64,
    #[serde(deserialize_with = "whole")]
    pub last_updated_timestamp: i64,
    pub description: String,
    pub tags: Vec<Pair>,
    pub aliases: Vec<Alias>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RegisteredModels {
    pub registered_models: Vec<RegisteredModel>,
    pub next_page_token: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Version {
    pub name: String,
    #[serde(rename = "version", deserialize_with = "text")]
    pub number: String,
    #[serde(deserialize_with = "whole")]
    pub creation_timestamp: i64,
    #[serde(deserialize_with = "whole")]
    pub last_updated_timestamp: i64,
    pub current_stage: String,
    pub description: String,
    pub source: String,
    pub run_id: String,
    pub run_link: String,
    pub model_id: String,
    pub tags: Vec<Pair>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Versions {
    pub model_versions: Vec<Version>,
    pub next_page_token: String,
}

/// Of a search for traces, only how many came.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Traces {
    pub traces: Vec<serde::de::IgnoredAny>,
    pub next_page_token: String,
}

/// How MLflow says what is wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let metric = |json: &str| serde_json::from_str::<Metric>(json);
        let read = metric(r#"{"key":"a","value":"NaN","timestamp":"1700000000000","step":"-3"}"#).expect("read");
        assert!(read.value.is_nan() && read.timestamp == 1_700_000_000_000 && read.step == -3);
        assert!(metric(r#"{"value":"-Infinity"}"#).is_ok_and(|m| m.value.is_infinite() && m.value < 0.0 && m.step == 0));
        assert!(
            metric(r#"{"value":1.7976931348623157e+308,"step":7.0}"#).is_ok_and(|m| m.value.to_bits() == f64::MAX.to_bits() && m.step == 7)
        );
        for bad in [r#"{"value":"much"}"#, r#"{"value":[1]}"#, r#"{"step":1.5}"#, r#"{"timestamp":"soon"}"#] {
            assert!(metric(bad).is_err(), "{bad}");
        }
        let version: Version = serde_json::from_str(r#"{"version":3}"#).expect("read");
        assert_eq!(version.number, "3");
    }

    #[test]
    fn a_run_is_known_by_either_spelling_of_its_id() {
        let run = |json: &str| serde_json::from_str::<Run>(json).expect("read");
        assert_eq!(run(r#"{"info":{"run_uuid":"old"}}"#).id(), "old");
        let both = run(r#"{"info":{"run_uuid":"old","run_id":"new","lifecycle_stage":"deleted","end_time":null}}"#);
        assert!(both.id() == "new" && both.is_deleted() && both.info.end_time.is_none());
        let made = run(r#"{"outputs":{"model_outputs":[{"model_id":"m-1","step":"4"}]}}"#).outputs.model_outputs;
        assert!(made.len() == 1 && made[0].model_id == "m-1" && made[0].step == 4);
    }
}
