//! Histories of metrics: whole, in pages, of several runs, and thinned out for charts.

use super::{history_store, store};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{Permission, Point, RunId, TeamId},
    portal::Portal,
    random,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Most runs that are asked for at once.
pub const RUNS: usize = 100;
/// Most points of several runs together.
pub const BULK: usize = 25_000;
/// Most points of each run in a thinned history.
pub const THINNED: usize = 2500;

/// Part of a history, by time, step and value.
pub struct Page {
    pub points: Vec<Point>,
    /// Where to go on.
    pub next: Option<String>,
}

/// The history of a metric, all of it or a page. A metric that was never logged, of whatever run, has an empty one.
pub async fn history(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    run: &RunId,
    key: &str,
    most: Option<usize>,
    token: Option<&str>,
) -> Result<Page> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let bad = || Error::invalid("page_token", "This is no page token of this history.");
    let place = |offset: usize| {
        let digest = random::digest(&format!("{offset}\n{}\n{run}\n{key}", scope.team));
        URL_SAFE_NO_PAD.encode(format!("{offset}.{}", &digest[..16]))
    };
    let start = match token {
        None => 0,
        Some(token) => {
            let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(bad)?;
            let offset = text.split_once('.').and_then(|(offset, _)| offset.parse().ok()).ok_or_else(bad)?;
            // A token speaks of one history.
            if place(offset) != token {
                return Err(bad());
            }
            offset
        }
    };
    let mut points = of_run(portal, &scope.team, run, key).await?;
    points.drain(..start.min(points.len()));
    let more = most.filter(|most| points.len() > *most);
    if let Some(most) = more {
        points.truncate(most);
    }
    Ok(Page { points, next: more.map(|most| place(start + most)) })
}

/// The history of a metric in several runs, run by run, at most `BULK` points in all.
pub async fn bulk(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    runs: &[RunId],
    key: &str,
    most: usize,
) -> Result<Vec<(RunId, Vec<Point>)>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    check_runs(runs)?;
    let mut left = most.min(BULK);
    let mut sorted: Vec<&RunId> = runs.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut found = Vec::new();
    for run in sorted {
        let mut points = of_run(portal, &scope.team, run, key).await?;
        points.truncate(left);
        left -= points.len();
        found.push((run.clone(), points));
        if left == 0 {
            break;
        }
    }
    Ok(found)
}

/// The history of a metric in several runs, by step, thinned to `most` points of each: evenly, with the first and the last.
pub async fn thinned(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    runs: &[RunId],
    key: &str,
    steps: Option<(i64, i64)>,
    most: usize,
) -> Result<Vec<(RunId, Vec<Point>)>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    check_runs(runs)?;
    if !(1..=THINNED).contains(&most) {
        return Err(Error::invalid("max_results", format!("Ask for 1 to {THINNED} points of each run.")));
    }
    if steps.is_some_and(|(first, last)| first > last) {
        return Err(Error::invalid("end_step", "The last step is not before the first."));
    }
    let mut found = Vec::with_capacity(runs.len());
    for run in runs {
        let mut points = of_run(portal, &scope.team, run, key).await?;
        if let Some((first, last)) = steps {
            points.retain(|p| (first..=last).contains(&p.step));
        }
        points.sort_by_key(|p| (p.step, p.timestamp));
        found.push((run.clone(), thin(points, most)));
    }
    Ok(found)
}

/// As MLflow answers: a run that is not there, or is another team's, has logged nothing.
async fn of_run(portal: &Portal, team: &TeamId, run: &RunId, key: &str) -> Result<Vec<Point>> {
    match store::run(&portal.db, team, run).await {
        Err(Error::NotFound(_)) => Ok(Vec::new()),
        row => history_store::history(&portal.db, row?.no, key).await,
    }
}

fn check_runs(runs: &[RunId]) -> Result<()> {
    if runs.is_empty() {
        return Err(Error::invalid("run_ids", "Name at least one run."));
    }
    if runs.len() > RUNS {
        return Err(Error::invalid("run_ids", format!("Ask for at most {RUNS} runs at once; these are {}.", runs.len())));
    }
    Ok(())
}

/// At most `most` of them, evenly, the first and the last among them; one alone is the last.
fn thin(points: Vec<Point>, most: usize) -> Vec<Point> {
    if points.len() <= most {
        return points;
    }
    if most == 1 {
        return points.last().copied().into_iter().collect();
    }
    (0..most).map(|i| points[i * (points.len() - 1) / (most - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_both_ends_and_never_gives_more_than_asked_for() {
        let points = |count: i64| (0..count).map(|step| Point { step, timestamp: 0, value: 0.0 }).collect::<Vec<_>>();
        for (count, most) in [(0, 1), (1, 1), (2, 1), (5, 5), (6, 5), (500, 20), (100_000, 2500), (2501, 2500)] {
            let thin = thin(points(count), most);
            assert_eq!(thin.len(), most.min(usize::try_from(count).expect("few")));
            assert!(thin.is_sorted_by(|a, b| a.step < b.step), "{count} {most}");
            assert_eq!(thin.last().map(|p| p.step), (count > 0).then_some(count - 1));
            if most > 1 {
                assert_eq!(thin.first().map(|p| p.step), (count > 0).then_some(0));
            }
        }
    }
}
