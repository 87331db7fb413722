//! The machine's Python, and the environments made with it: once per key, then cached.

use super::{
    config::{LocalConfig, STANDARD_PATH, make_folder},
    pip_progress::{Progress, reason},
    records::Confinement,
    tool::{self, Tool},
    volumes::remove_tree_apart,
};
use crate::compute::PythonEnvironment;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{process::Command, time::timeout};

/// The Python that environments are made with.
#[derive(Clone, Debug)]
pub(super) struct Python {
    pub program: PathBuf,
    pub version: (u32, u32, u32),
    /// Its installation: what a program in a virtual environment still reads.
    pub prefix: PathBuf,
    /// Whether it can make environments with pip in them.
    pub has_venv: bool,
}

/// Within a virtual environment, the Python below it answers: that environment may be gone or out of reach when ours are used.
const ASK: &str = "import sys, importlib.util as u\n\
    print(*sys.version_info[:3])\nprint(getattr(sys, '_base_executable', None) or sys.executable)\nprint(sys.base_prefix)\n\
    print(bool(u.find_spec('venv') and u.find_spec('ensurepip')))";

/// Finds Python, or says why not.
pub(super) async fn find(config: &LocalConfig) -> Result<Python, String> {
    let program = match &config.python {
        Some(given) => config.find_program(&given.to_string_lossy()).ok_or_else(|| format!("{} cannot be run.", given.display()))?,
        None => config.find_program("python3").ok_or("python3 was not found on the PATH.")?,
    };
    #[expect(clippy::disallowed_methods, reason = "the engine may ask Python")]
    let ask = Command::new(&program).args(["-I", "-c", ASK]).stdin(Stdio::null()).kill_on_drop(true).output();
    let shown = program.display().to_string();
    let answer = timeout(Duration::from_secs(20), ask).await.map_err(|_| format!("{shown} does not answer."))?;
    let answer = answer.map_err(|e| format!("{shown} could not be started: {e}"))?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    read_answer(&text).ok_or_else(|| format!("{shown} does not answer as Python does."))
}

fn read_answer(text: &str) -> Option<Python> {
    let mut lines = text.lines();
    let version: Vec<u32> = lines.next()?.split(' ').filter_map(|n| n.parse().ok()).collect();
    let [major, minor, patch] = version.as_slice() else { return None };
    Some(Python {
        version: (*major, *minor, *patch),
        program: PathBuf::from(lines.next()?),
        prefix: PathBuf::from(lines.next()?),
        has_venv: lines.next()? == "True",
    })
}

impl Python {
    /// Why environments cannot be made with it.
    pub fn shortcoming(&self, has_uv: bool) -> Option<String> {
        let (major, minor, patch) = self.version;
        if (major, minor) < (3, 9) {
            return Some(format!("Python {major}.{minor}.{patch} is too old; 3.9 or later is needed."));
        }
        (!self.has_venv && !has_uv).then(|| "Python's venv module was not found (on Debian: apt install python3-venv).".to_owned())
    }
}

/// What a failed installation says.
#[derive(Clone, Debug)]
pub(super) struct InstallFailure(pub String);

/// Gets each change of the progress, and each line of output.
pub(super) type Tell = Arc<dyn Fn(&Progress, Option<&str>) + Send + Sync>;

/// Written last: an environment without it is unfinished and is made anew.
const COMPLETE: &str = ".complete";

pub(super) fn is_complete(environment: &Path) -> bool {
    environment.join(COMPLETE).is_file()
}

/// Makes the environment in its folder, which holds nothing of value yet. `tell` gets each change of the progress and each line.
pub(super) async fn make(
    config: &LocalConfig,
    python: &Python,
    environment: &PythonEnvironment,
    folder: &Path,
    tell: Tell,
) -> Result<(), InstallFailure> {
    let io_failure = |e: io::Error| InstallFailure(format!("{} cannot be written: {e}.", folder.display()));
    remove_tree_apart(folder.to_owned()).await.map_err(io_failure)?;
    let cache = folder.with_file_name(".cache");
    let tmp = folder.join(".tmp");
    [folder, &cache, &tmp].into_iter().try_for_each(make_folder).map_err(io_failure)?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, environment.packages.join("\n") + "\n").map_err(io_failure)?;

    let uv = config.find_uv();
    let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<String>>();
    let (here, base) = (folder.to_string_lossy().into_owned(), python.program.to_string_lossy().into_owned());
    let inner = format!("{here}/bin/python");
    let list = requirements.to_string_lossy().into_owned();
    let steps = match &uv {
        Some(uv) => {
            let uv = uv.to_string_lossy();
            [
                words(&[&uv, "venv", "--quiet", "--allow-existing", "--python", &base, &here]),
                // As pip does: nobody can write compiled files into the environment later.
                words(&[&uv, "pip", "install", "--compile-bytecode", "--python", &inner, "-r", &list]),
            ]
        }
        None => [
            words(&[&base, "-m", "venv", &here]),
            words(&[&inner, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-r", &list]),
        ],
    };
    let mut read = vec![python.prefix.clone()];
    read.extend(uv.as_deref().and_then(Path::parent).map(Path::to_owned));
    read.extend(config.readable.iter().cloned());
    let confinement = Confinement { read, write: vec![folder.to_owned(), cache.clone()], ..Confinement::default() };
    let env = install_env(config, &tmp, &cache);

    let progress = Arc::new(Mutex::new(Progress::step("Making the Python environment")));
    tell(&progress.lock().unwrap_or_else(PoisonError::into_inner).clone(), None);
    for argv in steps {
        let tag = format!("install:{here}");
        let tool = Tool { argv, env: env.clone(), cwd: folder.to_owned(), confinement: confinement.clone(), tag };
        let output: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, lines, told) = (progress.clone(), output.clone(), tell.clone());
        let on_line = move |line: &str| {
            let mut progress = seen.lock().unwrap_or_else(PoisonError::into_inner);
            progress.read(line);
            told(&progress, Some(line));
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        };
        let run = tool::run(&config.launcher, tool, on_line);
        let status = tokio::select! {
            status = run => status,
            never = count_installed(folder, &progress, &tell) => match never {},
        };
        if !status.map_err(io_failure)?.success() {
            return Err(InstallFailure(reason(&output.lock().unwrap_or_else(PoisonError::into_inner))));
        }
    }
    for (path, content) in &environment.files {
        let path = folder.join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, content)).map_err(io_failure)?;
    }
    remove_tree_apart(tmp).await.map_err(io_failure)?;
    let marker = fs::File::create(folder.join(COMPLETE)).map_err(io_failure)?;
    marker.sync_all().map_err(io_failure)
}

/// Counts what lies in `site-packages` while packages are put in place, which pip itself does not tell.
async fn count_installed(folder: &Path, progress: &Mutex<Progress>, tell: &Tell) -> std::convert::Infallible {
    let mut before = None;
    let mut steps = tokio::time::interval(Duration::from_millis(250));
    loop {
        steps.tick().await;
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        if !progress.is_installing() {
            continue;
        }
        let present = installed(folder);
        let first = *before.get_or_insert(present);
        let done = u32::try_from(present.saturating_sub(first)).unwrap_or(u32::MAX).min(progress.total);
        if done != progress.done {
            progress.done = done;
            tell(&progress, None);
        }
    }
}

fn installed(folder: &Path) -> usize {
    let versions = fs::read_dir(folder.join("lib")).into_iter().flatten().flatten();
    let packages = versions.flat_map(|v| fs::read_dir(v.path().join("site-packages")).into_iter().flatten().flatten());
    packages.filter(|p| p.file_name().to_string_lossy().ends_with(".dist-info")).count()
}

/// What pip and uv get: mirrors, proxies and certificates of the portal, and nothing else of it.
fn install_env(config: &LocalConfig, home: &Path, cache: &Path) -> BTreeMap<String, String> {
    let mut env = config.install_env.clone();
    let text = |p: &Path| p.to_string_lossy().into_owned();
    let own = [
        ("HOME", text(home)),
        ("TMPDIR", text(home)),
        ("PATH", STANDARD_PATH.join(":")),
        ("LANG", "C.UTF-8".to_owned()),
        ("PIP_CACHE_DIR", text(cache)),
        ("UV_CACHE_DIR", text(cache)),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("NO_COLOR", "1".to_owned()),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_answers_in_four_lines() {
        let python = read_answer("3 11 7\n/opt/py/bin/python3\n/opt/py\nTrue\n").unwrap();
        assert_eq!((python.version, python.prefix.as_path(), python.has_venv), ((3, 11, 7), Path::new("/opt/py"), true));
        assert_eq!(python.shortcoming(false), None);
        let bare = Python { has_venv: false, ..python.clone() };
        assert!(bare.shortcoming(false).is_some_and(|why| why.contains("python3-venv")) && bare.shortcoming(true).is_none());
        assert!(Python { version: (3, 8, 0), ..python }.shortcoming(true).is_some_and(|why| why.contains("too old")));
        assert!(read_answer("usage: python3").is_none());
    }
}
