//! What is drawn of a metric, and how: all of it is in the page's address.

use super::{expression::Expression, scale::Scale, smooth::Smoothing};
use serde::{Deserialize, Serialize};

/// What the horizontal axis says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XAxis {
    #[default]
    Step,
    /// When the point was measured, in milliseconds since 1970.
    Wall,
    /// Seconds since the run's start; since the history's first point where the run has none.
    Relative,
    /// What the run logged of another metric at the same step: `Query::horizontal` names it.
    Metric,
}

impl XAxis {
    pub const ALL: [(Self, &str, &str); 4] = [
        (Self::Step, "step", "Step"),
        (Self::Wall, "wall", "Wall time"),
        (Self::Relative, "relative", "Relative time"),
        (Self::Metric, "metric", "Another metric"),
    ];
    /// The axes of a run's own charts.
    pub const OWN: [(Self, &str, &str); 3] = [Self::ALL[0], Self::ALL[1], Self::ALL[2]];

    /// As an address names it; the step where it names none.
    pub fn named(text: &str) -> Self {
        Self::ALL.iter().find(|(_, name, _)| *name == text).map_or(Self::Step, |(axis, _, _)| *axis)
    }
}

/// What is drawn of the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Histories.
    #[default]
    Line,
    // The latest values.
    Parallel,
    Scatter,
    Heat,
    Contour,
    Bar,
    Box,
    Violin,
    Histogram,
    Importance,
}

impl Kind {
    pub const ALL: [(Self, &str, &str); 10] = [
        (Self::Line, "", "Lines"),
        (Self::Parallel, "parallel", "Parallel coordinates"),
        (Self::Scatter, "scatter", "Scatter"),
        (Self::Heat, "heat", "Heat map"),
        (Self::Contour, "contour", "Contour lines"),
        (Self::Bar, "bar", "Bars"),
        (Self::Box, "box", "Boxes"),
        (Self::Violin, "violin", "Violins"),
        (Self::Histogram, "histogram", "Histogram"),
        (Self::Importance, "importance", "Param importance"),
    ];

    /// What people call it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _, _)| *kind == self).map_or("", |(_, _, name)| name)
    }
}

/// What stands for a group of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Middle {
    #[default]
    Mean,
    Median,
}

impl Middle {
    pub const ALL: [(Self, &str, &str); 2] = [(Self::Mean, "", "Mean"), (Self::Median, "median", "Median")];
}

/// What is shaded around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    #[default]
    Extremes,
    /// One standard deviation to each side.
    Deviation,
    /// One standard error of the mean to each side.
    Error,
    /// From the tenth to the ninetieth percentile.
    Quantiles,
    None,
}

impl Band {
    pub const ALL: [(Self, &str, &str); 5] = [
        (Self::Extremes, "", "Least to greatest"),
        (Self::Deviation, "std", "Standard deviation"),
        (Self::Error, "stderr", "Standard error"),
        (Self::Quantiles, "quantiles", "10 % to 90 %"),
        (Self::None, "none", "No band"),
    ];
}

/// What becomes of a few values that lie far from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outliers {
    #[default]
    Shown,
    /// The axis ends before them.
    Beyond,
}

impl Outliers {
    pub const ALL: [(Self, &str, &str); 2] = [(Self::Shown, "", "Shown"), (Self::Beyond, "beyond", "Beyond the axis")];
}

/// The choice that an address names; the default where it names none.
pub fn chosen<T: Copy + Default>(all: &[(T, &str, &str)], text: &str) -> T {
    all.iter().find(|(_, name, _)| *name == text).map_or_else(T::default, |(choice, _, _)| *choice)
}

/// Most of the earlier that smoothing keeps.
pub const SMOOTHEST: f64 = 0.99;

/// What a chart shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    pub chart: Kind,
    /// Empty: the first that the runs logged.
    pub metric: String,
    /// Key that is drawn across: `params.lr`, `metrics.loss`, `tags.owner`, `duration`; empty: one that differs.
    pub horizontal: String,
    /// Key that is drawn up.
    pub vertical: String,
    /// Key that colours tell.
    pub colour: String,
    /// Keys of parallel coordinates, in order.
    pub axes: Vec<String>,
    /// Drawn instead of the metric where it is not empty: an `Expression`.
    pub expression: String,
    /// A chart for the runs with one value of this, beside one another; empty: one for all.
    pub facet: String,
    pub outliers: Outliers,
    pub x: XAxis,
    /// Of the horizontal axis.
    pub across: Scale,
    /// Of the vertical axis.
    pub up: Scale,
    /// How much is smoothed, 0 (nothing) to 0.99.
    pub smooth: f64,
    pub smoothing: Smoothing,
    /// What the runs of a line have in common: `params.lr`, `tags.owner`, `experiment`; empty: each has its own.
    pub group: String,
    pub middle: Middle,
    pub band: Band,
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
    /// What the values of an address ask for.
    pub fn of<'a>(text: impl Fn(&'static str) -> Option<&'a str>, width: u32) -> Self {
        let text = |name| text(name).unwrap_or_default();
        let number = |name| text(name).trim().parse::<f64>().ok();
        let query = Self {
            chart: chosen(&Kind::ALL, text("chart")),
            horizontal: text("horizontal").to_owned(),
            vertical: text("vertical").to_owned(),
            colour: text("colour").to_owned(),
            axes: text("axes").split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect(),
            metric: text("metric").to_owned(),
            // What cannot be read is told beside its field.
            expression: Some(text("expression").trim()).filter(|text| Expression::read(text).is_ok()).unwrap_or_default().to_owned(),
            facet: text("facet").to_owned(),
            outliers: chosen(&Outliers::ALL, text("outliers")),
            x: XAxis::named(text("x")),
            across: chosen(&Scale::ALL, text("across")),
            up: chosen(&Scale::ALL, text("y")),
            smooth: number("smooth").unwrap_or_default(),
            smoothing: chosen(&Smoothing::ALL, text("smoothing")),
            group: text("group").to_owned(),
            middle: chosen(&Middle::ALL, text("middle")),
            band: chosen(&Band::ALL, text("band")),
            from: number("from"),
            to: number("to"),
            width,
        };
        query.sound()
    }

    /// The same with what makes no sense left out.
    #[must_use]
    pub fn sound(mut self) -> Self {
        self.smooth = if self.smooth.is_finite() { self.smooth.clamp(0.0, SMOOTHEST) } else { 0.0 };
        self.from = self.from.filter(|v| v.is_finite());
        self.to = self.to.filter(|v| v.is_finite() && self.from.is_none_or(|from| from < *v));
        self.width = self.width.clamp(100, 2000);
        self
    }

    /// The same without what needs no other data, so that choosing it asks for none.
    #[must_use]
    pub fn asked(&self) -> Self {
        if self.chart == Kind::Line {
            let horizontal = if self.x == XAxis::Metric { self.horizontal.clone() } else { String::new() };
            let (vertical, colour, axes, outliers) = (String::new(), String::new(), Vec::new(), Outliers::Shown);
            return Self { horizontal, vertical, colour, axes, outliers, ..self.clone() };
        }
        let Self { chart, metric, horizontal, vertical, colour, axes, group, .. } = self.clone();
        Self { chart, metric, horizontal, vertical, colour, axes, group, width: 960, ..Self::default() }
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
