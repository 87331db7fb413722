//! An engine whose workloads are there at once, at the address that a test says, with the log that it writes.

use async_trait::async_trait;
use domain::{
    Error, Result,
    compute::{Activity, ComputeEngine, Fact, Outcome, State, Workload},
    model::{Capacity, Environment, Finding, LogLine, LogPage, VolumeId},
};
use futures::stream::{self, BoxStream};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

pub struct Stage {
    /// What was asked for last, by id.
    workloads: Mutex<BTreeMap<String, Workload>>,
    facts: Mutex<BTreeMap<String, Fact>>,
    address: Mutex<SocketAddr>,
    log: Mutex<Vec<String>>,
    grown: Notify,
}

impl Stage {
    pub fn new() -> Self {
        let nowhere = ([127, 0, 0, 1], 9).into();
        Self {
            workloads: Mutex::default(),
            facts: Mutex::default(),
            address: Mutex::new(nowhere),
            log: Mutex::default(),
            grown: Notify::new(),
        }
    }

    /// Where every workload is from now on.
    pub fn listens_on(&self, address: SocketAddr) {
        *lock(&self.address) = address;
    }

    /// What the engine was asked to run under this id.
    pub fn workload(&self, id: &str) -> Workload {
        lock(&self.workloads).get(id).cloned().expect("a workload of this id")
    }

    pub fn writes(&self, line: &str) {
        lock(&self.log).push(line.to_owned());
        self.grown.notify_waiters();
    }

    /// The log as whole lines, each with the offset after it.
    fn lines(&self) -> Vec<LogLine> {
        let mut next = 0;
        let lines = lock(&self.log).clone();
        lines
            .into_iter()
            .map(|text| {
                next += text.len() as u64 + 1;
                LogLine { next, text }
            })
            .collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl ComputeEngine for Stage {
    fn name(&self) -> &'static str {
        "stage"
    }
    async fn ensure(&self, workload: &Workload) -> Result<()> {
        let fact = Fact { id: workload.id.clone(), launch: workload.launch, at: i64::MAX, state: State::Ready };
        lock(&self.workloads).insert(workload.id.clone(), workload.clone());
        lock(&self.facts).entry(workload.id.clone()).or_insert(fact);
        Ok(())
    }
    async fn stop(&self, id: &str) -> Result<()> {
        if let Some(fact) = lock(&self.facts).get_mut(id) {
            fact.state = State::Ended { outcome: Outcome::Stopped };
        }
        Ok(())
    }
    async fn remove(&self, id: &str) -> Result<()> {
        lock(&self.facts).remove(id);
        Ok(())
    }
    async fn status(&self, id: &str) -> Result<Option<Fact>> {
        Ok(lock(&self.facts).get(id).cloned())
    }
    async fn list(&self) -> Result<Vec<Fact>> {
        Ok(lock(&self.facts).values().cloned().collect())
    }
    fn watch(&self) -> BoxStream<'static, Fact> {
        Box::pin(stream::pending())
    }
    async fn logs(&self, _id: &str, from: Option<u64>, limit: u32) -> Result<LogPage> {
        let mut lines = self.lines();
        let end = lines.last().map_or(0, |l| l.next);
        match from {
            Some(from) => lines.retain(|l| l.next > from),
            None => drop(lines.drain(..lines.len().saturating_sub(limit as usize))),
        }
        lines.truncate(limit as usize);
        Ok(LogPage { dropped_bytes: 0, next: lines.last().map_or(end, |l| l.next), lines })
    }
    async fn log_grows(&self, _id: &str, from: u64) -> Result<bool> {
        let grown = self.grown.notified();
        if self.lines().last().is_some_and(|l| l.next > from) {
            return Ok(true);
        }
        grown.await;
        Ok(true)
    }
    async fn address(&self, id: &str) -> Result<SocketAddr> {
        let runs = lock(&self.facts).get(id).is_some_and(|f| f.state == State::Ready);
        if runs { Ok(*lock(&self.address)) } else { Err(Error::NotFound("workload")) }
    }
    async fn activity(&self, _id: &str) -> Result<Option<Activity>> {
        Ok(None)
    }
    async fn capacity(&self) -> Result<Capacity> {
        Ok(Capacity { cpus_total: 1000, memory_mib_total: 1_000_000, ..Capacity::default() })
    }
    async fn unavailable(&self, _environment: &Environment) -> Option<String> {
        None
    }
    async fn is_cached(&self, _key: &str) -> bool {
        true
    }
    async fn create_volume(&self, _id: &VolumeId) -> Result<()> {
        Ok(())
    }
    async fn delete_volume(&self, _id: &VolumeId) -> Result<()> {
        Ok(())
    }
    async fn volume_usage(&self, _id: &VolumeId) -> Option<u64> {
        None
    }
    async fn check(&self) -> Vec<Finding> {
        Vec::new()
    }
}
