//! An engine on paper: tests say what the machine reports, to the supervisor and at the moment they want.

use async_trait::async_trait;
use domain::{
    Error, Result,
    compute::{Activity, ComputeEngine, Fact, Outcome, State, Workload},
    model::{Capacity, Environment, Finding, Gpu, LogPage, Resources, VolumeId},
};
use futures::{StreamExt, stream::BoxStream};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

pub struct Paper {
    sheet: Mutex<Sheet>,
    facts: broadcast::Sender<Fact>,
}

#[derive(Default)]
pub struct Sheet {
    pub facts: BTreeMap<String, Fact>,
    pub workloads: BTreeMap<String, Workload>,
    /// Every launch that was truly begun, in order.
    pub begun: Vec<(String, i64)>,
    pub volumes: BTreeSet<String>,
    pub activity: BTreeMap<String, Activity>,
    /// What `ensure` answers next.
    pub refusal: Option<Error>,
    /// What a launch begins with; none means `Starting`.
    pub begins: Option<State>,
    /// Whether files of volumes cannot be deleted.
    pub stubborn: bool,
    pub cpus: u32,
    pub gpus: u32,
}

impl Paper {
    pub fn new(cpus: u32, gpus: u32) -> Self {
        Self { sheet: Mutex::new(Sheet { cpus, gpus, ..Sheet::default() }), facts: broadcast::channel(100).0 }
    }

    pub fn sheet(&self) -> MutexGuard<'_, Sheet> {
        self.sheet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine reports something about the launch it has.
    pub fn report(&self, id: &str, state: State) {
        let mut sheet = self.sheet();
        let fact = sheet.facts.get_mut(id).expect("a workload that was begun");
        fact.state = state;
        let _ = self.facts.send(fact.clone());
    }

    /// Something that was reported before comes again, late.
    pub fn repeats(&self, fact: Fact) {
        let _ = self.facts.send(fact);
    }

    pub fn ends(&self, id: &str, outcome: Outcome) {
        self.report(id, State::Ended { outcome });
    }

    pub fn state(&self, id: &str) -> Option<State> {
        self.sheet().facts.get(id).map(|f| f.state.clone())
    }

    pub fn begun(&self) -> Vec<(String, i64)> {
        self.sheet().begun.clone()
    }

    pub fn workload(&self, id: &str) -> Workload {
        self.sheet().workloads[id].clone()
    }
}

impl Sheet {
    fn runs(&self, id: &str) -> bool {
        self.facts.get(id).is_some_and(|f| !matches!(f.state, State::Ended { .. }))
    }
    fn held(&self) -> impl Iterator<Item = (&String, &Resources)> {
        self.workloads.iter().filter(|(id, _)| self.runs(id)).map(|(id, w)| (id, &w.resources))
    }
}

#[async_trait]
impl ComputeEngine for Paper {
    fn name(&self) -> &'static str {
        "paper"
    }

    async fn ensure(&self, workload: &Workload) -> Result<()> {
        let mut sheet = self.sheet();
        if let Some(refusal) = sheet.refusal.take() {
            return Err(refusal);
        }
        assert!(sheet.volumes.contains(workload.home.as_str()), "the home is made before the program starts");
        if sheet.facts.get(&workload.id).is_some_and(|f| f.launch >= workload.launch) {
            return Ok(());
        }
        assert!(!sheet.runs(&workload.id), "two launches at a time");
        // Facts are of the moment they are read in: the tests' clock stands still.
        let fact =
            Fact { id: workload.id.clone(), launch: workload.launch, at: i64::MAX, state: sheet.begins.clone().unwrap_or(State::Starting) };
        sheet.begun.push((workload.id.clone(), workload.launch));
        sheet.workloads.insert(workload.id.clone(), workload.clone());
        sheet.facts.insert(workload.id.clone(), fact.clone());
        let _ = self.facts.send(fact);
        Ok(())
    }

    async fn stop(&self, id: &str) -> Result<()> {
        if self.sheet().runs(id) {
            self.ends(id, Outcome::Stopped);
        }
        Ok(())
    }

    async fn remove(&self, id: &str) -> Result<()> {
        let mut sheet = self.sheet();
        assert!(!sheet.runs(id), "what runs is not forgotten");
        sheet.facts.remove(id);
        sheet.workloads.remove(id);
        Ok(())
    }

    async fn status(&self, id: &str) -> Result<Option<Fact>> {
        Ok(self.sheet().facts.get(id).cloned())
    }

    async fn list(&self) -> Result<Vec<Fact>> {
        Ok(self.sheet().facts.values().cloned().collect())
    }

    fn watch(&self) -> BoxStream<'static, Fact> {
        BroadcastStream::new(self.facts.subscribe()).filter_map(|fact| async { fact.ok() }).boxed()
    }

    async fn logs(&self, _id: &str, _from: Option<u64>, _limit: u32) -> Result<LogPage> {
        Err(Error::NotFound("workload"))
    }

    async fn log_grows(&self, _id: &str, _from: u64) -> Result<bool> {
        Ok(false)
    }

    async fn address(&self, id: &str) -> Result<SocketAddr> {
        if self.sheet().runs(id) { Ok(([127, 0, 0, 1], 9).into()) } else { Err(Error::NotFound("workload")) }
    }

    async fn activity(&self, id: &str) -> Result<Option<Activity>> {
        Ok(self.sheet().activity.get(id).cloned())
    }

    async fn capacity(&self) -> Result<Capacity> {
        let sheet = self.sheet();
        let mut users: Vec<String> = sheet.held().flat_map(|(id, r)| vec![id.clone(); r.gpus as usize]).collect();
        let gpu = |index| Gpu {
            index,
            uuid: format!("GPU-{index}"),
            name: "paper".into(),
            memory_mib: 1024,
            used_by: users.pop(),
            utilisation_percent: None,
            memory_used_mib: None,
        };
        Ok(Capacity {
            cpus_total: sheet.cpus,
            cpus_used: sheet.held().map(|(_, r)| r.cpus).sum(),
            memory_mib_total: 64 * 1024,
            memory_mib_used: sheet.held().map(|(_, r)| u64::from(r.memory_mib)).sum(),
            gpus: (0..sheet.gpus).map(gpu).collect(),
            ..Capacity::default()
        })
    }

    async fn unavailable(&self, environment: &Environment) -> Option<String> {
        (environment.name == "absent").then(|| "absent was not found on this machine.".to_owned())
    }

    async fn is_cached(&self, _key: &str) -> bool {
        false
    }

    async fn create_volume(&self, id: &VolumeId) -> Result<()> {
        self.sheet().volumes.insert(id.0.clone());
        Ok(())
    }

    async fn delete_volume(&self, id: &VolumeId) -> Result<()> {
        let mut sheet = self.sheet();
        if sheet.stubborn {
            return Err(Error::Unavailable("busy".to_owned()));
        }
        sheet.volumes.remove(id.as_str());
        Ok(())
    }

    async fn volume_usage(&self, _id: &VolumeId) -> Option<u64> {
        None
    }

    async fn check(&self) -> Vec<Finding> {
        Vec::new()
    }
}
