//! What is drawn of a metric, and how: all of it is in the page's address.

use serde::{Deserialize, Serialize};

/// What the horizontal axis says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XAxis {
    #[default]
    Step,
    /// When the point was measured, in milliseconds since 1970.
    Wall,
    /// Seconds since the history's first point.
    Relative,
}

impl XAxis {
    pub const ALL: [(Self, &str, &str); 3] =
        [(Self::Step, "step", "Step"), (Self::Wall, "wall", "Wall time"), (Self::Relative, "relative", "Relative time")];

    /// As an address names it; the step where it names none.
    pub fn named(text: &str) -> Self {
        Self::ALL.iter().find(|(_, name, _)| *name == text).map_or(Self::Step, |(axis, _, _)| *axis)
    }
}

/// Most of the earlier that smoothing keeps.
pub const SMOOTHEST: f64 = 0.99;

/// What a chart shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Empty: the first that the runs logged.
    pub metric: String,
    pub x: XAxis,
    /// The vertical axis is logarithmic.
    pub log: bool,
    /// How much of the earlier smoothing keeps, 0 (none) to 0.99.
    pub smooth: f64,
    /// Only points from here on, in the axis' own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// Only points up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Pixels that the chart is wide.
    pub width: u32,
}

impl Query {
    /// The same with what makes no sense left out.
    #[must_use]
    pub fn sound(mut self) -> Self {
        self.smooth = if self.smooth.is_finite() { self.smooth.clamp(0.0, SMOOTHEST) } else { 0.0 };
        self.from = self.from.filter(|v| v.is_finite());
        self.to = self.to.filter(|v| v.is_finite() && self.from.is_none_or(|from| from < *v));
        self.width = self.width.clamp(100, 2000);
        self
    }

    /// Whether a point at `x` is asked for.
    pub fn holds(&self, x: f64) -> bool {
        self.from.is_none_or(|from| x >= from) && self.to.is_none_or(|to| x <= to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_in_an_address_draws_a_plain_chart() {
        let odd = Query { smooth: f64::NAN, from: Some(f64::INFINITY), to: Some(3.0), width: u32::MAX, ..Query::default() }.sound();
        assert_eq!(odd, Query { to: Some(3.0), width: 2000, ..Query::default() });
        let odd = Query { smooth: 7.0, from: Some(5.0), to: Some(3.0), width: 0, ..Query::default() }.sound();
        assert_eq!(odd, Query { smooth: SMOOTHEST, from: Some(5.0), width: 100, ..Query::default() });
        assert_eq!((XAxis::named("wall"), XAxis::named("../")), (XAxis::Wall, XAxis::Step));
    }
}
