//! A metric over two numbers, as a smooth surface between runs with lines of equal value, and the runs on it.

use super::{
    Field, Values,
    colour::level,
    heat,
    key_axis::KeyAxis,
    real,
    scene::{Item, Scene, Shape, Spot},
    sheet::Sheet,
    statistics::deviation,
};
use crate::charts::{Query, svg::Mark, ticks};

/// Places along each axis at which the surface is worked out.
const ACROSS: usize = 96;
const UP: usize = 48;
/// About so many levels.
const LEVELS: usize = 10;
/// Where runs weigh less than one that is so many widths of the kernel away, nothing is known.
const REACH: f64 = 2.5;

/// The least width of the kernel, of an axis: runs on one place still have some reach.
const NARROWEST: f64 = 0.02;

/// A run by its place, each from 0 to 1, and its value.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub x: f64,
    pub y: f64,
    pub value: f64,
}

pub fn lay_out(scene: &mut Scene, values: &Values, query: &Query) {
    let metric = format!("metrics.{}", query.metric);
    let (Some(across), Some(up), Some(of)) = (values.field(&query.horizontal), values.field(&query.vertical), values.field(&metric)) else {
        return;
    };
    let (wide, high) = scene.plane();
    let (x, y) = (KeyAxis::of(across, query.across, wide), KeyAxis::of(up, query.up, high));
    scene.frame(&x, &y);
    let texts: Vec<&str> = [across, up].into_iter().filter(|field| field.is_text()).map(|field| field.key.as_str()).collect();
    if !texts.is_empty() {
        scene.said.push(format!("lines of equal value need numbers on both axes, and {} has texts: see the heat map", texts.join(" and ")));
        return;
    }
    let placed: Vec<(usize, Sample)> =
        (0..values.runs.len()).filter_map(|run| Some((run, sample(run, (across, &x), (up, &y), of)?))).collect();
    let samples: Vec<Sample> = placed.iter().map(|(_, sample)| *sample).collect();
    let nodes = surface(&samples, ACROSS, UP);
    let known = || nodes.iter().chain(samples.iter().map(|sample| &sample.value)).copied().filter(|v| v.is_finite());
    let ends = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let ink = |value: f64| level(if ends.1 > ends.0 { (value - ends.0) / (ends.1 - ends.0) } else { 0.5 });
    let spot = |(column, row): (f64, f64)| {
        let along = |share: f64, (start, end): (i32, i32)| start + rounded(share * f64::from(end - start));
        (along(column / real(ACROSS - 1), wide), along(row / real(UP - 1), high))
    };
    let lines = if ends.1 > ends.0 { ticks::linear(ends.0, ends.1, LEVELS).into_iter().map(|(v, _)| v).collect() } else { Vec::new() };
    let bounds: Vec<f64> = std::iter::once(ends.0).chain(lines.iter().copied().filter(|v| *v > ends.0)).collect();
    // Each level lies on those below it.
    for (i, bound) in bounds.iter().enumerate() {
        let above = bounds.get(i + 1).copied().unwrap_or(ends.1);
        let mark = Mark::Layer(ink(bound.midpoint(above)));
        for piece in layer(&nodes, ACROSS, if i == 0 { f64::NEG_INFINITY } else { *bound }) {
            scene.shape(mark, Shape::Polygon(piece.into_iter().map(spot).collect()));
        }
    }
    for line in &lines {
        for (from, to) in isoline(&nodes, ACROSS, *line) {
            scene.shape(Mark::Contour, Shape::Path(vec![spot(from), spot(to)]));
        }
    }
    let mut dots: Vec<(Spot, usize, f64)> =
        placed.iter().filter_map(|(run, sample)| Some(((x.place(across.of(*run))?, y.place(up.of(*run))?), *run, sample.value))).collect();
    dots.sort_by_key(|(at, run, _)| (*at, *run));
    for (at, run, value) in &dots {
        scene.shape(Mark::Halo, Shape::Dot(*at));
        scene.items.push(Item { mark: Mark::Dot(ink(*value)), shape: Shape::Dot(*at), run: Some(*run), words: String::new() });
    }
    scene.runs = dots.len();
    let keys = [query.horizontal.as_str(), &query.vertical, &metric];
    scene.sheet = Sheet::of_runs(values, &keys, dots.iter().map(|(_, run, _)| *run));
    if ends.0 <= ends.1 {
        scene.said.push("surface between runs: means weighted by a Gaussian kernel (Nadaraya and Watson) of Scott's width".to_owned());
        heat::legend(scene, super::short(&metric), ends);
    }
}

fn sample(run: usize, (across, x): (&Field, &KeyAxis), (up, y): (&Field, &KeyAxis), of: &Field) -> Option<Sample> {
    let value = of.of(run);
    let found = Sample { x: x.share(across.of(run))?, y: y.share(up.of(run))?, value };
    value.is_finite().then_some(found)
}

#[expect(clippy::cast_possible_truncation, reason = "a place in a drawing")]
fn rounded(at: f64) -> i32 {
    at.round() as i32
}

/// The mean of the values at `across` × `up` places, row by row from the bottom, weighted by a Gaussian kernel (Nadaraya 1964, Watson 1964) whose
/// width along each axis is Scott's for two dimensions, `n^(-1/6)` standard deviations; NaN where all runs are far.
pub fn surface(samples: &[Sample], across: usize, up: usize) -> Vec<f64> {
    if samples.is_empty() {
        return vec![f64::NAN; across * up];
    }
    let scott = real(samples.len()).powf(-1.0 / 6.0);
    let weights = |of: fn(&Sample) -> f64, cells: usize| -> Vec<Vec<f64>> {
        let width = (deviation(&samples.iter().map(of).collect::<Vec<_>>()) * scott).max(NARROWEST);
        let weight = |at: f64, place: f64| (-0.5 * ((at - place) / width).powi(2)).exp();
        (0..cells).map(|i| samples.iter().map(|s| weight(real(i) / real(cells - 1), of(s))).collect()).collect()
    };
    let (columns, rows) = (weights(|s| s.x, across), weights(|s| s.y, up));
    let least = (-0.5 * REACH * REACH).exp();
    let mean = |column: &[f64], row: &[f64]| {
        let (mut sum, mut weight) = (0.0, 0.0);
        for ((a, b), sample) in column.iter().zip(row).zip(samples) {
            weight += a * b;
            sum += a * b * sample.value;
        }
        if weight >= least { sum / weight } else { f64::NAN }
    };
    rows.iter().flat_map(|row| columns.iter().map(move |column| mean(column, row))).collect()
}

/// A place on the surface: column and row, between its nodes.
type Place = (f64, f64);

/// The corners of each cell, in order around it, with their values.
fn cells(nodes: &[f64], across: usize) -> impl Iterator<Item = [(Place, f64); 4]> {
    let rows = nodes.len() / across.max(1);
    let cell = move |column: usize, row: usize| {
        [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(right, above)| {
            let (column, row) = (column + right, row + above);
            ((real(column), real(row)), nodes[row * across + column])
        })
    };
    let places = (0..rows.saturating_sub(1)).flat_map(move |row| (0..across.saturating_sub(1)).map(move |column| (column, row)));
    places.map(move |(column, row)| cell(column, row)).filter(|corners| corners.iter().all(|(_, v)| v.is_finite()))
}

/// Where the value between two corners is `at`.
fn between(((ax, ay), a): (Place, f64), ((bx, by), b): (Place, f64), at: f64) -> Place {
    let share = (at - a) / (b - a);
    (ax + share * (bx - ax), ay + share * (by - ay))
}

/// What of the surface is at least `bound`, in pieces: whole cells beside one another are one.
fn layer(nodes: &[f64], across: usize, bound: f64) -> Vec<Vec<Place>> {
    let mut pieces: Vec<Vec<Place>> = Vec::new();
    // The piece that whole cells lengthen.
    let mut open: Option<[Place; 4]> = None;
    for corners in cells(nodes, across) {
        if corners.iter().all(|(_, v)| *v >= bound) {
            let [a, b, c, d] = corners.map(|(place, _)| place);
            open = match open {
                Some([start, end, _, corner]) if end == a => Some([start, b, c, corner]),
                other => {
                    pieces.extend(other.map(Vec::from));
                    Some([a, b, c, d])
                }
            };
            continue;
        }
        // Sutherland and Hodgman's way to clip a polygon.
        let mut piece = Vec::new();
        for (i, now) in corners.iter().enumerate() {
            let next = corners[(i + 1) % 4];
            if now.1 >= bound {
                piece.push(now.0);
            }
            if (now.1 >= bound) != (next.1 >= bound) {
                piece.push(between(*now, next, bound));
            }
        }
        if piece.len() > 2 {
            pieces.push(piece);
        }
    }
    pieces.extend(open.map(Vec::from));
    pieces
}

/// The line along which the surface is `at`, in pieces through one cell each (marching squares).
fn isoline(nodes: &[f64], across: usize, at: f64) -> Vec<(Place, Place)> {
    let mut pieces = Vec::new();
    for corners in cells(nodes, across) {
        let crossings: Vec<Place> = (0..4)
            .map(|i| (corners[i], corners[(i + 1) % 4]))
            .filter(|(a, b)| (a.1 >= at) != (b.1 >= at))
            .map(|(a, b)| between(a, b, at))
            .collect();
        // At a saddle there are four, of which neighbours belong together.
        pieces.extend(crossings.chunks_exact(2).map(|pair| (pair[0], pair[1])));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(x: f64, y: f64, value: f64) -> Sample {
        Sample { x, y, value }
    }

    #[test]
    fn the_surface_is_a_mean_weighted_by_distance_as_numpy_has_it() {
        // h = [a.std(ddof=1) * 5**(-1/6) for a in (x, y)]; w = exp(-((gx-x)/h[0])**2/2 - ((gy-y)/h[1])**2/2); (w*v).sum()/w.sum()
        let samples = [sample(0.1, 0.2, 1.0), sample(0.4, 0.9, 3.0), sample(0.5, 0.5, -2.0), sample(0.8, 0.1, 4.0), sample(0.9, 0.7, 0.5)];
        let found = surface(&samples, 3, 3);
        let wanted = [
            0.941_487_878_498_271_2,
            2.103_505_320_788_275,
            3.729_622_142_033_629,
            0.676_462_805_484_619_6,
            -0.227_887_193_218_622_7,
            0.950_112_428_848_606_9,
            2.600_660_793_471_363_7,
            2.052_293_242_795_403_5,
            0.642_173_977_789_092_8,
        ];
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
    }

    #[test]
    fn where_no_run_is_near_nothing_is_known() {
        let found = surface(&[sample(0.0, 0.0, 1.0), sample(0.0, 0.0, 3.0)], 5, 5);
        assert!((found[0] - 2.0).abs() < 1e-12 && found[24].is_nan(), "{found:?}");
        assert!(surface(&[], 2, 2).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn lines_and_layers_part_a_plane_where_its_value_is() {
        // The value is the column: lines are upright.
        let nodes: Vec<f64> = (0..4 * 3).map(|i| f64::from(i % 4)).collect();
        let line = isoline(&nodes, 4, 1.5);
        assert!(line.len() == 2 && line.iter().all(|(a, b)| (a.0 - 1.5).abs() < 1e-12 && (b.0 - 1.5).abs() < 1e-12), "{line:?}");
        let area = |pieces: Vec<Vec<Place>>| -> f64 {
            let one = |p: &Vec<Place>| {
                let next = p.iter().cycle().skip(1);
                p.iter().zip(next).map(|((ax, ay), (bx, by))| ax * by - bx * ay).sum::<f64>().abs() / 2.0
            };
            pieces.iter().map(one).sum()
        };
        assert!((area(layer(&nodes, 4, 1.5)) - 3.0).abs() < 1e-12);
        assert!((area(layer(&nodes, 4, f64::NEG_INFINITY)) - 6.0).abs() < 1e-12);
        assert_eq!(layer(&nodes, 4, f64::NEG_INFINITY).len(), 2, "a row of whole cells is one piece");
        assert!(layer(&nodes, 4, 9.0).is_empty() && isoline(&nodes, 4, 9.0).is_empty());
        let holed: Vec<f64> = nodes.iter().enumerate().map(|(i, v)| if i == 5 { f64::NAN } else { *v }).collect();
        assert!((area(layer(&holed, 4, f64::NEG_INFINITY)) - 2.0).abs() < 1e-12, "nothing is drawn beside what is not known");
    }
}
