//! From runs to the values that a chart shows, on the server.

use super::{DURATION, Field, Named, Values};
use crate::charts::{Query, columns::Doubles, query::Kind};
use domain::{
    Portal,
    tracking::{ChosenRun, ChosenRuns, RunText, RunTexts},
};

/// Axes of parallel coordinates, where none are chosen.
const AXES: usize = 7;
/// Most axes.
const AXES_MOST: usize = 24;
/// Most params whose importance is worked out, or that are looked at for numbers.
const PARAMS_MOST: usize = 100;

/// What runs have of a key that is no number: `params.lr`, `tags.owner`, `experiment` or `status`.
pub async fn texts(portal: &Portal, runs: &ChosenRuns, key: &str) -> domain::Result<RunTexts> {
    let of_runs = |of: fn(&ChosenRun) -> &str| {
        let mut texts = RunTexts::default();
        for run in runs.as_slice() {
            let text = of(run);
            let place = texts.words.iter().position(|word| word == text).unwrap_or_else(|| {
                texts.words.push(text.to_owned());
                texts.words.len() - 1
            });
            texts.places.push(Some(place));
        }
        texts
    };
    match key.split_once('.') {
        Some(("params", key)) => runs.texts(portal, RunText::Param(key)).await,
        Some(("tags", key)) => runs.texts(portal, RunText::Tag(key)).await,
        None if key == "experiment" => Ok(of_runs(|run| run.experiment.as_str())),
        None if key == "status" => Ok(of_runs(|run| run.status.as_str())),
        _ => Ok(RunTexts { words: Vec::new(), places: vec![None; runs.as_slice().len()] }),
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run fit in 53 bits")]
fn duration(run: &ChosenRun) -> f64 {
    match (run.start_time, run.end_time) {
        (Some(start), Some(end)) => end.saturating_sub(start) as f64 / 1000.0,
        _ => f64::NAN,
    }
}

/// The number that a text is.
fn amount(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|v| v.is_finite())
}

/// What each run has of `key`: numbers where all that have it have a number.
async fn field(portal: &Portal, runs: &ChosenRuns, key: &str) -> domain::Result<Field> {
    let numbers = |values: Vec<f64>| Field { key: key.to_owned(), labels: Vec::new(), values: Doubles(values) };
    if key == DURATION {
        return Ok(numbers(runs.as_slice().iter().map(duration).collect()));
    }
    if let Some(metric) = key.strip_prefix("metrics.") {
        return Ok(numbers(runs.latest(portal, metric).await?.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect()));
    }
    let texts = texts(portal, runs, key).await?;
    let valued = |values: &[f64]| texts.places.iter().map(|place| place.map_or(f64::NAN, |place| values[place])).collect();
    let parsed: Vec<Option<f64>> = texts.words.iter().map(|word| amount(word)).collect();
    // An experiment's id is no amount.
    if let Some(parsed) = parsed.iter().copied().collect::<Option<Vec<f64>>>().filter(|_| key != "experiment") {
        return Ok(numbers(valued(&parsed)));
    }
    let mut order: Vec<usize> = (0..texts.words.len()).collect();
    // Numbers among them by their size.
    order.sort_by(|a, b| match (parsed[*a], parsed[*b]) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| texts.words[*a].cmp(&texts.words[*b])),
        (x, y) => y.is_some().cmp(&x.is_some()).then_with(|| texts.words[*a].cmp(&texts.words[*b])),
    });
    let mut ranks = vec![0.0; order.len()];
    for (rank, place) in order.iter().enumerate() {
        ranks[*place] = super::real(rank);
    }
    let labels = order.iter().map(|place| texts.words[*place].clone()).collect();
    Ok(Field { key: key.to_owned(), labels, values: Doubles(valued(&ranks)) })
}

/// The first `most` params, by name, of which at least two runs have different values; where `numeric`, only numbers.
async fn varying(portal: &Portal, runs: &ChosenRuns, most: usize, numeric: bool) -> domain::Result<Vec<String>> {
    let all = runs.varying(portal).await?.into_iter().map(|key| format!("params.{key}"));
    if !numeric {
        return Ok(all.take(most).collect());
    }
    let mut numbers = Vec::new();
    for key in all.take(PARAMS_MOST) {
        if numbers.len() < most && texts(portal, runs, &key).await?.words.iter().all(|word| amount(word).is_some()) {
            numbers.push(key);
        }
    }
    Ok(numbers)
}

/// The query with what it leaves open decided, and the values that it needs. `metric` is the one that is drawn, `keys` is everything that may be
/// chosen.
///
/// # Errors
/// Where the database does not answer.
pub async fn values(
    portal: &Portal,
    mut query: Query,
    runs: &ChosenRuns,
    metric: &str,
    keys: &[String],
) -> domain::Result<(Query, Values)> {
    metric.clone_into(&mut query.metric);
    if query.chart == Kind::Line {
        return Ok((query, Values::default()));
    }
    let own = format!("metrics.{metric}");
    let known = |key: &String| keys.contains(key);
    // Asked for only where something is left open.
    let params = match query.chart {
        Kind::Scatter if !known(&query.horizontal) => varying(portal, runs, 1, false).await?,
        Kind::Heat | Kind::Contour if !(known(&query.horizontal) && known(&query.vertical)) => {
            varying(portal, runs, 2, query.chart == Kind::Contour).await?
        }
        Kind::Parallel if !query.axes.iter().any(known) => varying(portal, runs, AXES, false).await?,
        Kind::Importance => varying(portal, runs, PARAMS_MOST, false).await?,
        _ => Vec::new(),
    };
    let other = || keys.iter().find(|key| key.starts_with("metrics.") && **key != own).cloned();
    let needed: Vec<String> = match query.chart {
        Kind::Line => Vec::new(),
        Kind::Scatter | Kind::Heat | Kind::Contour => {
            let first = || params.first().cloned().or_else(other).unwrap_or_else(|| DURATION.to_owned());
            query.horizontal = Some(query.horizontal.clone()).filter(known).unwrap_or_else(first);
            let second = || params.iter().find(|key| **key != query.horizontal).cloned().or_else(other).unwrap_or_else(|| own.clone());
            let up = || if query.chart == Kind::Scatter { own.clone() } else { second() };
            query.vertical = Some(query.vertical.clone()).filter(known).unwrap_or_else(up);
            query.colour = Some(query.colour.clone()).filter(known).unwrap_or_default();
            let third = if query.chart == Kind::Scatter { query.colour.clone() } else { own };
            vec![query.horizontal.clone(), query.vertical.clone(), third]
        }
        Kind::Parallel => {
            query.axes.retain(known);
            query.axes.truncate(AXES_MOST);
            if query.axes.is_empty() {
                query.axes = params.iter().take(AXES - 1).cloned().chain([own.clone()]).collect();
            }
            query.colour = Some(query.colour.clone()).filter(known).unwrap_or(own);
            query.axes.iter().cloned().chain([query.colour.clone()]).collect()
        }
        Kind::Bar | Kind::Box | Kind::Violin | Kind::Histogram => {
            query.group = Some(query.group.clone()).filter(known).unwrap_or_default();
            vec![own, query.group.clone()]
        }
        Kind::Importance => std::iter::once(own).chain(params).collect(),
    };
    let mut fields: Vec<Field> = Vec::new();
    for key in needed.iter().filter(|key| !key.is_empty()) {
        if fields.iter().all(|field| field.key != *key) {
            fields.push(field(portal, runs, key).await?);
        }
    }
    let names = runs.texts(portal, RunText::Name).await?;
    let named = |(i, run): (usize, &ChosenRun)| Named { id: run.id.clone(), name: names.get(i).unwrap_or_default().to_owned() };
    let runs = runs.as_slice().iter().enumerate().map(named).collect();
    Ok((query, Values { runs, fields }))
}
