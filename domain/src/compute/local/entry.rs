//! One launch as the engine remembers it while it runs; everything in it can be found again on the machine.

use super::{machine::Grant, ports::Link, processes::Process, records::ShimRecord};
use crate::{
    clock::Clock,
    compute::{ActivityProbe, Fact, Outcome, Secret, State, Workload},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, watch};

pub(super) struct Entry {
    pub id: String,
    pub launch: i64,
    pub grant: Grant,
    pub ready_path: String,
    pub activity: ActivityProbe,
    pub port: Mutex<u16>,
    pub header: Mutex<Option<(String, Secret)>>,
    pub shim: Mutex<Option<Process>>,
    /// Who listens on its port, once that was seen.
    pub link: Mutex<Option<Link>>,
    /// An older launch of the same workload that has not ended yet.
    pub previous: Mutex<Option<Arc<Entry>>>,
    fact: watch::Sender<Fact>,
    stop: watch::Sender<bool>,
    facts: broadcast::Sender<Fact>,
    clock: Clock,
}

/// The value behind a lock that no panic can leave half-written.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Entry {
    pub fn new(workload: &Workload, grant: Grant, facts: broadcast::Sender<Fact>, clock: Clock) -> Self {
        let state = State::Preparing { step: "Starting".to_owned(), done: 0, total: 0 };
        let fact = Fact { id: workload.id.clone(), launch: workload.launch, at: clock.now(), state };
        let entry = Self::with_fact(fact, grant, facts, clock);
        lock(&entry.header).clone_from(&workload.header);
        Self { ready_path: workload.ready_path.clone(), activity: workload.activity, ..entry }
    }

    /// A launch that is found running.
    pub fn adopted(
        record: &ShimRecord,
        shim: Process,
        header: Option<(String, Secret)>,
        facts: broadcast::Sender<Fact>,
        clock: Clock,
    ) -> Self {
        let grant = Grant { resources: record.resources.clone(), gpus: record.gpus.clone(), cpus: record.cpus.clone() };
        let fact = Fact { id: record.id.clone(), launch: record.launch, at: clock.now(), state: State::Starting };
        let entry = Self::with_fact(fact, grant, facts, clock);
        *lock(&entry.header) = header;
        *lock(&entry.port) = record.port;
        *lock(&entry.shim) = Some(shim);
        Self { ready_path: record.ready_path.clone(), activity: record.activity, ..entry }
    }

    /// A launch that has only its last fact left.
    pub fn with_fact(fact: Fact, grant: Grant, facts: broadcast::Sender<Fact>, clock: Clock) -> Self {
        Self {
            id: fact.id.clone(),
            launch: fact.launch,
            grant,
            ready_path: String::new(),
            activity: ActivityProbe::None,
            port: Mutex::default(),
            header: Mutex::default(),
            shim: Mutex::default(),
            link: Mutex::default(),
            previous: Mutex::default(),
            fact: watch::channel(fact).0,
            stop: watch::channel(false).0,
            facts,
            clock,
        }
    }

    pub fn fact(&self) -> Fact {
        self.fact.borrow().clone()
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.fact.borrow().state, State::Ended { .. })
    }

    /// Records and tells a new state. What has ended stays so.
    pub fn set(&self, state: State) {
        if self.has_ended() || self.fact.borrow().state == state {
            return;
        }
        let fact = Fact { id: self.id.clone(), launch: self.launch, at: self.clock.now(), state };
        self.fact.send_replace(fact.clone());
        // Fails only where nobody listens.
        let _ = self.facts.send(fact);
    }

    pub async fn ended(&self) {
        // Fails only once the sender is gone, which `self` holds.
        let _ = self.fact.subscribe().wait_for(|f| matches!(f.state, State::Ended { .. })).await;
    }

    pub fn ask_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns once it is asked to stop.
    pub async fn stop_asked(&self) {
        let _ = self.stop.subscribe().wait_for(|s| *s).await;
    }

    /// This and the older launches that have not ended: what each holds is held.
    pub fn with_previous(self: &Arc<Self>) -> Vec<Arc<Self>> {
        let mut all = vec![self.clone()];
        while let Some(previous) = all.last().and_then(|e| lock(&e.previous).clone()) {
            all.push(previous);
        }
        all.retain(|e| !e.has_ended());
        all
    }
}

/// Why it ended, and what helps.
pub(super) fn failed(reason: impl Into<String>, next_step: &str) -> Outcome {
    Outcome::Failed { reason: reason.into(), next_step: next_step.to_owned() }
}
