//! Models that runs log, and the data and models that runs read and make, in MLflow's words and within its limits.

use super::{Checks, ExperimentId, FieldError, LoggedModelId, Millis, RunId, Tag, cut, validate_line, validate_unreserved};
use serde::{Deserialize, Serialize};

/// Longest name of a logged model, in characters.
pub const LOGGED_MODEL_NAME_LENGTH: usize = 500;
/// Longest key of a logged model's param or tag, in characters.
pub const LOGGED_MODEL_KEY_LENGTH: usize = 255;
/// Most params or tags, datasets or models in one call.
pub const LINKS_OF_A_CALL: usize = 1000;
/// Most datasets and models that a run is linked with.
pub const LINKS_OF_A_RUN: i64 = 10_000;
/// Longest name of a dataset, in characters.
pub const DATASET_NAME_LENGTH: usize = 500;
/// Longest digest of a dataset, in characters.
pub const DATASET_DIGEST_LENGTH: usize = 36;
/// Longest source of a dataset, in characters.
pub const DATASET_SOURCE_LENGTH: usize = 65_535;
/// Longest schema of a dataset, in characters.
pub const DATASET_SCHEMA_LENGTH: usize = 1_048_575;
/// Longest profile of a dataset, in characters.
pub const DATASET_PROFILE_LENGTH: usize = 16_777_215;
/// Longest key and longest value of a tag of a run's dataset, in characters.
pub const INPUT_TAG_KEY_LENGTH: usize = 255;
pub const INPUT_TAG_LENGTH: usize = 500;
/// The tag of a run's dataset that says what for, for example `train`.
pub const TAG_DATASET_CONTEXT: &str = "mlflow.data.context";

/// How far a logged model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LoggedModelStatus {
    Pending,
    Ready,
    Failed,
}

impl LoggedModelStatus {
    /// In the order of MLflow's numbers, which start at 1.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Ready, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
        }
    }
}

impl std::str::FromStr for LoggedModelStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no status of a model; use PENDING, READY or FAILED."))
    }
}

/// A model that a run logged, or that was made without one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedModel {
    pub id: LoggedModelId,
    pub experiment: ExperimentId,
    pub name: String,
    /// What the client said, for example `agent`; may be empty.
    pub model_type: String,
    pub source_run: Option<RunId>,
    pub status: LoggedModelStatus,
    /// `<the experiment's artifact location>/models/<id>/artifacts`.
    pub artifact_uri: String,
    /// Email of who made it.
    pub created_by: String,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub deleted_at: Option<Millis>,
    pub params: Vec<Tag>,
    pub tags: Vec<Tag>,
    /// Ordered by key, step and timestamp; of very many the newest.
    pub metrics: Vec<ModelMetric>,
    /// Versions of registered models that come from it.
    pub registrations: Vec<Registration>,
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    pub name: String,
    pub version: i64,
    /// SHA-256 over its files; none where it has none in Slipway.
    pub digest: Option<String>,
}

/// What a client says of a model it begins to log.
#[derive(Clone, Debug)]
pub struct NewLoggedModel {
    pub experiment: ExperimentId,
    /// Made up where there is none.
    pub name: Option<String>,
    pub model_type: String,
    pub source_run: Option<RunId>,
    pub params: Vec<Tag>,
    pub tags: Vec<Tag>,
}

impl NewLoggedModel {
    /// Names and limits.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        if let Some(name) = &self.name {
            checks.check("name", validate_logged_model_name(name));
        }
        checks.check("model_type", validate_line(&self.model_type, LOGGED_MODEL_NAME_LENGTH));
        checks.finish()?;
        validate_pairs("params", &self.params)?;
        validate_pairs("tags", &self.tags)
    }
}

/// The name of a logged model: also a part of an address such as `models:/…`, so none of `/ : . % " '`.
pub fn validate_logged_model_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("A model has a name that is not blank.".to_owned());
    }
    if let Some(c) = name.chars().find(|c| matches!(c, '/' | ':' | '.' | '%' | '"' | '\'')) {
        return Err(format!("The name of a model has none of / : . % \" '; this one has {c}"));
    }
    validate_line(name, LOGGED_MODEL_NAME_LENGTH)
}

/// Keys of a logged model's params or tags. `kind` is `params` or `tags`.
pub fn validate_pairs(kind: &str, pairs: &[Tag]) -> Result<(), Vec<FieldError>> {
    let mut checks = Checks::new();
    let many = format!("At most {LINKS_OF_A_CALL} of them are taken at once; these are {}.", pairs.len());
    checks.require(pairs.len() <= LINKS_OF_A_CALL, kind, many);
    for (i, pair) in pairs.iter().enumerate().take(LINKS_OF_A_CALL) {
        let field = || format!("{kind}[{i}].key");
        checks.require(!pair.key.is_empty(), field(), "A key has at least one character.");
        checks.check(field(), validate_line(&pair.key, LOGGED_MODEL_KEY_LENGTH));
        if kind == "tags" {
            checks.check(field(), validate_unreserved(&pair.key));
        }
    }
    checks.finish()
}

/// One point of a metric that was measured of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelMetric {
    pub model: LoggedModelId,
    pub key: String,
    /// Also NaN and infinities.
    pub value: f64,
    pub timestamp: Millis,
    pub step: i64,
    /// The run that logged it; none while it is being logged.
    pub run: Option<RunId>,
    /// The data it was measured on; empty for none.
    pub dataset_name: String,
    pub dataset_digest: String,
}

impl ModelMetric {
    /// The name and digest of its data fit.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        checks.check("dataset_name", at_most(&self.dataset_name, DATASET_NAME_LENGTH));
        checks.check("dataset_digest", at_most(&self.dataset_digest, DATASET_DIGEST_LENGTH));
        checks.finish()
    }
}

/// Data that a run read, known by name and digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    pub name: String,
    pub digest: String,
    pub source_type: String,
    /// A label for clients, usually JSON; Slipway never opens it.
    pub source: String,
    /// JSON for clients.
    pub schema: Option<String>,
    /// JSON for clients.
    pub profile: Option<String>,
}

/// A dataset with what its run said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInput {
    pub dataset: Dataset,
    pub tags: Vec<Tag>,
}

impl DatasetInput {
    /// Limits of the dataset at `index` of a call.
    pub fn validate(&self, index: usize) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        let field = |name: &str| format!("datasets[{index}].dataset.{name}");
        let data = &self.dataset;
        for (name, text, most) in [
            ("name", data.name.as_str(), DATASET_NAME_LENGTH),
            ("digest", &data.digest, DATASET_DIGEST_LENGTH),
            ("source_type", &data.source_type, DATASET_DIGEST_LENGTH),
            ("source", &data.source, DATASET_SOURCE_LENGTH),
            ("schema", data.schema.as_deref().unwrap_or_default(), DATASET_SCHEMA_LENGTH),
            ("profile", data.profile.as_deref().unwrap_or_default(), DATASET_PROFILE_LENGTH),
        ] {
            checks.check(field(name), at_most(text, most));
        }
        for (name, text) in [("name", &data.name), ("digest", &data.digest)] {
            checks.require(!text.is_empty(), field(name), format!("A dataset has a {name}."));
        }
        checks.require(self.tags.len() <= 100, format!("datasets[{index}].tags"), "A dataset has at most 100 tags.");
        for (i, tag) in self.tags.iter().enumerate().take(100) {
            let field = |part: &str| format!("datasets[{index}].tags[{i}].{part}");
            checks.require(!tag.key.is_empty(), field("key"), "A key has at least one character.");
            checks.check(field("key"), at_most(&tag.key, INPUT_TAG_KEY_LENGTH));
            checks.check(field("value"), at_most(&tag.value, INPUT_TAG_LENGTH));
        }
        checks.finish()
    }
}

/// No NUL, which `PostgreSQL` cannot keep, and at most so many characters.
pub fn at_most(text: &str, most: usize) -> Result<(), String> {
    // Bytes first: counting 16 MiB of characters is not for nothing.
    if text.len() > most && cut(text, most).len() < text.len() {
        return Err(format!("It exceeds the maximum length of {most} characters."));
    }
    if text.contains('\0') { Err("Remove the NUL character.".to_owned()) } else { Ok(()) }
}

/// A model that a run made, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelOutput {
    pub model: LoggedModelId,
    pub step: i64,
}

/// What a run read and made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLinks {
    pub datasets: Vec<DatasetInput>,
    pub inputs: Vec<LoggedModelId>,
    pub outputs: Vec<ModelOutput>,
}

/// A dataset of an experiment, as one use of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummary {
    pub experiment: ExperimentId,
    pub name: String,
    pub digest: String,
    /// What it was used for.
    pub context: Option<String>,
}

/// Where a run comes from and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunLineage {
    pub links: RunLinks,
    /// Models made by the run: what it said, and what names it as their source.
    pub models: Vec<LoggedModelId>,
    /// The commit of the code, as the client said.
    pub git_commit: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_is_safe_in_an_address() {
        for good in ["net", "my model", "ünï", "a-b_c", &"n".repeat(500)] {
            assert_eq!(validate_logged_model_name(good), Ok(()), "{good}");
        }
        for bad in ["", " ", "a/b", "a:b", "a.b", "a%2fb", "a\"", "a'", "a\0b", "a\u{202e}b", &"n".repeat(501)] {
            assert!(validate_logged_model_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_dataset_keeps_its_limits() {
        let input = |change: &dyn Fn(&mut Dataset)| {
            let mut dataset = Dataset { name: "d".into(), digest: "1".into(), ..Dataset::default() };
            change(&mut dataset);
            DatasetInput { dataset, tags: Vec::new() }.validate(0)
        };
        assert_eq!(input(&|_| ()), Ok(()));
        assert_eq!(input(&|d| d.name = "ä".repeat(500)), Ok(()));
        for bad in [
            &(|d: &mut Dataset| d.name = "ä".repeat(501)) as &dyn Fn(&mut Dataset),
            &|d| d.name = String::new(),
            &|d| d.digest = String::new(),
            &|d| d.digest = "d".repeat(37),
            &|d| d.source = "s".repeat(65_536),
            &|d| d.schema = Some("s".repeat(1_048_576)),
            &|d| d.profile = Some("p".repeat(16_777_216)),
            &|d| d.name = "a\0b".into(),
        ] {
            assert!(input(bad).is_err());
        }
        let tag = |key: &str, value: String| {
            DatasetInput {
                tags: vec![Tag::new(key, value)],
                dataset: Dataset { name: "d".into(), digest: "1".into(), ..Dataset::default() },
            }
            .validate(0)
        };
        assert_eq!(tag("k", "v".repeat(500)), Ok(()));
        assert!(tag("k", "v".repeat(501)).is_err() && tag("", String::new()).is_err() && tag(&"k".repeat(256), String::new()).is_err());
    }
}
