//! After a restart of the portal: what runs is followed again, what has ended is told, and nothing is started twice.

use super::{
    engine::Engine,
    entry::{Entry, lock},
    launch::{self, end_of, try_lock},
    machine::Grant,
    processes::{self, Process},
    records::{ExitRecord, HEADER_VARIABLE, ShimRecord, TAG, read_json, write_json},
};
use crate::{
    compute::{Fact, Secret, State},
    model::is_id,
};
use std::{fs, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// A shim that has its order writes its record within milliseconds.
const RECORD_TIME: Duration = Duration::from_secs(5);

pub(super) async fn adopt_all(engine: &Arc<Engine>) {
    for entry in fs::read_dir(&engine.folders.environments).into_iter().flatten().flatten() {
        let tag = format!("install:{}", entry.path().display());
        processes::kill_all(|| processes::tagged(TAG, &tag));
    }
    let folders = fs::read_dir(&engine.folders.workloads).into_iter().flatten().flatten();
    for id in folders.filter_map(|e| e.file_name().into_string().ok()).filter(|id| is_id(id)) {
        adopt(engine, &id).await;
    }
}

async fn adopt(engine: &Arc<Engine>, id: &str) {
    let Ok(folder) = engine.folders.workload(id) else { return };
    let deadline = Instant::now() + RECORD_TIME;
    loop {
        let record: Option<ShimRecord> = read_json(&folder.shim());
        match try_lock(&folder.lock()) {
            // Nobody runs it, and while we hold the lock nobody can begin to.
            Ok(Some(_lock)) => return remember_end(engine, id, record),
            Ok(None) => {}
            Err(e) => return tracing::error!(workload = id, "its lock cannot be read: {e}"),
        }
        let living = record.and_then(|r| Some((r.process.filter(|p| r.boot == processes::boot_id() && p.is_alive())?, r)));
        if let Some((shim, record)) = living {
            tracing::info!(workload = id, launch = record.launch, pid = shim.pid, "found running");
            let entry = Entry::adopted(&record, shim, header_of(shim), engine.facts.clone(), engine.clock.clone());
            let entry = Arc::new(entry);
            lock(&engine.entries).insert(id.to_owned(), entry.clone());
            tokio::spawn(launch::resume(engine.clone(), entry, shim));
            return;
        }
        if Instant::now() > deadline {
            return tracing::error!(workload = id, "somebody holds its lock, but no shim of it is found");
        }
        sleep(Duration::from_millis(10)).await;
    }
}

fn header_of(shim: Process) -> Option<(String, Secret)> {
    let (name, value): (String, String) = serde_json::from_str(&shim.variable(HEADER_VARIABLE)?).ok()?;
    Some((name, Secret(value)))
}

/// What is known of a workload that does not run; a launch that never got as far as its shim leaves no trace, and can be started again.
fn remember_end(engine: &Engine, id: &str, record: Option<ShimRecord>) {
    let Ok(folder) = engine.folders.workload(id) else { return };
    let exit: Option<ExitRecord> = read_json(&folder.exit());
    let (launch, at, outcome) = match (record, exit) {
        (Some(record), exit) if exit.as_ref().is_none_or(|e| e.launch < record.launch) => {
            let outcome = end_of(engine, id, record.launch);
            let exit = ExitRecord { launch: record.launch, at: engine.clock.now(), outcome };
            if let Err(e) = write_json(&folder.exit(), &exit) {
                tracing::error!(workload = id, "the end of a launch could not be recorded: {e}");
            }
            (exit.launch, exit.at, exit.outcome)
        }
        (_, Some(exit)) => (exit.launch, exit.at, exit.outcome),
        (_, None) => return,
    };
    let fact = Fact { id: id.to_owned(), launch, at, state: State::Ended { outcome } };
    let entry = Entry::with_fact(fact, Grant::default(), engine.facts.clone(), engine.clock.clone());
    lock(&engine.entries).insert(id.to_owned(), Arc::new(entry));
}
