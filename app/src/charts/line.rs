//! One run's line of a metric: from its whole history to what a chart of some width needs of it.

use super::{
    columns::Columns,
    group::{Gathered, Summary},
    query::{Band, Query, XAxis},
    reduce::reduce,
    smooth::smooth,
};
use domain::model::{Point, RunId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write as _};

/// A line, and what it stands for. What goes without saying is not written, since there may be ten thousand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    #[serde(default = "nobody", skip_serializing_if = "is_nobody")]
    pub run: RunId,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    /// What the line is called: the run's name, or the metric's where all lines are of one run.
    pub name: String,
    /// Points of the whole history.
    pub points: usize,
    /// NaN and infinities among them, drawn as gaps.
    #[serde(default, skip_serializing_if = "is_none")]
    pub gaps: usize,
    /// Values that a logarithmic axis has no place for.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: usize,
    /// Points at steps for which the axis' metric has no value.
    #[serde(default, skip_serializing_if = "is_none")]
    pub nowhere: usize,
    /// Of the finite values of the whole history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greatest: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<f64>,
    pub raw: Columns,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smooth: Option<Columns>,
    /// Runs that it stands for: one, or those of a group.
    pub runs: usize,
    /// Around the middle of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<(Columns, Columns)>,
    /// The chart that it is in, where there are several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub facet: String,
    /// Its colour, where it is not that of its place: a group has the same in every facet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

fn nobody() -> RunId {
    RunId::from("")
}

fn is_nobody(run: &RunId) -> bool {
    run.as_str().is_empty()
}

/// What is drawn of a run: its points, and where each step is on an axis that is a metric.
pub type Joined = (Vec<Point>, Option<BTreeMap<i64, f64>>);

impl Line {
    /// What `query` shows of a run's history in `columns` columns of pixels; where there is no such number, all of it. `start` is the run's.
    pub fn of(run: RunId, name: String, start: Option<i64>, points: Vec<Point>, query: &Query, columns: Option<usize>) -> Self {
        Self::along(run, name, start, (points, None), query, columns)
    }

    /// The same, along an axis that is a metric: points at steps without a place on it are left out, and counted.
    pub fn along(run: RunId, name: String, start: Option<i64>, joined: Joined, query: &Query, columns: Option<usize>) -> Self {
        let (mut points, axis) = joined;
        let at = |step: i64| axis.as_ref().and_then(|axis| axis.get(&step)).copied().filter(|v| v.is_finite());
        let all = points.len();
        match query.x {
            XAxis::Step => points.sort_by_key(|p| (p.step, p.timestamp)),
            XAxis::Wall | XAxis::Relative => points.sort_by_key(|p| (p.timestamp, p.step)),
            XAxis::Metric => {
                points.retain(|p| at(p.step).is_some());
                let place = |p: &Point| at(p.step).unwrap_or_default();
                points.sort_by(|a, b| place(a).total_cmp(&place(b)).then(a.step.cmp(&b.step)).then(a.timestamp.cmp(&b.timestamp)));
            }
        }
        let nowhere = all - points.len();
        let start = start.or(points.first().map(|p| p.timestamp)).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a place on an axis; beyond 2^53 steps lie closer than pixels")]
        let place = |p: &Point| match query.x {
            XAxis::Step => p.step as f64,
            XAxis::Wall => p.timestamp as f64,
            XAxis::Relative => p.timestamp.saturating_sub(start) as f64 / 1000.0,
            XAxis::Metric => at(p.step).unwrap_or_default(),
        };
        // The latest by step, as everywhere.
        let last = points.iter().filter(|p| p.value.is_finite()).max_by_key(|p| (p.step, p.timestamp)).map(|p| p.value);
        let gaps = points.iter().filter(|p| !p.value.is_finite()).count();
        let drawn = |value: f64| if value.is_finite() { value } else { f64::NAN };
        let all =
            Columns { x: points.iter().map(place).collect(), y: points.iter().map(|p| drawn(p.value)).collect(), ..Columns::default() };
        let shown = Self::shown(all, query, columns);
        Self { run, name, points: points.len(), gaps, last, nowhere, ..shown }
    }

    /// What `query` shows of a group of runs.
    pub fn of_group(name: String, gathered: Gathered, query: &Query, columns: Option<usize>) -> Self {
        let (runs, points, gaps, nowhere) = (gathered.runs, gathered.points, gathered.gaps, gathered.nowhere);
        let Summary { middle, low, high, .. } = gathered.summary(query);
        let edge = |y: Vec<f64>| Columns { x: middle.x.clone(), y, ..Columns::default() };
        let band = (query.band != Band::None).then(|| (seen(edge(low), query, columns), seen(edge(high), query, columns)));
        let last = middle.y.last().copied();
        Self { name, points, gaps, nowhere, last, runs, band, ..Self::shown(middle, query, columns) }
    }

    /// The same, of which only the drawing is kept: it is too far down for anyone to read it.
    #[must_use]
    pub fn roughly(mut self) -> Self {
        (self.run, self.name) = (nobody(), String::new());
        (self.least, self.greatest, self.last) = (None, None, None);
        self.raw.rough = true;
        self.smooth.iter_mut().for_each(|columns| columns.rough = true);
        self.band.iter_mut().for_each(|(low, high)| (low.rough, high.rough) = (true, true));
        self
    }

    fn shown(all: Columns, query: &Query, columns: Option<usize>) -> Self {
        let finite = || all.y.iter().copied().filter(|v| v.is_finite());
        let (least, greatest) = (finite().reduce(f64::min), finite().reduce(f64::max));
        let left_out = all.iter().filter(|(x, y)| y.is_finite() && !(query.across.holds(*x) && query.up.holds(*y))).count();
        // Over the whole history, so that a part of it looks the same as in the whole.
        let smoothed = (query.smooth > 0.0).then(|| smooth(&all.x, &all.y, query.smoothing, query.smooth));
        let smooth = smoothed.map(|y| seen(Columns { x: all.x.clone(), y, ..Columns::default() }, query, columns));
        let (run, raw) = (RunId::from(""), seen(all, query, columns));
        Self {
            run,
            name: String::new(),
            points: 0,
            gaps: 0,
            left_out,
            nowhere: 0,
            least,
            greatest,
            last: None,
            raw,
            smooth,
            runs: 1,
            band: None,
            facet: String::new(),
            colour: None,
        }
    }
}

/// The part that the axes show, in a few points for each column.
fn seen(all: Columns, query: &Query, columns: Option<usize>) -> Columns {
    let mut part = Columns::default();
    for (x, y) in all.iter().filter(|(x, y)| query.holds(*x) && query.across.holds(*x) && query.up.holds(*y)) {
        part.push(x, y);
    }
    match columns {
        Some(columns) => reduce(part, query.across, columns.max(1)),
        None => part,
    }
}

/// `30,000`.
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What of `lines` has no place in their chart, in words that follow a count; empty where everything has one.
pub fn left_out_words<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    let all = |(gaps, below, nowhere), line: &Line| (gaps + line.gaps, below + line.left_out, nowhere + line.nowhere);
    let (gaps, below, nowhere) = lines.fold((0, 0, 0), all);
    let mut text = String::new();
    if gaps > 0 {
        _ = write!(text, " · {} not a finite number, drawn as gaps", grouped(gaps));
    }
    if below > 0 {
        _ = write!(text, " · {} at or below zero, left out of a logarithmic axis", grouped(below));
    }
    if nowhere > 0 {
        _ = write!(text, " · {} at steps where the axis has no value", grouped(nowhere));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::scale::Scale;

    fn line(values: &[f64], query: &Query) -> Line {
        let point = |(i, value): (usize, &f64)| {
            let step = i64::try_from(i).expect("few");
            Point { step, timestamp: 5000 + step * 2000, value: *value }
        };
        let (points, query) = (values.iter().enumerate().map(point).collect(), query.clone().sound());
        Line::of(RunId::from("r"), "r".into(), Some(4000), points, &query, Some(query.width as usize))
    }

    #[test]
    fn what_is_not_finite_is_a_gap_and_counted() {
        let line = line(&[1.0, f64::NAN, f64::INFINITY, 4.0, f64::NEG_INFINITY], &Query::default());
        assert_eq!((line.points, line.gaps, line.left_out), (5, 3, 0));
        assert_eq!((line.least, line.greatest, line.last), (Some(1.0), Some(4.0), Some(4.0)));
        assert_eq!(line.raw.y.iter().map(|y| y.is_nan()).collect::<Vec<_>>(), [false, true, true, false, true]);
        assert_eq!(left_out_words([&line].into_iter()), " · 3 not a finite number, drawn as gaps");
    }

    #[test]
    fn a_logarithmic_axis_leaves_out_what_it_has_no_place_for_and_says_how_many() {
        let line = line(&[0.0, -2.0, 3.0, f64::NAN, 10.0], &Query { up: Scale::Log, ..Query::default() });
        assert_eq!((line.left_out, line.gaps, line.least), (2, 1, Some(-2.0)));
        assert_eq!(line.raw.x, [2.0, 3.0, 4.0]);
        assert!(left_out_words([&line].into_iter()).contains("2 at or below zero"));
    }

    #[test]
    fn the_axis_is_the_step_the_time_or_the_time_since_the_start() {
        let x = |x| line(&[1.0, 2.0], &Query { x, ..Query::default() }).raw.x;
        assert_eq!((x(XAxis::Step), x(XAxis::Wall), x(XAxis::Relative)), (vec![0.0, 1.0], vec![5000.0, 7000.0], vec![1.0, 3.0]));
    }

    #[test]
    fn a_part_of_a_long_history_shows_its_raw_points() {
        let values: Vec<f64> = (0..100_000).map(f64::from).collect();
        let all = line(&values, &Query { width: 200, smooth: 0.5, ..Query::default() });
        assert!(all.raw.x.len() <= 1000 && all.smooth.expect("smoothed").x.len() <= 1000);
        let part = line(&values, &Query { width: 200, from: Some(500.0), to: Some(999.0), ..Query::default() });
        assert_eq!((part.raw.x.len(), part.points), (500, 100_000));
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([0, 999, 1000, 30_000, 1_234_567].map(grouped), ["0", "999", "1,000", "30,000", "1,234,567"]);
    }
}
