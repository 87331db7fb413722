//! The server function behind a run's metrics: of each its latest point, its bounds, and its course in a few pixels.

use crate::error::AppError;
use domain::model::{Millis, RunId};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use {
    super::words::number,
    crate::{components::sort_order, context::request},
    domain::model::{Metric, Point},
};

/// Metrics of one page.
#[cfg(feature = "ssr")]
const A_PAGE: usize = 50;
/// Places of a course from left to right; each has the least and the greatest value there.
#[cfg(feature = "ssr")]
const PLACES: usize = 60;
/// Greatest height of a course; its least is 0.
pub const HEIGHT: u8 = 20;

/// What a metric came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricLine {
    pub key: String,
    /// The latest value, short and exact; as text, since it may be no finite number.
    pub latest: String,
    pub exact: String,
    pub step: i64,
    pub timestamp: Millis,
    /// Of the finite values, short.
    pub least: Option<String>,
    pub greatest: Option<String>,
    /// Points, and those among them that are not finite.
    pub points: usize,
    pub gaps: usize,
    /// Heights from left to right, by step.
    pub course: Vec<u8>,
}

/// One page of a run's metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsPage {
    pub lines: Vec<MetricLine>,
    /// Metrics whose name matches, and all.
    pub matching: usize,
    pub all: usize,
    pub page: usize,
    pub pages: usize,
}

/// The run's metrics whose name contains `text`; `sort` is `name`, `latest`, `step` or `logged`, the other way round with a dash before it.
#[server(prefix = "/api", endpoint = "tracking/metrics")]
pub async fn run_metrics(
    team: String,
    run: RunId,
    #[server(default)] text: String,
    #[server(default)] sort: String,
    #[server(default)] page: usize,
) -> Result<MetricsPage, AppError> {
    let (portal, caller) = request()?;
    let metrics = domain::tracking::runs::get(&portal, &caller, &team, &run).await?.metrics;
    let all = metrics.len();
    let found = arranged(metrics, &text, &sort);
    let (matching, pages) = (found.len(), found.len().div_ceil(A_PAGE).max(1));
    let page = page.clamp(1, pages);
    let shown: Vec<Metric> = found.into_iter().skip((page - 1) * A_PAGE).take(A_PAGE).collect();
    let curves: Vec<(RunId, String)> = shown.iter().map(|m| (run.clone(), m.key.clone())).collect();
    let courses = domain::tracking::curves(&portal, &caller, &team, &curves, |_, points| Course::of(points)).await?;
    Ok(MetricsPage { lines: shown.into_iter().zip(courses).map(line).collect(), matching, all, page, pages })
}

#[cfg(feature = "ssr")]
fn arranged(metrics: Vec<Metric>, text: &str, sort: &str) -> Vec<Metric> {
    let text = text.trim().to_lowercase();
    let mut found: Vec<Metric> = metrics.into_iter().filter(|m| m.key.to_lowercase().contains(&text)).collect();
    found.sort_by(|a, b| {
        let order = match sort.trim_start_matches('-') {
            "latest" => a.value.total_cmp(&b.value),
            "step" => a.step.cmp(&b.step),
            "logged" => a.timestamp.cmp(&b.timestamp),
            _ => a.key.cmp(&b.key),
        };
        sort_order(sort, order)
    });
    found
}

#[cfg(feature = "ssr")]
fn line((metric, course): (Metric, Course)) -> MetricLine {
    MetricLine {
        latest: number(metric.value),
        exact: metric.value.to_string(),
        step: metric.step,
        timestamp: metric.timestamp,
        key: metric.key,
        least: course.least.map(number),
        greatest: course.greatest.map(number),
        points: course.points,
        gaps: course.gaps,
        course: course.heights,
    }
}

/// A history in a few numbers.
#[cfg(feature = "ssr")]
#[derive(Debug, Default, PartialEq)]
struct Course {
    least: Option<f64>,
    greatest: Option<f64>,
    points: usize,
    gaps: usize,
    heights: Vec<u8>,
}

#[cfg(feature = "ssr")]
impl Course {
    fn of(mut points: Vec<Point>) -> Self {
        let count = points.len();
        points.retain(|p| p.value.is_finite());
        if !points.is_sorted_by_key(|p| (p.step, p.timestamp)) {
            points.sort_by_key(|p| (p.step, p.timestamp));
        }
        let values: Vec<f64> = points.iter().map(|p| p.value).collect();
        let (least, greatest) = (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max));
        let heights = match (least, greatest) {
            (Some(least), Some(greatest)) => heights(&values, least, greatest),
            _ => Vec::new(),
        };
        Self { least, greatest, points: count, gaps: count - values.len(), heights }
    }
}

/// Of each place the least and the greatest in the order in which they come: no spike is lost.
#[cfg(feature = "ssr")]
fn heights(values: &[f64], least: f64, greatest: f64) -> Vec<u8> {
    // Halves, since the difference of two doubles may be infinite.
    let range = greatest / 2.0 - least / 2.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to HEIGHT")]
    let height =
        |value: f64| if range > 0.0 { ((value / 2.0 - least / 2.0) / range * f64::from(HEIGHT)).round() as u8 } else { HEIGHT / 2 };
    if values.len() <= 2 * PLACES {
        return values.iter().copied().map(height).collect();
    }
    let mut all = Vec::with_capacity(2 * PLACES);
    for place in 0..PLACES {
        let part = &values[place * values.len() / PLACES..(place + 1) * values.len() / PLACES];
        let by_value = |a: &&(usize, &f64), b: &&(usize, &f64)| a.1.total_cmp(b.1);
        let numbered: Vec<(usize, &f64)> = part.iter().enumerate().collect();
        if let (Some(low), Some(high)) = (numbered.iter().min_by(by_value), numbered.iter().max_by(by_value)) {
            let (first, second) = if low.0 <= high.0 { (low, high) } else { (high, low) };
            all.extend([height(*first.1), height(*second.1)]);
        }
    }
    all
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    fn points(values: impl IntoIterator<Item = f64>) -> Vec<Point> {
        values.into_iter().zip(0..).map(|(value, step)| Point { step, timestamp: step, value }).collect()
    }

    #[test]
    fn a_course_keeps_the_bounds_and_one_spike_of_a_hundred_thousand_points() {
        let course = Course::of(points((0..100_000).map(|i| if i == 77_777 { 50.0 } else { f64::from(i % 2) })));
        assert_eq!((course.least, course.greatest, course.points, course.gaps), (Some(0.0), Some(50.0), 100_000, 0));
        assert_eq!(course.heights.len(), 2 * PLACES);
        assert_eq!(course.heights.iter().position(|h| *h == HEIGHT), course.heights.iter().rposition(|h| *h == HEIGHT));
        assert!(course.heights.contains(&HEIGHT));
    }

    #[test]
    fn what_is_not_finite_is_counted_and_left_out() {
        let course = Course::of(points([1.0, f64::NAN, f64::INFINITY, -1.0]));
        assert_eq!((course.least, course.greatest, course.points, course.gaps), (Some(-1.0), Some(1.0), 4, 2));
        assert_eq!(course.heights, [HEIGHT, 0]);
        assert_eq!(Course::of(points([f64::NAN])), Course { points: 1, gaps: 1, ..Course::default() });
        assert_eq!(Course::of(points([f64::MAX, f64::MIN])).heights, [HEIGHT, 0]);
        assert_eq!(Course::of(points([3.0, 3.0])).heights, [HEIGHT / 2, HEIGHT / 2]);
        assert_eq!(Course::of(Vec::new()), Course::default());
    }
}
