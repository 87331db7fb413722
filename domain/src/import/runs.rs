//! One run with all that is its own: params, tags, histories, artifacts, how it ended.

use super::{
    Import,
    answers::Run as From,
    client::Fault,
    experiments::Target,
    imported_store::{self, Entry, Kind},
    links::Pending,
    pages::Owner,
    report::Progress,
};
use crate::{
    artifacts,
    error::Error,
    model::{Batch, NewRun, Run, RunChange, RunId, RunStatus, TAG_RUN_NAME},
    tracking::{adopt, runs},
};

impl Import<'_> {
    /// Copies what is not here yet. What is still to be done once everything else is in comes back.
    pub(super) async fn run(&self, target: &Target, from: &From, print: &str, known: Option<&Entry>) -> Result<Option<Pending>, Fault> {
        let result = self.run_or_why_not(target, from, print, known).await;
        Progress::add(&self.progress.runs, 1);
        result.or_else(|fault| {
            self.unsound().insert(from.id().to_owned());
            self.report.count(|c| c.runs.fail(1));
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
        imported_store::put(&self.portal.db, &self.scope.team, Kind::Run, &pending.entry).await?;
        Ok(Some(pending))
    }

    fn run_is_there(&self, from: &From, entry: &Entry) {
        let count = |number: i64| usize::try_from(number).unwrap_or_default();
        self.report.count(|c| {
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
        self.report.count(|c| if was_whole { c.runs.there(1) } else { c.runs.copy(1) });
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
                self.report.count(|c| c.runs.there(1));
                self.report.note(format!("Run {id} is deleted here and was left as it is."));
                Ok(None)
            }
            Ok(here) => {
                self.open(target).await?;
                if here.deleted_at.is_some() {
                    // To be deleted again when everything is in.
                    runs::restore(self.portal, self.caller, self.team, &id).await?;
                }
                imported_store::put(&self.portal.db, &self.scope.team, Kind::Run, &entry).await?;
                Ok(Some((entry, Some(Box::new(here)))))
            }
            Err(Error::NotFound(_)) => {
                self.open(target).await?;
                adopt::run(self.portal, self.caller, self.team, &id, new_run(target, from)).await?;
                imported_store::put(&self.portal.db, &self.scope.team, Kind::Run, &entry).await?;
                if id.as_str() != from.id() {
                    self.report.note(format!("Run {} is called {id} here: another team has a run of that id.", from.id()));
                }
                Ok(Some((entry, None)))
            }
            Err(error) => Err(error.into()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_word_or_its_number() {
        for (text, expected) in
            [("RUNNING", RunStatus::Running), ("FINISHED", RunStatus::Finished), ("3", RunStatus::Finished), ("5", RunStatus::Killed)]
        {
            assert!(status(text).is_ok_and(|s| s == expected), "{text}");
        }
        for bad in ["", "0", "6", "DONE"] {
            assert!(status(bad).is_err(), "{bad}");
        }
    }
}
