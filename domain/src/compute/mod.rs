//! The one seam: what runs workloads. `local` runs processes on this machine, `kubernetes` pods in a cluster.

pub mod kubernetes;
pub mod local;
mod probe;
mod sanitise;

use crate::{
    error::Result,
    model::{Capacity, Environment, Finding, LogPage, Manifest, Millis, Quota, Resources, VolumeId},
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::{collections::BTreeMap, fmt, net::SocketAddr};

/// A value that must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A volume in a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub volume: VolumeId,
    /// Name under `data/` in the home; unused for the home itself.
    pub name: String,
    pub read_only: bool,
}

/// A Python environment that is made before the program starts, and cached under `key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonEnvironment {
    /// `<environment>-<version>-<digest of the packages>`: same key, same content.
    pub key: String,
    /// Requirement lines.
    pub packages: Vec<String>,
    /// Files laid into it once its packages are there: path inside it, content.
    pub files: Vec<(String, String)>,
}

/// A repository that is cloned into the home before the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    pub url: String,
    /// Empty for the default branch.
    pub branch: String,
}

/// What is to run. Only what every engine honours; what an engine cannot honour it refuses with a reason.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The notebook's id.
    pub id: String,
    /// Which launch of it: an engine never runs two at a time, and replaces an older one.
    pub launch: i64,
    /// Team name.
    pub team: String,
    /// Program and arguments, never through a shell. `{host}` and `{port}` become the address and port to listen on, `{home}` the
    /// home folder.
    pub argv: Vec<String>,
    /// The container image, for engines that run images; it is expected to hold what `python` would make.
    pub image: Option<String>,
    pub python: Option<PythonEnvironment>,
    pub env: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, Secret>,
    pub resources: Resources,
    pub home: VolumeId,
    pub volumes: Vec<Mount>,
    pub repository: Option<Repository>,
    /// Path that answers anything below 500 once it is ready, for example `/api`.
    pub ready_path: String,
    /// Sent with every request of the engine and the proxy, so that the program serves nobody else, for example
    /// `Authorization: token …`.
    pub header: Option<(String, Secret)>,
    pub activity: ActivityProbe,
}

/// How the engine learns what a program says of its own use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActivityProbe {
    /// It says nothing; only the proxy's traffic counts.
    #[default]
    None,
    /// Jupyter's kernels and terminals, below `ready_path`.
    JupyterKernels,
}

/// What is so, as the engine reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Workload id.
    pub id: String,
    pub launch: i64,
    pub at: Millis,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Something is made first; `total` is 0 where it cannot be known.
    Preparing {
        step: String,
        done: u32,
        total: u32,
    },
    /// The process runs, but does not answer yet.
    Starting,
    Ready,
    Stopping,
    /// It runs no more. Nothing of it is left on the machine.
    Ended {
        outcome: Outcome,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Outcome {
    /// It was asked to stop.
    Stopped,
    /// It ended by itself, with this exit code.
    Exited { code: i32 },
    /// It did not start or was killed: what happened, and what helps, in a sentence each.
    Failed { reason: String, next_step: String },
}

/// What a program says of its own use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Something is being computed now.
    pub busy: bool,
    /// Last time somebody or something used it, by its own account.
    pub last_activity_at: Option<Millis>,
}

/// Runs workloads. Every call is idempotent; facts come by `watch`.
#[async_trait]
pub trait ComputeEngine: Send + Sync {
    /// `local` or `kubernetes`.
    fn name(&self) -> &'static str;

    /// Makes it so that this launch of the workload runs, or is on its way; returns before it does. The same launch again changes nothing,
    /// also after it has ended, for as long as the engine knows of it. Errors are refusals: `Invalid` or `Conflict` with what to change.
    async fn ensure(&self, workload: &Workload) -> Result<()>;

    /// What `ensure` would write of a workload whose team has this quota, where the engine writes anything that people can read; nothing is changed.
    async fn manifests(&self, _workload: &Workload, _quota: &Quota) -> Result<Vec<Manifest>> {
        Ok(Vec::new())
    }

    /// The namespace of a team, where the engine has any.
    fn namespace(&self, _team: &str) -> Option<String> {
        None
    }

    /// What the engine keeps for a team beside its workloads, as it is and as it should be; nothing is changed. Empty where that is nothing.
    async fn belongings(&self, _team: &str, _quota: &Quota) -> Result<Vec<Manifest>> {
        Ok(Vec::new())
    }

    /// Makes what it keeps for a team as it should be, whatever somebody has changed of it.
    async fn repair(&self, _team: &str) -> Result<()> {
        Ok(())
    }

    /// Makes it so that whatever runs workloads holds teams to these quotas, too, by name of the team; a team that is not named has none. What cannot be
    /// done now is done at a later call: Slipway counts before it launches.
    async fn keep_quotas(&self, _quotas: &BTreeMap<String, Quota>) {}

    /// Drops what this process was about to do: it begins, or ceases, to be the one that looks after workloads, and another has done its own meanwhile.
    fn anew(&self) {}

    /// Makes it so that no launch of the workload runs. Returns before that is so; the `Ended` fact tells.
    async fn stop(&self, id: &str) -> Result<()>;

    /// Forgets an ended workload and its log. Volumes stay.
    async fn remove(&self, id: &str) -> Result<()>;

    /// The last fact; none where the engine has never seen it. Answers from what the machine says, also right after a restart of the portal.
    async fn status(&self, id: &str) -> Result<Option<Fact>>;

    /// Every workload it knows, for finding what nobody wishes any more.
    async fn list(&self) -> Result<Vec<Fact>>;

    /// Facts from now on, including each change that another handle of the same engine sees. May repeat; a reader asks `status` when in doubt.
    fn watch(&self) -> BoxStream<'static, Fact>;

    /// At most `limit` whole lines from byte `from` on; none means the last `limit` lines.
    async fn logs(&self, id: &str, from: Option<u64>, limit: u32) -> Result<LogPage>;

    /// Waits until the log goes on past byte `from`, at most 20 s; whether it does.
    async fn log_grows(&self, id: &str, from: u64) -> Result<bool>;

    /// Where the proxy reaches the running workload. Checked anew at each call: the listener belongs to this workload.
    async fn address(&self, id: &str) -> Result<SocketAddr>;

    /// What the program says of its own use, where it can.
    async fn activity(&self, id: &str) -> Result<Option<Activity>>;

    /// Resources in use are those of workloads between `ensure` and `Ended`.
    async fn capacity(&self) -> Result<Capacity>;

    /// Why an environment cannot run here; none where it can.
    async fn unavailable(&self, environment: &Environment) -> Option<String>;

    /// Whether the Python environment of this key is made already.
    async fn is_cached(&self, key: &str) -> bool;

    async fn create_volume(&self, id: &VolumeId) -> Result<()>;
    /// Deletes the files too. A volume that is not there is no error.
    async fn delete_volume(&self, id: &VolumeId) -> Result<()>;
    /// Bytes used, where it can tell in reasonable time.
    async fn volume_usage(&self, id: &VolumeId) -> Option<u64>;

    /// Looks at the machine and says what is missing or wrong.
    async fn check(&self) -> Vec<Finding>;
}
