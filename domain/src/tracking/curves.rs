//! Whole histories of metrics, one after another, for charts.

use super::{history_store, store};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Permission, Point, RunId},
    portal::Portal,
};

/// What `reduce` makes of each history, whose number it is told, in the order they were asked for; points come in MLflow's order, by time, step and value. One history
/// is in memory at a time, however many are asked for. A metric that a run never logged has an empty one.
///
/// # Errors
/// `NotFound` where one of the runs is not the team's.
pub async fn curves<T, F>(portal: &Portal, caller: &Caller, team: &str, curves: &[(RunId, String)], reduce: F) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Fn(usize, Vec<Point>) -> T + Clone + Send + 'static,
{
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let mut reduced = Vec::with_capacity(curves.len());
    for (i, (run, key)) in curves.iter().enumerate() {
        let row = store::run(&portal.db, &scope.team, run).await?;
        let points = history_store::history(&portal.db, row.no, key).await?;
        let reduce = reduce.clone();
        // A million points take tens of milliseconds, in which this thread serves others.
        let work = tokio::task::spawn_blocking(move || reduce(i, points));
        reduced.push(work.await.map_err(|error| Error::internal("the reduction of a history", error))?);
    }
    Ok(reduced)
}
