//! Joins the wish in the database with the fact in the engine, again and again: the same way after a restart, so that nothing is orphaned,
//! forgotten or started twice.

use super::{
    idle, program,
    queue::{self, Verdict},
    steps::{self, Step},
    store::{self, Desired, Record},
    tickets,
};
use crate::{
    compute::{Fact, Outcome, State},
    error::{Error, Result},
    events,
    model::{Change, Millis, NotebookId, Phase, Progress},
    portal::Portal,
    teams, volumes,
};
use futures::StreamExt;
use std::{collections::HashMap, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

/// Looks at everything at least so often, whatever was missed.
const EVERY: Duration = Duration::from_secs(2);
/// A deletion that takes longer goes on by itself.
const DELETION_WAIT: Duration = Duration::from_secs(2);
/// Progress of one notebook is written at most so often.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Runs notebooks until the process ends, for as long as it is the one process to do so: starts and stops what is wished, follows the engine, stops
/// what is idle, and finishes what was begun with volumes.
pub async fn run(portal: Portal) {
    tokio::join!(portal.lease.run(&portal.db), idle::report(&portal), look_after(&portal));
}

async fn look_after(portal: &Portal) {
    loop {
        let epoch = portal.lease.held().await;
        portal.compute.anew();
        let work =
            async { tokio::join!(supervise(portal), idle::run(portal), tickets::sweep(portal), volumes::run(portal), teams::run(portal)) };
        // What is cut off half-way is what a crash leaves, too.
        tokio::select! {
            _ = work => {}
            () = portal.lease.lost(epoch) => portal.compute.anew(),
        }
    }
}

async fn supervise(portal: &Portal) {
    let mut supervisor = Supervisor::new(portal);
    // Watching begins before the first look, so that no fact falls between them.
    let mut facts = portal.compute.watch().fuse();
    let mut next_look = Instant::now();
    loop {
        let begun = Instant::now();
        supervisor.look().await;
        portal.looks.beat(begun.elapsed());
        next_look = next_look.max(Instant::now()) + EVERY;
        // Facts of installing and starting come often and concern one notebook; only an end frees something for others.
        loop {
            tokio::select! {
                () = portal.wishes.notified() => break,
                () = tokio::time::sleep_until(next_look) => break,
                Some(fact) = facts.next() => {
                    supervisor.follow(&fact).await;
                    if matches!(fact.state, State::Ended { .. }) {
                        break;
                    }
                }
            }
        }
        next_look = Instant::now();
        if facts.is_done() {
            facts = portal.compute.watch().fuse();
        }
    }
}

/// Makes everything so, once: what `run` does each time it wakes.
pub async fn look(portal: &Portal) {
    match portal.lease.seize(&portal.db).await {
        Ok(()) => Supervisor::new(portal).look().await,
        Err(error) => tracing::warn!(%error, "the lease could not be taken"),
    }
}

struct Supervisor {
    portal: Portal,
    /// When a notebook's progress was last written.
    progress_at: HashMap<String, Instant>,
    /// Deletions that take long.
    deletions: HashMap<NotebookId, JoinHandle<()>>,
}

impl Supervisor {
    fn new(portal: &Portal) -> Self {
        Self { portal: portal.clone(), progress_at: HashMap::new(), deletions: HashMap::new() }
    }
}

impl Supervisor {
    async fn look(&mut self) {
        if let Err(error) = self.try_look().await {
            tracing::warn!(%error, "notebooks could not be looked after; trying again");
        }
    }

    async fn try_look(&mut self) -> Result<()> {
        // The engine first: whatever it lists had its row before.
        let facts: HashMap<String, Fact> = self.portal.compute.list().await?.into_iter().map(|f| (f.id.clone(), f)).collect();
        let records = store::unsettled(&self.portal.db).await?;
        self.progress_at.retain(|id, _| facts.contains_key(id));
        self.deletions.retain(|_, task| !task.is_finished());
        let mut queue = Vec::new();
        for record in &records {
            match self.settle(record, facts.get(record.id.as_str())).await {
                Ok(Next::Queue(record)) => queue.push(*record),
                Ok(Next::Done) => {}
                Err(error) => tracing::warn!(notebook = %record.id, %error, "a notebook could not be looked after; trying again"),
            }
        }
        queue.sort_by(|a, b| (a.phase_at, a.created_at, &a.id).cmp(&(b.phase_at, b.created_at, &b.id)));
        self.admit(queue).await?;
        for fact in facts.values().filter(|f| !records.iter().any(|r| r.id.as_str() == f.id)) {
            self.forget_unwished(fact).await?;
        }
        Ok(())
    }

    /// A fact that has just come.
    async fn follow(&mut self, fact: &Fact) {
        if matches!(fact.state, State::Preparing { .. }) && self.progress_at.get(&fact.id).is_some_and(|at| at.elapsed() < PROGRESS_EVERY) {
            return;
        }
        let followed = async {
            match store::by_id(&self.portal.db, &NotebookId::from(fact.id.as_str())).await? {
                // The end of an earlier launch, told late, says nothing of the present one.
                Some(record) if fact.launch >= record.launch => self.settle(&record, Some(fact)).await.map(drop),
                _ => Ok(()),
            }
        };
        if let Err(error) = followed.await {
            tracing::warn!(notebook = %fact.id, %error, "a fact could not be stored; looking again soon");
        }
    }

    /// Brings one row and the engine together.
    async fn settle(&mut self, record: &Record, fact: Option<&Fact>) -> Result<Next> {
        let runs = fact.is_some_and(|f| !matches!(f.state, State::Ended { .. }));
        let present = fact.filter(|f| f.launch == record.launch);
        match record.desired {
            Desired::Running => match present {
                Some(fact) => self.apply(record, fact).await.map(|()| Next::Done),
                None if record.phase == Phase::Queued => Ok(Next::Queue(Box::new(record.clone()))),
                None => self.queue_again(record).await,
            },
            Desired::Stopped | Desired::Deleted if runs => {
                if rank(record.phase) < rank(Phase::Stopping) {
                    let step = Step::to(Phase::Stopping, self.portal.clock.now());
                    steps::take(&self.portal, &record.id, record.launch, record.phase, &step).await?;
                }
                // Asked each time: a portal that was killed while stopping has forgotten that it asked.
                self.portal.compute.stop(record.id.as_str()).await?;
                Ok(Next::Done)
            }
            Desired::Stopped => {
                let at = present.map_or_else(|| self.portal.clock.now(), |f| self.moment(record, f));
                if !record.phase.is_settled() {
                    let step = Step { reason: record.reason.clone(), ..Step::to(Phase::Stopped, at) };
                    steps::take(&self.portal, &record.id, record.launch, record.phase, &step).await?;
                }
                Ok(Next::Done)
            }
            Desired::Deleted => {
                self.delete(record).await;
                Ok(Next::Done)
            }
        }
    }

    /// The engine does not know a launch that it was given: its own memory was lost.
    async fn queue_again(&self, record: &Record) -> Result<Next> {
        let step = Step::to(Phase::Queued, self.portal.clock.now()).because("The machine has lost this launch; it starts anew.");
        steps::take(&self.portal, &record.id, record.launch, record.phase, &step).await?;
        Ok(Next::Done)
    }

    /// When a fact came to be, as the timeline tells it: never before the phase it ends, never in the future.
    fn moment(&self, record: &Record, fact: &Fact) -> Millis {
        fact.at.min(self.portal.clock.now()).max(record.phase_at)
    }

    /// Writes a fact of the present launch of a notebook that is wished to run.
    async fn apply(&mut self, record: &Record, fact: &Fact) -> Result<()> {
        let at = self.moment(record, fact);
        let step = match &fact.state {
            State::Preparing { step, done, total } => {
                if record.phase == Phase::Queued {
                    let step = Step::to(Phase::Preparing, at);
                    steps::take(&self.portal, &record.id, record.launch, record.phase, &step).await?;
                }
                self.progress_at.insert(fact.id.clone(), Instant::now());
                let progress = Progress { step: step.clone(), done: *done, total: *total };
                return steps::note(&self.portal, &record.id, record.launch, Phase::Preparing, None, Some(&progress)).await;
            }
            State::Starting => Step::to(Phase::Starting, at),
            State::Ready => Step::to(Phase::Ready, at),
            State::Stopping => Step::to(Phase::Stopping, at),
            State::Ended { outcome: Outcome::Stopped } => Step::to(Phase::Stopped, at),
            State::Ended { outcome: Outcome::Exited { code } } => Step::to(Phase::Failed, at)
                .because(format!("The program ended by itself with exit code {code}."))
                .advise("See the last lines of the log, then start it again."),
            State::Ended { outcome: Outcome::Failed { reason, next_step } } => {
                Step::to(Phase::Failed, at).because(reason).advise(next_step)
            }
        };
        // Facts may come late or twice: a notebook only ever moves on.
        if rank(step.phase) > rank(record.phase) {
            steps::take(&self.portal, &record.id, record.launch, record.phase, &step).await?;
        }
        Ok(())
    }

    /// Gives the engine what fits now, oldest first, and says what the others wait for.
    async fn admit(&mut self, queue: Vec<Record>) -> Result<()> {
        if queue.is_empty() {
            return Ok(());
        }
        let (capacity, shares) = futures::try_join!(self.portal.compute.capacity(), teams::shares(&self.portal))?;
        let wanted: Vec<_> = queue.iter().map(|r| (r.team.as_str(), &r.spec.resources)).collect();
        for (record, verdict) in queue.iter().zip(queue::decide(capacity, shares, &wanted)) {
            let done = match verdict {
                Verdict::Start => self.start(record).await,
                Verdict::Wait(reason) => steps::note(&self.portal, &record.id, record.launch, Phase::Queued, Some(&reason), None).await,
                Verdict::Never(reason) => self.fail(record, &reason, "Choose a smaller size, then start it again.").await,
            };
            if let Err(error) = done {
                tracing::warn!(notebook = %record.id, %error, "a notebook could not be started; trying again");
            }
        }
        Ok(())
    }

    async fn start(&mut self, record: &Record) -> Result<()> {
        let ensured = async {
            self.portal.compute.create_volume(&record.home).await?;
            let workload = program::workload(&self.portal, record).await?;
            self.portal.compute.ensure(&workload).await
        };
        let Err(error) = ensured.await else {
            return match self.portal.compute.status(record.id.as_str()).await? {
                Some(fact) => self.settle(record, Some(&fact)).await.map(drop),
                None => Ok(()),
            };
        };
        match &error {
            // What it stands on is away, or full: it keeps its place and is tried again.
            Error::Unavailable(reason) | Error::QuotaExceeded(reason) => {
                steps::note(&self.portal, &record.id, record.launch, Phase::Queued, Some(reason), None).await
            }
            Error::Internal(_) => {
                tracing::error!(notebook = %record.id, %error, "a notebook could not be started");
                self.fail(
                    record,
                    "Slipway could not start it.",
                    "Start it again; if that does not help, ask the administrator to look at the portal's log.",
                )
                .await
            }
            refusal => self.fail(record, &refusal.to_string(), "Change what the reason names, then start it again.").await,
        }
    }

    async fn fail(&self, record: &Record, reason: &str, next_step: &str) -> Result<()> {
        let step = Step::to(Phase::Failed, self.portal.clock.now()).because(reason).advise(next_step);
        steps::take(&self.portal, &record.id, record.launch, record.phase, &step).await.map(drop)
    }

    /// Deletes what no longer runs. Most of it is gone in a moment; nobody else waits for a home with many files.
    async fn delete(&mut self, record: &Record) {
        if self.deletions.get(&record.id).is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (portal, deleted) = (self.portal.clone(), record.clone());
        let mut task = tokio::spawn(async move {
            if let Err(error) = delete(&portal, &deleted).await {
                tracing::warn!(notebook = %deleted.id, %error, "a notebook could not be deleted; trying again");
            }
        });
        if timeout(DELETION_WAIT, &mut task).await.is_err() {
            self.deletions.insert(record.id.clone(), task);
        }
    }

    /// Ends what runs without anybody wishing it; what has ended stays for its log while it has a row.
    async fn forget_unwished(&self, fact: &Fact) -> Result<()> {
        let ended = matches!(fact.state, State::Ended { .. });
        let known = store::exists(&self.portal.db, &fact.id).await?;
        if !ended {
            tracing::warn!(workload = %fact.id, known, "a workload runs that nobody wishes; stopping it");
            self.portal.compute.stop(&fact.id).await
        } else if !known {
            self.portal.compute.remove(&fact.id).await
        } else {
            Ok(())
        }
    }
}

/// Files first, so that a crash in between leaves a row that says so.
async fn delete(portal: &Portal, record: &Record) -> Result<()> {
    portal.compute.remove(record.id.as_str()).await?;
    if record.delete_home {
        portal.compute.delete_volume(&record.home).await?;
    }
    let mut tx = portal.db.begin().await?;
    portal.lease.fence(&mut tx).await?;
    store::delete(&mut tx, record).await?;
    let now = portal.clock.now();
    if record.delete_home {
        events::publish(&mut tx, now, Some(&record.team), &Change::Volumes).await?;
    }
    events::publish(&mut tx, now, None, &Change::Capacity).await?;
    tx.commit().await
}

enum Next {
    Done,
    /// Its row wishes to run, and the engine does not know it yet.
    Queue(Box<Record>),
}

fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Queued => 0,
        Phase::Preparing => 1,
        Phase::Starting => 2,
        Phase::Ready | Phase::Idle => 3,
        Phase::Stopping => 4,
        Phase::Stopped | Phase::Failed => 5,
    }
}
