//! `slipway shim`: one per launch. Starts the program, keeps its log and its limits, and sees that nothing of it is left.
//!
//! It outlives the portal: it needs no pipe to it, and tells the next portal through `shim.json` and `exit.json`.

use super::{
    config::WorkloadFolder,
    log_write::LogWriter,
    machine::gib,
    processes::{self, Process},
    records::{ExitRecord, Order, TAG, write_json},
    volumes::remove_tree_apart,
};
use crate::{clock::Clock, compute::Outcome};
use rustix::process::{Signal, WaitOptions, WaitStatus};
use std::{
    fs::OpenOptions,
    io::{self, Read, Write},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::Receiver,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

/// A program has so long to end by itself once it is asked to.
const GRACE: Duration = Duration::from_secs(10);
/// What its own children have, once it has ended by itself.
const SHORT_GRACE: Duration = Duration::from_secs(2);

/// Reads an order on standard input. Says `started` on standard error, or what went wrong.
/// Standard output is the workload's lock file: held for as long as this process lives.
pub fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let _ = write!(io::stderr(), "{e}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> io::Result<()> {
    // Its own session: a Ctrl-C at the portal's terminal is not for the workloads.
    let _ = rustix::process::setsid();
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    let order: Order = serde_json::from_slice(&text)?;
    drop(text);
    // Whoever loses its parent within the tree becomes our child, so that nobody gets away.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(supervise(order))
}

struct Supervised {
    pid: i32,
    log: LogWriter,
    memory_limit_mib: u64,
    status: Option<WaitStatus>,
    killed_because: Option<String>,
}

async fn supervise(mut order: Order) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut child_ended = signal(SignalKind::child())?;
    let folder = WorkloadFolder(order.folder.clone());
    let mut log = LogWriter::open(&folder.log())?;
    order.record.process = Process::of(rustix::process::getpid().as_raw_nonzero().get());
    order.record.boot = processes::boot_id();
    // Written before the program starts: there is never a program that no record leads to.
    write_json(&folder.shim(), &order.record)?;

    let (output, input) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let mut output = Receiver::from_owned_fd(output)?;
    let pid = spawn(&order, input)?;
    let launch = order.record.launch;
    let memory_limit_mib = u64::from(order.record.resources.memory_mib);
    // The secrets in it are the program's from here on.
    drop(order);
    // A portal that was killed meanwhile does not listen; the program runs all the same, and the next portal finds its record.
    let _ = io::stderr().write_all(b"started");
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stderr(&null)?;

    // A full disk costs lines, not the launch.
    let _ = log.note(&format!("Launch {launch}"));
    let mut it = Supervised { pid, log, memory_limit_mib, status: None, killed_because: None };
    let mut looks = interval(Duration::from_millis(500));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = vec![0; 64 << 10];
    let (mut stop_asked, mut output_open) = (false, true);
    while it.status.is_none() {
        tokio::select! {
            _ = terminate.recv() => { stop_asked = true; break; }
            _ = child_ended.recv() => it.reap(),
            _ = looks.tick() => if it.over_memory() { break },
            read = output.read(&mut buffer), if output_open => output_open = it.take_output(read.map(|n| &buffer[..n])),
        }
    }
    let grace = match (&it.killed_because, it.status) {
        (Some(_), _) => Duration::ZERO,
        (None, None) => GRACE,
        (None, Some(_)) => SHORT_GRACE,
    };
    let clean = it.end_tree(grace, &mut output, &mut buffer).await;
    let outcome = it.outcome(stop_asked, clean);
    let _ = remove_tree_apart(folder.tmp()).await;
    let _ = it.log.finish(Instant::now());
    write_json(&folder.exit(), &ExitRecord { launch, at: Clock::system().now(), outcome })
}

/// Starts the program through `confine`, with nothing of our own environment.
fn spawn(order: &Order, output: std::os::fd::OwnedFd) -> io::Result<i32> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    #[expect(clippy::disallowed_methods, reason = "starting processes is its purpose")]
    let child = Command::new(&order.launcher)
        .args(["confine", &me.to_string(), &serde_json::to_string(&order.confinement)?])
        .args(&order.argv)
        .env_clear()
        .envs(&order.env)
        .env(TAG, format!("{}:{}", order.record.id, order.record.launch))
        .current_dir(&order.home)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    Ok(child.id().cast_signed())
}

impl Supervised {
    /// Collects every child that has ended, adopted ones too.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid.as_raw_nonzero().get() == self.pid {
                self.status = Some(status);
            }
        }
    }

    /// Keeps what was printed; whether more can come. A full disk must not stop the program, so write errors only lose lines.
    fn take_output(&mut self, read: io::Result<&[u8]>) -> bool {
        match read {
            Ok([]) | Err(_) => false,
            Ok(bytes) => {
                let _ = self.log.write(bytes, Instant::now());
                true
            }
        }
    }

    fn over_memory(&mut self) -> bool {
        let _ = self.log.tick(Instant::now());
        let pids: Vec<i32> = processes::tree(rustix::process::getpid().as_raw_nonzero().get())
            .into_iter()
            .filter(|p| *p != rustix::process::getpid().as_raw_nonzero().get())
            .collect();
        let limit_kib = self.memory_limit_mib * 1024;
        // The cheap sum counts shared pages several times; only the exact one condemns.
        if processes::memory_kib(&pids, false) <= limit_kib {
            return false;
        }
        let exact = processes::memory_kib(&pids, true);
        // Nothing, where the kernel does not tell.
        let used = if exact == 0 { processes::memory_kib(&pids, false) } else { exact };
        if used > limit_kib {
            self.killed_because =
                Some(format!("It used {} of the {} of memory it was given.", gib(used / 1024), gib(self.memory_limit_mib)));
        }
        self.killed_because.is_some()
    }

    /// Asks the whole tree to end, then makes it. Whether nothing is left.
    async fn end_tree(&mut self, grace: Duration, output: &mut Receiver, buffer: &mut [u8]) -> bool {
        let me = rustix::process::getpid().as_raw_nonzero().get();
        let deadline = Instant::now() + grace;
        if !grace.is_zero() {
            for process in processes::descendants(me) {
                process.signal(Signal::TERM);
            }
        }
        let mut steps = interval(Duration::from_millis(25));
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut output_open = true;
        while Instant::now() < deadline && !processes::descendants(me).is_empty() {
            // Output is taken all along: a program may block on it.
            tokio::select! {
                _ = steps.tick() => self.reap(),
                read = output.read(buffer), if output_open => output_open = self.take_output(read.map(|n| &buffer[..n])),
            }
        }
        let clean = processes::kill_all(|| processes::descendants(me));
        self.reap();
        while let Ok(Ok(n @ 1..)) = tokio::time::timeout(Duration::from_millis(50), output.read(buffer)).await {
            self.take_output(Ok(&buffer[..n]));
        }
        clean
    }

    fn outcome(&self, stop_asked: bool, clean: bool) -> Outcome {
        if !clean {
            return failed("A process of it could not be killed.", "Ask an administrator to look at the machine.");
        }
        if let Some(reason) = &self.killed_because {
            return failed(reason, "Start it again with more memory.");
        }
        if stop_asked {
            return Outcome::Stopped;
        }
        match self.status.map(|s| (s.exit_status(), s.terminating_signal())) {
            Some((Some(code), _)) => Outcome::Exited { code },
            Some((None, Some(9))) => failed(
                "It was killed by signal 9; often the machine has run out of memory.",
                "Start it again, with more memory if it happens again.",
            ),
            Some((None, Some(signal))) => failed(&format!("It was ended by signal {signal}."), "Look at its log, then start it again."),
            _ => failed("It ended without telling how.", "Start it again."),
        }
    }
}

fn failed(reason: &str, next_step: &str) -> Outcome {
    Outcome::Failed { reason: reason.to_owned(), next_step: next_step.to_owned() }
}
