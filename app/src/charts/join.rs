//! Several histories of one run, joined by their steps.

use super::{expression::Expression, line::Joined};
use domain::model::Point;
use std::collections::BTreeMap;

/// What a chart needs of each run.
#[derive(Clone, Debug)]
pub struct Source {
    /// Metrics to be read, in this order; the last is the axis' where there is one.
    pub keys: Vec<String>,
    pub expression: Option<Expression>,
    pub has_axis: bool,
}

/// The latest finite point of each step.
fn by_step(points: Vec<Point>) -> BTreeMap<i64, Point> {
    let mut found: BTreeMap<i64, Point> = BTreeMap::new();
    for point in points {
        found
            .entry(point.step)
            .and_modify(|last| {
                if last.timestamp <= point.timestamp {
                    *last = point;
                }
            })
            .or_insert(point);
    }
    found
}

impl Source {
    /// Of the histories of `keys`, in their order.
    pub fn joined(&self, mut parts: Vec<Vec<Point>>) -> Joined {
        let axis = self.has_axis.then(|| parts.pop().unwrap_or_default());
        let axis = axis.map(|points| by_step(points).into_iter().map(|(step, point)| (step, point.value)).collect());
        let points = match &self.expression {
            None => parts.pop().unwrap_or_default(),
            Some(expression) => worked_out(expression, parts),
        };
        (points, axis)
    }
}

/// The expression at every step that all of its metrics have.
fn worked_out(expression: &Expression, parts: Vec<Vec<Point>>) -> Vec<Point> {
    let parts: Vec<BTreeMap<i64, Point>> = parts.into_iter().map(by_step).collect();
    let Some((first, others)) = parts.split_first() else { return Vec::new() };
    let mut found = Vec::new();
    'steps: for (step, point) in first {
        let (mut values, mut timestamp) = (vec![point.value], point.timestamp);
        for other in others {
            let Some(point) = other.get(step) else { continue 'steps };
            values.push(point.value);
            timestamp = timestamp.max(point.timestamp);
        }
        found.push(Point { step: *step, timestamp, value: expression.value(&values) });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(i64, i64, f64)]) -> Vec<Point> {
        values.iter().map(|(step, timestamp, value)| Point { step: *step, timestamp: *timestamp, value: *value }).collect()
    }

    #[test]
    fn an_expression_has_a_value_where_all_of_its_metrics_have_one() {
        let expression = Expression::read("b / a").expect("read");
        let source = Source { keys: vec!["b".into(), "a".into()], expression: Some(expression), has_axis: false };
        let b = points(&[(0, 10, 8.0), (1, 20, 6.0), (1, 30, 9.0), (2, 40, 5.0)]);
        let a = points(&[(1, 25, 3.0), (2, 50, 0.0), (7, 60, 1.0)]);
        let (found, axis) = source.joined(vec![b, a]);
        assert_eq!(found.iter().map(|p| (p.step, p.timestamp, p.value)).collect::<Vec<_>>(), [(1, 30, 3.0), (2, 50, f64::INFINITY)]);
        assert_eq!(axis, None);
    }

    #[test]
    fn the_last_history_is_the_axis() {
        let source = Source { keys: vec!["loss".into(), "epoch".into()], expression: None, has_axis: true };
        let (found, axis) = source.joined(vec![points(&[(0, 0, 1.0), (5, 1, 0.5)]), points(&[(0, 0, 0.0), (5, 0, 2.0), (5, 3, 2.5)])]);
        assert_eq!(found.len(), 2);
        assert_eq!(axis, Some([(0, 0.0), (5, 2.5)].into()));
    }
}
