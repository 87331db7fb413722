//! Experiments, runs and what runs log, in MLflow's words and within MLflow's limits
//! (`mlflow/utils/validation.py` and the REST API reference).

use super::{Checks, ExperimentId, FieldError, LoggedModelId, Millis, ModelMetric, NotebookId, Registration, RunId};
use serde::{Deserialize, Serialize};

/// Longest key of a metric, parameter or tag, in characters.
pub const KEY_LENGTH: usize = 250;
/// Longest value of a parameter, in characters; what is longer is cut, as MLflow does.
pub const PARAM_LENGTH: usize = 6000;
/// Longest value of a run's tag, in characters; what is longer is cut, as MLflow does.
pub const TAG_LENGTH: usize = 8000;
/// Longest name of an experiment, in characters.
pub const EXPERIMENT_NAME_LENGTH: usize = 500;
/// Longest value of an experiment's tag, in characters.
pub const EXPERIMENT_TAG_LENGTH: usize = 20_000;
/// Most metrics in one batch, and most things of all kinds together.
pub const BATCH_METRICS: usize = 1000;
/// Most parameters, and most tags, in one batch.
pub const BATCH_PARAMS: usize = 100;
/// Most different metrics, and as many parameters and tags, of one run.
pub const KEYS_OF_A_RUN: i64 = 20_000;
/// The name of the experiment that every team has; clients know it by the id "0".
pub const DEFAULT_EXPERIMENT: &str = "Default";
/// MLflow's tags that Slipway reads or writes.
pub const TAG_RUN_NAME: &str = "mlflow.runName";
pub const TAG_NOTE: &str = "mlflow.note.content";
pub const TAG_PARENT: &str = "mlflow.parentRunId";
/// What only Slipway may write.
pub const RESERVED_PREFIX: &str = "slipway.";

/// A key and its value: a tag or a parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

impl Tag {
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// One point of a metric. Its identity is all four fields together with its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub key: String,
    /// Also NaN and infinities.
    #[serde(with = "any_double")]
    pub value: f64,
    /// When it was measured, epoch milliseconds; not negative.
    pub timestamp: Millis,
    /// May be negative.
    pub step: i64,
}

/// Doubles in JSON, which has no NaN and no infinities: those are text.
mod any_double {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    // Only where a reference is as large as a double.
    #[cfg_attr(target_pointer_width = "64", expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference"))]
    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { serializer.serialize_f64(*value) } else { serializer.serialize_str(&value.to_string()) }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(f64),
        Text(String),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Any::deserialize(deserializer)? {
            Any::Number(value) => Ok(value),
            Any::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

/// A point of a history whose run and key are known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub step: i64,
    pub timestamp: Millis,
    pub value: f64,
}

/// A named set of runs of one team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    pub id: ExperimentId,
    pub name: String,
    /// A label for clients; Slipway never opens it.
    pub artifact_location: String,
    /// Email of who made it; none for the team's Default.
    pub created_by: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub deleted_at: Option<Millis>,
    pub tags: Vec<Tag>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    Running,
    Scheduled,
    Finished,
    Failed,
    Killed,
}

impl RunStatus {
    /// In the order of MLflow's numbers, which start at 1.
    pub const ALL: [Self; 5] = [Self::Running, Self::Scheduled, Self::Finished, Self::Failed, Self::Killed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Scheduled => "SCHEDULED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

impl std::str::FromStr for RunStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| format!("\"{text}\" is no run status; use one of {}.", known()))
    }
}

/// One execution of somebody's code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub experiment: ExperimentId,
    pub name: String,
    /// What the client said its user is; who it truly was is `created_by`.
    pub user_id: String,
    pub status: RunStatus,
    pub start_time: Option<Millis>,
    pub end_time: Option<Millis>,
    /// `<the experiment's artifact location>/<run id>/artifacts`.
    pub artifact_uri: String,
    /// Email of who made it.
    pub created_by: String,
    /// The notebook whose token made it; it may be gone by now.
    pub notebook: Option<NotebookId>,
    pub deleted_at: Option<Millis>,
    /// The latest point of each metric: the greatest by (step, timestamp, value). Ordered by key.
    pub metrics: Vec<Metric>,
    pub params: Vec<Tag>,
    pub tags: Vec<Tag>,
}

/// A run to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewRun {
    /// None is the team's Default.
    pub experiment: Option<ExperimentId>,
    pub user_id: String,
    /// Empty: as the tag `mlflow.runName` says, or one is made up.
    pub name: String,
    pub start_time: Option<Millis>,
    pub tags: Vec<Tag>,
}

/// What changes of a run itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunChange {
    pub status: Option<RunStatus>,
    pub end_time: Option<Millis>,
    pub name: Option<String>,
}

/// What it takes to do a run again. What the client did not say is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reproduction {
    pub run: RunId,
    pub experiment: ExperimentId,
    pub name: String,
    /// The program, as the client names it: a file, a notebook, a project.
    pub source: Option<String>,
    pub source_type: Option<String>,
    pub entry_point: Option<String>,
    pub git_commit: Option<String>,
    pub git_branch: Option<String>,
    pub git_repository: Option<String>,
    pub params: Vec<Tag>,
    /// What it read.
    pub datasets: Vec<ReadDataset>,
    /// Logged models that it used.
    pub used_models: Vec<LoggedModelId>,
    /// Logged models that it made.
    pub models: Vec<LoggedModelId>,
    /// Versions of registered models that come from it or from a model that it made.
    pub versions: Vec<Registration>,
    /// Tags about what it ran in.
    pub environment: Vec<Tag>,
    /// Email.
    pub created_by: String,
    pub notebook: Option<NotebookId>,
    pub start_time: Option<Millis>,
}

impl Reproduction {
    /// As people and programs read it.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// A dataset as the record of a run names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadDataset {
    pub name: String,
    pub digest: String,
    pub source_type: String,
    /// A label for clients, usually JSON.
    pub source: String,
    /// What for, for example `train`.
    pub context: Option<String>,
}

/// What a purge removed, or in a dry run would remove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    pub runs: Vec<RunId>,
    pub experiments: Vec<ExperimentId>,
    pub models: Vec<LoggedModelId>,
    pub traces: i64,
    /// Datasets that no run reads any more.
    pub datasets: i64,
    /// Points of metrics.
    pub points: i64,
    /// What rows held: histories, params, tags, datasets and spans.
    pub row_bytes: i64,
    /// Files of artifacts, and their bytes.
    pub files: i64,
    pub file_bytes: i64,
    /// Runs and models that are deleted long enough and stay, because a version of a registered model comes from them.
    pub kept_runs: i64,
    pub kept_models: i64,
}

impl Purged {
    pub fn is_nothing(&self) -> bool {
        let lists = self.runs.is_empty() && self.experiments.is_empty() && self.models.is_empty();
        lists && self.traces == 0 && self.datasets == 0 && self.files == 0
    }

    /// Adds what another part of the same purge removed.
    pub fn add(&mut self, part: Self) {
        self.runs.extend(part.runs);
        self.experiments.extend(part.experiments);
        self.models.extend(part.models);
        self.traces += part.traces;
        self.datasets += part.datasets;
        self.points += part.points;
        self.row_bytes += part.row_bytes;
        self.files += part.files;
        self.file_bytes += part.file_bytes;
    }

    /// The same with counts in place of ids.
    pub fn in_numbers(&self) -> serde_json::Value {
        serde_json::json!({
            "runs": self.runs.len(),
            "experiments": self.experiments.len(),
            "models": self.models.len(),
            "traces": self.traces,
            "datasets": self.datasets,
            "points": self.points,
            "row_bytes": self.row_bytes,
            "files": self.files,
            "file_bytes": self.file_bytes,
            "kept_runs": self.kept_runs,
            "kept_models": self.kept_models,
        })
    }
}

/// What one call logs to a run: all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub metrics: Vec<Metric>,
    /// Those of the metrics that were measured of a logged model, for the model.
    pub model_metrics: Vec<ModelMetric>,
    pub params: Vec<Tag>,
    pub tags: Vec<Tag>,
}

impl Batch {
    /// Limits and names of everything in it. Fields are named as MLflow's clients expect: `metrics[1].name`.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut checks = Checks::new();
        let (metrics, params, tags) = (self.metrics.len(), self.params.len(), self.tags.len());
        let most =
            |count: usize, most: usize, what: &str| (count <= most, format!("A batch logs at most {most} {what}; this one has {count}."));
        for (field, (ok, reason)) in [
            ("metrics", most(metrics, BATCH_METRICS, "metrics")),
            ("params", most(params, BATCH_PARAMS, "params")),
            ("tags", most(tags, BATCH_PARAMS, "tags")),
            ("metrics", most(metrics + params + tags, BATCH_METRICS, "metrics, params and tags together")),
        ] {
            checks.require(ok, field, reason);
        }
        checks.finish()?;
        let mut checks = Checks::new();
        for (i, metric) in self.metrics.iter().enumerate() {
            if let Err(reason) = validate_key(&metric.key) {
                checks.check(format!("metrics[{i}].name"), Err(reason));
            }
            if metric.timestamp < 0 {
                checks.require(false, format!("metrics[{i}].timestamp"), "A timestamp is not negative.");
            }
        }
        for metric in &self.model_metrics {
            metric.validate()?;
        }
        for (kind, list) in [("params", &self.params), ("tags", &self.tags)] {
            for (i, tag) in list.iter().enumerate() {
                if let Err(reason) = validate_key(&tag.key) {
                    checks.check(format!("{kind}[{i}].key"), Err(reason));
                }
                if let Err(reason) = validate_value(&tag.value) {
                    checks.check(format!("{kind}[{i}].value"), Err(reason));
                }
            }
        }
        for (i, tag) in self.tags.iter().enumerate() {
            checks.check(format!("tags[{i}].key"), validate_unreserved(&tag.key));
        }
        let mut keys: Vec<&str> = self.params.iter().map(|p| p.key.as_str()).collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            checks.require(false, "params", format!("The batch has the param \"{}\" twice.", shown(twice[0])));
        }
        checks.finish()
    }
}

/// The name of a metric, parameter or tag: letters, digits, `_ - . space : /`, at most 250 characters, and as a path its own normal form.
pub fn validate_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("A name has at least one character.".to_owned());
    }
    if key.chars().count() > KEY_LENGTH {
        return Err(format!("A name has at most {KEY_LENGTH} characters."));
    }
    if let Some(c) = key.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':' | '/'))) {
        return Err(format!(
            "The name \"{}\" has the character {c:?}. Names are made of letters, digits, underscores, dashes, periods, spaces, colons and slashes.",
            shown(key)
        ));
    }
    let normal = !key.starts_with('/') && !key.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    if normal { Ok(()) } else { Err(format!("The name \"{}\" is not the plain form of a path.", shown(key))) }
}

/// What is kept as somebody wrote it: anything that both databases can keep.
pub fn validate_value(value: &str) -> Result<(), String> {
    if value.contains('\0') { Err("A value has no NUL character.".to_owned()) } else { Ok(()) }
}

/// Tags that begin with `slipway.` say what Slipway knows, so nobody else writes them.
pub fn validate_unreserved(key: &str) -> Result<(), String> {
    if key.starts_with(RESERVED_PREFIX) {
        Err(format!("Tags that begin with {RESERVED_PREFIX} are written by Slipway only."))
    } else {
        Ok(())
    }
}

/// The name of an experiment: not blank, at most 500 characters, nothing hidden in it.
pub fn validate_experiment_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("An experiment has a name that is not blank.".to_owned());
    }
    super::validate_line(name, EXPERIMENT_NAME_LENGTH)
}

/// The first `most` characters.
pub fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// What an error repeats of somebody's text.
fn shown(text: &str) -> String {
    if text.chars().count() > 80 { format!("{}…", cut(text, 80)) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_paths_of_few_characters() {
        for good in ["a/b/c", "with space", "dot.ted", "co:lon", "dash-ed", "under_score", "ünï", "a..b", &"k".repeat(250)] {
            assert_eq!(validate_key(good), Ok(()), "{good}");
        }
        for bad in ["", "bad!", "a\\b", "../x", "/abs", "a//b", ".", "a/../b", "x@y", "a/", "a\0b", &"k".repeat(251)] {
            assert!(validate_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_batch_names_what_is_wrong_with_it() {
        let metric = |key: &str| Metric { key: key.to_owned(), value: 1.0, timestamp: 1, step: 0 };
        let fields = |batch: &Batch| batch.validate().expect_err("refused").into_iter().map(|e| e.field).collect::<Vec<_>>();
        let many = |count: usize| (0..count).map(|i| Tag::new(format!("k{i}"), "v")).collect::<Vec<_>>();
        assert_eq!(
            Batch { metrics: vec![metric("a"), metric("!")], ..Batch::default() }.validate().map_err(|e| e[0].field.clone()),
            Err("metrics[1].name".to_owned())
        );
        assert_eq!(fields(&Batch { metrics: (0..1001).map(|i| metric(&format!("m{i}"))).collect(), ..Batch::default() })[0], "metrics");
        assert_eq!(fields(&Batch { params: many(101), ..Batch::default() }), ["params"]);
        assert_eq!(fields(&Batch { tags: many(101), ..Batch::default() }), ["tags"]);
        assert_eq!(fields(&Batch { params: vec![Tag::new("p", "1"), Tag::new("p", "2")], ..Batch::default() }), ["params"]);
        assert_eq!(fields(&Batch { tags: vec![Tag::new("slipway.team", "blue")], ..Batch::default() }), ["tags[0].key"]);
        assert_eq!(Batch { params: many(100), tags: many(100), ..Batch::default() }.validate(), Ok(()));
    }

    #[test]
    fn a_metric_reaches_the_browser_whatever_its_value() {
        for value in [0.1, -0.0, 5.0, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let metric = Metric { key: "loss".into(), value, timestamp: 1, step: 2 };
            let text = serde_json::to_string(&metric).expect("JSON");
            let back: Metric = serde_json::from_str(&text).expect("a metric");
            assert!(back.value.to_bits() == value.to_bits() || (back.value.is_nan() && value.is_nan()), "{text}");
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 2), "äö");
        assert_eq!(cut("ab", 2), "ab");
    }
}
