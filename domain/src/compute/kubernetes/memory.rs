//! What this process remembers beside what the cluster tells: pods it has just made, launches that are over, and the last fact that was told.

use super::facts;
use crate::{
    compute::{Fact, Secret, State},
    model::{Millis, Quota},
};
use k8s_openapi::api::core::v1::Pod;
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::task::AbortHandle;

/// By then an end is in the database, if anybody was there to write it.
const HEARD: Millis = 60_000;

/// A pod that was made here and that the watch has not told of yet.
pub(super) struct Made {
    pub pod: Arc<Pod>,
    /// Which list of the watch was the last to begin before it.
    pub list: u64,
}

/// A launch that waits for the one before it to be gone.
pub(super) struct Replacing {
    pub launch: i64,
    pub task: AbortHandle,
}

#[derive(Default)]
pub(super) struct Memory {
    /// By workload.
    pub made: HashMap<String, Made>,
    pub replacing: HashMap<String, Replacing>,
    /// Launches whose pod is gone. The cluster keeps nothing of them, and neither does the next process: the database has their end.
    pub ended: HashMap<String, Fact>,
    /// What was last told of each, so that nothing is told twice.
    told: HashMap<String, (i64, State)>,
    /// What a waiting pod waits for, by its uid.
    pub waits: HashMap<String, String>,
    /// By pod.
    pub headers: HashMap<String, Option<(String, Secret)>>,
    /// Teams whose namespace was looked after by this process.
    pub namespaces: HashSet<String>,
    /// Every team's quota as it should be, once that is known, and as this process has told the cluster.
    pub quotas: Option<BTreeMap<String, Quota>>,
    pub kept_quotas: BTreeMap<String, Quota>,
    /// The last pods that were seen to go, by uid: the watch may be ahead of the answer to whoever made one.
    buried: VecDeque<String>,
    /// How many lists of the watch have begun.
    pub lists: u64,
}

impl Memory {
    /// Whether a fact says something new.
    pub fn is_news(&mut self, fact: &Fact) -> bool {
        let now = (fact.launch, fact.state.clone());
        self.told.insert(fact.id.clone(), now.clone()) != Some(now)
    }

    pub fn forget(&mut self, id: &str) {
        self.ended.remove(id);
        self.told.remove(id);
        self.made.remove(id);
    }

    /// Drops what was begun, and ends that whoever looked after workloads has heard of by now.
    pub fn anew(&mut self, now: Millis) {
        self.replacing.drain().for_each(|(_, replacing)| replacing.task.abort());
        self.ended.retain(|_, fact| now - fact.at < HEARD);
        // Another process may have changed them.
        self.kept_quotas.clear();
        self.namespaces.clear();
    }

    pub fn is_buried(&self, uid: &str) -> bool {
        self.buried.iter().any(|b| b == uid)
    }

    /// A pod that is seen to be gone.
    pub fn bury(&mut self, pod: &Pod, now: i64) {
        let Some(fact) = facts::gone(pod, now) else { return };
        self.buried.extend(pod.metadata.uid.clone());
        if self.buried.len() > 512 {
            self.buried.pop_front();
        }
        self.waits.remove(pod.metadata.uid.as_deref().unwrap_or_default());
        self.headers.remove(pod.metadata.name.as_deref().unwrap_or_default());
        if self.made.get(&fact.id).is_some_and(|m| m.pod.metadata.uid == pod.metadata.uid) {
            self.made.remove(&fact.id);
        }
        // One that a later launch has replaced is nobody's end.
        let later = self.ended.get(&fact.id).is_some_and(|ended| ended.launch > fact.launch);
        let replaced = later || self.replacing.contains_key(&fact.id) || self.made.contains_key(&fact.id);
        if !replaced {
            self.ended.insert(fact.id.clone(), fact);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
