//! The way of what runs log into the database: what is waiting becomes one transaction and one commit, and then each is answered.
//!
//! There is one writer in a process. It starts with the first thing that waits and ends when nothing does. Teams take turns, so that one
//! that logs a lot does not keep the others waiting, and what may wait is bounded.

use super::group::{self, Memory};
use crate::{
    caller::TeamScope,
    crash,
    error::{Error, Result},
    model::{Batch, Millis, RunChange, RunId, TeamId},
    portal::Portal,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, oneshot};

/// Most of one transaction: jobs, and things that they log.
const GROUP_JOBS: usize = 512;
const GROUP_WEIGHT: usize = 20_000;
/// Most that waits, of one team and of all.
const TEAM_WEIGHT: usize = 60_000;
const WEIGHT: usize = 200_000;

/// A run to be made, with everything decided.
pub(super) struct Creation {
    pub id: RunId,
    /// Number of the experiment.
    pub experiment: i64,
    pub name: String,
    pub user_id: String,
    pub start_time: Option<Millis>,
    pub notebook: Option<String>,
    pub tags: Vec<(String, String)>,
}

pub(super) enum Work {
    Create(Creation),
    Log(RunId, Batch),
    Update(RunId, RunChange),
}

/// Something to write, and who waits for it.
pub(super) struct Job {
    pub scope: TeamScope,
    pub work: Work,
    answer: oneshot::Sender<Result<()>>,
}

impl Job {
    fn weight(&self) -> usize {
        match &self.work {
            Work::Create(run) => 4 + run.tags.len(),
            Work::Log(_, batch) => 1 + batch.metrics.len() + batch.model_metrics.len() + batch.params.len() + batch.tags.len(),
            Work::Update(..) => 2,
        }
    }
}

/// What waits, and what the writer remembers between groups.
#[derive(Default)]
pub struct Writer {
    queue: Mutex<Queue>,
    came: Notify,
    memory: tokio::sync::Mutex<Memory>,
}

#[derive(Default)]
struct Queue {
    running: bool,
    weight: usize,
    teams: HashMap<TeamId, Waiting>,
    /// Teams that have something waiting, in the order of their turns.
    turns: VecDeque<TeamId>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    weight: usize,
}

impl Queue {
    fn push(&mut self, job: Job) -> Result<()> {
        let weight = job.weight();
        if self.weight + weight > WEIGHT {
            return Err(Error::Unavailable("Too much is being logged now. Try again in a moment.".to_owned()));
        }
        let team = job.scope.team.clone();
        let waiting = self.teams.entry(team.clone()).or_default();
        if waiting.weight + weight > TEAM_WEIGHT {
            return Err(Error::Throttled(1));
        }
        if waiting.jobs.is_empty() {
            self.turns.push_back(team);
        }
        waiting.weight += weight;
        waiting.jobs.push_back(job);
        self.weight += weight;
        Ok(())
    }

    /// One job of each team in turn, until it is enough for one transaction.
    fn group(&mut self) -> Vec<Job> {
        let (mut jobs, mut total) = (Vec::new(), 0);
        while jobs.len() < GROUP_JOBS && total < GROUP_WEIGHT {
            let Some(team) = self.turns.pop_front() else { break };
            let Some(waiting) = self.teams.get_mut(&team) else { continue };
            let Some(job) = waiting.jobs.pop_front() else { continue };
            let weight = job.weight();
            (waiting.weight, self.weight, total) = (waiting.weight - weight, self.weight - weight, total + weight);
            if waiting.jobs.is_empty() {
                self.teams.remove(&team);
            } else {
                self.turns.push_back(team);
            }
            jobs.push(job);
        }
        jobs
    }
}

impl Writer {
    /// Jobs that wait, and things that they log.
    pub fn waiting(&self) -> (usize, usize) {
        let queue = self.lock();
        (queue.teams.values().map(|waiting| waiting.jobs.len()).sum(), queue.weight)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes it, together with what else is waiting. Durable once this returns; somebody who stops waiting does not stop it.
pub(super) async fn submit(portal: &Portal, scope: TeamScope, work: Work) -> Result<()> {
    let (answer, answered) = oneshot::channel();
    let start = {
        let mut queue = portal.writer.lock();
        queue.push(Job { scope, work, answer })?;
        !std::mem::replace(&mut queue.running, true)
    };
    if start {
        tokio::spawn(run(portal.clone()));
    } else {
        portal.writer.came.notify_one();
    }
    answered.await.unwrap_or_else(|_| Err(Error::Internal("the writer of runs broke off".to_owned())))
}

/// Lets the next one start a writer, also where this one panics.
struct Running<'a>(&'a Writer);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running = false;
    }
}

async fn run(portal: Portal) {
    let writer = &portal.writer;
    let mut memory = writer.memory.lock().await;
    let running = Running(writer);
    loop {
        let jobs = writer.lock().group();
        if !jobs.is_empty() {
            answer(&portal, &mut memory, jobs).await;
            continue;
        }
        if let Some(due) = memory.notes.next_due() {
            let _ = tokio::time::timeout_at(due, writer.came.notified()).await;
            if let Err(error) = group::tell(&portal, &mut memory).await {
                tracing::warn!(%error, "pages were not told of runs that changed");
            }
            continue;
        }
        let mut queue = writer.lock();
        if queue.turns.is_empty() {
            // Under the lock, so that nobody believes it still runs.
            queue.running = false;
            drop(queue);
            std::mem::forget(running);
            return;
        }
    }
}

/// The mistake that the torture test's control must find: an answer that promises what is not committed yet.
const ANSWER_BEFORE_COMMIT: &str = "answer_before_commit";

fn answer_early(jobs: &mut [Job]) {
    let logs = jobs.iter_mut().filter(|job| matches!(job.work, Work::Log(..)));
    let mut any = false;
    for job in logs {
        any = true;
        let _ = std::mem::replace(&mut job.answer, oneshot::channel().0).send(Ok(()));
    }
    if any {
        // The answers must have time to leave, or there is nothing to be missed.
        std::thread::sleep(std::time::Duration::from_millis(20));
        crash::point(ANSWER_BEFORE_COMMIT);
    }
}

async fn answer(portal: &Portal, memory: &mut Memory, mut jobs: Vec<Job>) {
    if crash::is_armed(ANSWER_BEFORE_COMMIT) {
        answer_early(&mut jobs);
    }
    let results = match group::write(portal, memory, &jobs.iter().collect::<Vec<_>>(), false).await {
        Ok(results) => results,
        Err(error) if jobs.len() == 1 && !matches!(error, Error::Unavailable(_)) => vec![Err(error)],
        Err(error) => {
            tracing::warn!(%error, jobs = jobs.len(), "a group could not be written; trying each by itself");
            let mut results = Vec::new();
            for job in &jobs {
                let one = group::write(portal, memory, &[job], true).await;
                results.push(one.and_then(|mut one| one.pop().unwrap_or(Ok(()))));
            }
            results
        }
    };
    crash::point("after_commit_before_reply");
    for (job, result) in jobs.into_iter().zip(results) {
        // Whoever asked may have gone.
        let _ = job.answer.send(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Metric, Role};

    fn job(team: &str, metrics: usize) -> Job {
        let scope = TeamScope { team: team.into(), team_name: team.into(), role: Role::Member, user: "u".into(), email: "e".into() };
        let metric = Metric { key: "m".into(), value: 1.0, timestamp: 0, step: 0 };
        let batch = Batch { metrics: vec![metric; metrics], ..Batch::default() };
        Job { scope, work: Work::Log("r".into(), batch), answer: oneshot::channel().0 }
    }

    #[test]
    fn teams_take_turns() {
        let mut queue = Queue::default();
        for _ in 0..3 {
            queue.push(job("noisy", 1)).expect("room");
        }
        queue.push(job("quiet", 1)).expect("room");
        let order: Vec<_> = queue.group().iter().map(|j| j.scope.team_name.clone()).collect();
        assert_eq!(order, ["noisy", "quiet", "noisy", "noisy"]);
        assert!(queue.group().is_empty() && queue.weight == 0 && queue.teams.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn a_group_and_what_waits_are_bounded() {
        let mut queue = Queue::default();
        let mut refused = None;
        for _ in 0..100 {
            refused = refused.or(queue.push(job("noisy", 999)).err());
        }
        assert!(matches!(refused, Some(Error::Throttled(1))), "{refused:?}");
        queue.push(job("quiet", 999)).expect("room for others");
        let group = queue.group();
        assert!(group.len() == 20 && group[1].scope.team_name == "quiet");
        for team in 0..10 {
            for _ in 0..60 {
                refused = queue.push(job(&format!("t{team}"), 999)).err();
            }
        }
        assert!(matches!(refused, Some(Error::Unavailable(_))), "{refused:?}");
    }
}
