//! One run with all that is its own: params, tags, histories, artifacts, how it ended.

use super::{
    Import,
    answers::{Pair, Run as From},
    client::Fault,
    experiments::Target,
    ledger_store::{self, Entry, Kind},
    links::Pending,
    pages::Owner,
    report::Progress,
};
use crate::{
    artifacts,
    error::Error,
    model::{
        BATCH_PARAMS, Batch, NewRun, PARAM_LENGTH, Run, RunChange, RunId, RunStatus, TAG_LENGTH, TAG_PARENT, TAG_RUN_NAME, Tag,
        validate_key, validate_unreserved, validate_value,
    },
    tracking::{adopt, runs},
};
use std::collections::HashMap;

impl Import<'_> {
    /// Copies what is not here yet. What is still to be done once everything else is in comes back.
    pub(super) async fn run(&self, target: &Target, from: &From, print: &str, known: Option<&Entry>) -> Result<Option<Pending>, Fault> {
        let result = self.run_or_why_not(target, from, print, known).await;
        Progress::add(&self.progress.runs, 1);
        result.or_else(|fault| {
            self.unsound().insert(from.id().to_owned());
            self.ledger.count(|c| c.runs.fail(1));
            self.failed(format!("run {}", from.id()), fault).map(|()| None)
        })
    }

    async fn run_or_why_not(&self, target: &Target, from: &From, print: &str, known: Option<&Entry>) -> Result<Option<Pending>, Fault> {
        let over = !matches!(from.info.status.as_str(), "RUNNING" | "SCHEDULED" | "1" | "2");
        if let Some(entry) = known.filter(|entry| entry.fingerprint.as_deref() == Some(print) && over && !self.wanted.again) {
            self.run_is_there(from, entry);
            return Ok((entry.finished == 0).then(|| Pending::new(from, entry.clone())));
        }
        let Some((mut entry, whole)) = self.copy_run(target, from, known).await? else { return Ok(None) };
        entry.fingerprint = whole.then(|| print.to_owned());
        let pending = Pending::new(from, entry);
        if pending.is_nothing() {
            self.finish_run(&pending).await?;
            return Ok(None);
        }
        // So that a new start need not copy it again.
        ledger_store::put(&self.portal.db, &self.scope.team, Kind::Run, &pending.entry).await?;
        Ok(Some(pending))
    }

    fn run_is_there(&self, from: &From, entry: &Entry) {
        let count = |number: i64| usize::try_from(number).unwrap_or_default();
        self.ledger.count(|c| {
            c.runs.there(1);
            c.params.there(from.data.params.len());
            c.tags.there(from.data.tags.len());
            c.points.there(count(entry.points));
            c.files.there(count(entry.files));
            c.bytes.there(count(entry.bytes));
        });
    }

    /// What is to be written down of it, and whether everything could be copied; none where it is to be left alone.
    async fn copy_run(&self, target: &Target, from: &From, known: Option<&Entry>) -> Result<Option<(Entry, bool)>, Fault> {
        let Some((mut entry, here)) = self.run_to_write(target, from, known).await? else { return Ok(None) };
        let id = RunId(entry.local_id.clone());
        let was_here = here.is_some();
        let before = here.unwrap_or_else(|| Box::new(empty(&id, target)));
        let params = self.params(from, &before).await?;
        let tags = self.tags(from, &before).await?;
        let points = self.points(from, &id, was_here).await?;
        let root = artifacts::of_run(self.portal, self.caller, self.team, &id).await?.path;
        let files = self.files(Owner::Run(from.id()), &root, &format!("run {}", from.id())).await?;
        self.ending(from, &before).await?;
        if !files.whole {
            self.unsound().insert(from.id().to_owned());
        }
        (entry.points, entry.files, entry.bytes) = (points.count, files.count, files.bytes);
        let was_whole = known.is_some_and(|known| known.fingerprint.is_some());
        self.ledger.count(|c| if was_whole { c.runs.there(1) } else { c.runs.copy(1) });
        Ok(Some((entry, params && tags && points.whole && files.whole)))
    }

    /// The run as it is here, made where it is not; none where it is to be left alone.
    async fn run_to_write(&self, target: &Target, from: &From, known: Option<&Entry>) -> Result<Option<(Entry, Option<Box<Run>>)>, Fault> {
        let local = self.local_id(Kind::Run, from.id()).await?;
        let id = RunId(local.clone());
        let mut entry = known.cloned().unwrap_or_default();
        (entry.source_id, entry.local_id, entry.fingerprint, entry.finished) = (from.id().to_owned(), local, None, 0);
        match runs::get(self.portal, self.caller, self.team, &id).await {
            Ok(here) if here.deleted_at.is_some() && !from.is_deleted() => {
                self.ledger.count(|c| c.runs.there(1));
                self.ledger.note(format!("Run {id} is deleted here and was left as it is."));
                Ok(None)
            }
            Ok(here) => {
                self.open(target).await?;
                if here.deleted_at.is_some() {
                    // To be deleted again when everything is in.
                    runs::restore(self.portal, self.caller, self.team, &id).await?;
                }
                ledger_store::put(&self.portal.db, &self.scope.team, Kind::Run, &entry).await?;
                Ok(Some((entry, Some(Box::new(here)))))
            }
            Err(Error::NotFound(_)) => {
                self.open(target).await?;
                adopt::run(self.portal, self.caller, self.team, &id, new_run(target, from)).await?;
                ledger_store::put(&self.portal.db, &self.scope.team, Kind::Run, &entry).await?;
                if id.as_str() != from.id() {
                    self.ledger.note(format!("Run {} is called {id} here: another team has a run of that id.", from.id()));
                }
                Ok(Some((entry, None)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether all of them are in.
    async fn params(&self, from: &From, before: &Run) -> Result<bool, Fault> {
        let fits = |pair: &Pair| fits(pair, PARAM_LENGTH);
        let (new, mut whole) = self.new_pairs(from, "param", &from.data.params, &before.params, fits);
        let (mut copied, mut other) = (Vec::with_capacity(new.len()), 0);
        for param in new {
            if before.params.iter().any(|p| p.key == param.key) {
                other += 1;
                self.ledger.problem(format!("param \"{}\" of run {}", param.key, from.id()), "it has another value here, and params do not change");
            } else {
                copied.push(param);
            }
        }
        for params in copied.chunks(BATCH_PARAMS) {
            self.log(&before.id, Batch { params: params.to_vec(), ..Batch::default() }).await?;
        }
        whole &= other == 0;
        self.ledger.count(|c| {
            c.params.copy(copied.len());
            c.params.fail(other);
        });
        Ok(whole)
    }

    async fn tags(&self, from: &From, before: &Run) -> Result<bool, Fault> {
        let mut said = from.data.tags.clone();
        for tag in said.iter_mut().filter(|tag| tag.key == TAG_PARENT && !tag.value.is_empty()) {
            // Where the parent is called otherwise here, its children say so.
            tag.value = self.local_id(Kind::Run, &tag.value).await?;
        }
        // An empty name is no name; the run has one.
        said.retain(|tag| tag.key != TAG_RUN_NAME || !tag.value.is_empty());
        let fits = |pair: &Pair| fits(pair, TAG_LENGTH).and_then(|()| validate_unreserved(&pair.key));
        let (tags, whole) = self.new_pairs(from, "tag", &said, &before.tags, fits);
        for tags in tags.chunks(BATCH_PARAMS) {
            self.log(&before.id, Batch { tags: tags.to_vec(), ..Batch::default() }).await?;
        }
        self.ledger.count(|c| c.tags.copy(tags.len()));
        Ok(whole)
    }

    /// Those that are not here as they are there, and whether none had to be left out.
    fn new_pairs(
        &self,
        from: &From,
        kind: &'static str,
        said: &[Pair],
        here: &[Tag],
        fits: impl Fn(&Pair) -> Result<(), String>,
    ) -> (Vec<Tag>, bool) {
        let here: HashMap<&str, &str> = here.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        let (mut new, mut there, mut failed) = (Vec::new(), 0, 0);
        for pair in said {
            if here.get(pair.key.as_str()) == Some(&pair.value.as_str()) {
                there += 1;
            } else if let Err(why) = fits(pair) {
                failed += 1;
                let key: String = pair.key.chars().take(100).collect();
                self.ledger.problem(format!("{kind} \"{key}\" of run {}", from.id()), why);
            } else {
                new.push(Tag::new(&pair.key, &pair.value));
            }
        }
        self.ledger.count(|c| {
            let tally = if kind == "param" { &mut c.params } else { &mut c.tags };
            tally.there(there);
            tally.fail(failed);
        });
        (new, failed == 0)
    }

    async fn ending(&self, from: &From, before: &Run) -> Result<(), Fault> {
        let status = status(&from.info.status)?;
        let name = Some(from.info.run_name.clone()).filter(|name| !name.is_empty() && *name != before.name && !before.name.is_empty());
        let change = RunChange {
            status: Some(status).filter(|status| *status != before.status),
            end_time: from.info.end_time.filter(|at| Some(*at) != before.end_time),
            name,
        };
        if change != RunChange::default() {
            runs::update(self.portal, self.caller, self.team, &before.id, change).await?;
        }
        Ok(())
    }

    /// Logs as much at a time as the writer takes.
    pub(super) async fn log(&self, run: &RunId, batch: Batch) -> Result<(), Fault> {
        let _one_of_few = self.logging.acquire().await.map_err(|e| Fault::Stop(e.to_string()))?;
        Ok(runs::log(self.portal, self.caller, self.team, run, batch).await?)
    }
}

fn new_run(target: &Target, from: &From) -> NewRun {
    let tagged = from.data.tags.iter().find(|tag| tag.key == TAG_RUN_NAME).map(|tag| tag.value.clone()).unwrap_or_default();
    let name = if from.info.run_name.is_empty() { tagged } else { from.info.run_name.clone() };
    NewRun {
        experiment: Some(target.id.clone()),
        user_id: from.info.user_id.clone(),
        name,
        start_time: from.info.start_time,
        tags: Vec::new(),
    }
}

/// A run that has just been made.
fn empty(id: &RunId, target: &Target) -> Run {
    Run {
        id: id.clone(),
        experiment: target.id.clone(),
        name: String::new(),
        user_id: String::new(),
        status: RunStatus::Running,
        start_time: None,
        end_time: None,
        artifact_uri: String::new(),
        created_by: String::new(),
        notebook: None,
        deleted_at: None,
        metrics: Vec::new(),
        params: Vec::new(),
        tags: Vec::new(),
    }
}

/// MLflow's word or number.
fn status(text: &str) -> Result<RunStatus, Fault> {
    let numbered = text.parse::<usize>().ok().and_then(|number| RunStatus::ALL.get(number.checked_sub(1)?).copied());
    numbered.map_or_else(|| text.parse().map_err(Fault::Item), Ok)
}

/// Whether a key and a value can be kept as they are.
fn fits(pair: &Pair, most: usize) -> Result<(), String> {
    validate_key(&pair.key)?;
    if pair.value.chars().count() > most {
        return Err(format!("its value is longer than {most} characters"));
    }
    validate_value(&pair.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_word_or_its_number() {
        for (text, expected) in [("RUNNING", RunStatus::Running), ("FINISHED", RunStatus::Finished), ("3", RunStatus::Finished), ("5", RunStatus::Killed)] {
            assert!(status(text).is_ok_and(|s| s == expected), "{text}");
        }
        for bad in ["", "0", "6", "DONE"] {
            assert!(status(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_would_have_to_be_cut_does_not_fit() {
        let pair = |key: &str, value: String| Pair { key: key.to_owned(), value };
        assert_eq!(fits(&pair("a/b", "ä".repeat(6000)), PARAM_LENGTH), Ok(()));
        for bad in [pair("a", "ä".repeat(6001)), pair("a@b", String::new()), pair("a", "\0".to_owned()), pair("", String::new())] {
            assert!(fits(&bad, PARAM_LENGTH).is_err(), "{bad:?}");
        }
    }
}
