//! Server functions that answer lines of metrics, reduced to what a chart of some width shows.

use super::{line::Line, query::Query};
use crate::error::AppError;
use domain::model::{Run, RunId};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::context::request;

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
#[server(prefix = "/api", endpoint = "charts/run")]
pub async fn run_lines(
    team: String,
    run: RunId,
    #[server(default)] text: String,
    #[server(default)] most: usize,
    #[server(default)] query: Query,
) -> Result<LinesOfRun, AppError> {
    let ((portal, caller), query) = (request()?, query.sound());
    let run = domain::tracking::runs::get(&portal, &caller, &team, &run).await?;
    let (all, text) = (run.metrics.len(), text.trim().to_lowercase());
    let mut keys: Vec<String> = run.metrics.into_iter().map(|m| m.key).filter(|key| key.to_lowercase().contains(&text)).collect();
    let matching = keys.len();
    keys.truncate(most.min(MOST));
    let lines = drawn(&portal, &caller, &team, keys.into_iter().map(|key| (run.id.clone(), key.clone(), key)), query.clone()).await?;
    Ok(LinesOfRun { query, lines, matching, all })
}

/// Runs side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What was asked for.
    pub query: Query,
    pub runs: Vec<Run>,
    /// Every metric of theirs, by name.
    pub metrics: Vec<String>,
    /// The one that is drawn; empty where there is none.
    pub metric: String,
    /// One for each run, in their order.
    pub lines: Vec<Line>,
}

/// The runs with these ids, parted by commas, each once; and the lines of one metric of theirs.
#[server(prefix = "/api", endpoint = "charts/compare")]
pub async fn compare(team: String, #[server(default)] runs: String, #[server(default)] query: Query) -> Result<Comparison, AppError> {
    let ((portal, caller), query) = (request()?, query.sound());
    let mut found: Vec<Run> = Vec::new();
    for id in runs.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        if found.iter().all(|run| run.id.as_str() != id) {
            found.push(domain::tracking::runs::get(&portal, &caller, &team, &RunId::from(id)).await?);
        }
    }
    let keys: std::collections::BTreeSet<&str> = found.iter().flat_map(|run| run.metrics.iter().map(|m| m.key.as_str())).collect();
    let metrics: Vec<String> = keys.into_iter().map(str::to_owned).collect();
    let metric = metrics.iter().find(|key| **key == query.metric).or(metrics.first()).cloned().unwrap_or_default();
    let asked = found.iter().map(|run| (run.id.clone(), metric.clone(), run.name.clone()));
    let lines = drawn(&portal, &caller, &team, asked, query.clone()).await?;
    Ok(Comparison { query, runs: found, metrics, metric, lines })
}

/// The lines of (run, metric, name).
#[cfg(feature = "ssr")]
async fn drawn(
    portal: &domain::Portal,
    caller: &domain::Caller,
    team: &str,
    asked: impl Iterator<Item = (RunId, String, String)>,
    query: Query,
) -> Result<Vec<Line>, AppError> {
    let (curves, names): (Vec<(RunId, String)>, Vec<String>) = asked.map(|(run, key, name)| ((run, key), name)).unzip();
    let unnamed = move |points| Line::of(RunId::from(""), String::new(), points, &query);
    let lines = domain::tracking::curves(portal, caller, team, &curves, unnamed).await?;
    let named = lines.into_iter().zip(curves).zip(names);
    Ok(named.map(|((line, (run, _)), name)| Line { run, name, ..line }).collect())
}
