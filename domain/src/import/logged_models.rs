//! Logged models: what runs made, with params, tags, metrics and artifacts.

use super::{
    Import,
    answers::{Experiment, LoggedModel as From, Pair},
    client::Fault,
    experiments::Target,
    identity::fingerprint,
    imported_store::{self, Entry, Kind},
    pages::{self, Owner},
};
use crate::{
    artifacts,
    error::Error,
    model::{
        BATCH_METRICS, Batch, LoggedModel, LoggedModelId, LoggedModelStatus, ModelMetric, NewLoggedModel, PARAM_LENGTH, RunId, TAG_LENGTH,
        Tag, validate_pairs, validate_value,
    },
    tracking::{adopt, logged_models},
};
use std::collections::BTreeMap;

impl Import<'_> {
    pub(super) async fn all_logged_models(&self, from: &Experiment, target: &Target) -> Result<(), Fault> {
        let mut token = String::new();
        loop {
            let page = match pages::logged_models(&self.client, &from.id, &token).await {
                Ok(page) => page,
                // Servers before MLflow 3 know no logged models.
                Err(Fault::Item(why)) if token.is_empty() && (why.contains("404") || why.contains("501")) => return Ok(()),
                Err(fault) => return Err(fault),
            };
            for json in page.models {
                let print = fingerprint(&json);
                match serde_json::from_value::<From>(json) {
                    Ok(model) => self.one_logged_model(target, &model, &print).await?,
                    Err(error) => {
                        self.report.count(|c| c.logged_models.fail(1));
                        self.report
                            .problem(format!("a logged model of the experiment {}", from.name), format!("it cannot be read: {error}"));
                    }
                }
            }
            match pages::next(&token, page.next_page_token) {
                Some(next) => token = next,
                None => return Ok(()),
            }
        }
    }

    async fn one_logged_model(&self, target: &Target, from: &From, print: &str) -> Result<(), Fault> {
        let source = from.info.model_id.as_str();
        let known = imported_store::entries(&self.portal.db, &self.scope.team, Kind::LoggedModel, &[source]).await?.remove(source);
        if let Some(entry) = known.as_ref().filter(|e| e.finished != 0 && e.fingerprint.as_deref() == Some(print) && !self.wanted.again) {
            let count = |number: i64| usize::try_from(number).unwrap_or_default();
            self.report.count(|c| {
                c.logged_models.there(1);
                c.files.there(count(entry.files));
                c.bytes.there(count(entry.bytes));
            });
            return Ok(());
        }
        let was_whole = known.as_ref().is_some_and(|entry| entry.finished != 0);
        match self.copy_logged_model(target, from, known).await {
            Ok(None) => Ok(()),
            Ok(Some((mut entry, whole))) => {
                self.report.count(|c| if was_whole { c.logged_models.there(1) } else { c.logged_models.copy(1) });
                if whole && status(&from.info.status)? != LoggedModelStatus::Pending {
                    (entry.fingerprint, entry.finished) = (Some(print.to_owned()), 1);
                }
                Ok(imported_store::put(&self.portal.db, &self.scope.team, Kind::LoggedModel, &entry).await?)
            }
            Err(fault) => {
                self.unsound().insert(source.to_owned());
                self.report.count(|c| c.logged_models.fail(1));
                self.failed(format!("logged model {source}"), fault)
            }
        }
    }

    /// What is to be written down of it, and whether everything could be copied; none where it is to be left alone.
    async fn copy_logged_model(&self, target: &Target, from: &From, known: Option<Entry>) -> Result<Option<(Entry, bool)>, Fault> {
        let source = from.info.model_id.as_str();
        let what = format!("logged model {source}");
        let local = self.local_id(Kind::LoggedModel, source).await?;
        let id = LoggedModelId(local.clone());
        let mut entry = known.unwrap_or_default();
        (entry.source_id, entry.local_id, entry.fingerprint, entry.finished) = (source.to_owned(), local, None, 0);
        let (params, params_whole) = self.kept("params", &from.data.params, PARAM_LENGTH, &what);
        let (tags, tags_whole) = self.kept("tags", &from.info.tags, TAG_LENGTH, &what);
        self.open(target).await?;
        let here = match logged_models::get(self.portal, self.caller, self.team, &id, true).await {
            Ok(here) if here.deleted_at.is_some() => {
                self.report.count(|c| c.logged_models.there(1));
                self.report.note(format!("The logged model {id} is deleted here and was left as it is."));
                return Ok(None);
            }
            Ok(here) => self.bring_logged_model(here, &tags).await?,
            Err(Error::NotFound(_)) => {
                let new = self.new_logged_model(target, from, params, tags).await?;
                let created_at = from.info.creation_timestamp_ms;
                adopt::logged_model(self.portal, self.caller, self.team, &id, new, created_at).await?
            }
            Err(error) => return Err(error.into()),
        };
        imported_store::put(&self.portal.db, &self.scope.team, Kind::LoggedModel, &entry).await?;
        if id.as_str() != source {
            self.report.note(format!("The logged model {source} is called {id} here: another team has one of that id."));
        }
        let root = artifacts::of_uri(here.artifact_uri.clone())?.path;
        let files = self.files(Owner::LoggedModel(source), &root, &what).await?;
        (entry.files, entry.bytes) = (files.count, files.bytes);
        let measured = self.measured(from, &here).await?;
        let updated_at = from.info.last_updated_timestamp_ms;
        adopt::finish_logged_model(self.portal, self.caller, self.team, &id, status(&from.info.status)?, updated_at).await?;
        if !files.whole {
            self.unsound().insert(source.to_owned());
        }
        Ok(Some((entry, params_whole && tags_whole && files.whole && measured)))
    }

    async fn bring_logged_model(&self, here: LoggedModel, tags: &[Tag]) -> Result<LoggedModel, Fault> {
        let new: Vec<Tag> = tags.iter().filter(|tag| !here.tags.contains(tag)).cloned().collect();
        if new.is_empty() {
            return Ok(here);
        }
        Ok(logged_models::set_tags(self.portal, self.caller, self.team, &here.id, &new).await?)
    }

    async fn new_logged_model(&self, target: &Target, from: &From, params: Vec<Tag>, tags: Vec<Tag>) -> Result<NewLoggedModel, Fault> {
        let said = from.info.source_run_id.as_str();
        let run = if said.is_empty() { None } else { self.here(Kind::Run, said).await? };
        if run.is_none() && !said.is_empty() {
            self.report.note(format!("The run {said}, which made the logged model {}, is not here.", from.info.model_id));
        }
        Ok(NewLoggedModel {
            experiment: target.id.clone(),
            name: Some(from.info.name.clone()).filter(|name| !name.is_empty()),
            model_type: from.info.model_type.clone(),
            source_run: run.map(RunId),
            params,
            tags,
        })
    }

    /// The pairs that can be kept as they are; the others are reported.
    fn kept(&self, kind: &'static str, said: &[Pair], most: usize, what: &str) -> (Vec<Tag>, bool) {
        let mut kept: Vec<Tag> = Vec::with_capacity(said.len());
        for pair in said {
            let tag = Tag::new(&pair.key, &pair.value);
            let fits = match validate_pairs(kind, std::slice::from_ref(&tag)) {
                Err(fields) => Err(Error::from(fields).to_string()),
                Ok(()) if pair.value.chars().count() > most => Err(format!("its value is longer than {most} characters")),
                Ok(()) => validate_value(&pair.value),
            };
            match fits {
                Ok(()) => kept.push(tag),
                Err(why) => self.report.problem(format!("\"{}\" of the {kind} of {what}", pair.key), why),
            }
        }
        let whole = kept.len() == said.len();
        (kept, whole)
    }

    /// Copies the metrics that were measured of it; whether all of them could be.
    async fn measured(&self, from: &From, here: &LoggedModel) -> Result<bool, Fault> {
        let mut by_run: BTreeMap<&str, Vec<ModelMetric>> = BTreeMap::new();
        for metric in &from.data.metrics {
            by_run.entry(&metric.run_id).or_default().push(ModelMetric {
                model: here.id.clone(),
                key: metric.key.clone(),
                value: metric.value,
                timestamp: metric.timestamp,
                step: metric.step,
                run: None,
                dataset_name: metric.dataset_name.clone(),
                dataset_digest: metric.dataset_digest.clone(),
            });
        }
        let mut whole = true;
        for (source, metrics) in by_run {
            let Some(run) = self.here(Kind::Run, source).await? else {
                self.report.note(format!(
                    "{} metrics of the logged model {} are not here, since their run {source} is not.",
                    metrics.len(),
                    from.info.model_id
                ));
                continue;
            };
            let run = RunId(run);
            let is_here = |m: &ModelMetric| here.metrics.iter().any(|h| h.run.as_ref() == Some(&run) && same(h, m));
            let missing: Vec<ModelMetric> = metrics.into_iter().filter(|m| !is_here(m)).collect();
            for metrics in missing.chunks(BATCH_METRICS) {
                let batch = Batch { model_metrics: metrics.to_vec(), ..Batch::default() };
                if let Err(fault) = self.log(&run, batch).await {
                    whole = false;
                    self.failed(format!("metrics of the logged model {}", from.info.model_id), fault)?;
                }
            }
        }
        Ok(whole)
    }
}

/// Whether it is the same point, whoever logged it.
fn same(a: &ModelMetric, b: &ModelMetric) -> bool {
    let bits = |value: f64| if value.is_nan() { u64::MAX } else { value.to_bits() };
    (&a.key, a.step, a.timestamp, &a.dataset_name, &a.dataset_digest, bits(a.value))
        == (&b.key, b.step, b.timestamp, &b.dataset_name, &b.dataset_digest, bits(b.value))
}

/// MLflow's word, with or without what all of them begin with, or its number.
fn status(text: &str) -> Result<LoggedModelStatus, Fault> {
    let numbered = text.parse::<usize>().ok().and_then(|number| LoggedModelStatus::ALL.get(number.checked_sub(1)?).copied());
    numbered.map_or_else(|| text.strip_prefix("LOGGED_MODEL_").unwrap_or(text).replace("UPLOAD_", "").parse().map_err(Fault::Item), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_status_is_read_in_every_spelling() {
        for (text, expected) in [
            ("LOGGED_MODEL_READY", LoggedModelStatus::Ready),
            ("LOGGED_MODEL_UPLOAD_FAILED", LoggedModelStatus::Failed),
            ("PENDING", LoggedModelStatus::Pending),
            ("2", LoggedModelStatus::Ready),
        ] {
            assert!(status(text).is_ok_and(|s| s == expected), "{text}");
        }
        assert!(status("4").is_err() && status("LOGGED_MODEL_GONE").is_err());
    }
}
