//! Idle stop: what nobody uses gives its CPUs, memory and GPUs back.

use super::{
    steps::{self, Step},
    store::{self, Record},
    view,
};
use crate::{
    caller::Caller,
    compute::Activity,
    error::Result,
    model::{Millis, NotebookId, Phase},
    portal::Portal,
};
use futures::StreamExt;
use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How often activity is asked for.
const EVERY: Duration = Duration::from_secs(15);
/// How soon a process tells the one that stops what is idle of people's use.
const REPORT_EVERY: Duration = Duration::from_secs(2);
/// Longest wait for one program's answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Programs asked at the same time.
const AT_ONCE: usize = 8;
/// Without activity for so long, a notebook is shown as idle.
const IDLE_AFTER: Millis = 5 * 60_000;
/// Activity is written at most so often, unless a stop is near or the phase changes.
const WRITE_EVERY: Millis = 60_000;

/// When people last used their notebooks through the proxy, kept in memory until idle stop looks.
#[derive(Default)]
pub struct Touches {
    last: Mutex<HashMap<NotebookId, Millis>>,
    /// Whether there were any since they were last reported.
    news: AtomicBool,
}

impl Touches {
    pub(super) fn note(&self, id: &NotebookId, at: Millis) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), at);
        self.news.store(true, Ordering::Relaxed);
    }
    pub fn last(&self, id: &NotebookId) -> Option<Millis> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
    pub(super) fn forget(&self, id: &NotebookId) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

pub(super) async fn run(portal: &Portal) {
    loop {
        tokio::time::sleep(EVERY).await;
        look_at_all(portal).await;
    }
}

/// Tells the process that looks after notebooks who was used through this one, by way of the database.
pub(super) async fn report(portal: &Portal) {
    loop {
        tokio::time::sleep(REPORT_EVERY).await;
        if !portal.lease.is_held()
            && portal.touches.news.swap(false, Ordering::Relaxed)
            && let Err(error) = report_once(portal).await
        {
            tracing::warn!(%error, "what people use could not be stored; trying again");
        }
    }
}

async fn report_once(portal: &Portal) -> Result<()> {
    let now = portal.clock.now();
    for record in store::open(&portal.db).await? {
        let last = last_activity(&record, portal.touches.last(&record.id), None, now);
        if is_due(&record, last, now) {
            write(portal, &record, last).await?;
        }
    }
    Ok(())
}

/// Looks at every open notebook once: what `run` does every 15 s.
pub async fn look(portal: &Portal) {
    if let Err(error) = portal.lease.seize(&portal.db).await {
        return tracing::warn!(%error, "the lease could not be taken");
    }
    look_at_all(portal).await;
}

async fn look_at_all(portal: &Portal) {
    let records = match store::open(&portal.db).await {
        Ok(records) => records,
        Err(error) => return tracing::warn!(%error, "idle notebooks could not be looked for; trying again"),
    };
    let checks = records.into_iter().map(|record| async move {
        if let Err(error) = check(portal, &record).await {
            tracing::warn!(notebook = %record.id, %error, "its activity could not be stored; trying again");
        }
    });
    futures::stream::iter(checks).buffer_unordered(AT_ONCE).collect::<()>().await;
}

async fn check(portal: &Portal, record: &Record) -> Result<()> {
    // A program that does not say anything is not active by that; its traffic still counts.
    let said = tokio::time::timeout(PATIENCE, portal.compute.activity(record.id.as_str())).await.ok().and_then(Result::ok).flatten();
    let now = portal.clock.now();
    let last = last_activity(record, portal.touches.last(&record.id), said, now);
    match judge(record, last, now) {
        Verdict::Stop(minutes) => stop(portal, record, last, minutes).await,
        Verdict::Is(phase) => {
            if phase != record.phase {
                steps::take(portal, &record.id, record.launch, record.phase, &Step::to(phase, now)).await?;
            }
            let stored = record.last_activity_at.unwrap_or(record.phase_at);
            if is_due(record, last, now) || (last > stored && phase != record.phase) {
                write(portal, record, last).await?;
            }
            Ok(())
        }
    }
}

/// Whether activity is worth being written now.
fn is_due(record: &Record, last: Millis, now: Millis) -> bool {
    let stored = record.last_activity_at.unwrap_or(record.phase_at);
    let stop_is_near = record.spec.idle_minutes.is_some_and(|m| stored + view::minutes_in_millis(m) - now < 3 * WRITE_EVERY);
    last > stored && (last - stored >= WRITE_EVERY || stop_is_near)
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// After so many minutes.
    Stop(u32),
    Is(Phase),
}

fn last_activity(record: &Record, touched: Option<Millis>, said: Option<Activity>, now: Millis) -> Millis {
    let busy = said.as_ref().filter(|a| a.busy).map(|_| now);
    let own = said.and_then(|a| a.last_activity_at).map(|at| at.min(now));
    let stored = record.last_activity_at.unwrap_or(record.phase_at);
    [touched, busy, own].into_iter().flatten().fold(stored, Millis::max)
}

fn judge(record: &Record, last: Millis, now: Millis) -> Verdict {
    match record.spec.idle_minutes {
        Some(minutes) if now - last >= view::minutes_in_millis(minutes) => Verdict::Stop(minutes),
        _ if now - last >= IDLE_AFTER => Verdict::Is(Phase::Idle),
        _ => Verdict::Is(Phase::Ready),
    }
}

/// Stops it, unless somebody has used or snoozed it since it was looked at.
async fn stop(portal: &Portal, seen: &Record, last: Millis, minutes: u32) -> Result<()> {
    let mut tx = portal.db.begin().await?;
    portal.lease.fence(&mut tx).await?;
    let Some(record) = store::locked(&mut tx, &seen.id).await? else { return Ok(()) };
    let used = record.last_activity_at > Some(last) || portal.touches.last(&record.id) > Some(last);
    if used || record.launch != seen.launch || record.desired != store::Desired::Running || !record.phase.is_open() {
        return Ok(());
    }
    let at = portal.clock.now();
    let reason = format!("Stopped after {minutes} minutes without activity.");
    steps::stop(&mut tx, &record, &steps::Stop { caller: &Caller::system(), at, reason: Some(&reason) }).await?;
    view::publish(&mut tx, at, &record).await?;
    tx.commit().await?;
    portal.admitted.forget(&record.id);
    portal.touches.forget(&record.id);
    portal.wishes.notify_one();
    Ok(())
}

async fn write(portal: &Portal, seen: &Record, last: Millis) -> Result<()> {
    let mut tx = portal.db.begin().await?;
    let Some(record) = store::locked(&mut tx, &seen.id).await? else { return Ok(()) };
    if record.launch != seen.launch || !record.phase.is_open() || record.last_activity_at >= Some(last) {
        return Ok(());
    }
    store::set_activity(&mut tx, &record.id, last).await?;
    view::publish(&mut tx, portal.clock.now(), &record).await?;
    tx.commit().await
}
