//! The life of one launch: prepare, start its shim, follow it to its end.

use super::{
    blocking::blocking,
    engine::Engine,
    entry::{Entry, failed, lock},
    ports::{self, Link, Listener},
    prepare::prepare,
    processes::{self, Process},
    records::{ExitRecord, HEADER_VARIABLE, Order, ShimRecord, TAG, read_exit, read_json, write_json},
};
use crate::compute::{Outcome, State, Workload, probe};
use rustix::{
    fs::FlockOperation,
    process::{Signal, pidfd_send_signal},
};
use std::{
    fs::{File, OpenOptions},
    io,
    net::{Ipv4Addr, SocketAddr},
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest, unix::AsyncFd},
    process::Command,
    time::{Instant, sleep, sleep_until, timeout},
};

/// A program that does not answer within this time has failed to start.
const READY_TIME: Duration = Duration::from_mins(2);
/// The shim needs 10 s for its grace and a little for the rest; after this it is taken for hung.
const STOP_TIME: Duration = Duration::from_secs(25);
const AGAIN: &str = "Start it again.";

/// From `ensure` to the end.
pub(super) async fn run(engine: Arc<Engine>, entry: Arc<Entry>, workload: Workload) {
    let previous = lock(&entry.previous).clone();
    if let Some(previous) = previous {
        entry.set(State::Preparing { step: "Waiting for the launch before it to end".to_owned(), done: 0, total: 0 });
        previous.ask_to_stop();
        previous.ended().await;
        lock(&entry.previous).take();
    }
    let order = tokio::select! {
        biased;
        () = entry.stop_asked() => Err(Outcome::Stopped),
        order = prepare(&engine, &entry, &workload) => order,
    };
    let outcome = match order {
        Ok(order) => {
            entry.set(State::Starting);
            match start_shim(&engine, &entry, order).await {
                Ok(shim) => follow(&engine, &entry, shim, false).await,
                Err(outcome) => outcome,
            }
        }
        Err(outcome) => outcome,
    };
    finish(&engine, &entry, outcome);
}

/// From adoption to the end.
pub(super) async fn resume(engine: Arc<Engine>, entry: Arc<Entry>, shim: Process) {
    let was_ready = engine.folders.workload(&entry.id).is_ok_and(|f| read_json::<i64>(&f.ready()) == Some(entry.launch));
    let outcome = follow(&engine, &entry, shim, was_ready).await;
    finish(&engine, &entry, outcome);
}

/// Remembers that this launch has answered, for a portal that finds it too busy to answer again.
fn remember_ready(engine: &Engine, entry: &Entry) {
    let Ok(folder) = engine.folders.workload(&entry.id) else { return };
    if let Err(e) = write_json(&folder.ready(), &entry.launch) {
        tracing::warn!(workload = entry.id, "its readiness could not be recorded: {e}");
    }
}

fn finish(engine: &Engine, entry: &Entry, outcome: Outcome) {
    if let Ok(folder) = engine.folders.workload(&entry.id) {
        let known = read_exit(&folder.exit(), entry.launch);
        if known.is_none_or(|e| e.outcome != outcome) {
            let record = ExitRecord { launch: entry.launch, at: engine.clock.now(), outcome: outcome.clone() };
            if let Err(e) = write_json(&folder.exit(), &record) {
                tracing::error!(workload = entry.id, "the end of a launch could not be recorded: {e}");
            }
        }
    }
    entry.set(State::Ended { outcome });
}

/// The workload's lock, if nobody has it. Who has it runs a shim, or is about to.
pub(super) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Starts the shim with the lock as its standard output, so that the lock is held without a gap until the shim is gone.
async fn start_shim(engine: &Engine, entry: &Entry, order: Order) -> Result<Process, Outcome> {
    let broken = |e: io::Error| failed(format!("Its supervisor could not be started: {e}."), AGAIN);
    let folder = engine.folders.workload(&entry.id).map_err(|e| failed(e.to_string(), AGAIN))?;
    let Some(held) = try_lock(&folder.lock()).map_err(broken)? else {
        return Err(failed("Another process of Slipway runs this workload already.", "Stop it first."));
    };
    for file in [folder.exit(), folder.ready(), folder.shim()] {
        match std::fs::remove_file(file) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(broken(e)),
            _ => {}
        }
    }
    let header = lock(&entry.header).as_ref().map(|(name, value)| serde_json::json!([name, value.0]).to_string());
    #[expect(clippy::disallowed_methods, reason = "starting processes is its purpose")]
    let mut child = Command::new(&engine.config.launcher)
        .args(["shim", &format!("{}:{}", entry.id, entry.launch)])
        .env_clear()
        .envs(header.map(|h| (HEADER_VARIABLE, h)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::from(held))
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    // Collects it when it ends, however long that takes.
    tokio::spawn(async move { child.wait().await });
    let talk = async {
        let text = serde_json::to_vec(&order).map_err(io::Error::other)?;
        if let Some(mut stdin) = stdin {
            stdin.write_all(&text).await?;
        }
        let mut said = String::new();
        if let Some(mut stderr) = stderr {
            stderr.read_to_string(&mut said).await?;
        }
        io::Result::Ok(said)
    };
    let said = timeout(Duration::from_secs(30), talk).await.map_err(|e| broken(e.into()))?.map_err(broken)?;
    if said != "started" {
        return Err(broken(io::Error::other(said)));
    }
    *lock(&entry.port) = order.record.port;
    let record: Option<ShimRecord> = read_json(&folder.shim());
    let shim = record.and_then(|r| r.process).ok_or_else(|| broken(io::Error::other("it left no record")))?;
    *lock(&entry.shim) = Some(shim);
    Ok(shim)
}

/// Watches a living shim: readiness, the wish to stop, and the end. What `was_ready` before is never ended for not answering.
async fn follow(engine: &Engine, entry: &Entry, shim: Process, was_ready: bool) -> Outcome {
    let mut failure = None;
    #[expect(deprecated, reason = "its successor is an unsafe function; an `OwnedFd` keeps the promise that it asks for")]
    let exit = shim.open().map(|fd| AsyncFd::with_interest(fd, Interest::READABLE));
    if let Some(Ok(exit)) = exit {
        let mut stop_by = None;
        let mut waits = true;
        loop {
            tokio::select! {
                _ = exit.readable() => break,
                () = entry.stop_asked(), if stop_by.is_none() => {
                    stop_by = Some(terminate(entry, &exit));
                }
                ready = wait_ready(entry, shim, was_ready), if waits && stop_by.is_none() => {
                    waits = false;
                    match ready {
                        Ok(link) => {
                            *lock(&entry.link) = Some(link);
                            remember_ready(engine, entry);
                            entry.set(State::Ready);
                        }
                        Err(outcome) => {
                            failure = Some(outcome);
                            stop_by = Some(terminate(entry, &exit));
                        }
                    }
                }
                () = sleep_until(stop_by.unwrap_or_else(Instant::now)), if stop_by.is_some() => {
                    processes::kill_all(|| processes::descendants(shim.pid));
                    shim.signal(Signal::KILL);
                    stop_by = Some(Instant::now() + STOP_TIME);
                }
            }
        }
    }
    *lock(&entry.link) = None;
    let outcome = end_of(engine, &entry.id, entry.launch);
    // A stop that we asked for ourselves has another reason.
    if outcome == Outcome::Stopped { failure.unwrap_or(outcome) } else { outcome }
}

fn terminate(entry: &Entry, shim: &AsyncFd<OwnedFd>) -> Instant {
    entry.set(State::Stopping);
    let _ = pidfd_send_signal(shim.get_ref(), Signal::TERM);
    Instant::now() + STOP_TIME
}

/// How a launch whose shim is gone has ended. A shim that could not say so leaves nothing behind either.
pub(super) fn end_of(engine: &Engine, id: &str, launch: i64) -> Outcome {
    let Ok(folder) = engine.folders.workload(id) else { return Outcome::Stopped };
    if let Some(exit) = read_exit(&folder.exit(), launch) {
        return exit.outcome;
    }
    let record: Option<ShimRecord> = read_json(&folder.shim());
    if record.is_some_and(|r| r.boot != processes::boot_id()) {
        return failed("The machine was restarted while it ran.", AGAIN);
    }
    let tag = format!("{id}:{launch}");
    if processes::kill_all(|| processes::tagged(TAG, &tag)) {
        failed("Its supervisor process was killed.", AGAIN)
    } else {
        failed("Its supervisor process was killed, and a process of it could not be.", "Ask an administrator to look at the machine.")
    }
}

/// Waits until the program answers on its own port; where it `was_ready` before, until it is seen listening, however long that takes.
async fn wait_ready(entry: &Entry, shim: Process, was_ready: bool) -> Result<Link, Outcome> {
    let port = *lock(&entry.port);
    let start = Instant::now();
    let mut strangers = 0;
    let mut answer = String::from("nothing listens on its port");
    while was_ready || start.elapsed() < READY_TIME {
        let seen = blocking(move || ports::listener(port, shim.pid)).await.unwrap_or(Listener::Nobody);
        match seen {
            Listener::Nobody => strangers = 0,
            Listener::Ours(link) if was_ready => return Ok(link),
            Listener::Ours(link) => {
                strangers = 0;
                let header = lock(&entry.header).clone();
                match probe::get(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), &entry.ready_path, header.as_ref()).await {
                    Ok((status, _)) if status < 500 => return Ok(link),
                    Ok((status, _)) => answer = format!("it answers {status}"),
                    Err(e) => answer = e.to_string(),
                }
            }
            // Seen thrice, since a process may start between two looks.
            Listener::Stranger => {
                strangers += 1;
                if strangers == 3 && !was_ready {
                    return Err(failed(format!("Another program on this machine took its port {port} first."), AGAIN));
                }
            }
        }
        sleep(if start.elapsed() < Duration::from_secs(5) { Duration::from_millis(40) } else { Duration::from_millis(100) }).await;
    }
    let seconds = READY_TIME.as_secs();
    Err(failed(format!("It did not answer within {seconds} s: {answer}."), "Look at its log, then start it again."))
}
