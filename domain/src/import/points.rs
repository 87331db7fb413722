//! Histories of metrics: every point that is not here yet, in batches that the writer takes.

use super::{Import, answers::Run as From, client::Fault, pages, report::Progress};
use crate::{
    model::{BATCH_METRICS, Batch, Metric, Point, RunId, validate_key},
    tracking::metrics,
};
use futures::{StreamExt, TryStreamExt};
use std::collections::HashSet;

/// Points that are gathered before they are logged: about as many as one transaction of the writer takes.
const GATHERED: usize = 20_000;
/// Batches of one run on their way at the same time.
const UNDER_WAY: usize = 20;

/// What was found of a run's points.
pub(super) struct Points {
    /// Here now.
    pub count: i64,
    pub whole: bool,
}

/// What makes a point another one: the bits of its value, with one kind of NaN.
type Identity = (i64, i64, u64);

fn identity(point: &Point) -> Identity {
    (point.step, point.timestamp, if point.value.is_nan() { u64::MAX } else { point.value.to_bits() })
}

impl Import<'_> {
    /// Copies the histories of all metrics of a run. `was_here`: some of it may be in already.
    pub(super) async fn points(&self, from: &From, run: &RunId, was_here: bool) -> Result<Points, Fault> {
        let (mut found, mut gathered) = (Points { count: 0, whole: true }, Vec::new());
        for latest in &from.data.metrics {
            let key = &latest.key;
            if let Err(why) = validate_key(key) {
                self.refused(from, key, &mut found, 1, &why);
                continue;
            }
            let known: HashSet<Identity> = if was_here {
                let here = metrics::history(self.portal, self.caller, self.team, run, key, None, None).await?;
                here.points.iter().map(identity).collect()
            } else {
                HashSet::new()
            };
            let mut token = String::new();
            loop {
                let page = pages::history(&self.client, from.id(), key, &token).await?;
                let (mut there, mut refused) = (0, 0);
                for said in page.metrics {
                    let point = Point { step: said.step, timestamp: said.timestamp, value: said.value };
                    if known.contains(&identity(&point)) {
                        there += 1;
                    } else if point.timestamp < 0 {
                        refused += 1;
                    } else {
                        gathered.push(Metric { key: key.clone(), value: point.value, timestamp: point.timestamp, step: point.step });
                    }
                }
                found.count += there;
                self.report.count(|c| c.points.there(usize::try_from(there).unwrap_or_default()));
                if refused > 0 {
                    self.refused(from, key, &mut found, refused, "a timestamp is not negative");
                }
                if gathered.len() >= GATHERED {
                    found.count += self.log_points(run, std::mem::take(&mut gathered)).await?;
                }
                match pages::next(&token, page.next_page_token) {
                    Some(next) => token = next,
                    None => break,
                }
            }
        }
        found.count += self.log_points(run, gathered).await?;
        Ok(found)
    }

    fn refused(&self, from: &From, key: &str, found: &mut Points, points: usize, why: &str) {
        found.whole = false;
        self.report.count(|c| c.points.fail(points));
        let key: String = key.chars().take(100).collect();
        self.report.problem(format!("{points} points of the metric \"{key}\" of run {}", from.id()), why);
    }

    async fn log_points(&self, run: &RunId, points: Vec<Metric>) -> Result<i64, Fault> {
        let count = points.len();
        let batches = points.chunks(BATCH_METRICS).map(|metrics| Batch { metrics: metrics.to_vec(), ..Batch::default() });
        let logging = batches.map(|batch| async {
            let size = batch.metrics.len();
            self.log(run, batch).await.map(|()| {
                self.report.count(|c| c.points.copy(size));
                Progress::add(&self.progress.points, size);
            })
        });
        futures::stream::iter(logging).buffer_unordered(UNDER_WAY).try_collect::<Vec<()>>().await?;
        Ok(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_the_same_only_bit_by_bit() {
        let point = |value: f64| Point { step: 1, timestamp: 2, value };
        assert_eq!(identity(&point(f64::NAN)), identity(&point(-f64::NAN)));
        assert_ne!(identity(&point(0.0)), identity(&point(-0.0)));
        assert_ne!(identity(&point(0.0)), identity(&point(f64::NAN)));
        assert_ne!(identity(&point(0.0)), identity(&Point { step: 2, ..point(0.0) }));
    }
}
