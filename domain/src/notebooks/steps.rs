//! Steps from one phase to the next: each is one transaction with its timeline row, its event and, where nobody asked for it, its audit row.

use super::{store, view};
use crate::{
    audit,
    caller::Caller,
    error::Result,
    events,
    model::{Change, Millis, NotebookId, Phase, Progress},
    portal::Portal,
};
use serde::Serialize;

/// A phase to enter, and what it says of itself.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub phase: Phase,
    pub at: Millis,
    pub reason: Option<String>,
    /// What the reader can do about it.
    pub help: Option<String>,
}

impl Step {
    pub fn to(phase: Phase, at: Millis) -> Self {
        Self { phase, at, reason: None, help: None }
    }
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
    pub fn advise(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

#[derive(Serialize)]
struct Ended<'a> {
    phase: &'a str,
    reason: Option<&'a str>,
}

/// Moves a notebook on, if it is still in this launch and phase; whether it did. Nobody asked for it, so a failure is audited as the system's.
pub(super) async fn take(portal: &Portal, id: &NotebookId, launch: i64, from: Phase, to: &Step) -> Result<bool> {
    let mut tx = portal.db.begin().await?;
    portal.lease.fence(&mut tx).await?;
    let Some(record) = store::locked(&mut tx, id).await? else { return Ok(false) };
    if record.launch != launch || record.phase != from {
        return Ok(false);
    }
    store::enter(&mut tx, &record, to).await?;
    if to.phase == Phase::Failed {
        let entry = audit::Entry {
            team: Some(&record.team),
            action: "notebook.fail",
            object: id.as_str(),
            object_name: &record.spec.name,
            before: Some(Ended { phase: from.as_str(), reason: None }),
            after: Some(Ended { phase: to.phase.as_str(), reason: to.reason.as_deref() }),
        };
        audit::record(&mut tx, &Caller::system(), to.at, entry).await?;
    }
    view::publish(&mut tx, portal.clock.now(), &record).await?;
    if from.holds_resources() != to.phase.holds_resources() {
        events::publish(&mut tx, portal.clock.now(), None, &Change::Capacity).await?;
    }
    tx.commit().await?;
    if to.phase.is_settled() {
        portal.known_tokens.forget();
    }
    if !to.phase.is_open() {
        portal.admitted.forget(id);
        portal.touches.forget(id);
    }
    Ok(true)
}

/// Says something new about the phase a notebook is in: what it waits for, or how far it is.
pub(super) async fn note(
    portal: &Portal,
    id: &NotebookId,
    launch: i64,
    phase: Phase,
    reason: Option<&str>,
    progress: Option<&Progress>,
) -> Result<()> {
    let mut tx = portal.db.begin().await?;
    portal.lease.fence(&mut tx).await?;
    let Some(record) = store::locked(&mut tx, id).await? else { return Ok(()) };
    let news = record.reason.as_deref() != reason || record.progress.as_ref() != progress;
    if record.launch != launch || record.phase != phase || !news {
        return Ok(());
    }
    store::set_note(&mut tx, id, reason, progress).await?;
    view::publish(&mut tx, portal.clock.now(), &record).await?;
    tx.commit().await
}

/// Who asks for a stop, and when.
pub(super) struct Stop<'a> {
    pub caller: &'a Caller,
    pub at: Millis,
    pub reason: Option<&'a str>,
}

/// Wishes a locked row stopped, in the caller's transaction.
pub(super) async fn stop(tx: &mut crate::db::Tx, record: &store::Record, stop: &Stop<'_>) -> Result<()> {
    let mut step = Step::to(Phase::Stopping, stop.at);
    step.reason = stop.reason.map(str::to_owned);
    store::enter(tx, record, &step).await?;
    let entry = audit::Entry {
        team: Some(&record.team),
        action: "notebook.stop",
        object: record.id.as_str(),
        object_name: &record.spec.name,
        before: Some(Ended { phase: record.phase.as_str(), reason: None }),
        after: Some(Ended { phase: Phase::Stopping.as_str(), reason: stop.reason }),
    };
    audit::record(tx, stop.caller, stop.at, entry).await
}
