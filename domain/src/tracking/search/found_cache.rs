//! Runs that were found a moment ago: pages ask for the same ones again and again, and a run that has not changed need not be read again.

use super::found_store::FoundRun;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Most memory, in bytes.
const BUDGET: usize = 12 * 1024 * 1024;
/// A run that takes more is read each time.
const RUN: usize = 64 * 1024;

/// Found runs by number and version, in two generations: when the young one is full it becomes the old one, and what nobody has asked
/// for meanwhile is forgotten.
#[derive(Default)]
pub(super) struct FoundRuns(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<i64, Kept>,
    old: HashMap<i64, Kept>,
    /// Of the young.
    bytes: usize,
}

#[derive(Clone)]
struct Kept {
    version: i64,
    run: Arc<FoundRun>,
}

impl FoundRuns {
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runs among these numbers and versions that are known.
    pub fn get(&self, asked: impl Iterator<Item = (i64, i64)>) -> HashMap<i64, Arc<FoundRun>> {
        let mut generations = self.lock();
        let mut known = HashMap::new();
        for (no, version) in asked {
            if let Some(kept) = generations.get(no, version) {
                known.insert(no, kept);
            }
        }
        known
    }

    /// Remembers a run as it was found at this version, or later.
    pub fn put(&self, no: i64, version: i64, run: &Arc<FoundRun>) {
        // A deleted one may be gone by now, and nobody would notice.
        if run.bytes() <= RUN && run.run.deleted_at.is_none() {
            self.lock().put(no, Kept { version, run: run.clone() });
        }
    }
}

impl Generations {
    fn get(&mut self, no: i64, version: i64) -> Option<Arc<FoundRun>> {
        if let Some(kept) = self.young.get(&no) {
            return (kept.version == version).then(|| kept.run.clone());
        }
        let kept = self.old.remove(&no).filter(|kept| kept.version == version)?;
        let run = kept.run.clone();
        self.put(no, kept);
        Some(run)
    }

    fn put(&mut self, no: i64, kept: Kept) {
        self.bytes += kept.run.bytes();
        if let Some(before) = self.young.insert(no, kept) {
            self.bytes -= before.run.bytes();
        }
        if self.bytes > BUDGET / 2 {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Run, RunStatus};

    fn run(size: usize) -> Arc<FoundRun> {
        let run = Run {
            id: "r".into(),
            experiment: "1".into(),
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
        };
        Arc::new(FoundRun { run, params: "x".repeat(size), tags: "[]".to_owned(), links: None })
    }

    #[test]
    fn what_is_asked_for_stays_within_the_budget() {
        let cache = FoundRuns::default();
        let known = |no: i64, version: i64| cache.get([(no, version)].into_iter()).contains_key(&no);
        cache.put(1, 7, &run(10));
        assert!(known(1, 7) && !known(1, 8) && !known(2, 7));
        cache.put(1, 8, &run(10));
        assert!(known(1, 8) && !known(1, 7));
        cache.put(3, 1, &run(RUN));
        assert!(!known(3, 1), "too large to keep");
        for no in 10..2000 {
            cache.put(no, 1, &run(20_000));
            assert!(known(1, 8), "it is asked for all the time");
        }
        let held: usize = {
            let generations = cache.lock();
            generations.young.values().chain(generations.old.values()).map(|kept| kept.run.bytes()).sum()
        };
        assert!(held <= BUDGET + RUN && !known(10, 1));
    }
}
