//! From runs to the values that a chart shows, on the server.

use super::{DURATION, Field, Named, Values};
use crate::charts::{Query, columns::Doubles, query::Kind};
use domain::model::Run;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Axes of parallel coordinates, where none are chosen.
const AXES: usize = 7;
/// Most axes.
const AXES_MOST: usize = 24;
/// Most params whose importance is worked out.
const PARAMS_MOST: usize = 100;

/// What a run has of a key.
fn text<'a>(run: &'a Run, key: &str) -> Option<std::borrow::Cow<'a, str>> {
    let of = |pairs: &'a [domain::model::Tag], key: &str| pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str().into());
    match key.split_once('.') {
        Some(("params", key)) => of(&run.params, key),
        Some(("tags", key)) => of(&run.tags, key),
        None if key == "experiment" => Some(run.experiment.to_string().into()),
        None if key == "status" => Some(run.status.as_str().into()),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run fit in 53 bits")]
fn number(run: &Run, key: &str) -> f64 {
    if let Some(metric) = key.strip_prefix("metrics.") {
        return run.metrics.iter().find(|m| m.key == metric).map_or(f64::NAN, |m| m.value);
    }
    match (run.start_time, run.end_time) {
        (Some(start), Some(end)) if key == DURATION => end.saturating_sub(start) as f64 / 1000.0,
        _ => f64::NAN,
    }
}

/// What each run has of `key`: numbers where all that have it have a number.
fn field(runs: &[Run], key: &str) -> Field {
    if key.starts_with("metrics.") || key == DURATION {
        return Field { key: key.to_owned(), labels: Vec::new(), values: Doubles(runs.iter().map(|run| number(run, key)).collect()) };
    }
    let texts: Vec<_> = runs.iter().map(|run| text(run, key)).collect();
    let read = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    // An experiment's id is no amount.
    let numbers: Option<Vec<f64>> =
        texts.iter().map(|text| text.as_deref().map_or(Some(f64::NAN), read)).collect::<Option<_>>().filter(|_| key != "experiment");
    if let Some(numbers) = numbers {
        return Field { key: key.to_owned(), labels: Vec::new(), values: Doubles(numbers) };
    }
    let mut labels: Vec<&str> = texts.iter().flatten().map(AsRef::as_ref).collect::<BTreeSet<&str>>().into_iter().collect();
    // Numbers among them by their size.
    labels.sort_by(|a, b| match (read(a), read(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    let places: HashMap<&str, f64> = labels.iter().enumerate().map(|(i, label)| (*label, super::real(i))).collect();
    let values = texts.iter().map(|text| text.as_deref().and_then(|text| places.get(text).copied()).unwrap_or(f64::NAN)).collect();
    Field { key: key.to_owned(), labels: labels.into_iter().map(str::to_owned).collect(), values: Doubles(values) }
}

/// Params of which at least two runs have different values, by name.
fn varying(runs: &[Run]) -> Vec<String> {
    let mut seen: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
    for param in runs.iter().flat_map(|run| &run.params) {
        seen.entry(&param.key).and_modify(|(first, vary)| *vary |= *first != param.value).or_insert((&param.value, false));
    }
    seen.into_iter().filter(|(_, (_, vary))| *vary).map(|(key, _)| format!("params.{key}")).collect()
}

/// The query with what it leaves open decided, and the values that it needs. `metric` is the one that is drawn, `keys` is everything that may be
/// chosen.
pub fn values(mut query: Query, runs: &[Run], metric: &str, keys: &[String]) -> (Query, Values) {
    metric.clone_into(&mut query.metric);
    if query.chart == Kind::Line {
        return (query, Values::default());
    }
    let params = varying(runs);
    let own = format!("metrics.{metric}");
    let known = |key: &String| keys.contains(key);
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
        Kind::Importance => std::iter::once(own).chain(params.into_iter().take(PARAMS_MOST)).collect(),
    };
    let mut fields: Vec<Field> = Vec::new();
    for key in needed.iter().filter(|key| !key.is_empty()) {
        if fields.iter().all(|field| field.key != *key) {
            fields.push(field(runs, key));
        }
    }
    let runs = runs.iter().map(|run| Named { id: run.id.clone(), name: run.name.clone() }).collect();
    (query, Values { runs, fields })
}
