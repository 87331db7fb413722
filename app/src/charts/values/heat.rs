//! The mean of a metric by two other values, in cells.

use super::{
    Field, Values,
    colour::level,
    key_axis::KeyAxis,
    scene::{Item, Scene, Shape, Side},
    short,
    statistics::{bin_of, mean},
};
use crate::charts::{
    Query,
    axis::FINE,
    scale::{Bend, Scale},
    svg::{Ink, LEVELS, Mark},
    ticks::number,
};
use std::collections::BTreeMap;

/// Cells along an axis of numbers.
const CELLS: usize = 16;

pub fn lay_out(scene: &mut Scene, values: &Values, query: &Query) {
    let metric = format!("metrics.{}", query.metric);
    let (Some(across), Some(up), Some(of)) = (values.field(&query.horizontal), values.field(&query.vertical), values.field(&metric)) else {
        return;
    };
    let (wide, high) = scene.plane();
    let (columns, rows) = (edges(across, query.across), edges(up, query.up));
    let axis = |field: &Field, edges: &[f64], scale: Scale, pixels| {
        let ends = edges.first().copied().zip(edges.last().copied());
        ends.filter(|_| !field.is_text())
            .map_or_else(|| KeyAxis::of(field, scale, pixels), |ends| KeyAxis::between(short(&field.key), scale, ends, pixels))
    };
    let (x, y) = (axis(across, &columns, query.across, wide), axis(up, &rows, query.up, high));
    let mut cells: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for run in 0..values.runs.len() {
        let (a, b, value) = (across.of(run), up.of(run), of.of(run));
        if !value.is_finite() || x.place(a).is_none() || y.place(b).is_none() {
            continue;
        }
        if let Some(cell) = bin_of(&columns, a).zip(bin_of(&rows, b)) {
            cells.entry(cell).or_default().push(value);
            scene.runs += 1;
        }
    }
    let means: Vec<((usize, usize), f64, usize)> = cells.into_iter().map(|(cell, values)| (cell, mean(&values), values.len())).collect();
    let ends = means.iter().map(|(_, mean, _)| *mean).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let name = short(&metric).to_owned();
    let said = |field: &Field, edges: &[f64], cell: usize| {
        if field.is_text() {
            field.labels.get(cell).cloned().unwrap_or_default()
        } else {
            format!("{} to {}", number(edges[cell]), number(edges[cell + 1]))
        }
    };
    scene.sheet.first = "Cell";
    scene.sheet.heads = vec![across.key.clone(), up.key.clone(), format!("mean {name}"), "runs".to_owned()];
    for ((column, row), mean, count) in means {
        let corner = |axis: &KeyAxis, edge: f64| axis.place(edge).unwrap_or_default();
        let share = if ends.1 > ends.0 { (mean - ends.0) / (ends.1 - ends.0) } else { 0.5 };
        let (left, right) = (corner(&x, columns[column]), corner(&x, columns[column + 1]));
        let (bottom, top) = (corner(&y, rows[row]), corner(&y, rows[row + 1]));
        let (a, b) = (said(across, &columns, column), said(up, &rows, row));
        let words = format!("{} {a}, {} {b}: mean {name} {} of {count} runs", x.key, y.key, number(mean));
        let shape = Shape::Rect((left, top), (right, bottom));
        scene.items.push(Item { mark: Mark::Area(level(share)), shape, run: None, words });
        scene.row(&format!("{a} · {b}"), vec![a, b, mean.to_string(), count.to_string()]);
    }
    scene.frame(&x, &y);
    if ends.0 <= ends.1 {
        legend(scene, &name, ends);
    }
}

/// Where cells begin and end: between the values where there are few, else in parts of one width.
fn edges(field: &Field, scale: Scale) -> Vec<f64> {
    if field.is_text() {
        return (0..=field.labels.len()).map(|i| super::real(i) - 0.5).collect();
    }
    let mut values: Vec<f64> = field.values.0.iter().copied().filter(|v| v.is_finite() && scale.holds(*v)).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let Some((first, last)) = values.first().copied().zip(values.last().copied()) else { return Vec::new() };
    let bend = Bend::of(scale, first, last);
    let place = |i: usize| bend.place(values[i]);
    let between = |a: f64, b: f64| bend.value(a.midpoint(b));
    match values.len() {
        1 => vec![first - 0.5, first + 0.5],
        count if count <= CELLS + CELLS / 2 => {
            let before = bend.value(place(0) - (place(1) - place(0)) / 2.0);
            let after = bend.value(place(count - 1) + (place(count - 1) - place(count - 2)) / 2.0);
            [before].into_iter().chain((1..count).map(|i| between(place(i - 1), place(i)))).chain([after]).collect()
        }
        _ => {
            let (low, high) = (bend.place(first), bend.place(last));
            let edge = |i: usize| bend.value(low + (high - low) * super::real(i) / super::real(CELLS));
            // Rounding may not leave the ends out.
            (0..=CELLS)
                .map(|i| {
                    if i == 0 {
                        first
                    } else if i == CELLS {
                        last
                    } else {
                        edge(i)
                    }
                })
                .collect()
        }
    }
}

/// What the colours of a metric's levels mean.
pub fn legend(scene: &mut Scene, name: &str, ends: (f64, f64)) {
    let (y, right) = (12 * FINE, scene.plane().0.1);
    let levels = i32::try_from(LEVELS).unwrap_or(12);
    scene.text(number(ends.1), (right, y), Side::Left);
    let end = right - 50 * FINE;
    for (i, n) in (0..levels).zip(0..) {
        let left = end - 8 * FINE * (levels - i);
        scene.shape(Mark::Area(Ink::Level(n)), Shape::Rect((left, y - 5 * FINE), (left + 8 * FINE, y + 5 * FINE)));
    }
    // On a phone there is no room beside the vertical axis' name.
    let name = if right < 420 * FINE { String::new() } else { format!("mean {}: ", super::key_axis::cut(name, 20)) };
    scene.text(format!("{name}{}", number(ends.0)), (end - 8 * FINE * levels - 6 * FINE, y), Side::Left);
}
