//! From the runs that are chosen to the lines of their chart, on the server and on the command line.

use super::{
    api::{self, Chosen, Comparison},
    group::Gathered,
    line::Line,
    query::{Kind, Query},
    values,
};
use domain::{
    Caller, Error, Portal,
    model::{ExperimentId, Run, RunId, RunSearch},
    tracking,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

/// Most runs that are compared.
pub const RUNS: usize = 10_000;
/// Runs whose params, metrics and tags are compared one by one.
const DESCRIBED: usize = 50;
/// Columns of all lines of a chart together.
const COLUMNS: usize = 24_000;
/// Fewest columns of a line.
const FEWEST: usize = 4;

/// The lines of (run, metric, name) in so many columns, or whole.
pub async fn lines<'a>(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    asked: impl Iterator<Item = (&'a Run, String, String)>,
    query: &Query,
    columns: Option<usize>,
) -> domain::Result<Vec<Line>> {
    let (mut curves, mut about) = (Vec::new(), Vec::new());
    for (run, key, name) in asked {
        curves.push((run.id.clone(), key));
        about.push((name, run.start_time));
    }
    let (about, query, ids) = (Arc::new(about), query.clone(), Arc::new(curves.iter().map(|(id, _)| id.clone()).collect::<Vec<RunId>>()));
    let line = move |i: usize, points| Line::of(ids[i].clone(), about[i].0.clone(), about[i].1, points, &query, columns);
    tracking::curves(portal, caller, team, &curves, line).await
}

/// The chosen runs and the lines of a metric; `whole` lines are not reduced.
///
/// # Errors
/// `NotFound` where a run or the experiment is not the team's, `Invalid` where the filter cannot be read.
pub async fn compare(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    chosen: &Chosen,
    query: Query,
    whole: bool,
) -> domain::Result<Comparison> {
    let query = query.sound();
    let (mut runs, more) = found(portal, caller, team, chosen).await?;
    let keys: BTreeSet<&str> = runs.iter().flat_map(|run| run.metrics.iter().map(|m| m.key.as_str())).collect();
    let metrics: Vec<String> = keys.into_iter().map(str::to_owned).collect();
    let metric = metrics.iter().find(|key| **key == query.metric).or(metrics.first()).cloned().unwrap_or_default();
    let groups = kinds(&runs);
    let keys: Vec<String> = api::keys(&metrics, &groups).collect();
    let (query, values) = values::read::values(query, &runs, &metric, &keys);
    let lines = if query.chart != Kind::Line {
        Vec::new()
    } else if query.group.is_empty() {
        let columns = (COLUMNS / runs.len().max(1)).clamp(FEWEST, query.width as usize);
        let asked = runs.iter().map(|run| (run, metric.clone(), run.name.clone()));
        lines(portal, caller, team, asked, &query, (!whole).then_some(columns)).await?
    } else {
        grouped(portal, caller, team, &runs, &metric, &query, whole).await?
    };
    let all = runs.len();
    runs.truncate(DESCRIBED);
    Ok(Comparison { query, runs, all, more, metrics, groups, metric, lines, values })
}

async fn found(portal: &Portal, caller: &Caller, team: &str, chosen: &Chosen) -> domain::Result<(Vec<Run>, bool)> {
    let ids: Vec<RunId> = chosen.runs.split(',').map(str::trim).filter(|id| !id.is_empty()).map(RunId::from).collect();
    if ids.len() > RUNS {
        return Err(Error::invalid("runs", format!("At most {RUNS} runs can be compared; these are {}.", ids.len())));
    }
    let mut runs = tracking::named_runs(portal, caller, team, &ids).await?;
    if chosen.experiment.is_empty() {
        return Ok((runs, false));
    }
    let experiment = ExperimentId(chosen.experiment.clone());
    // One that is not the team's has no runs in a search; here that is said.
    tracking::experiments::get(portal, caller, team, &experiment).await?;
    let max_results = i64::try_from(RUNS - runs.len()).unwrap_or_default().max(1);
    let search = RunSearch { experiments: vec![experiment], filter: chosen.filter.clone(), max_results, ..RunSearch::default() };
    let page = tracking::search_runs(portal, caller, team, &search).await?;
    let named: BTreeSet<RunId> = runs.iter().map(|run| run.id.clone()).collect();
    runs.extend(page.runs.into_iter().filter(|run| !named.contains(&run.id)));
    Ok((runs, page.next_page_token.is_some()))
}

/// What runs may have in common. Tags that are MLflow's own are left out, but for a few that tell people something.
fn kinds(runs: &[Run]) -> Vec<String> {
    let params = runs.iter().flat_map(|run| run.params.iter().map(|p| format!("params.{}", p.key)));
    let telling =
        |key: &str| !key.starts_with("mlflow.") || ["mlflow.user", "mlflow.source.name", "mlflow.source.git.commit"].contains(&key);
    let tags = runs.iter().flat_map(|run| run.tags.iter().filter(|t| telling(&t.key)).map(|t| format!("tags.{}", t.key)));
    let keys: BTreeSet<String> = params.chain(tags).collect();
    ["experiment".to_owned(), "status".to_owned()].into_iter().chain(keys).collect()
}

/// The run's value of `group`.
fn value(run: &Run, group: &str) -> String {
    let of = |pairs: &[domain::model::Tag], key: &str| pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value.clone());
    let value = match group.split_once('.') {
        Some(("params", key)) => of(&run.params, key),
        Some(("tags", key)) => of(&run.tags, key),
        None if group == "experiment" => Some(run.experiment.to_string()),
        None if group == "status" => Some(run.status.as_str().to_owned()),
        _ => None,
    };
    value.unwrap_or_else(|| "(none)".to_owned())
}

/// Numbers by size, then texts.
fn order(text: &str) -> (bool, f64, String) {
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
    (number.is_none(), number.unwrap_or_default(), text.to_owned())
}

/// A line for each value of what the runs are grouped by. One history at a time is in memory, and of all of them the values by place.
async fn grouped(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    runs: &[Run],
    metric: &str,
    query: &Query,
    whole: bool,
) -> domain::Result<Vec<Line>> {
    let names: Vec<String> = runs.iter().map(|run| value(run, &query.group)).collect();
    let gathered: Arc<Mutex<BTreeMap<String, Gathered>>> = Arc::default();
    let curves: Vec<(RunId, String)> = runs.iter().map(|run| (run.id.clone(), metric.to_owned())).collect();
    let (into, asked) = (Arc::clone(&gathered), query.clone());
    let about: Arc<Vec<(String, Option<i64>)>> = Arc::new(names.into_iter().zip(runs.iter().map(|run| run.start_time)).collect());
    let gather = move |i: usize, points: Vec<domain::model::Point>| {
        let (name, start) = &about[i];
        let start = start.or_else(|| points.iter().map(|p| p.timestamp).min()).unwrap_or_default();
        let mut groups = into.lock().unwrap_or_else(PoisonError::into_inner);
        groups.entry(name.clone()).or_default().add(&points, start, &asked);
    };
    tracking::curves(portal, caller, team, &curves, gather).await?;
    let mut groups: Vec<(String, Gathered)> =
        std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect();
    groups.sort_by(|a, b| {
        let (a, b) = (order(&a.0), order(&b.0));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then_with(|| a.2.cmp(&b.2))
    });
    let columns = (COLUMNS / groups.len().max(1)).clamp(FEWEST, query.width as usize);
    Ok(groups.into_iter().map(|(name, group)| Line::of_group(name, group, query, (!whole).then_some(columns))).collect())
}
