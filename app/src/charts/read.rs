//! From the runs that are chosen to the lines of their chart, on the server and on the command line.

use super::{
    api::{self, Chosen, Comparison, LEGIBLE},
    expression::Expression,
    group::Gathered,
    join::Source,
    line::{Joined, Line},
    query::{Kind, Query, XAxis},
    values,
};
use domain::{
    Caller, Error, Portal,
    model::{ExperimentId, Point, Run, RunId},
    tracking::{self, ChosenRuns, RunText},
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

/// Most runs that are compared.
pub const RUNS: usize = 10_000;
/// Runs whose params, metrics and tags are compared one by one.
const DESCRIBED: usize = 50;
/// Columns of all lines of a chart together.
const COLUMNS: usize = 24_000;
/// Fewest columns of a line,
const FEWEST: usize = 4;
/// and most for each pixel of the page that it was asked for: the chart may be shown wider, and a part of it is drawn larger at once.
const DENSE: usize = 2;

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
    let runs = found(portal, caller, team, chosen).await?;
    let keys = runs.keys(portal).await?;
    let (metrics, groups) = (keys.metrics, kinds(keys.params, keys.tags));
    let metric = drawable(portal, &runs, &metrics, &query.metric).await?;
    let keys: Vec<String> = api::keys(&metrics, &groups).collect();
    let (query, values) = values::read::values(portal, query, &runs, &metric, &keys).await?;
    let lines = if query.chart == Kind::Line { drawn(portal, &runs, &metric, &metrics, &query, whole).await? } else { Vec::new() };
    let rough = |(i, line): (usize, Line)| if i < LEGIBLE || whole { line } else { line.roughly() };
    let lines = lines.into_iter().enumerate().map(rough).collect();
    let (all, more) = (runs.as_slice().len(), runs.has_more());
    let runs = runs.whole(portal, DESCRIBED).await?;
    Ok(Comparison { query, runs, all, more, metrics, groups, metric, lines, values })
}

/// The metric that is asked for, or else the first one that one of the runs has; empty where there is none.
async fn drawable(portal: &Portal, runs: &ChosenRuns, metrics: &[String], asked: &str) -> domain::Result<String> {
    if metrics.iter().any(|key| key == asked) {
        return Ok(asked.to_owned());
    }
    for metric in metrics {
        if runs.latest(portal, metric).await?.iter().any(Option::is_some) {
            return Ok(metric.clone());
        }
    }
    Ok(String::new())
}

async fn found(portal: &Portal, caller: &Caller, team: &str, chosen: &Chosen) -> domain::Result<ChosenRuns> {
    let ids: Vec<RunId> = chosen.runs.split(',').map(str::trim).filter(|id| !id.is_empty()).map(RunId::from).collect();
    if ids.len() > RUNS {
        return Err(Error::invalid("runs", format!("At most {RUNS} runs can be compared; these are {}.", ids.len())));
    }
    let experiment = ExperimentId(chosen.experiment.clone());
    let search = (!chosen.experiment.is_empty()).then_some((&experiment, chosen.filter.as_str()));
    tracking::choose_runs(portal, caller, team, &ids, search, RUNS).await
}

/// What runs may have in common. Tags that are MLflow's own are left out, but for a few that tell people something.
fn kinds(params: Vec<String>, tags: Vec<String>) -> Vec<String> {
    let telling =
        |key: &str| !key.starts_with("mlflow.") || ["mlflow.user", "mlflow.source.name", "mlflow.source.git.commit"].contains(&key);
    let params = params.into_iter().map(|key| format!("params.{key}"));
    let tags = tags.into_iter().filter(|key| telling(key)).map(|key| format!("tags.{key}"));
    let keys: BTreeSet<String> = params.chain(tags).collect();
    ["experiment".to_owned(), "status".to_owned()].into_iter().chain(keys).collect()
}

/// Each run's value of `group`.
async fn named(portal: &Portal, runs: &ChosenRuns, group: &str) -> domain::Result<Vec<String>> {
    let texts = values::read::texts(portal, runs, group).await?;
    Ok((0..runs.as_slice().len()).map(|run| texts.get(run).unwrap_or("(none)").to_owned()).collect())
}

/// Numbers by size, then texts.
fn compared(a: &str, b: &str) -> Ordering {
    let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (x, y) => y.is_some().cmp(&x.is_some()).then_with(|| a.cmp(b)),
    }
}

/// What is read of each run for the chart.
fn source(metric: &str, metrics: &[String], query: &Query) -> Source {
    let expression = Expression::read(&query.expression).ok();
    let mut keys = expression.as_ref().map_or_else(|| vec![metric.to_owned()], |expression| expression.metrics.clone());
    let has_axis = query.x == XAxis::Metric;
    if has_axis {
        let named = query.horizontal.strip_prefix("metrics.").filter(|key| metrics.iter().any(|metric| metric == key));
        keys.push(
            named.map(str::to_owned).or_else(|| metrics.iter().find(|key| *key != metric).cloned()).unwrap_or_else(|| metric.to_owned()),
        );
    }
    Source { keys, expression, has_axis }
}

/// What `reduce` makes of each run's histories, joined as the source says. Those of one run at a time are in memory.
async fn joined<T, F>(portal: &Portal, runs: &ChosenRuns, source: Source, reduce: F) -> domain::Result<Vec<T>>
where
    T: Send + 'static,
    F: Fn(usize, Joined) -> T + Clone + Send + 'static,
{
    let parts = source.keys.len();
    let runs_by_key = (0..runs.as_slice().len()).flat_map(|run| source.keys.iter().map(move |key| (run, key.clone())));
    let curves: Vec<(usize, String)> = runs_by_key.collect();
    let waiting: Arc<Mutex<Vec<Vec<Point>>>> = Arc::default();
    let take = move |i: usize, points: Vec<Point>| {
        // They come in order: the last of a run finds the others waiting.
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(points);
        if i % parts + 1 < parts {
            return None;
        }
        let histories = std::mem::take(&mut *waiting);
        drop(waiting);
        Some(reduce(i / parts, source.joined(histories)))
    };
    Ok(runs.curves(portal, &curves, take).await?.into_iter().flatten().collect())
}

/// The lines of a chart: one for each run, or for each group; each in the chart of its facet.
async fn drawn(
    portal: &Portal,
    runs: &ChosenRuns,
    metric: &str,
    metrics: &[String],
    query: &Query,
    whole: bool,
) -> domain::Result<Vec<Line>> {
    let source = source(metric, metrics, query);
    let all = runs.as_slice();
    let facets = if query.facet.is_empty() { vec![String::new(); all.len()] } else { named(portal, runs, &query.facet).await? };
    if query.group.is_empty() {
        let columns = (!whole).then(|| (COLUMNS / all.len().max(1)).clamp(FEWEST, DENSE * query.width as usize));
        let names = runs.texts(portal, RunText::Name).await?;
        let name = |run: usize| names.get(run).unwrap_or_default().to_owned();
        let about: Vec<_> =
            all.iter().enumerate().zip(facets).map(|((i, run), facet)| (run.id.clone(), name(i), run.start_time, facet)).collect();
        let (about, query) = (Arc::new(about), query.clone());
        let line = move |i: usize, joined: Joined| {
            let (id, name, start, facet) = &about[i];
            Line { facet: facet.clone(), ..Line::along(id.clone(), name.clone(), *start, joined, &query, columns) }
        };
        let mut lines = joined(portal, runs, source, line).await?;
        if lines.iter().any(|line| !line.facet.is_empty()) {
            lines.sort_by(|a, b| compared(&a.facet, &b.facet));
        }
        return Ok(lines);
    }
    let gathered: Arc<Mutex<BTreeMap<(String, String), Gathered>>> = Arc::default();
    let groups = named(portal, runs, &query.group).await?;
    let keys = all.iter().zip(groups).zip(facets).map(|((run, group), facet)| ((facet, group), run.start_time));
    let about: Arc<Vec<_>> = Arc::new(keys.collect());
    let (into, asked) = (Arc::clone(&gathered), query.clone());
    let gather = move |i: usize, (points, axis): Joined| {
        let (key, start) = &about[i];
        let start = start.or_else(|| points.iter().map(|p| p.timestamp).min()).unwrap_or_default();
        let mut groups = into.lock().unwrap_or_else(PoisonError::into_inner);
        groups.entry(key.clone()).or_default().add(&points, axis.as_ref(), start, &asked);
    };
    joined(portal, runs, source, gather).await?;
    let mut groups: Vec<((String, String), Gathered)> =
        std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect();
    groups.sort_by(|((facet, name), _), ((other, another), _)| compared(facet, other).then_with(|| compared(name, another)));
    let columns = (!whole).then(|| (COLUMNS / groups.len().max(1)).clamp(FEWEST, DENSE * query.width as usize));
    let mut names: Vec<String> = groups.iter().map(|((_, name), _)| name.clone()).collect();
    names.sort_by(|a, b| compared(a, b));
    names.dedup();
    let line = |((facet, name), group): ((String, String), Gathered)| {
        let colour = names.iter().position(|known| *known == name).filter(|_| !facet.is_empty());
        Line { facet, colour, ..Line::of_group(name, group, query, columns) }
    };
    Ok(groups.into_iter().map(line).collect())
}
