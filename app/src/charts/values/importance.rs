//! How much of a metric's differences each param explains.

use super::{
    Field, Values,
    key_axis::cut,
    real,
    scene::{Item, Scene, Shape, Side},
    short,
    statistics::{explained, parts, spearman},
};
use crate::charts::{
    Query,
    axis::FINE,
    svg::{Ink, Mark},
};

/// Groups that the values of a param of numbers are put into.
const PARTS: usize = 10;
/// Room for the params' names, in pixels.
const NAMES: i32 = 150;

struct Found {
    key: String,
    share: f64,
    /// Of numbers only.
    rank: Option<f64>,
    runs: usize,
}

/// Of the runs that have both.
fn found(param: &Field, metric: &Field) -> Option<Found> {
    let both = |run: &usize| param.of(*run).is_finite() && metric.of(*run).is_finite();
    let runs: Vec<usize> = (0..metric.values.0.len()).filter(both).collect();
    let (own, values): (Vec<f64>, Vec<f64>) = runs.iter().map(|run| (param.of(*run), metric.of(*run))).unzip();
    let groups = if param.is_text() { own.iter().map(|v| super::place(*v).unwrap_or_default()).collect() } else { parts(&own, PARTS) };
    let share = explained(&values, &groups)?;
    let rank = (!param.is_text()).then(|| spearman(&own, &values)).flatten();
    Some(Found { key: param.key.clone(), share, rank, runs: runs.len() })
}

pub fn lay_out(scene: &mut Scene, values: &Values, query: &Query) {
    let Some(metric) = values.field(&format!("metrics.{}", query.metric)) else { return };
    scene.runs = metric.values.0.iter().filter(|v| v.is_finite()).count();
    let params = values.fields.iter().filter(|field| field.key.starts_with("params."));
    let mut all: Vec<Found> = params.filter_map(|param| found(param, metric)).collect();
    all.sort_by(|a, b| b.share.total_cmp(&a.share));
    scene.sheet.first = "Param";
    scene.sheet.heads = ["explains (ε²)", "rank correlation (Spearman)", "runs"].map(str::to_owned).to_vec();
    scene.said.push(format!(
        "share of the variance of {} between up to {PARTS} groups of a param's values (ε²); each param by itself",
        query.metric
    ));
    let (left, right, top) = (NAMES * FINE, scene.size.0 - 60 * FINE, 14 * FINE);
    let count = i32::try_from(all.len().max(1)).unwrap_or(1);
    let each = ((scene.size.1 - top - 34 * FINE) / count).min(34 * FINE);
    // No higher than its bars need.
    scene.size.1 = top + each * count + 34 * FINE;
    for (share, label) in [(0, "0 %"), (25, "25 %"), (50, "50 %"), (75, "75 %"), (100, "100 %")] {
        let x = left + (right - left) * share / 100;
        scene.shape(Mark::Grid, Shape::Path(vec![(x, top), (x, top + each * count)]));
        scene.text(label, (x, top + each * count + 6 * FINE), Side::Below);
    }
    for (param, n) in all.into_iter().zip(0..) {
        let (y, end) = (top + each * n, f64::from(right - left) * param.share);
        let end = left + super::place(end).and_then(|n| i32::try_from(n).ok()).unwrap_or_default();
        let rank = param.rank.map_or_else(String::new, |rank| format!(", rank correlation {rank:.2}"));
        let percent = format!("{:.0} %", param.share * 100.0);
        let words = format!("{}: explains {percent}{rank}, {} runs", short(&param.key), param.runs);
        let shape = Shape::Rect((left, y + each / 8), (end.max(left + 2), y + each * 7 / 8));
        let falls = param.rank.is_some_and(|rank| rank < 0.0);
        scene.items.push(Item { mark: Mark::Area(Ink::Own(usize::from(falls))), shape, run: None, words });
        scene.text(cut(short(&param.key), 22), (left - 6 * FINE, y + each / 2), Side::Left);
        scene.text(percent, (end + 6 * FINE, y + each / 2), Side::Right);
        let rank = param.rank.map(|rank| rank.to_string()).unwrap_or_default();
        scene.row(&param.key, vec![param.share.to_string(), rank, real(param.runs).to_string()]);
    }
}
