//! Looks at the machine and says what is missing, and how to mend it.

use super::{
    config::{STANDARD_PATH, find_program},
    confine::{Confines, MOVE_DATA, exposed_because, kernel_confines},
    engine::Engine,
    machine::gib,
};
use crate::model::{Environment, Finding, Level, Program};
use std::path::PathBuf;

/// Less free space than this is a warning, in MiB.
const LOW_DISK_MIB: u64 = 5 * 1024;

fn finding(name: &str, level: Level, message: impl Into<String>, remedy: &str) -> Finding {
    Finding { name: name.to_owned(), level, message: message.into(), remedy: remedy.to_owned() }
}

pub(super) async fn check(engine: &Engine) -> Vec<Finding> {
    let (gpus, note) = engine.gpus.see(&engine.config).await;
    let gpu = note.unwrap_or_else(|| {
        let names: Vec<&str> = gpus.iter().map(|g| g.name.as_str()).collect();
        format!("{} GPUs: {}.", gpus.len(), names.join(", "))
    });
    vec![
        confinement(),
        data_folder(engine).await,
        python(engine).await,
        git(engine),
        finding("gpu", Level::Ok, gpu, ""),
        disk(engine),
        memory(),
        isolation(),
    ]
}

fn confinement() -> Finding {
    match kernel_confines() {
        Confines::Fully => {
            finding("confinement", Level::Ok, "Landlock keeps each notebook to its own files, devices, signals and sockets.", "")
        }
        Confines::FilesOnly => finding(
            "confinement",
            Level::Warning,
            "Landlock keeps each notebook to its own files, but this kernel cannot keep it from signalling other processes of the same user.",
            "Use Linux 6.12 or later.",
        ),
        Confines::Nothing => finding(
            "confinement",
            Level::Error,
            "This kernel cannot confine notebooks: each of them can read Slipway's data, other notebooks' files and their secrets.",
            "Use Linux 6.2 or later with Landlock (lsm=landlock,… on the kernel's command line), or let only people you trust launch notebooks.",
        ),
    }
}

async fn data_folder(engine: &Engine) -> Finding {
    let data = &engine.folders.data;
    match engine.exposing().await {
        Some(readable) => finding("data folder", Level::Error, exposed_because(data, &readable), MOVE_DATA),
        None => finding("data folder", Level::Ok, format!("Notebooks cannot read {}.", data.display()), ""),
    }
}

async fn python(engine: &Engine) -> Finding {
    let remedy = "Install Python 3.9 or later with venv (on Debian: apt install python3-venv), or set the path of one.";
    match engine.python().await {
        Err(why) => finding("python", Level::Error, why.clone(), remedy),
        Ok(python) => {
            let uv = engine.config.find_uv();
            if let Some(why) = python.shortcoming(uv.is_some()) {
                return finding("python", Level::Error, why, remedy);
            }
            let (major, minor, patch) = python.version;
            let with = uv.map_or_else(|| "pip".to_owned(), |uv| uv.display().to_string());
            let program = python.program.display();
            finding("python", Level::Ok, format!("Python {major}.{minor}.{patch} ({program}); environments are made with {with}."), "")
        }
    }
}

fn git(engine: &Engine) -> Finding {
    match engine.config.find_program("git") {
        Some(git) => finding("git", Level::Ok, format!("{} clones repositories at start.", git.display()), ""),
        None => finding("git", Level::Warning, "git was not found: repositories cannot be cloned at start.", "Install git."),
    }
}

fn disk(engine: &Engine) -> Finding {
    let data = engine.folders.data.display();
    let Ok(disk) = rustix::fs::statvfs(&engine.folders.data) else {
        return finding("disk", Level::Error, format!("The free space of {data} cannot be read."), "Look at the file system.");
    };
    let mib = disk.f_bavail.saturating_mul(disk.f_frsize) >> 20;
    let message = format!("{} are free in {data}.", gib(mib));
    if mib < LOW_DISK_MIB {
        finding("disk", Level::Warning, message, "Make room, or move the data folder to a larger disk.")
    } else {
        finding("disk", Level::Ok, message, "")
    }
}

fn memory() -> Finding {
    let method = "Memory limits are kept by looking at each notebook's processes twice a second and ending one that is above its limit.";
    finding("memory limits", Level::Ok, method, "")
}

/// Landlock could deny connections by port, but only by a list of the ports that are allowed: one that leaves out the ports of
/// notebooks that start later cannot be written.
fn isolation() -> Finding {
    let message = "JupyterLab asks for a secret that only Slipway has. VS Code, RStudio and programs of your own do not: other programs on \
                   this machine, other people's notebooks among them, can reach their port.";
    finding(
        "isolation",
        Level::Warning,
        message,
        "Offer those programs only where everybody who launches notebooks here trusts each other.",
    )
}

/// Why an environment cannot run on this machine.
pub(super) async fn unavailable(engine: &Engine, environment: &Environment) -> Option<String> {
    if !environment.versions.is_empty() && environment.versions.iter().all(|v| v.image.is_some() && v.packages.is_empty()) {
        return Some(
            "It is an image, which only a cluster runs. An administrator can add packages to a version of it under Environments."
                .to_owned(),
        );
    }
    let needs_python = matches!(environment.program, Program::JupyterLab);
    if needs_python || environment.versions.iter().any(|v| !v.packages.is_empty()) {
        let why = match engine.python().await {
            Ok(python) => python.shortcoming(engine.config.find_uv().is_some()),
            Err(why) => Some(why.clone()),
        };
        if why.is_some() {
            return why;
        }
    }
    let program = match &environment.program {
        // Comes with its packages.
        Program::JupyterLab => return None,
        Program::CodeServer => "code-server",
        Program::RStudio => "rserver",
        Program::Command { argv } => argv.first()?.as_str(),
    };
    // The packages of a version may bring the program.
    let brings = matches!(environment.program, Program::Command { .. }) && environment.versions.iter().any(|v| !v.packages.is_empty());
    let mut path: Vec<PathBuf> = STANDARD_PATH.iter().map(PathBuf::from).collect();
    path.extend(engine.python().await.as_ref().ok().and_then(|p| p.program.parent()).map(std::path::Path::to_owned));
    let found = brings || find_program(program, &path).or_else(|| engine.config.find_program(program)).is_some();
    (!found).then(|| format!("{program} was not found on this machine."))
}
