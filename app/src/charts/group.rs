//! Runs with something in common as one line: their middle, and a band around it.

use super::{
    columns::Columns,
    query::{Band, Middle, Query, XAxis},
    values::statistics::{mean, quantile},
};
use domain::model::Point;
use std::collections::BTreeMap;

/// What a group's runs logged: their values by place. A run counts once at a place, with what it logged there last.
#[derive(Debug, Default)]
pub struct Gathered {
    pub runs: usize,
    pub points: usize,
    pub gaps: usize,
    /// Points at steps for which the axis' metric has no value.
    pub nowhere: usize,
    values: BTreeMap<i64, Vec<f64>>,
}

/// A group's line.
#[derive(Debug, Default, PartialEq)]
pub struct Summary {
    pub middle: Columns,
    /// How many runs have a value there.
    pub runs: Vec<usize>,
    pub low: Vec<f64>,
    pub high: Vec<f64>,
}

impl Gathered {
    /// A run's history. Places are its steps, or on an axis of time whole seconds.
    pub fn add(&mut self, points: &[Point], axis: Option<&BTreeMap<i64, f64>>, start: i64, query: &Query) {
        self.runs += usize::from(!points.is_empty());
        self.points += points.len();
        let mut own: BTreeMap<i64, (i64, i64, f64)> = BTreeMap::new();
        for point in points {
            if !point.value.is_finite() {
                self.gaps += 1;
                continue;
            }
            let place = match query.x {
                XAxis::Step => point.step,
                XAxis::Wall => point.timestamp.div_euclid(1000),
                XAxis::Relative => point.timestamp.saturating_sub(start).div_euclid(1000),
                XAxis::Metric => {
                    let Some(place) = axis.and_then(|axis| axis.get(&point.step)).filter(|v| v.is_finite()) else {
                        self.nowhere += 1;
                        continue;
                    };
                    ordered(*place)
                }
            };
            let now = (point.timestamp, point.step, point.value);
            own.entry(place)
                .and_modify(|last| {
                    if (last.0, last.1) <= (now.0, now.1) {
                        *last = now;
                    }
                })
                .or_insert(now);
        }
        for (place, (_, _, value)) in own {
            self.values.entry(place).or_default().push(value);
        }
    }

    /// The middle and the band of what was gathered.
    pub fn summary(self, query: &Query) -> Summary {
        let mut summary = Summary::default();
        for (place, mut values) in self.values {
            values.sort_by(f64::total_cmp);
            #[expect(clippy::cast_precision_loss, reason = "a place on an axis; beyond 2^53 steps lie closer than pixels")]
            let x = match query.x {
                XAxis::Wall => place as f64 * 1000.0,
                XAxis::Metric => unordered(place),
                XAxis::Step | XAxis::Relative => place as f64,
            };
            let middle = if query.middle == Middle::Median { quantile(&values, 0.5) } else { mean(&values) };
            let (low, high) = around(&values, middle, query.band);
            summary.middle.push(x, middle);
            summary.runs.push(values.len());
            summary.low.push(low);
            summary.high.push(high);
        }
        summary
    }
}

/// A finite double as an integer of the same order.
fn ordered(value: f64) -> i64 {
    // Zero is one place, whatever its sign.
    let bits = (value + 0.0).to_bits().cast_signed();
    if bits < 0 { i64::MIN - bits } else { bits }
}

fn unordered(place: i64) -> f64 {
    f64::from_bits(if place < 0 { i64::MIN - place } else { place }.cast_unsigned())
}

/// Below and above the middle of ordered values.
#[expect(clippy::cast_precision_loss, reason = "at most 10,000 runs")]
pub fn around(values: &[f64], middle: f64, band: Band) -> (f64, f64) {
    let count = values.len() as f64;
    // Of a sample; that of one alone is not known, and drawn as none.
    let deviation = || {
        let mean = mean(values);
        if values.len() < 2 { 0.0 } else { (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt() }
    };
    match band {
        Band::None => (middle, middle),
        Band::Extremes => (values[0], values[values.len() - 1]),
        Band::Deviation => (middle - deviation(), middle + deviation()),
        Band::Error => (middle - deviation() / count.sqrt(), middle + deviation() / count.sqrt()),
        Band::Quantiles => (quantile(values, 0.1), quantile(values, 0.9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(i64, f64)]) -> Vec<Point> {
        values.iter().map(|(step, value)| Point { step: *step, timestamp: 1000 + step * 500, value: *value }).collect()
    }

    fn summary(query: &Query) -> Summary {
        let mut gathered = Gathered::default();
        gathered.add(&points(&[(0, 1.0), (1, 2.0), (2, f64::NAN)]), None, 1000, query);
        gathered.add(&points(&[(0, 3.0), (0, 5.0), (2, 7.0)]), None, 1000, query);
        gathered.add(&[], None, 0, query);
        assert_eq!((gathered.runs, gathered.points, gathered.gaps), (2, 6, 1));
        gathered.summary(query)
    }

    #[test]
    fn a_run_counts_once_at_a_step_and_only_where_it_has_a_value() {
        let found = summary(&Query { band: Band::Extremes, ..Query::default() });
        assert_eq!((found.middle.x, found.middle.y, found.runs), (vec![0.0, 1.0, 2.0], vec![3.0, 2.0, 7.0], vec![2, 1, 1]));
        assert_eq!((found.low, found.high), (vec![1.0, 2.0, 7.0], vec![5.0, 2.0, 7.0]));
        let seconds = summary(&Query { x: XAxis::Relative, ..Query::default() });
        assert_eq!((seconds.middle.x, seconds.middle.y), (vec![0.0, 1.0], vec![3.5, 7.0]));
    }

    #[test]
    fn places_on_a_metrics_axis_keep_their_order_and_come_back() {
        let values = [f64::MIN, -2.5, -1e-300, 0.0, 1e-300, 0.5, f64::MAX];
        assert!(values.map(ordered).is_sorted() && ordered(-0.0) == ordered(0.0));
        assert!(values.iter().all(|v| unordered(ordered(*v)).to_bits() == v.to_bits()));
    }

    #[test]
    fn bands_are_around_the_middle() {
        let deviation = 8_f64.sqrt();
        for (band, low, high) in [
            (Band::None, 3.0, 3.0),
            (Band::Deviation, 3.0 - deviation, 3.0 + deviation),
            (Band::Error, 1.0, 5.0),
            (Band::Quantiles, 1.4, 4.6),
        ] {
            let found = summary(&Query { band, middle: Middle::Median, ..Query::default() });
            assert!((found.low[0] - low).abs() < 1e-12 && (found.high[0] - high).abs() < 1e-12, "{band:?} {found:?}");
        }
    }
}
