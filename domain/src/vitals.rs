//! How the process does, in numbers for whoever runs it: no names of people, teams or things, and nothing that grows with them.

use crate::{args, error::Result, model::Phase, portal::Portal};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Something that is done again and again: how often, how long it took altogether, and when it was done last.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<Beats>);

#[derive(Clone, Copy, Debug, Default)]
pub struct Beats {
    pub count: u64,
    pub took: Duration,
    /// None before the first.
    pub last: Option<Instant>,
}

impl Pulse {
    pub fn beat(&self, took: Duration) {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *beats = Beats { count: beats.count + 1, took: beats.took + took, last: Some(Instant::now()) };
    }
    pub fn beats(&self) -> Beats {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who waits for something, and how long those before waited.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: AtomicU64,
    pub waited: Pulse,
}

/// Counts as waiting as long as it lives, also where whoever waits gives up.
pub struct Wait<'a>(&'a Queue, Instant);

impl Queue {
    pub fn wait(&self) -> Wait<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Wait(self, Instant::now())
    }
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.waited.beat(self.1.elapsed());
    }
}

/// Connections of a pool.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    pub used: u64,
    pub idle: u64,
    pub most: u64,
}

/// What only the database knows.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Committed events that the open pages of this process were not told of yet.
    pub events_behind: i64,
    /// Each phase once.
    pub notebooks: Vec<(Phase, i64)>,
    /// Deliveries of webhooks that wait for their time or their turn.
    pub deliveries_waiting: i64,
    pub deliveries_given_up: i64,
}

/// Counts what lies in the database.
pub async fn counts(portal: &Portal) -> Result<Counts> {
    // Before the newest, so that the difference is never less than it was.
    let seen = portal.events.seen();
    let latest = crate::events::latest(portal).await?;
    let phases: Vec<(String, i64)> =
        portal.db.fetch_all("SELECT phase, COUNT(*) FROM notebooks WHERE desired <> 'deleted' GROUP BY phase", args![]).await?;
    let sql = "SELECT COUNT(CASE WHEN dead_at IS NULL THEN 1 END), COUNT(CASE WHEN dead_at IS NOT NULL THEN 1 END) FROM webhook_deliveries";
    let (deliveries_waiting, deliveries_given_up): (i64, i64) = portal.db.fetch_one(sql, args![]).await?;
    let of = |phase: Phase| phases.iter().find(|(name, _)| name == phase.as_str()).map_or(0, |(_, count)| *count);
    Ok(Counts {
        events_behind: latest - seen,
        notebooks: Phase::ALL.into_iter().map(|phase| (phase, of(phase))).collect(),
        deliveries_waiting,
        deliveries_given_up,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_up_waits_no_more() {
        let queue = Queue::default();
        let (one, two) = (queue.wait(), queue.wait());
        assert_eq!(queue.waiting(), 2);
        drop(one);
        assert_eq!((queue.waiting(), queue.waited.beats().count), (1, 1));
        drop(two);
        assert_eq!((queue.waiting(), queue.waited.beats().count), (0, 2));
    }
}
