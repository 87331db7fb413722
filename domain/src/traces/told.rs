//! Open pages hear of an experiment's traces at most so often, however many come: an application may log hundreds a second.

use crate::{caller::TeamScope, error::Result, events, model::Change, portal::Portal, tracking::store::public_id_tx};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Pages hear of an experiment once in so long.
const EVERY: Duration = Duration::from_millis(500);

/// When pages were told of an experiment's traces, or will be, by its number.
#[derive(Default)]
pub struct Told(Mutex<HashMap<i64, Instant>>);

impl Told {
    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When to tell of a change at `now`; none where that is to come already.
    fn next(&self, experiment: i64, now: Instant) -> Option<Instant> {
        let mut told = self.lock();
        told.retain(|_, at| *at + EVERY > now);
        let at = match told.get(&experiment) {
            Some(at) if *at > now => return None,
            Some(at) => *at + EVERY,
            None => now,
        };
        told.insert(experiment, at);
        Some(at)
    }
}

/// Tells the team's open pages, soon, that something about the experiment's traces has changed. To be called after the commit.
pub(super) fn tell(portal: &Portal, scope: &TeamScope, experiment: i64) {
    let Some(at) = portal.traces_told.next(experiment, Instant::now()) else { return };
    let (portal, team) = (portal.clone(), scope.team_name.clone());
    tokio::spawn(async move {
        tokio::time::sleep_until(at).await;
        if let Err(error) = publish(&portal, &team, experiment).await {
            tracing::warn!(%error, "pages were not told of traces that changed");
        }
    });
}

async fn publish(portal: &Portal, team: &str, experiment: i64) -> Result<()> {
    let mut tx = portal.db.begin().await?;
    let experiment = public_id_tx(&mut tx, experiment).await?;
    events::publish(&mut tx, portal.clock.now(), Some(team), &Change::Traces { experiment }).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_is_told_at_once_and_those_that_follow_together() {
        let (told, start) = (Told::default(), Instant::now());
        let next = |experiment, millis: u64| {
            told.next(experiment, start + Duration::from_millis(millis)).map(|at| u64::try_from((at - start).as_millis()).expect("small"))
        };
        assert_eq!(next(1, 0), Some(0));
        assert_eq!([next(1, 1), next(1, 2), next(1, 499)], [Some(500), None, None]);
        assert_eq!(next(2, 3), Some(3), "another experiment");
        assert_eq!([next(1, 501), next(1, 502)], [Some(1000), None]);
        assert_eq!(next(1, 9000), Some(9000));
        assert_eq!(told.lock().len(), 1, "what is long over is forgotten");
    }
}
