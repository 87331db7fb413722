//! How a metric is spread in each group: quartiles as boxes, or its density as violins.

use super::{
    Values,
    key_axis::KeyAxis,
    real,
    scene::{Item, Scene, Shape},
    statistics::{density, quantile},
};
use crate::charts::{
    Query,
    axis::FINE,
    svg::{Ink, Mark},
    ticks::number,
};

/// Places that a violin's width is worked out at.
const PLACES: usize = 48;

pub fn lay_out(scene: &mut Scene, values: &Values, query: &Query, violins: bool) {
    let Some(of) = values.field(&format!("metrics.{}", query.metric)) else { return };
    let mut groups = Vec::new();
    for (name, runs) in values.groups(&query.group) {
        let mut found: Vec<(f64, usize)> = runs.iter().map(|run| (of.of(*run), *run)).filter(|(v, _)| v.is_finite()).collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        if !found.is_empty() {
            scene.runs += found.len();
            groups.push((name, found));
        }
    }
    let (wide, high) = scene.plane();
    let x = KeyAxis::of_texts(super::short(&query.group), groups.iter().map(|group| group.0.clone()).collect(), wide);
    let y = KeyAxis::of_numbers(&query.metric, of.values.0.iter().copied(), query.up, high);
    scene.frame(&x, &y);
    let half = ((wide.1 - wide.0) / i32::try_from(groups.len().max(1)).unwrap_or(1) * 3 / 8).clamp(2, 60 * FINE);
    scene.sheet.first = "Group";
    scene.sheet.heads = ["runs", "least", "lower quartile", "median", "upper quartile", "greatest"].map(str::to_owned).to_vec();
    for (i, (name, found)) in groups.into_iter().enumerate() {
        let Some(at) = x.place(real(i)) else { continue };
        let sorted: Vec<f64> = found.iter().map(|(v, _)| *v).collect();
        let five = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(&sorted, share));
        let words = format!(
            "{name}: median {}, quartiles {} and {}, {} to {}, {} runs",
            number(five[2]),
            number(five[1]),
            number(five[3]),
            number(five[0]),
            number(five[4]),
            sorted.len()
        );
        scene.row(&name, [sorted.len().to_string()].into_iter().chain(five.map(|v| v.to_string())).collect());
        if violins {
            violin(scene, &y, (at, half, i), &sorted, words);
        } else {
            boxed(scene, &y, (at, half, i), &found, five, words);
        }
    }
}

/// Tukey's: whiskers reach the last values within one and a half times the box, and runs beyond them are dots.
fn boxed(scene: &mut Scene, y: &KeyAxis, (at, half, i): (i32, i32, usize), found: &[(f64, usize)], five: [f64; 5], words: String) {
    let reach = 1.5 * (five[3] - five[1]);
    let within = |v: f64| v >= five[1] - reach && v <= five[3] + reach;
    let inner: Vec<f64> = found.iter().map(|(v, _)| *v).filter(|v| within(*v)).collect();
    let whiskers = inner.first().copied().zip(inner.last().copied()).unwrap_or((five[1], five[3]));
    let places = [whiskers.0, five[1], five[2], five[3], whiskers.1].map(|v| y.place(v));
    let [Some(low), Some(first), Some(middle), Some(third), Some(high)] = places else { return };
    let cap = half / 2;
    for (a, b) in [(low, first), (third, high)] {
        scene.shape(Mark::Over, Shape::Path(vec![(at, a), (at, b)]));
    }
    for end in [low, high] {
        scene.shape(Mark::Over, Shape::Path(vec![(at - cap, end), (at + cap, end)]));
    }
    scene.items.push(Item { mark: Mark::Area(Ink::Own(i)), shape: Shape::Rect((at - half, third), (at + half, first)), run: None, words });
    scene.shape(Mark::Over, Shape::Path(vec![(at - half, middle), (at + half, middle)]));
    for (value, run) in found.iter().filter(|(v, _)| !within(*v)) {
        if let Some(spot) = y.place(*value) {
            scene.items.push(Item { mark: Mark::Dot(Ink::Own(i)), shape: Shape::Dot((at, spot)), run: Some(*run), words: String::new() });
        }
    }
}

/// As wide as runs are dense, from the least to the greatest value.
fn violin(scene: &mut Scene, y: &KeyAxis, (at, half, i): (i32, i32, usize), sorted: &[f64], words: String) {
    let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
    let places: Vec<f64> = (0..=PLACES).map(|n| first + (last - first) * real(n) / real(PLACES)).collect();
    let dense = density(sorted, &places);
    let most = dense.iter().copied().fold(0.0, f64::max);
    let side = |sign: i32| {
        let spot = move |(v, d): (&f64, &f64)| {
            let share = if most > 0.0 { d / most } else { 0.2 };
            y.place(*v)
                .map(|up| (at + sign * super::place(share * f64::from(half)).and_then(|n| i32::try_from(n).ok()).unwrap_or(0).max(1), up))
        };
        places.iter().zip(&dense).filter_map(spot).collect::<Vec<_>>()
    };
    let corners: Vec<_> = side(1).into_iter().chain(side(-1).into_iter().rev()).collect();
    scene.items.push(Item { mark: Mark::Area(Ink::Own(i)), shape: Shape::Polygon(corners), run: None, words });
    if let [Some(a), Some(middle), Some(b)] = [0.25, 0.5, 0.75].map(|share| y.place(quantile(sorted, share))) {
        scene.shape(Mark::Over, Shape::Path(vec![(at, a), (at, b)]));
        scene.shape(Mark::Over, Shape::Path(vec![(at - half / 3, middle), (at + half / 3, middle)]));
    }
}
