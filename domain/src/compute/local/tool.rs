//! Runs pip, uv and git: confined, without a shell, their output line by line, and gone when nobody waits for them.

use super::{
    blocking::blocking,
    processes::{self, Process},
    records::{Confinement, TAG},
};
use rustix::process::Signal;
use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

pub(super) struct Tool {
    /// The program by its full path, and its arguments.
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub cwd: PathBuf,
    pub confinement: Confinement,
    /// Marks its processes, so that those a killed portal left behind can be found.
    pub tag: String,
}

#[derive(Default)]
struct Running {
    process: Option<Process>,
    cancelled: bool,
}

/// Kills the tool and its children when it is dropped before the tool has ended.
struct Kill(Arc<Mutex<Running>>);

impl Drop for Kill {
    fn drop(&mut self) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.cancelled = true;
        if let Some(process) = running.process.take() {
            for child in processes::descendants(process.pid) {
                child.signal(Signal::KILL);
            }
            process.signal(Signal::KILL);
        }
    }
}

/// Runs the tool to its end; dropping the future kills it. `on_line` gets standard output and error, lossily as text.
pub(super) async fn run(launcher: &Path, tool: Tool, on_line: impl FnMut(&str) + Send + 'static) -> io::Result<ExitStatus> {
    let running = Arc::<Mutex<Running>>::default();
    let kill = Kill(running.clone());
    let launcher = launcher.to_owned();
    // The kernel kills the tool when the thread that started it ends: so that must be one that waits for it to the end,
    // which no worker of the runtime promises.
    let end = blocking(move || run_blocking(&launcher, &tool, &running, on_line)).await;
    drop(kill);
    end?
}

fn run_blocking(launcher: &Path, tool: &Tool, running: &Mutex<Running>, mut on_line: impl FnMut(&str)) -> io::Result<ExitStatus> {
    let (output, input) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    #[expect(clippy::disallowed_methods, reason = "starting processes is its purpose")]
    let mut command = Command::new(launcher);
    command
        .args(["confine", &std::process::id().to_string(), &serde_json::to_string(&tool.confinement)?])
        .args(&tool.argv)
        .env_clear()
        .envs(&tool.env)
        .env(TAG, &tool.tag)
        .current_dir(&tool.cwd)
        .stdin(Stdio::null())
        .stdout(input.try_clone()?)
        .stderr(input);
    let mut child = {
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.cancelled {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let child = command.spawn()?;
        running.process = Process::of(child.id().cast_signed());
        child
    };
    // Holds the pipe's other end; without this the output would never end.
    drop(command);
    let mut output = BufReader::new(std::fs::File::from(output));
    let mut line = Vec::new();
    while output.by_ref().take(64 << 10).read_until(b'\n', &mut line)? > 0 {
        on_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child.wait();
    running.lock().unwrap_or_else(PoisonError::into_inner).process = None;
    status
}
