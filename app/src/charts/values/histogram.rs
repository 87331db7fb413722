//! How many runs have which values of a metric, in bins of one width; groups lie upon one another.

use super::{
    Values,
    colour::names,
    key_axis::KeyAxis,
    real,
    scene::{Item, Scene, Shape},
    statistics::{bin_edges, bin_of},
};
use crate::charts::{
    Query,
    axis::FINE,
    scale::Scale,
    svg::{Ink, Mark},
    ticks::number,
};

const BINS: usize = 80;

pub fn lay_out(scene: &mut Scene, values: &Values, query: &Query) {
    let Some(of) = values.field(&format!("metrics.{}", query.metric)) else { return };
    let mut sorted: Vec<f64> = of.values.0.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let edges = bin_edges(&sorted, BINS);
    let bins = edges.len().saturating_sub(1);
    let groups = values.groups(&query.group);
    let mut counts = vec![vec![0_usize; bins]; groups.len()];
    for (count, (_, runs)) in counts.iter_mut().zip(&groups) {
        for bin in runs.iter().filter_map(|run| bin_of(&edges, of.of(*run))) {
            count[bin] += 1;
        }
    }
    scene.runs = sorted.len();
    let most = (0..bins).map(|bin| counts.iter().map(|count| count[bin]).sum::<usize>()).max().unwrap_or_default();
    let (wide, high) = scene.plane();
    let ends = edges.first().copied().zip(edges.last().copied()).unwrap_or((0.0, 1.0));
    let x = KeyAxis::between(&query.metric, Scale::Linear, ends, wide);
    let y = KeyAxis::of_numbers("runs", [0.0, real(most)].into_iter(), Scale::Linear, high);
    scene.frame(&x, &y);
    let is_grouped = !query.group.is_empty();
    if is_grouped {
        let labels: Vec<String> = groups.iter().map(|group| group.0.clone()).collect();
        names(scene, wide.1, 12 * FINE, &labels);
    }
    scene.sheet.first = if is_grouped { "Group" } else { "Bin" };
    scene.sheet.heads = ["from", "to", "runs"].map(str::to_owned).to_vec();
    for bin in 0..bins {
        let (from, to) = (edges[bin], edges[bin + 1]);
        let mut below = 0;
        for (i, (name, _)) in groups.iter().enumerate() {
            let count = counts[i][bin];
            if count == 0 {
                continue;
            }
            let spots = [x.place(from), x.place(to), y.place(real(below)), y.place(real(below + count))];
            below += count;
            let [Some(left), Some(right), Some(bottom), Some(top)] = spots else { continue };
            let runs = if count == 1 { "run" } else { "runs" };
            let who = if is_grouped { format!(" of {name}") } else { String::new() };
            let words = format!("{} to {}: {count} {runs}{who}", number(from), number(to));
            let shape = Shape::Rect((left + 1, top), ((right - 1).max(left + 2), bottom));
            scene.items.push(Item { mark: Mark::Area(Ink::Own(i)), shape, run: None, words });
            let name = if is_grouped { name.clone() } else { format!("{} to {}", number(from), number(to)) };
            scene.row(&name, vec![from.to_string(), to.to_string(), count.to_string()]);
        }
    }
}
