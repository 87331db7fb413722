//! What an import did: counted while it goes on, told at its end.

use serde::Serialize;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Most problems that are told one by one.
const TOLD: usize = 10_000;

/// Most characters of one line of the report.
const SHOWN: usize = 1000;

/// Of one kind of thing: copied now, here from before, and not copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub copied: u64,
    pub already_there: u64,
    pub failed: u64,
}

impl Tally {
    pub(super) fn copy(&mut self, count: usize) {
        self.copied += count as u64;
    }
    pub(super) fn there(&mut self, count: usize) {
        self.already_there += count as u64;
    }
    pub(super) fn fail(&mut self, count: usize) {
        self.failed += count as u64;
    }
}

/// Something that was not copied, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// For example `run 0f3a…` or `model net version 3`.
    pub what: String,
    pub why: String,
}

/// How many of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub experiments: Tally,
    pub runs: Tally,
    pub points: Tally,
    pub params: Tally,
    pub tags: Tally,
    /// Datasets and models that runs read and made.
    pub links: Tally,
    pub logged_models: Tally,
    pub files: Tally,
    pub bytes: Tally,
    pub registered_models: Tally,
    pub versions: Tally,
    pub aliases: Tally,
}

impl Counts {
    /// Each count with its name.
    pub fn named(&self) -> [(&'static str, Tally); 12] {
        [
            ("experiments", self.experiments),
            ("runs", self.runs),
            ("metric points", self.points),
            ("params", self.params),
            ("tags", self.tags),
            ("datasets and models of runs", self.links),
            ("logged models", self.logged_models),
            ("artifact files", self.files),
            ("artifact bytes", self.bytes),
            ("registered models", self.registered_models),
            ("model versions", self.versions),
            ("aliases", self.aliases),
        ]
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub from: String,
    pub team: String,
    pub counts: Counts,
    /// What was not copied; at most 10,000 of it.
    pub problems: Vec<Problem>,
    /// How much was not copied in all.
    pub failures: u64,
    /// What is worth knowing and no problem.
    pub notes: Vec<String>,
    /// Why it ended before its end.
    pub stopped: Option<String>,
}

impl Report {
    /// Whether everything is here now.
    pub fn is_complete(&self) -> bool {
        self.failures == 0 && self.stopped.is_none()
    }
}

/// How far an import is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    pub experiments: AtomicU64,
    pub runs: AtomicU64,
    /// 0 as long as it is not known.
    pub runs_in_all: AtomicU64,
    pub points: AtomicU64,
    pub bytes: AtomicU64,
    phase: Mutex<&'static str>,
}

impl Progress {
    /// What is being done now.
    pub fn phase(&self) -> &'static str {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn enter(&self, phase: &'static str) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }
    pub(super) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// What the source called something, fit for a terminal: names may hold anything there.
fn plain(text: &str) -> String {
    text.chars().take(SHOWN).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The report while it is being made.
pub(super) struct Draft(Mutex<Report>);

impl Draft {
    pub fn new(from: &str, team: &str) -> Self {
        Self(Mutex::new(Report { from: from.to_owned(), team: team.to_owned(), ..Report::default() }))
    }
    pub fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.lock().counts);
    }
    pub fn problem(&self, what: impl Into<String>, why: impl Into<String>) {
        let (what, why) = (plain(&what.into()), plain(&why.into()));
        tracing::debug!(what, why, "not copied");
        let mut report = self.lock();
        report.failures += 1;
        if report.problems.len() < TOLD {
            report.problems.push(Problem { what, why });
        }
    }
    pub fn note(&self, note: impl Into<String>) {
        let note = plain(&note.into());
        let mut report = self.lock();
        if report.notes.len() < TOLD && !report.notes.contains(&note) {
            report.notes.push(note);
        }
    }
    pub fn finish(self, stopped: Option<String>) -> Report {
        let mut report = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.stopped = stopped.map(|why| plain(&why));
        report
    }
    fn lock(&self) -> std::sync::MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_source_cannot_write_to_the_terminal() {
        let draft = Draft::new("http://host", "red");
        draft.problem("file \u{1b}[2Jx\r\n", "y".repeat(2000));
        draft.note("a\u{9b}b");
        draft.note("a\u{9b}b");
        let report = draft.finish(None);
        assert_eq!(report.problems[0].what, "file \u{fffd}[2Jx\u{fffd}\u{fffd}");
        assert!(report.problems[0].why.len() == SHOWN && report.notes == ["a\u{fffd}b"] && !report.is_complete());
    }
}
