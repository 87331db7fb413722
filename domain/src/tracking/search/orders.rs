//! Results that were sorted a moment ago: somebody who scrolls through a table asks for part after part of the same one.

use crate::model::RunId;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Most runs of all results together; each takes 40 bytes.
const RUNS: usize = 400_000;
/// Most results.
const RESULTS: usize = 16;

/// A run of a result.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub no: i64,
    /// Of its last change that the index knows.
    pub version: i64,
    pub id: u128,
    /// The place of its parent in the result, or of its group among the groups, from 1 on; 0 where it stands by itself.
    pub parent: u32,
}

/// Runs with one value, in the order of the first of them.
pub(super) struct Group {
    pub id: RunId,
    pub value: Option<String>,
}

/// All runs that fit, in order.
pub(super) struct Sorted {
    pub entries: Vec<Entry>,
    pub groups: Vec<Group>,
    /// The run of the experiment that was made last, whether it fits or not.
    pub newest: Option<RunId>,
}

impl Sorted {
    /// Its memory, in runs.
    fn weight(&self) -> usize {
        let texts: usize = self.groups.iter().map(|group| group.value.as_ref().map_or(0, String::len) + 100).sum();
        self.entries.len() + texts / 40
    }
}

struct Kept {
    experiment: i64,
    version: i64,
    question: String,
    sorted: Arc<Sorted>,
}

/// The results that were asked for last, the newest first.
#[derive(Default)]
pub(super) struct Orders(Mutex<VecDeque<Kept>>);

impl Orders {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of this question as of this version of the experiment.
    pub fn get(&self, experiment: i64, version: i64, question: &str) -> Option<Arc<Sorted>> {
        let mut all = self.lock();
        let at = all.iter().position(|kept| kept.experiment == experiment && kept.version == version && kept.question == question)?;
        let kept = all.remove(at)?;
        let sorted = kept.sorted.clone();
        all.push_front(kept);
        Some(sorted)
    }

    /// Remembers a result in the place of an earlier one of the same question.
    pub fn put(&self, experiment: i64, version: i64, question: String, sorted: Arc<Sorted>) {
        let mut all = self.lock();
        all.retain(|kept| kept.experiment != experiment || kept.question != question);
        if sorted.weight() > RUNS {
            return;
        }
        all.push_front(Kept { experiment, version, question, sorted });
        let mut runs = 0;
        let fits = |kept: &Kept| {
            runs += kept.sorted.weight();
            runs <= RUNS
        };
        let most = all.iter().take(RESULTS).map(fits).take_while(|fits| *fits).count();
        all.truncate(most);
    }

    /// Forgets an experiment's results.
    pub fn forget(&self, experiment: i64) {
        self.lock().retain(|kept| kept.experiment != experiment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(runs: usize) -> Arc<Sorted> {
        Arc::new(Sorted { entries: vec![Entry { no: 1, version: 1, id: 1, parent: 0 }; runs], groups: Vec::new(), newest: None })
    }

    #[test]
    fn the_last_results_are_kept_within_the_budget() {
        let orders = Orders::default();
        orders.put(1, 5, "a".into(), result(10));
        assert!(orders.get(1, 5, "a").is_some() && orders.get(1, 6, "a").is_none() && orders.get(2, 5, "a").is_none());
        orders.put(1, 6, "a".into(), result(10));
        assert!(orders.get(1, 5, "a").is_none(), "an older version is of no use");
        for i in 0..8 {
            orders.put(2, 1, format!("q{i}"), result(RUNS / 4));
        }
        assert!(orders.get(2, 1, "q7").is_some() && orders.get(2, 1, "q3").is_none() && orders.get(1, 6, "a").is_none());
        orders.put(3, 1, "huge".into(), result(RUNS + 1));
        assert!(orders.get(3, 1, "huge").is_none() && orders.get(2, 1, "q7").is_some());
        orders.forget(2);
        assert!(orders.get(2, 1, "q7").is_none());
    }
}
