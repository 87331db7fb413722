//! What the engine holds while the portal runs, and who gets which part of the machine.

use super::{
    config::{Folders, LocalConfig},
    confine::exposing,
    entry::{Entry, lock},
    gpu, install, launch,
    log_read::LogWatch,
    machine,
    python::{self, Python},
};
use crate::{
    clock::Clock,
    compute::{Fact, Workload},
    error::{Error, Result},
    model::{Capacity, Fit, Resources},
};
use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{OnceCell, broadcast},
    time::{Instant, sleep},
};

pub(super) struct Engine {
    pub config: LocalConfig,
    pub clock: Clock,
    pub folders: Folders,
    pub entries: Mutex<HashMap<String, Arc<Entry>>>,
    pub facts: broadcast::Sender<Fact>,
    pub installs: install::Installs,
    pub gpus: gpu::Gpus,
    pub cpus: Vec<u32>,
    pub python: OnceCell<Result<Python, String>>,
    pub log_watch: Option<LogWatch>,
    /// Held for as long as this engine lives, so that no second portal adopts the same workloads.
    pub lock: Option<File>,
}

impl Engine {
    pub fn new(config: LocalConfig, clock: Clock) -> Result<Self> {
        let folders = Folders::create(&config.data)?;
        let log_watch = LogWatch::start().inspect_err(|e| tracing::warn!("logs are polled, since inotify does not work: {e}")).ok();
        Ok(Self {
            folders,
            clock,
            entries: Mutex::default(),
            facts: broadcast::channel(1024).0,
            installs: install::Installs::default(),
            gpus: gpu::Gpus::default(),
            cpus: machine::cpus(),
            python: OnceCell::new(),
            log_watch,
            config,
            lock: None,
        })
    }

    /// The machine's Python, looked for once.
    pub async fn python(&self) -> &Result<Python, String> {
        self.python.get_or_init(|| python::find(&self.config)).await
    }

    /// The folder that notebooks may read and that holds our data, if there is one.
    pub async fn exposing(&self) -> Option<PathBuf> {
        let python = self.python().await.as_ref().ok().map(|p| p.prefix.as_path());
        // Setup code of packages runs where uv can be read.
        let uv = self.config.find_uv();
        let uv = uv.as_deref().and_then(Path::parent);
        exposing(&self.folders.data, self.config.readable.iter().map(PathBuf::as_path).chain(python).chain(uv))
    }

    pub fn entry(&self, id: &str) -> Result<Arc<Entry>> {
        lock(&self.entries).get(id).cloned().ok_or(Error::NotFound("workload"))
    }

    /// Takes what the launch asks for, or says why it cannot. Two launches at once never get the same.
    pub fn reserve(&self, workload: &Workload, (gpus, gpu_note): gpu::Seen) -> Result<Option<Arc<Entry>>> {
        let mut entries = lock(&self.entries);
        let mut previous = None;
        if let Some(known) = entries.get(&workload.id) {
            if known.launch == workload.launch {
                // After an adoption this portal may not know it yet.
                lock(&known.header).clone_from(&workload.header);
                return Ok(None);
            }
            // One that has ended is from a future that a restored backup has taken back.
            if known.launch > workload.launch && !known.has_ended() {
                return Err(Error::Conflict("A later launch of this workload is known.".to_owned()));
            }
            previous = Some(known.clone()).filter(|e| !e.has_ended());
        }
        // What the launch before it holds is free by the time this one starts.
        let held: Vec<Arc<Entry>> = entries.values().filter(|e| e.id != workload.id).flat_map(Entry::with_previous).collect();
        let granted = held.iter().map(|e| (e.id.as_str(), &e.grant));
        let capacity = machine::capacity(&self.folders.data, &self.cpus, gpus, gpu_note, granted);
        match capacity.fit(&workload.resources) {
            Fit::Now => {}
            Fit::Queue(why) => return Err(Error::Conflict(why)),
            Fit::Never(why) => return Err(Error::invalid(lacking(&capacity, &workload.resources), why)),
        }
        let grant = machine::grant(&workload.resources, &capacity, &self.cpus, held.iter().map(|e| &e.grant));
        let entry = Arc::new(Entry::new(workload, grant, self.facts.clone(), self.clock.clone()));
        *lock(&entry.previous) = previous;
        entries.insert(workload.id.clone(), entry.clone());
        Ok(Some(entry))
    }
}

/// The field of the form that asks for more than the machine has.
fn lacking(capacity: &Capacity, wanted: &Resources) -> &'static str {
    if wanted.cpus > capacity.cpus_total {
        "cpus"
    } else if wanted.gpus > capacity.gpus_total() {
        "gpus"
    } else {
        "memory_mib"
    }
}

/// Waits a little, since a portal that is just being replaced takes a moment to go.
pub(super) async fn lock_engine(folders: &Folders) -> Result<File> {
    let path = folders.workloads.join("engine.lock");
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(file) = launch::try_lock(&path).map_err(|e| Error::internal("engine.lock", e))? {
            return Ok(file);
        }
        if Instant::now() > deadline {
            return Err(Error::Unavailable(format!("Another Slipway runs on the data folder {}.", folders.data.display())));
        }
        sleep(Duration::from_millis(50)).await;
    }
}
