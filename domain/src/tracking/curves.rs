//! Whole histories of metrics, many at a time, for charts.

use super::{
    group_store,
    history_store::{self, Series},
};
use crate::{
    caller::{Caller, TeamScope},
    error::{Error, Result},
    model::{Permission, Point, RunId},
    portal::Portal,
};
use std::collections::{BTreeSet, HashMap};

/// Most histories that are read at once.
const HISTORIES: usize = 256;
/// Most points that are in memory at once, packed; a longer history comes by itself.
const POINTS: i64 = 1_000_000;

/// What `reduce` makes of each history, whose number it is told, in the order they were asked for; points come in MLflow's order, by time, step and value. However
/// many are asked for, a bounded number of points is in memory, and of those one history at a time is unpacked. A metric that a run never logged has an empty one.
///
/// # Errors
/// `NotFound` where one of the runs is not the team's.
pub async fn curves<T, F>(portal: &Portal, caller: &Caller, team: &str, curves: &[(RunId, String)], reduce: F) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Fn(usize, Vec<Point>) -> T + Clone + Send + 'static,
{
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    read(portal, located(portal, &scope, curves).await?, reduce).await
}

/// The same of runs by their numbers.
pub(super) async fn read<T, F>(portal: &Portal, asked: Vec<Series>, reduce: F) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Fn(usize, Vec<Point>) -> T + Clone + Send + 'static,
{
    let asked = sized(portal, asked).await?;
    let mut reduced = Vec::with_capacity(asked.len());
    while reduced.len() < asked.len() {
        let first = reduced.len();
        let batch: Vec<Series> = asked[first..first + batch(&asked[first..])].iter().map(|(series, _)| series.clone()).collect();
        let mut tx = portal.db.begin_snapshot().await?;
        let found = history_store::histories(&mut tx, &batch).await?;
        drop(tx);
        let reduce = reduce.clone();
        // A million points take tens of milliseconds, in which this thread serves others.
        let work = tokio::task::spawn_blocking(move || {
            let one = |(i, series)| {
                let points = found.get(series).map(|chunks| history_store::joined(chunks)).transpose()?;
                Ok(reduce(first + i, points.unwrap_or_default()))
            };
            batch.iter().enumerate().map(one).collect::<Result<Vec<T>>>()
        });
        reduced.extend(work.await.map_err(|error| Error::internal("the reduction of histories", error))??);
    }
    Ok(reduced)
}

/// Each of them as the database knows it.
async fn located(portal: &Portal, scope: &TeamScope, curves: &[(RunId, String)]) -> Result<Vec<Series>> {
    let mut tx = portal.db.begin_snapshot().await?;
    let runs: Vec<&RunId> = curves.iter().map(|(run, _)| run).collect::<BTreeSet<_>>().into_iter().collect();
    let places = group_store::places(&mut tx, &runs).await?;
    let numbers: HashMap<&str, i64> =
        places.iter().filter(|place| place.team_id == scope.team.as_str()).map(|place| (place.id.as_str(), place.no)).collect();
    let series = |(run, key): &(RunId, String)| Some((*numbers.get(run.as_str())?, key.clone()));
    curves.iter().map(series).collect::<Option<_>>().ok_or(Error::NotFound("run"))
}

/// Each with how many points it has at most.
async fn sized(portal: &Portal, asked: Vec<Series>) -> Result<Vec<(Series, i64)>> {
    let mut tx = portal.db.begin_snapshot().await?;
    let sizes = history_store::sizes(&mut tx, &asked).await?;
    Ok(asked.into_iter().map(|one| (one.clone(), sizes.get(&one).copied().unwrap_or_default())).collect())
}

/// How many of these are read next: at least one.
fn batch(waiting: &[(Series, i64)]) -> usize {
    let mut points = 0_i64;
    let fits = |(_, more): &&(Series, i64)| {
        points = points.saturating_add(*more);
        points <= POINTS
    };
    waiting.iter().take(HISTORIES).take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_at_once_is_bounded_and_never_nothing() {
        let of = |sizes: &[i64]| batch(&sizes.iter().map(|size| ((1, "m".to_owned()), *size)).collect::<Vec<_>>());
        assert_eq!(of(&[POINTS * 9, 1]), 1);
        assert_eq!(of(&[1, 2, POINTS * 9, 1]), 2);
        assert_eq!(of(&[POINTS / 2, POINTS / 2, 1]), 2);
        assert_eq!(of(&[0; 1000]), HISTORIES);
        assert_eq!(of(&[i64::MAX, i64::MAX]), 1);
    }
}
