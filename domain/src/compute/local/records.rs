//! What the engine and the shim tell each other: the order on standard input, and two files that outlive both.

use super::processes::Process;
use crate::{
    compute::{ActivityProbe, Outcome},
    model::{Millis, Resources},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// What the shim is to run; comes on its standard input and is never written to disk, since it holds secrets.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub record: ShimRecord,
    /// `workloads/<id>/`.
    pub folder: PathBuf,
    /// The program by its full path, and its arguments.
    pub argv: Vec<String>,
    /// All of the program's environment.
    pub env: BTreeMap<String, String>,
    pub home: PathBuf,
    pub launcher: PathBuf,
    pub confinement: Confinement,
}

/// `shim.json`: how a portal that starts anew finds what runs. Holds no secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ShimRecord {
    pub id: String,
    pub launch: i64,
    /// Set by the shim itself.
    pub process: Option<Process>,
    /// The kernel's boot id: process numbers mean nothing across boots.
    pub boot: String,
    pub port: u16,
    pub ready_path: String,
    pub activity: ActivityProbe,
    pub resources: Resources,
    /// Indexes of its GPUs.
    pub gpus: Vec<u32>,
    /// CPUs it is bound to.
    pub cpus: Vec<u32>,
}

/// `exit.json`: how a launch ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ExitRecord {
    pub launch: i64,
    pub at: Millis,
    pub outcome: Outcome,
}

/// What `slipway confine` takes away before it becomes the program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Confinement {
    /// Folders and files to read and execute, beside the system's.
    pub read: Vec<PathBuf>,
    /// Folders and files to write as well.
    pub write: Vec<PathBuf>,
    /// Whether the GPU devices may be used.
    pub gpus: bool,
    /// CPUs to be bound to; empty means all.
    pub cpus: Vec<u32>,
    /// Links to volumes, made anew in the home's `data` folder.
    pub volumes: Option<VolumeLinks>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct VolumeLinks {
    /// `<home>/data`.
    pub folder: PathBuf,
    /// Links that point below it are ours, and go when they are not wanted any more.
    pub root: PathBuf,
    /// Name and target.
    pub links: Vec<(String, PathBuf)>,
}

/// Marks every process of a launch, so that survivors can be found: `SLIPWAY_WORKLOAD_ID=<id>:<launch>`.
pub(super) const TAG: &str = "SLIPWAY_WORKLOAD_ID";
/// The shim's own environment holds the header that the program wants with each request: there the next portal finds it, and no file
/// has it.
pub(super) const HEADER_VARIABLE: &str = "SLIPWAY_SHIM_HEADER";

/// Writes a file that is there whole or not at all, readable by us alone.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.sync_all()?;
    fs::rename(&partial, path)
}

/// The file's content; none where it is missing or not ours to understand.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// How this launch ended, if it has.
pub(super) fn read_exit(path: &Path, launch: i64) -> Option<ExitRecord> {
    read_json::<ExitRecord>(path).filter(|e| e.launch == launch)
}
