//! The engine `local`: real processes on this machine, each below a shim that outlives the portal.

mod adopt;
pub mod apart;
mod blocking;
mod check;
mod config;
pub mod confine;
mod engine;
mod entry;
mod git;
mod gpu;
mod install;
mod launch;
mod log_read;
mod log_write;
mod machine;
mod pip_progress;
mod ports;
mod prepare;
mod processes;
mod python;
mod records;
pub mod shim;
mod tool;
mod volumes;

pub use config::LocalConfig;

use super::{Activity, ActivityProbe, ComputeEngine, Fact, Finding, State, Workload, probe};
use crate::{
    clock::Clock,
    error::{Error, Result},
    model::{Capacity, Environment, LogPage, VolumeId},
};
use async_trait::async_trait;
use blocking::blocking;
use engine::{Engine, lock_engine};
use entry::{Entry, lock};
use futures::{StreamExt, stream::BoxStream};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::BroadcastStream;

/// Runs workloads as processes of this machine.
pub struct LocalEngine(Arc<Engine>);

impl LocalEngine {
    /// Starts the engine and adopts what runs. `Unavailable` where another portal has the data folder, or notebooks may read it.
    pub async fn start(config: LocalConfig, clock: Clock) -> Result<Arc<Self>> {
        let mut engine = Engine::new(config, clock)?;
        // Where Python lies is known later, and looked at before each launch.
        let readable = engine.config.readable.iter().map(std::path::PathBuf::as_path);
        if let Some(folder) = confine::exposing(&engine.folders.data, readable) {
            return Err(Error::Unavailable(confine::exposed_because(&engine.folders.data, &folder)));
        }
        engine.lock = Some(lock_engine(&engine.folders).await?);
        let engine = Arc::new(engine);
        adopt::adopt_all(&engine).await;
        let looks = engine.clone();
        // Takes a moment; whoever launches first should not wait for it.
        tokio::spawn(async move { looks.python().await.is_ok() });
        Ok(Arc::new(Self(engine)))
    }

    /// An engine that only looks at the machine, for `slipway check`: it adopts nothing, and may run beside a portal.
    pub fn inspect(config: LocalConfig, clock: Clock) -> Result<Self> {
        Ok(Self(Arc::new(Engine::new(config, clock)?)))
    }
}

#[async_trait]
impl ComputeEngine for LocalEngine {
    fn name(&self) -> &'static str {
        "local"
    }

    async fn ensure(&self, workload: &Workload) -> Result<()> {
        let engine = &self.0;
        engine.folders.workload(&workload.id)?;
        engine.folders.volume(&workload.home)?;
        for mount in &workload.volumes {
            engine.folders.volume(&mount.volume)?;
            crate::model::validate_name(&mount.name, 40).map_err(|why| Error::invalid("data", why))?;
        }
        if let Some(python) = &workload.python {
            engine.folders.environment(&python.key)?;
            let bad = python.packages.iter().find_map(|line| crate::model::validate_requirement(line).err());
            bad.map_or(Ok(()), |why| Err(Error::invalid("version", why)))?;
        }
        if let Some(git) = &workload.repository {
            crate::model::validate_git_url(&git.url).map_err(|why| Error::invalid("git_url", why))?;
            crate::model::validate_branch(&git.branch).map_err(|why| Error::invalid("git_branch", why))?;
        }
        if workload.argv.is_empty() || workload.argv.iter().any(|a| a.contains('\0')) {
            return Err(Error::invalid("argv", "There is no program to start."));
        }
        let seen = engine.gpus.see(&engine.config).await;
        if let Some(entry) = engine.reserve(workload, seen)? {
            let _ = engine.facts.send(entry.fact());
            tokio::spawn(launch::run(engine.clone(), entry, workload.clone()));
        }
        Ok(())
    }

    async fn stop(&self, id: &str) -> Result<()> {
        if let Ok(entry) = self.0.entry(id) {
            entry.ask_to_stop();
        }
        Ok(())
    }

    async fn remove(&self, id: &str) -> Result<()> {
        let folder = self.0.folders.workload(id)?;
        if lock(&self.0.entries).get(id).is_some_and(|e| !e.has_ended()) {
            return Err(Error::Conflict("It has not ended yet; stop it first.".to_owned()));
        }
        // Still listed until its files are gone, so that whoever removes what nobody wishes tries again.
        volumes::delete(folder.0).await?;
        let mut entries = lock(&self.0.entries);
        if entries.get(id).is_some_and(|e| e.has_ended()) {
            entries.remove(id);
        }
        Ok(())
    }

    async fn status(&self, id: &str) -> Result<Option<Fact>> {
        Ok(self.0.entry(id).ok().map(|e| e.fact()))
    }

    async fn list(&self) -> Result<Vec<Fact>> {
        Ok(lock(&self.0.entries).values().map(|e| e.fact()).collect())
    }

    fn watch(&self) -> BoxStream<'static, Fact> {
        // A reader that lagged behind finds later facts of the same workloads; `status` tells the rest.
        BroadcastStream::new(self.0.facts.subscribe()).filter_map(|fact| async { fact.ok() }).boxed()
    }

    async fn logs(&self, id: &str, from: Option<u64>, limit: u32) -> Result<LogPage> {
        let folder = self.0.folders.workload(id)?.log();
        let read = blocking(move || log_read::read_page(&folder, from, limit)).await;
        read.map_err(|e| Error::internal("log reader", e))?.map_err(|e| Error::internal("log", e))
    }

    async fn log_grows(&self, id: &str, from: u64) -> Result<bool> {
        let folder = self.0.folders.workload(id)?.log();
        let grown = || log_read::bounds(&folder).1 > from;
        // Watched before it is looked at, so that nothing falls between.
        let watch = self.0.log_watch.as_ref().and_then(|w| w.subscribe(&folder).ok());
        let wait = async {
            match watch {
                Some(mut changes) => {
                    while !grown() {
                        if changes.changed().await.is_err() {
                            return;
                        }
                    }
                }
                None => {
                    while !grown() {
                        sleep(Duration::from_millis(250)).await;
                    }
                }
            }
        };
        let _ = timeout(Duration::from_secs(20), wait).await;
        Ok(grown())
    }

    async fn address(&self, id: &str) -> Result<SocketAddr> {
        let entry = self.0.entry(id)?;
        let port = *lock(&entry.port);
        let (link, shim) = (*lock(&entry.link), *lock(&entry.shim));
        let answers = match (link, shim) {
            (Some(link), _) if link.holds() => true,
            (Some(_), Some(shim)) => {
                // The program may have replaced its listener; look again at all of it.
                let seen = blocking(move || ports::listener(port, shim.pid)).await;
                let fresh = if let Ok(ports::Listener::Ours(link)) = seen { Some(link) } else { None };
                fresh.inspect(|l| *lock(&entry.link) = Some(*l)).is_some()
            }
            _ => false,
        };
        if answers {
            Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        } else {
            Err(Error::Unavailable("The notebook does not answer now.".to_owned()))
        }
    }

    async fn activity(&self, id: &str) -> Result<Option<Activity>> {
        let entry = self.0.entry(id)?;
        if entry.activity == ActivityProbe::None || entry.fact().state != State::Ready {
            return Ok(None);
        }
        let address = self.address(id).await?;
        let header = lock(&entry.header).clone();
        probe::jupyter_activity(address, &entry.ready_path, header.as_ref()).await.map(Some)
    }

    async fn capacity(&self) -> Result<Capacity> {
        let (gpus, note) = self.0.gpus.see(&self.0.config).await;
        let held: Vec<Arc<Entry>> = lock(&self.0.entries).values().flat_map(Entry::with_previous).collect();
        let granted = held.iter().map(|e| (e.id.as_str(), &e.grant));
        Ok(machine::capacity(&self.0.folders.data, &self.0.cpus, gpus, note, granted))
    }

    async fn unavailable(&self, environment: &Environment) -> Option<String> {
        check::unavailable(&self.0, environment).await
    }

    async fn is_cached(&self, key: &str) -> bool {
        self.0.folders.environment(key).is_ok_and(|folder| python::is_complete(&folder))
    }

    async fn create_volume(&self, id: &VolumeId) -> Result<()> {
        config::make_folder(&self.0.folders.volume(id)?).map_err(|e| Error::internal("volume", e))
    }

    async fn delete_volume(&self, id: &VolumeId) -> Result<()> {
        volumes::delete(self.0.folders.volume(id)?).await
    }

    async fn volume_usage(&self, id: &VolumeId) -> Option<u64> {
        let folder = self.0.folders.volume(id).ok()?;
        blocking(move || volumes::usage(&folder)).await.ok()?
    }

    async fn check(&self) -> Vec<Finding> {
        check::check(&self.0).await
    }
}
