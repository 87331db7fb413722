//! Registered models and prompts: their versions under their own numbers, made of what was copied before.

use super::{
    Import,
    answers::{Pair, RegisteredModel, Version},
    client::Fault,
    imported_store::Kind,
    pages,
};
use crate::{
    artifacts,
    error::Error,
    model::{ExperimentId, LoggedModelId, NewModelVersion, RunId, Stage, Tag},
    registry::adopt::{self, Adopted, AdoptedModel, AdoptedVersion},
    tracking::logged_models,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
};

/// The tag by which clients find the prompts of an experiment: its ids between commas.
const TAG_EXPERIMENTS: &str = "_mlflow_experiment_ids";

/// Why a version is not made.
enum Missing {
    /// What it is made of was not asked for.
    NotWanted,
    Fault(Fault),
}

impl<T: Into<Fault>> From<T> for Missing {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

/// The models of the source, and those that are here.
struct Models {
    said: BTreeMap<String, RegisteredModel>,
    here: BTreeSet<String>,
    left_out: u64,
}

impl Import<'_> {
    /// Copies registered models, or prompts, with versions and aliases.
    pub(super) async fn registry(&self, prompts: bool) -> Result<(), Fault> {
        let copied = self.models_and_versions(prompts).await;
        copied.or_else(|fault| self.failed(if prompts { "the prompts" } else { "the registered models" }, fault))
    }

    async fn models_and_versions(&self, prompts: bool) -> Result<(), Fault> {
        let mut models = Models { said: self.all_models(prompts).await?, here: BTreeSet::new(), left_out: 0 };
        if self.wanted.experiments.is_empty() {
            for name in models.said.keys().cloned().collect::<Vec<_>>() {
                self.model(&mut models, &name).await?;
            }
        }
        let mut token = String::new();
        loop {
            let page = pages::versions(&self.client, prompts, &token).await?;
            for version in &page.model_versions {
                self.version(&mut models, version, prompts).await?;
            }
            match pages::next(&token, page.next_page_token) {
                Some(next) => token = next,
                None => break,
            }
        }
        if models.left_out > 0 {
            self.report
                .note(format!("{} model versions were not copied: they come from experiments that were not asked for.", models.left_out));
        }
        self.aliases(&models).await
    }

    async fn all_models(&self, prompts: bool) -> Result<BTreeMap<String, RegisteredModel>, Fault> {
        let (mut all, mut token) = (BTreeMap::new(), String::new());
        loop {
            let page = pages::registered_models(&self.client, prompts, &token).await?;
            all.extend(page.registered_models.into_iter().map(|model| (model.name.clone(), model)));
            match pages::next(&token, page.next_page_token) {
                Some(next) => token = next,
                None => return Ok(all),
            }
        }
    }

    /// Whether the model is here now.
    async fn model(&self, models: &mut Models, name: &str) -> Result<bool, Fault> {
        if models.here.contains(name) {
            return Ok(true);
        }
        // Each is tried once.
        let Some(said) = models.said.get(name) else { return Ok(false) };
        let from = AdoptedModel {
            name: said.name.clone(),
            description: said.description.clone(),
            tags: self.model_tags(&said.tags),
            created_at: said.creation_timestamp,
            updated_at: said.last_updated_timestamp,
        };
        match adopt::model(self.portal, self.caller, self.team, from).await {
            Ok(done) => {
                self.report.count(|c| if done == Adopted::New { c.registered_models.copy(1) } else { c.registered_models.there(1) });
                models.here.insert(name.to_owned());
                Ok(true)
            }
            Err(error) => {
                models.said.remove(name);
                self.report.count(|c| c.registered_models.fail(1));
                self.failed(format!("registered model {name}"), error.into()).map(|()| false)
            }
        }
    }

    fn model_tags(&self, said: &[Pair]) -> Vec<Tag> {
        let ids = self.experiments.lock().unwrap_or_else(PoisonError::into_inner);
        let here = |value: &str| {
            let found: Vec<&str> = value.split(',').filter_map(|id| ids.get(id)).map(ExperimentId::as_str).collect();
            format!(",{},", found.join(","))
        };
        said.iter().map(|p| Tag::new(&p.key, if p.key == TAG_EXPERIMENTS { here(&p.value) } else { p.value.clone() })).collect()
    }

    async fn version(&self, models: &mut Models, from: &Version, prompt: bool) -> Result<(), Fault> {
        let copied = self.version_or_why_not(models, from, prompt).await;
        match copied {
            Ok(Adopted::New) => self.report.count(|c| c.versions.copy(1)),
            Ok(_) => self.report.count(|c| c.versions.there(1)),
            Err(Missing::NotWanted) => models.left_out += 1,
            Err(Missing::Fault(fault)) => {
                self.report.count(|c| c.versions.fail(1));
                self.failed(format!("version {} of {}", from.number, from.name), fault)?;
            }
        }
        Ok(())
    }

    async fn version_or_why_not(&self, models: &mut Models, from: &Version, prompt: bool) -> Result<Adopted, Missing> {
        let number = from.number.parse::<i64>().map_err(|_| Fault::Item("its number cannot be read".to_owned()))?;
        let stage = if from.current_stage.is_empty() { Stage::None } else { from.current_stage.parse().map_err(Fault::Item)? };
        let mut new = NewModelVersion {
            name: from.name.clone(),
            source: from.source.clone(),
            run: self.run_here(&from.run_id).await?,
            logged_model: None,
            run_link: Some(from.run_link.clone()).filter(|link| !link.is_empty()),
            description: Some(from.description.clone()).filter(|text| !text.is_empty()),
            tags: from.tags.iter().map(|tag| Tag::new(&tag.key, &tag.value)).collect(),
        };
        if !prompt {
            new.source = self.source_here(models, from).await?;
        }
        if !self.model(models, &from.name).await? {
            return Err(Fault::Item("its registered model could not be copied".to_owned()).into());
        }
        let as_there = AdoptedVersion { number, stage, created_at: from.creation_timestamp, updated_at: from.last_updated_timestamp };
        Ok(adopt::version(self.portal, self.caller, self.team, new, as_there).await?)
    }

    async fn run_here(&self, source: &str) -> Result<Option<String>, Missing> {
        if source.is_empty() { Ok(None) } else { Ok(self.here(Kind::Run, source).await?) }
    }

    /// The source of a version, in the words of this portal.
    async fn source_here(&self, models: &Models, from: &Version) -> Result<String, Missing> {
        let source = from.source.as_str();
        if let Some(reference) = source.strip_prefix("models:/") {
            if let Some((name, _)) = reference.split_once(['/', '@']) {
                let left_out = !self.wanted.experiments.is_empty() && !models.here.contains(name);
                return if left_out { Err(Missing::NotWanted) } else { Ok(source.to_owned()) };
            }
            return Ok(format!("models:/{}", self.whole(Kind::LoggedModel, reference).await?));
        }
        if let Some((run, path)) = source.strip_prefix("runs:/").and_then(|rest| rest.split_once('/')) {
            return Ok(format!("runs:/{}/{path}", self.whole(Kind::Run, run).await?));
        }
        let logged = Some(from.model_id.as_str()).filter(|id| !id.is_empty());
        let logged = logged.or_else(|| source.split('/').find(|part| part.len() == 34 && part.starts_with("m-")));
        if let Some(model) = logged
            && let Some(rest) = below(source, &pages::logged_model(&self.client, model).await?.model.info.artifact_uri)
        {
            let id = LoggedModelId(self.whole(Kind::LoggedModel, model).await?);
            return Ok(logged_models::artifact_uri(self.portal, self.caller, self.team, &id).await? + rest);
        }
        if !from.run_id.is_empty()
            && let Some(rest) = below(source, &pages::run(&self.client, &from.run_id).await?.info.artifact_uri)
        {
            let id = RunId(self.whole(Kind::Run, &from.run_id).await?);
            return Ok(artifacts::of_run(self.portal, self.caller, self.team, &id).await?.uri + rest);
        }
        Err(Fault::Item(format!("its files are at {source}, which belongs to no run and no logged model of the server")).into())
    }

    /// What a run or logged model is called here, if all of it is here.
    async fn whole(&self, kind: Kind, source: &str) -> Result<String, Missing> {
        if self.unsound().contains(source) {
            return Err(Fault::Item(format!("{source}, which it is made of, could not be copied whole")).into());
        }
        match self.here(kind, source).await? {
            Some(id) => Ok(id),
            None if !self.wanted.experiments.is_empty() => Err(Missing::NotWanted),
            None => Err(Fault::Item(format!("{source}, which it is made of, is not on the server any more")).into()),
        }
    }

    async fn aliases(&self, models: &Models) -> Result<(), Fault> {
        for name in &models.here {
            for alias in models.said.get(name).into_iter().flat_map(|model| &model.aliases) {
                let Ok(number) = alias.version.parse() else { continue };
                match adopt::alias(self.portal, self.caller, self.team, name, &alias.alias, number).await {
                    Ok(Adopted::AsItWas) => self.report.count(|c| c.aliases.there(1)),
                    Ok(_) => self.report.count(|c| c.aliases.copy(1)),
                    // The version was left out.
                    Err(Error::NotFound(_)) if !self.wanted.experiments.is_empty() => {}
                    Err(error) => {
                        self.report.count(|c| c.aliases.fail(1));
                        self.failed(format!("alias {} of {name}", alias.alias), error.into())?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What of `uri` comes after `root`, where it is that or below it: empty, or from a slash on.
fn below<'a>(uri: &'a str, root: &str) -> Option<&'a str> {
    let root = root.trim_end_matches('/');
    let rest = uri.trim_end_matches('/').strip_prefix(root).filter(|_| !root.is_empty())?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_below_a_root_only_by_whole_names() {
        assert_eq!(below("s3://b/1/r/artifacts/model", "s3://b/1/r/artifacts"), Some("/model"));
        assert_eq!(below("s3://b/1/r/artifacts/", "s3://b/1/r/artifacts/"), Some(""));
        for (uri, root) in [("s3://b/1/r/artifacts2/model", "s3://b/1/r/artifacts"), ("s3://c", "s3://b"), ("/x", ""), ("", "")] {
            assert_eq!(below(uri, root), None, "{uri}");
        }
    }
}
