//! Notebooks: launch, watch, open, stop. A verb writes the wish and returns; the supervisor makes it so.

mod attachment_store;
pub mod idle;
mod launch;
mod listing;
pub(crate) mod owned;
mod program;
mod queue;
mod record;
mod steps;
mod store;
pub mod supervisor;
mod ticket_store;
mod tickets;
mod tracking;
mod view;

pub use {
    idle::Touches,
    launch::{launch, manifests, review},
    listing::{list, page, running},
    tickets::{Admitted, admit, may_open, open, redeem},
};

use crate::{
    audit,
    caller::{Caller, TeamScope},
    compute::Secret,
    db::Tx,
    error::{Error, Result},
    events,
    model::{Change, LaunchRequest, LogPage, Notebook, NotebookId, NotebookSpec, Permission, Phase, Resources},
    portal::Portal,
};
use launch::{fits, home_is_free, offered};
use serde::Serialize;
use std::{net::SocketAddr, time::Duration};
use store::Record;

/// One notebook with the timeline of its current launch.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId) -> Result<Notebook> {
    let scope = caller.require_in(Permission::ReadNotebooks, team)?;
    view::full(&portal.db, store::find(&portal.db, &scope.team, id).await?).await
}

/// Wishes it stopped. Files are kept.
pub async fn stop(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId) -> Result<Notebook> {
    let scope = caller.require_in(Permission::ChangeOwnNotebook, team)?;
    let mut tx = portal.db.begin().await?;
    let record = changeable(&mut tx, caller, &scope, id).await?;
    let at = portal.clock.now();
    if record.phase != Phase::Stopping && !record.phase.is_settled() {
        steps::stop(&mut tx, &record, &steps::Stop { caller, at, reason: None }).await?;
        view::publish(&mut tx, at, &record).await?;
    }
    finish(portal, tx, &scope, id).await
}

/// Wishes it running again, with the files it had. A deprecated version becomes its successor.
pub async fn start(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId) -> Result<Notebook> {
    let scope = caller.require_in(Permission::ChangeOwnNotebook, team)?;
    let mut spec = store::find(&portal.db, &scope.team, id).await?.spec;
    spec.version = offered(portal, &scope.team_name, &spec).await?.name;
    fits(portal, &scope.team_name, &spec.resources).await?;

    let mut tx = portal.db.begin().await?;
    store::lock_team(&mut tx, &scope.team).await?;
    let record = changeable(&mut tx, caller, &scope, id).await?;
    if record.phase == Phase::Stopping {
        return Err(Error::Conflict("It is still stopping. Start it again once it has stopped.".to_owned()));
    }
    if record.phase.is_settled() {
        // It may have been resized since the checks; what it asks for then is checked again by the queue.
        let spec = NotebookSpec { version: spec.version, ..record.spec.clone() };
        home_is_free(&mut tx, &record.home, id).await?.map_err(|reason| Error::invalid("home", reason))?;
        let at = portal.clock.now();
        store::launch_again(&mut tx, &record, &spec, at).await?;
        let (before, after) = restarted(&record, &spec);
        audited(&mut tx, caller, portal, &record, ("notebook.start", Some(before), Some(after))).await?;
        view::publish(&mut tx, at, &record).await?;
    }
    finish(portal, tx, &scope, id).await
}

/// What a start changes of a notebook: which launch it is and, where the old version is deprecated, the version.
fn restarted(record: &Record, spec: &NotebookSpec) -> (serde_json::Value, serde_json::Value) {
    let of = |launch: i64, version: &str| {
        let mut change = serde_json::json!({ "launch": launch });
        if record.spec.version != spec.version {
            change["version"] = version.into();
        }
        change
    };
    (of(record.launch, &record.spec.version), of(record.launch + 1, &spec.version))
}

/// Changes its size and idle stop; only while it is stopped or failed.
pub async fn resize(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    id: &NotebookId,
    resources: Resources,
    idle_minutes: Option<u32>,
) -> Result<Notebook> {
    let scope = caller.require_in(Permission::ChangeOwnNotebook, team)?;
    let mut tx = portal.db.begin().await?;
    let before = changeable(&mut tx, caller, &scope, id).await?;
    // Nothing else may be awaited while the transaction holds the writer.
    drop(tx);
    let spec = NotebookSpec { resources, idle_minutes, ..before.spec.clone() };
    LaunchRequest { spec: spec.clone(), secrets: Vec::new(), idempotency_key: String::new() }.validate()?;
    fits(portal, &scope.team_name, &spec.resources).await?;

    let mut tx = portal.db.begin().await?;
    let record = changeable(&mut tx, caller, &scope, id).await?;
    if !record.phase.is_settled() {
        return Err(Error::Conflict(format!("It is {}. Stop it first, then change its size.", record.phase.as_str())));
    }
    let spec = NotebookSpec { version: record.spec.version.clone(), ..spec };
    store::set_spec(&mut tx, id, &spec).await?;
    let change = |spec: &NotebookSpec| (spec.resources.clone(), spec.idle_minutes);
    audited(&mut tx, caller, portal, &record, ("notebook.resize", Some(change(&record.spec)), Some(change(&spec)))).await?;
    view::publish(&mut tx, portal.clock.now(), &record).await?;
    finish(portal, tx, &scope, id).await
}

/// Counts now as activity, so that idle stop starts over.
pub async fn snooze(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId) -> Result<Notebook> {
    let scope = caller.require_in(Permission::ChangeOwnNotebook, team)?;
    let mut tx = portal.db.begin().await?;
    let record = changeable(&mut tx, caller, &scope, id).await?;
    if !record.phase.is_open() {
        return Err(not_open(&record));
    }
    let at = portal.clock.now();
    store::set_activity(&mut tx, id, at).await?;
    if record.phase == Phase::Idle {
        store::enter(&mut tx, &record, &steps::Step::to(Phase::Ready, at)).await?;
    }
    audited(&mut tx, caller, portal, &record, ("notebook.snooze", record.last_activity_at, Some(at))).await?;
    view::publish(&mut tx, at, &record).await?;
    finish(portal, tx, &scope, id).await
}

#[derive(Serialize)]
struct Deleted {
    delete_home: bool,
}

/// Stops it and forgets it; with `delete_home` its home volume and the files in it go too.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId, delete_home: bool) -> Result<()> {
    let scope = caller.require_in(Permission::ChangeOwnNotebook, team)?;
    let mut tx = portal.db.begin().await?;
    store::lock_team(&mut tx, &scope.team).await?;
    let record = changeable(&mut tx, caller, &scope, id).await?;
    if delete_home && let Some(other) = attachment_store::other_user_of(&mut tx, &record.home, id).await? {
        let home = &record.spec.home;
        return Err(Error::Conflict(format!("Notebook {other} also uses the volume {home}. Keep the storage, or delete {other} first.")));
    }
    store::wish_deleted(&mut tx, &record, delete_home).await?;
    audited(&mut tx, caller, portal, &record, ("notebook.delete", Some(&record.spec), Some(Deleted { delete_home }))).await?;
    let gone = Change::NotebookDeleted { id: id.0.clone() };
    events::publish(&mut tx, portal.clock.now(), Some(&record.team), &gone).await?;
    tx.commit().await?;
    portal.admitted.forget(id);
    portal.touches.forget(id);
    portal.wishes.notify_one();
    Ok(())
}

/// A part of its log: at most `limit` lines from byte `from`; none means the last `limit` lines.
pub async fn logs(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId, from: Option<u64>, limit: u32) -> Result<LogPage> {
    let scope = caller.require_in(Permission::ReadNotebooks, team)?;
    store::find(&portal.db, &scope.team, id).await?;
    match portal.compute.logs(id.as_str(), from, limit).await {
        // One that still waits in the queue has no log yet.
        Err(Error::NotFound(_)) => Ok(LogPage { next: from.unwrap_or(0), ..LogPage::default() }),
        page => page,
    }
}

/// Waits (at most 20 s) until its log goes on past byte `from`.
pub async fn log_grows(portal: &Portal, caller: &Caller, team: &str, id: &NotebookId, from: u64) -> Result<bool> {
    let scope = caller.require_in(Permission::ReadNotebooks, team)?;
    store::find(&portal.db, &scope.team, id).await?;
    match portal.compute.log_grows(id.as_str(), from).await {
        Err(Error::NotFound(_)) => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(false)
        }
        grows => grows,
    }
}

/// Counts as activity: a person did something in it (not a page that polls).
pub fn touch(portal: &Portal, id: &NotebookId) {
    portal.touches.note(id, portal.clock.now());
}

/// Where the proxy reaches a running notebook.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub address: SocketAddr,
    /// Replaces the browser's header of this name, so that the program serves nobody but the proxy.
    pub header: Option<(String, Secret)>,
}

/// Where the proxy reaches it now. Asked for each request: the listener is checked to belong to the present launch.
pub async fn upstream(portal: &Portal, id: &NotebookId) -> Result<Upstream> {
    let record = store::by_id(&portal.db, id).await?.filter(|r| r.desired != store::Desired::Deleted).ok_or(Error::NotFound("notebook"))?;
    if !record.phase.is_open() {
        return Err(not_open(&record));
    }
    let environment = store::environment(&portal.db, &record.spec.environment).await?;
    let header = environment.and_then(|e| program::header(portal, &e.program, id, record.launch));
    Ok(Upstream { address: portal.compute.address(id.as_str()).await?, header })
}

/// The locked row, if the caller may change it: their own, or any as an admin of its team.
async fn changeable(tx: &mut Tx, caller: &Caller, scope: &TeamScope, id: &NotebookId) -> Result<Record> {
    let record = store::locked(tx, id)
        .await?
        .filter(|r| r.team_id == scope.team && r.desired != store::Desired::Deleted)
        .ok_or(Error::NotFound("notebook"))?;
    if record.owner != scope.user {
        caller.require_in(Permission::ChangeAnyNotebook, &scope.team_name)?;
    }
    Ok(record)
}

async fn audited<B: Serialize, A: Serialize>(
    tx: &mut Tx,
    caller: &Caller,
    portal: &Portal,
    record: &Record,
    (action, before, after): (&'static str, Option<B>, Option<A>),
) -> Result<()> {
    let entry =
        audit::Entry { team: Some(&record.team), action, object: record.id.as_str(), object_name: &record.spec.name, before, after };
    audit::record(tx, caller, portal.clock.now(), entry).await
}

/// Commits a wish, wakes the supervisor, and shows what is so now.
async fn finish(portal: &Portal, tx: Tx, scope: &TeamScope, id: &NotebookId) -> Result<Notebook> {
    tx.commit().await?;
    portal.admitted.forget(id);
    portal.wishes.notify_one();
    view::full(&portal.db, store::find(&portal.db, &scope.team, id).await?).await
}

fn not_open(record: &Record) -> Error {
    Error::Conflict(match record.phase {
        Phase::Stopped | Phase::Failed => format!("Notebook {} is {}. Start it first.", record.spec.name, record.phase.as_str()),
        Phase::Stopping => format!("Notebook {} is stopping.", record.spec.name),
        _ => format!("Notebook {} is {}. Wait until it is ready.", record.spec.name, record.phase.as_str()),
    })
}
