//! The Python that the demo's script runs in: one that has the packages, or one that is made beside the data once somebody agreed to the download.

use super::agreed;
use crate::{cli::commands::say, config::Config};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

const SCRIPT: &str = include_str!("fill.py");
/// What is installed where no Python has it.
const PACKAGES: [&str; 4] = ["mlflow-skinny==3.17.2", "scikit-learn>=1.5,<2", "pandas>=2,<3", "matplotlib>=3.9,<4"];
const SIZE: &str = "about 120 MB to download, 600 MB on disk";
/// Prints which of what the script cannot do without is missing.
const ASK: &str = "import importlib.util as u\nprint('answers', *[m for m in ('mlflow', 'sklearn', 'pandas') if u.find_spec(m) is None])";

/// A Python that has what the script needs.
///
/// # Errors
/// Says what is missing, and what would help.
pub async fn ready(config: &Config, yes: bool) -> Result<PathBuf, String> {
    let given = config.engine.python.as_deref();
    let base = given.map_or_else(|| found("python3", &config.engine.path), Path::to_owned);
    let lacks = missing(&base).await.map_err(|why| format!("{why} Name a Python with --python /path/to/python."))?;
    if lacks.is_empty() {
        return Ok(base);
    }
    let folder = config.data.join("demo-python");
    let own = folder.join("bin/python");
    if missing(&own).await.is_ok_and(|lacks| lacks.is_empty()) {
        return Ok(own);
    }
    let question = format!(
        "{} lacks {}. Install {} from the Python package index into {} ({SIZE})?",
        base.display(),
        lacks.join(", "),
        PACKAGES.join(", "),
        folder.display()
    );
    if !agreed(&question, yes)? {
        return Err(
            "Nothing was installed. A Python that has mlflow and scikit-learn is used as it is: --python /path/to/python.".to_owned()
        );
    }
    say(format_args!("Installing {} ({SIZE})", PACKAGES.join(", ")));
    step(
        &base,
        &["-m", "venv", "--clear", &folder.to_string_lossy()],
        "A Python environment cannot be made (on Debian: apt install python3-venv).",
    )
    .await?;
    let mut install = vec!["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
    install.extend(PACKAGES);
    let help = "The packages cannot be installed. Is the Python package index within reach (pip's own settings count: PIP_INDEX_URL, \
                HTTPS_PROXY)? Without it, name a Python that has mlflow and scikit-learn: --python /path/to/python.";
    step(&own, &install, help).await?;
    Ok(own)
}

/// A program on the PATH; its bare name where it is not there.
fn found(name: &str, path: &[PathBuf]) -> PathBuf {
    path.iter().map(|folder| folder.join(name)).find(|program| program.is_file()).unwrap_or_else(|| name.into())
}

#[expect(clippy::disallowed_methods, reason = "the demo runs MLflow's client for whoever typed the command, with their rights")]
fn command(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Which packages this Python lacks.
async fn missing(python: &Path) -> Result<Vec<String>, String> {
    let shown = python.display();
    let answer = command(python).args(["-c", ASK]).output().await.map_err(|e| format!("{shown} cannot be run: {e}."))?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    let mut words = text.split_whitespace().map(str::to_owned);
    if words.next().as_deref() == Some("answers") { Ok(words.collect()) } else { Err(format!("{shown} does not answer as Python does.")) }
}

async fn step(program: &Path, arguments: &[&str], help: &str) -> Result<(), String> {
    let done = command(program).args(arguments).output().await.map_err(|e| format!("{} cannot be run: {e}.", program.display()))?;
    if done.status.success() {
        return Ok(());
    }
    let said = [done.stdout, done.stderr].concat();
    Err(format!("{help} {}", last(&String::from_utf8_lossy(&said))))
}

/// What it said last, on one line.
fn last(text: &str) -> String {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("It said nothing.");
    format!("It said: {}", domain::model::cut(line, 400))
}

/// Runs the script against the server at `address`, and says what it says.
///
/// # Errors
/// What the script said last.
pub async fn run_script(python: &Path, address: &str, tokens: &[String; 2]) -> Result<(), String> {
    let cannot = |e: std::io::Error| format!("The demo's script cannot be run: {e}.");
    let mut command = command(python);
    // Names and passwords would be taken before the token, and runs would go where somebody's own work goes.
    for name in [
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_RUN_ID",
        "MLFLOW_EXPERIMENT_ID",
        "MLFLOW_EXPERIMENT_NAME",
        "MLFLOW_WORKSPACE",
    ] {
        command.env_remove(name);
    }
    // It talks to this machine only.
    command.env("NO_PROXY", "localhost,127.0.0.1").env("no_proxy", "localhost,127.0.0.1");
    let mut child =
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(cannot)?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let told = json!({ "address": address, "tokens": tokens }).to_string();
    let telling = async move {
        if let Some(mut input) = input {
            // One that ended already says why by itself.
            let _ = input.write_all(told.as_bytes()).await;
        }
    };
    let showing = async move {
        let Some(output) = output else { return };
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            say(line);
        }
    };
    let listening = async move {
        let mut text = Vec::new();
        if let Some(mut errors) = errors {
            let _ = errors.read_to_end(&mut text).await;
        }
        String::from_utf8_lossy(&text).into_owned()
    };
    let ((), (), said, status) = tokio::join!(telling, showing, listening, child.wait());
    if status.map_err(cannot)?.success() { Ok(()) } else { Err(format!("The demo's script failed. {}", last(&said))) }
}
