//! A bar for each run's latest value, or for each group's middle with what is around it.

use super::{
    Values,
    key_axis::KeyAxis,
    real,
    scene::{Item, Scene, Shape},
    sheet::Sheet,
    statistics::{mean, quantile},
};
use crate::charts::{
    Query,
    axis::FINE,
    group::around,
    query::{Band, Middle},
    svg::{Ink, Mark},
    ticks::number,
};

/// More bars than this are lines.
const BROAD: usize = 400;

pub fn lay_out(scene: &mut Scene, values: &Values, query: &Query) {
    let key = format!("metrics.{}", query.metric);
    let Some(of) = values.field(&key) else { return };
    if query.group.is_empty() {
        return of_runs(scene, values, query, &key);
    }
    let mut bars = Vec::new();
    for (name, runs) in values.groups(&query.group) {
        let mut found: Vec<f64> = runs.iter().map(|run| of.of(*run)).filter(|v| v.is_finite()).collect();
        if found.is_empty() {
            continue;
        }
        found.sort_by(f64::total_cmp);
        let middle = if query.middle == Middle::Median { quantile(&found, 0.5) } else { mean(&found) };
        let (low, high) = around(&found, middle, query.band);
        scene.runs += found.len();
        bars.push((name, middle, low, high, found.len()));
    }
    let (wide, high) = scene.plane();
    let x = KeyAxis::of_texts(super::short(&query.group), bars.iter().map(|bar| bar.0.clone()).collect(), wide);
    let y = KeyAxis::of_numbers(&query.metric, bars.iter().flat_map(|bar| [0.0, bar.2, bar.3]), query.up, high);
    scene.frame(&x, &y);
    let half = ((wide.1 - wide.0) / i32::try_from(bars.len().max(1)).unwrap_or(1) * 3 / 8).clamp(1, 60 * FINE);
    let kind = if query.middle == Middle::Median { "median" } else { "mean" };
    scene.sheet.first = "Group";
    scene.sheet.heads = [kind, "low", "high", "runs"].map(str::to_owned).to_vec();
    for (i, (name, middle, low, above, count)) in bars.into_iter().enumerate() {
        let (Some(at), Some(end)) = (x.place(real(i)), y.place(middle)) else { continue };
        let base = y.place(0.0).unwrap_or(high.0);
        let words = format!("{name}: {kind} {}, {} to {}, {count} runs", number(middle), number(low), number(above));
        let shape = Shape::Rect((at - half, end), (at + half, base));
        scene.items.push(Item { mark: Mark::Area(Ink::Own(i)), shape, run: None, words });
        if let (true, Some(a), Some(b)) = (query.band != Band::None, y.place(low), y.place(above)) {
            let cap = half / 3;
            scene.shape(Mark::Over, Shape::Path(vec![(at - cap, a), (at + cap, a), (at, a), (at, b), (at - cap, b), (at + cap, b)]));
        }
        scene.row(&name, vec![middle.to_string(), low.to_string(), above.to_string(), count.to_string()]);
    }
}

fn of_runs(scene: &mut Scene, values: &Values, query: &Query, key: &str) {
    let Some(of) = values.field(key) else { return };
    let mut runs: Vec<usize> = (0..values.runs.len()).filter(|run| of.of(*run).is_finite()).collect();
    runs.sort_by(|a, b| of.of(*b).total_cmp(&of.of(*a)));
    let (wide, high) = scene.plane();
    let names = runs.iter().map(|run| values.runs[*run].name.clone()).collect();
    let (x, y) = (
        KeyAxis::of_texts("runs, the greatest first", names, wide),
        KeyAxis::of_numbers(&query.metric, of.values.0.iter().copied().chain([0.0]), query.up, high),
    );
    scene.frame(&x, &y);
    let half = ((wide.1 - wide.0) / i32::try_from(runs.len().max(1)).unwrap_or(1) * 3 / 8).clamp(1, 60 * FINE);
    for (i, run) in runs.iter().enumerate() {
        let (Some(at), Some(end)) = (x.place(real(i)), y.place(of.of(*run))) else { continue };
        let base = y.place(0.0).unwrap_or(high.0);
        let (mark, shape) = if runs.len() > BROAD {
            (Mark::Path(Ink::Own(0)), Shape::Path(vec![(at, base), (at, end)]))
        } else {
            (Mark::Area(Ink::Own(0)), Shape::Rect((at - half, end), (at + half, base)))
        };
        scene.items.push(Item { mark, shape, run: Some(*run), words: String::new() });
    }
    scene.runs = scene.items.len();
    scene.sheet = Sheet::of_runs(values, &[key], runs.into_iter());
}
