//! A line for each run through an upright axis for each key.

use super::{
    Values,
    colour::Colour,
    key_axis::{KeyAxis, cut},
    look::Look,
    scene::{Item, Scene, Shape, Side},
    sheet::Sheet,
};
use crate::charts::{
    Query,
    axis::FINE,
    scale::Scale,
    svg::{Ink, Mark},
};

pub fn lay_out(scene: &mut Scene, values: &Values, query: &Query, look: &Look) {
    let fields: Vec<_> = query.axes.iter().filter_map(|key| values.field(key)).collect();
    let (top, bottom) = (64 * FINE, scene.size.1 - 14 * FINE);
    let (first, last) = (54 * FINE, scene.size.0 - 40 * FINE);
    let gaps = i32::try_from(fields.len().saturating_sub(1)).unwrap_or(i32::MAX).max(1);
    let colour = Colour::of(values.field(&query.colour));
    colour.explain(scene, scene.size.0 - 16 * FINE, 12 * FINE);
    let mut axes: Vec<(i32, KeyAxis)> = Vec::new();
    for (field, n) in fields.iter().zip(0..) {
        let x = first + (last - first) * n / gaps;
        let scale = if look.logs.contains(&field.key) { Scale::Log } else { Scale::Linear };
        let pixels = if look.flipped.contains(&field.key) { (top, bottom) } else { (bottom, top) };
        let axis = KeyAxis::of(field, scale, pixels);
        scene.shape(Mark::Axis, Shape::Path(vec![(x, top), (x, bottom)]));
        // Beside one another two names would touch: every second one is higher.
        let letters = usize::try_from((last - first) / gaps / (4 * FINE)).unwrap_or(8).clamp(8, 40);
        let side = if n == 0 {
            Side::Right
        } else if n == gaps {
            Side::Left
        } else {
            Side::Middle
        };
        let at = match side {
            Side::Right => x - 46 * FINE,
            Side::Left => x + 36 * FINE,
            _ => x,
        };
        scene.text(cut(&axis.key, letters), (at, if n % 2 == 0 { 50 * FINE } else { 34 * FINE }), side);
        for (value, label) in axis.ticks(6) {
            let Some(y) = axis.place(value) else { continue };
            scene.shape(Mark::Axis, Shape::Path(vec![(x - 4 * FINE, y), (x, y)]));
            scene.text(cut(&label, 8), (x - 7 * FINE, y), Side::Left);
        }
        scene.axes.push((field.key.clone(), x, axis.clone()));
        axes.push((x, axis));
    }
    if axes.len() < 2 {
        return;
    }
    let mut chosen = 0;
    for run in 0..values.runs.len() {
        let path: Option<Vec<(i32, i32)>> =
            axes.iter().zip(&fields).map(|((x, axis), field)| Some((*x, axis.place(field.of(run))?))).collect();
        let Some(path) = path else { continue };
        let within = fields.iter().all(|field| look.holds(&field.key, field.of(run)));
        chosen += usize::from(within);
        let mark = Mark::Path(if within { colour.ink(run) } else { Ink::Off });
        scene.items.push(Item { mark, shape: Shape::Path(path), run: Some(run), words: String::new() });
    }
    scene.runs = scene.items.len();
    if !look.ranges.is_empty() {
        scene.said.push(format!("{} within the ranges", crate::charts::grouped(chosen)));
    }
    // By the last axis, from its top, and those within the ranges first.
    let end = |item: &Item| match &item.shape {
        Shape::Path(path) => path.last().map_or(0, |spot| spot.1),
        _ => 0,
    };
    scene.items.sort_by_key(|item| (item.mark == Mark::Path(Ink::Off), end(item)));
    let keys: Vec<&str> =
        query.axes.iter().map(String::as_str).chain((!query.axes.contains(&query.colour)).then_some(query.colour.as_str())).collect();
    let within = scene.items.iter().filter(|item| look.ranges.is_empty() || item.mark != Mark::Path(Ink::Off)).filter_map(|item| item.run);
    scene.sheet = Sheet::of_runs(values, &keys, within);
}
