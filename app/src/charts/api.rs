//! Server functions that answer lines of metrics, in as many columns as a screen has pixels. They answer with CBOR (RFC 8949), which has bytes.

use super::{
    line::Line,
    query::Query,
    values::{DURATION, Values},
};
use crate::error::AppError;
use domain::model::{Run, RunId};
use leptos::{prelude::*, server_fn::codec::Cbor};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::request;

/// Lines whose values are read one by one; of those beyond there is the drawing only.
pub const LEGIBLE: usize = 100;
/// Most charts of one answer.
pub const MOST: usize = 240;

/// Lines of a run's metrics, a chart each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinesOfRun {
    /// What was asked for.
    pub query: Query,
    pub lines: Vec<Line>,
    /// Metrics whose name matches.
    pub matching: usize,
    /// Metrics of the run.
    pub all: usize,
}

/// The first `most` metrics of a run, by name, whose name contains `text`.
#[server(prefix = "/api", endpoint = "charts/run", output = Cbor)]
pub async fn run_lines(
    team: String,
    run: RunId,
    #[server(default)] text: String,
    #[server(default)] most: usize,
    #[server(default)] query: Query,
) -> Result<LinesOfRun, AppError> {
    let ((portal, caller), mut query) = (request()?, query.sound());
    // Each metric has a chart here; none of them is the axis of the others.
    if query.x == super::query::XAxis::Metric {
        query.x = super::query::XAxis::Step;
    }
    let run = domain::tracking::runs::get(&portal, &caller, &team, &run).await?;
    let (all, text) = (run.metrics.len(), text.trim().to_lowercase());
    let mut keys: Vec<String> = run.metrics.iter().map(|m| m.key.clone()).filter(|key| key.to_lowercase().contains(&text)).collect();
    let matching = keys.len();
    keys.truncate(most.min(MOST));
    let asked = keys.into_iter().map(|key| (&run, key.clone(), key));
    let lines = super::read::lines(&portal, &caller, &team, asked, &query, Some(query.width as usize)).await?;
    Ok(LinesOfRun { query, lines, matching, all })
}

/// Which runs are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chosen {
    /// Ids, parted by commas.
    pub runs: String,
    /// All of this experiment's runs as well, where it is not empty,
    pub experiment: String,
    /// that fit this, in MLflow's filter language.
    pub filter: String,
}

/// Everything that an axis may show.
pub fn keys<'a>(metrics: &'a [String], groups: &'a [String]) -> impl Iterator<Item = String> + 'a {
    let metrics = metrics.iter().map(|key| format!("metrics.{key}"));
    metrics.chain(groups.iter().cloned()).chain([DURATION.to_owned()])
}

/// Runs side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What was asked for.
    pub query: Query,
    /// The first `DESCRIBED` of the runs.
    pub runs: Vec<Run>,
    /// Runs that are compared.
    pub all: usize,
    /// More runs match than can be compared.
    pub more: bool,
    /// Every metric of theirs, by name.
    pub metrics: Vec<String>,
    /// What they may be grouped by.
    pub groups: Vec<String>,
    /// The metric that is drawn; empty where there is none.
    pub metric: String,
    /// One for each run, in their order, or one for each group; none where values are drawn.
    pub lines: Vec<Line>,
    /// What is drawn where it is no lines.
    pub values: Values,
}

impl Comparison {
    /// What the lines are of, in words.
    pub fn drawn(&self) -> &str {
        if self.query.expression.is_empty() { &self.metric } else { &self.query.expression }
    }
}

/// The chosen runs, each once, and the lines of one metric of theirs.
#[server(prefix = "/api", endpoint = "charts/compare", output = Cbor)]
pub async fn compare(
    team: String,
    #[server(default)] runs: String,
    #[server(default)] experiment: String,
    #[server(default)] filter: String,
    #[server(default)] query: Query,
) -> Result<Comparison, AppError> {
    let (portal, caller) = request()?;
    Ok(super::read::compare(&portal, &caller, &team, &Chosen { runs, experiment, filter }, query, false).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Columns;
    use domain::model::Point;

    #[test]
    fn an_answer_comes_back_from_its_bytes() {
        let query = Query { from: Some(0.5), smooth: 0.5, ..Query::default() };
        let points = [1.0, f64::NAN, 3.0, 4.0].into_iter().zip(0..).map(|(value, step)| Point { step, timestamp: 0, value }).collect();
        let line = Line::of(RunId::from("r"), "r".into(), None, points, &query.clone().sound(), Some(960));
        let edge = Columns { x: vec![1.0, 2.0], y: vec![f64::NAN, 5.0], rough: false };
        let lines = vec![line.clone(), Line { band: Some((edge.clone(), edge)), ..line.clone() }, line.roughly()];
        let asked = Comparison { query, lines, all: 3, metric: "loss".into(), ..Comparison::default() };
        let mut bytes = Vec::new();
        ciborium::into_writer(&asked, &mut bytes).expect("CBOR");
        let back: Comparison = ciborium::from_reader(&bytes[..]).expect("a comparison");
        // A gap is not equal to itself.
        let text = |found: &Comparison| format!("{:?} {:?} {:?}", found.query, found.metric, &found.lines[..2]);
        assert_eq!(text(&back), text(&asked));
        assert!(back.lines[2].raw.rough && back.lines[2].raw.x.len() == asked.lines[2].raw.x.len());
    }
}
