//! `slipway confine`: gives up what the program must not have, and becomes the program.

use super::records::{Confinement, VolumeLinks};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
    path_beneath_rules,
};
use rustix::{
    process::{Resource, Rlimit, Signal},
    thread::{CapabilitySet, CapabilitySets, CpuSet},
};
use std::{
    fs,
    os::unix::{fs::symlink, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// What any program needs of the system: programs, libraries, settings, and what the kernel says.
pub(super) const SYSTEM: [&str; 14] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/proc",
    "/sys",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/run/NetworkManager/resolv.conf",
];
const DEVICES: [&str; 9] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/pts", "/dev/ptmx", "/dev/shm"];

/// The folder that every notebook may read and that holds the data folder, if there is one: beside the system's, those in `readable`.
pub(super) fn exposing<'a>(data: &Path, readable: impl IntoIterator<Item = &'a Path>) -> Option<PathBuf> {
    let system = SYSTEM.iter().chain(&DEVICES).map(Path::new);
    // Rules name the real folder, whatever links lead to it.
    let real = |folder: &Path| fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    system.chain(readable).find(|folder| data.starts_with(real(folder))).map(Path::to_owned)
}

/// Why nothing may run there.
pub(super) fn exposed_because(data: &Path, readable: &Path) -> String {
    format!("The data folder {} lies in {}, which every notebook may read. {MOVE_DATA}", data.display(), readable.display())
}

pub(super) const MOVE_DATA: &str = "Move it to a folder of its own, for example /var/lib/slipway, and set `data` to that.";

/// Arguments: the process whose end is ours too, the confinement as JSON, and the program with its arguments.
pub fn main() -> ExitCode {
    let mut args = std::env::args().skip(2);
    let (Some(parent), Some(confinement)) = (args.next(), args.next()) else { return ExitCode::from(2) };
    let (Ok(parent), Ok(confinement)) = (parent.parse::<i32>(), serde_json::from_str::<Confinement>(&confinement)) else {
        return ExitCode::from(2);
    };
    let Some(program) = args.next() else { return ExitCode::from(2) };
    if rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).is_err()
        || rustix::process::getppid().map(|p| p.as_raw_nonzero().get()) != Some(parent)
    {
        return ExitCode::from(125);
    }
    let _ = rustix::process::setsid();
    limit(&confinement);
    drop_capabilities();
    if let Err(e) = restrict(&confinement) {
        say(&format!("It runs without confinement: {e}"));
    }
    if let Some(volumes) = &confinement.volumes {
        link_volumes(volumes);
    }
    #[expect(clippy::disallowed_methods, reason = "becomes the program")]
    let error = Command::new(&program).args(args).exec();
    say(&format!("{program} could not be started: {error}"));
    ExitCode::from(127)
}

/// Leaves this process nothing of the machine but its open files: no other file, no capability, so many bytes of memory and so many seconds on
/// a processor. What the kernel does not know how to take away stays.
pub fn shut_off(memory: u64, seconds: u64) {
    for (resource, limit) in
        [(Resource::Core, 0), (Resource::As, memory), (Resource::Cpu, seconds), (Resource::Fsize, 0), (Resource::Nproc, 0)]
    {
        let _ = rustix::process::setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) });
    }
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    drop_capabilities();
    let nothing = || {
        let ruleset = Ruleset::default().handle_access(AccessFs::from_all(ABI::V10))?.handle_access(AccessNet::from_all(ABI::V10))?;
        ruleset.scope(Scope::from_all(ABI::V10))?.create()?.restrict_self()
    };
    let _: Result<_, RulesetError> = nothing();
}

/// To the workload's log.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "[slipway] {text}");
}

fn limit(confinement: &Confinement) {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // A core file would carry secrets into the home.
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // Should the machine run out of memory, the program goes before its shim and the portal.
    let _ = fs::write("/proc/self/oom_score_adj", "300");
    if !confinement.cpus.is_empty() {
        let mut cpus = CpuSet::new();
        for cpu in confinement.cpus.iter().filter(|c| (**c as usize) < CpuSet::MAX_CPU) {
            cpus.set(*cpu as usize);
        }
        let _ = rustix::thread::sched_setaffinity(None, &cpus);
    }
}

/// A portal that runs as root would else hand on what Landlock does not take away, for example reading any process's environment
/// (`CAP_PERFMON`).
fn drop_capabilities() {
    for capability in CapabilitySet::all().iter() {
        // Fails without root, where there is nothing to drop.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let _ = rustix::thread::clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    let _ = rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none });
}

fn restrict(confinement: &Confinement) -> Result<(), RulesetError> {
    let (read, write) = (AccessFs::from_read(ABI::V10), AccessFs::from_all(ABI::V10));
    let devices = DEVICES.iter().map(PathBuf::from).chain(confinement.gpus.then(gpu_devices).into_iter().flatten());
    Ruleset::default()
        .handle_access(write)?
        .scope(Scope::from_all(ABI::V10))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(&confinement.read, read))?
        .add_rules(path_beneath_rules(&confinement.write, write))?
        .add_rules(path_beneath_rules(devices, write))?
        .restrict_self()?;
    Ok(())
}

fn gpu_devices() -> Vec<PathBuf> {
    let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
    entries.filter(|e| e.file_name().to_string_lossy().starts_with("nvidia")).map(|e| e.path()).collect()
}

/// Runs confined already: whatever the home holds, nothing outside it can be touched.
fn link_volumes(volumes: &VolumeLinks) {
    let entries = fs::read_dir(&volumes.folder).into_iter().flatten().flatten();
    for entry in entries {
        if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(&volumes.root)) {
            let _ = fs::remove_file(entry.path());
        }
    }
    if volumes.links.is_empty() {
        return;
    }
    let made = fs::create_dir_all(&volumes.folder);
    for (name, target) in &volumes.links {
        if let Err(e) =
            made.as_ref().map_or_else(|e| Err(e.to_string()), |()| symlink(target, volumes.folder.join(name)).map_err(|e| e.to_string()))
        {
            say(&format!("The volume {name} could not be linked into data/: {e}"));
        }
    }
}

/// What the kernel can take away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confines {
    /// Files of others, device controls, signals and abstract sockets.
    Fully,
    /// Files of others.
    FilesOnly,
    Nothing,
}

pub(super) fn kernel_confines() -> Confines {
    let hard = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let files = hard().handle_access(AccessFs::from_all(ABI::V3)).and_then(Ruleset::create).is_ok();
    let scopes = files
        && hard()
            .handle_access(AccessFs::from_all(ABI::V5))
            .and_then(|r| r.scope(Scope::from_all(ABI::V6)))
            .and_then(Ruleset::create)
            .is_ok();
    match (files, scopes) {
        (_, true) => Confines::Fully,
        (true, false) => Confines::FilesOnly,
        (false, _) => Confines::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_that_notebooks_may_read_is_named() {
        let none = || std::iter::empty::<&Path>();
        for (data, folder) in
            [("/opt/slipway", "/opt"), ("/usr/local/lib/slipway", "/usr"), ("/etc/slipway", "/etc"), ("/dev/shm/s", "/dev/shm")]
        {
            assert_eq!(exposing(Path::new(data), none()).as_deref(), Some(Path::new(folder)), "{data}");
        }
        assert_eq!(exposing(Path::new("/var/lib/slipway"), none()), None);
        assert_eq!(exposing(Path::new("/optical/slipway"), none()), None);
        let temp = tempfile::tempdir().unwrap();
        let (real, link) = (fs::canonicalize(temp.path()).unwrap().join("shared"), temp.path().join("link"));
        fs::create_dir(&real).unwrap();
        symlink(&real, &link).unwrap();
        assert_eq!(exposing(&real.join("data"), [link.as_path()]), Some(link));
        assert_eq!(exposing(&real, [real.join("models").as_path()]), None, "a folder in the data folder holds only itself");
    }
}
