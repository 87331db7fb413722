//! Makes all that a launch needs before its program can start, and the order for the shim.

use super::{
    config::{STANDARD_PATH, find_program, make_folder},
    confine::{SYSTEM, exposed_because},
    engine::Engine,
    entry::{Entry, failed, lock},
    git,
    install::{InstallState, Waiting},
    log_write::LogWriter,
    pip_progress::Progress,
    ports,
    python::{Python, is_complete},
    records::{Confinement, Order, ShimRecord, VolumeLinks},
    volumes::remove_tree_apart,
};
use crate::compute::{Outcome, State, Workload};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const TRY_AGAIN: &str = "Start it again; if it fails again, ask an administrator to look at the machine.";

/// Everything up to the program's start. `Err` is how the launch ended instead.
pub(super) async fn prepare(engine: &Engine, entry: &Entry, workload: &Workload) -> Result<Order, Outcome> {
    let broken = |e: crate::Error| failed(e.to_string(), TRY_AGAIN);
    let disk = |e: std::io::Error| failed(format!("Its folder cannot be written: {e}."), TRY_AGAIN);
    let folder = engine.folders.workload(&workload.id).map_err(broken)?;
    let home = engine.folders.volume(&workload.home).map_err(broken)?;
    let tmp = folder.tmp();
    remove_tree_apart(tmp.clone()).await.map_err(disk)?;
    [&folder.0, &tmp, &home].into_iter().try_for_each(|f| make_folder(f)).map_err(disk)?;
    let log = Arc::new(Mutex::new(LogWriter::open(&folder.log()).map_err(disk)?));

    if let Some(readable) = engine.exposing().await {
        return Err(failed(exposed_because(&engine.folders.data, &readable), "Ask an administrator to move it."));
    }
    let python = engine.python().await;
    let environment = match &workload.python {
        Some(wanted) => {
            let python = python.as_ref().map_err(|why| failed(why, "Ask an administrator to install Python 3.9 or later."))?;
            let folder = engine.folders.environment(&wanted.key).map_err(broken)?;
            if !is_complete(&folder) {
                let waiting = engine.installs.join(&engine.config, &engine.folders, python, wanted).map_err(broken)?;
                install(entry, waiting, &log).await?;
            }
            Some(folder)
        }
        None => None,
    };

    let path = program_path(environment.as_deref(), python.as_ref().ok());
    let name = workload.argv.first().map(String::as_str).unwrap_or_default();
    let program = find_program(name, &path)
        .or_else(|| engine.config.find_program(name))
        .ok_or_else(|| failed(format!("{name} was not found."), "Choose another environment, or ask an administrator to install it."))?;
    let mut confinement = confinement(engine, entry, workload, &home, &tmp).map_err(broken)?;
    confinement.read.extend(environment.clone());
    confinement.read.extend(python.as_ref().ok().map(|p| p.prefix.clone()));
    confinement.read.extend(own_folder(&program, &engine.folders.data));

    if let Some(repository) = &workload.repository {
        entry.set(State::Preparing { step: format!("Cloning {}", git::folder_name(&repository.url)), done: 0, total: 0 });
        let log = log.clone();
        let tag = format!("{}:{}", workload.id, workload.launch);
        let confinement = Confinement { volumes: None, cpus: Vec::new(), gpus: false, ..confinement.clone() };
        git::clone(&engine.config, repository, &home, &tmp, confinement, tag, move |line| take_line(&log, line)).await.map_err(|why| {
            failed(format!("The repository could not be cloned: {why}"), "Check its address and branch, then launch it again.")
        })?;
    }

    let port = ports::free_port().map_err(|e| failed(format!("No port is free: {e}."), TRY_AGAIN))?;
    let home_text = home.to_string_lossy().into_owned();
    let fill = |arg: &String| arg.replace("{host}", "127.0.0.1").replace("{port}", &port.to_string()).replace("{home}", &home_text);
    let mut argv = vec![program.to_string_lossy().into_owned()];
    argv.extend(workload.argv.iter().skip(1).map(fill));
    let record = ShimRecord {
        id: workload.id.clone(),
        launch: workload.launch,
        process: None,
        boot: String::new(),
        port,
        ready_path: workload.ready_path.clone(),
        activity: workload.activity,
        resources: workload.resources.clone(),
        gpus: entry.grant.gpus.clone(),
        cpus: entry.grant.cpus.clone(),
    };
    let env = environment_variables(workload, entry, &home_text, &tmp, &path, environment.as_deref(), port);
    Ok(Order { record, folder: folder.0, argv, env, home, launcher: engine.config.launcher.clone(), confinement })
}

/// Follows the installation, telling its progress at most every 100 ms.
async fn install(entry: &Entry, mut waiting: Waiting, log: &Mutex<LogWriter>) -> Result<(), Outcome> {
    let is_done = |s: &InstallState| matches!(s, InstallState::Done(_));
    loop {
        while let Ok(line) = waiting.lines.try_recv() {
            take_line(log, &line);
        }
        let state = waiting.state.borrow_and_update().clone();
        match state {
            InstallState::Running(Progress { step, done, total }) => entry.set(State::Preparing { step, done, total }),
            InstallState::Done(Ok(())) => return Ok(()),
            InstallState::Done(Err(failure)) => {
                let next = "Look at its log; an administrator can correct the environment's packages.";
                return Err(failed(format!("The Python environment could not be made: {}", failure.0), next));
            }
        }
        let ended = tokio::select! {
            done = waiting.state.wait_for(is_done) => done.is_err(),
            () = tokio::time::sleep(Duration::from_millis(100)) => false,
        };
        if ended {
            return Err(failed("The installation of the Python environment was interrupted.", TRY_AGAIN));
        }
    }
}

fn take_line(log: &Mutex<LogWriter>, line: &str) {
    // A full disk costs lines, not the launch.
    let _ = lock(log).write(format!("{line}\n").as_bytes(), Instant::now());
}

fn program_path(environment: Option<&Path>, python: Option<&Python>) -> Vec<PathBuf> {
    let mut path: Vec<PathBuf> = environment.map(|e| e.join("bin")).into_iter().collect();
    path.extend(python.and_then(|p| p.program.parent()).map(Path::to_owned));
    path.extend(STANDARD_PATH.map(PathBuf::from));
    path
}

/// What the program may reach beside the system: its home, its volumes and its own temporary folder.
fn confinement(engine: &Engine, entry: &Entry, workload: &Workload, home: &Path, tmp: &Path) -> crate::Result<Confinement> {
    let mut confinement = Confinement {
        read: engine.config.readable.clone(),
        write: vec![home.to_owned(), tmp.to_owned()],
        gpus: !entry.grant.gpus.is_empty(),
        cpus: entry.grant.cpus.clone(),
        volumes: None,
    };
    let mut links = Vec::new();
    for mount in &workload.volumes {
        let volume = engine.folders.volume(&mount.volume)?;
        make_folder(&volume).map_err(|e| crate::Error::internal("volume", e))?;
        if mount.read_only { &mut confinement.read } else { &mut confinement.write }.push(volume.clone());
        links.push((mount.name.clone(), volume));
    }
    confinement.volumes = Some(VolumeLinks { folder: home.join("data"), root: engine.folders.volumes.clone(), links });
    Ok(confinement)
}

/// The installation of a program outside the system's folders, for example `~/.local/lib/code-server`; never one that holds our data.
fn own_folder(program: &Path, data: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(program).ok()?;
    if SYSTEM.iter().any(|s| real.starts_with(s)) {
        return None;
    }
    let parent = real.parent()?;
    let whole = if parent.ends_with("bin") { parent.parent()? } else { parent };
    [whole, parent].into_iter().find(|f| !data.starts_with(f) && f.components().count() > 2).map(Path::to_owned)
}

/// The whole environment of the program: nothing of the portal's own.
fn environment_variables(
    workload: &Workload,
    entry: &Entry,
    home: &str,
    tmp: &Path,
    path: &[PathBuf],
    environment: Option<&Path>,
    port: u16,
) -> BTreeMap<String, String> {
    let list = |numbers: &[u32]| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let path = path.iter().map(|p| p.to_string_lossy()).collect::<Vec<_>>().join(":");
    let cpus = workload.resources.cpus.to_string();
    let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    let mut env = BTreeMap::new();
    env.extend(workload.env.iter().map(|(k, v)| (k.clone(), v.clone())));
    env.extend(workload.secrets.iter().map(|(k, v)| (k.clone(), v.0.clone())));
    let own = [
        ("PATH", path),
        ("HOME", home.to_owned()),
        ("USER", "slipway".to_owned()),
        ("LOGNAME", "slipway".to_owned()),
        ("SHELL", shell.to_owned()),
        ("TMPDIR", tmp.to_string_lossy().into_owned()),
        ("PORT", port.to_string()),
        ("SLIPWAY_TEAM", workload.team.clone()),
        ("CUDA_VISIBLE_DEVICES", list(&entry.grant.gpus)),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    if let Some(environment) = environment {
        env.insert("VIRTUAL_ENV".to_owned(), environment.to_string_lossy().into_owned());
    }
    // A person may have chosen these.
    let defaults = [("LANG", "C.UTF-8".to_owned()), ("TERM", "xterm-256color".to_owned())];
    let threads = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS"].map(|name| (name, cpus.clone()));
    for (name, value) in defaults.into_iter().chain(threads) {
        env.entry(name.to_owned()).or_insert(value);
    }
    env
}
