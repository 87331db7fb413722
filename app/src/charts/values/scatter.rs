//! A dot for each run by two of its values, and the front of those that no other run beats.

use super::{
    Values,
    colour::Colour,
    key_axis::KeyAxis,
    look::Look,
    scene::{Item, Scene, Shape},
    sheet::Sheet,
};
use crate::charts::{
    Query,
    axis::FINE,
    svg::{Ink, Mark},
};

pub fn lay_out(scene: &mut Scene, values: &Values, query: &Query, look: &Look) {
    let Some((across, up)) = values.field(&query.horizontal).zip(values.field(&query.vertical)) else { return };
    let (wide, high) = scene.plane();
    let (x, y) = (KeyAxis::of(across, query.across, wide), KeyAxis::of(up, query.up, high));
    let colour = Colour::of(values.field(&query.colour));
    scene.frame(&x, &y);
    colour.explain(scene, wide.1, 12 * FINE);
    let mut placed: Vec<(usize, (i32, i32))> =
        (0..values.runs.len()).filter_map(|run| Some((run, (x.place(across.of(run))?, y.place(up.of(run))?)))).collect();
    placed.sort_by_key(|(_, at)| *at);
    let front = look.front.signs().map(|signs| {
        let places: Vec<(f64, f64)> = placed.iter().map(|(run, _)| (across.of(*run) * signs.0, up.of(*run) * signs.1)).collect();
        unbeaten(&places)
    });
    for (i, (run, at)) in placed.iter().enumerate() {
        let ink = if front.as_ref().is_some_and(|front| !front.contains(&i)) { Ink::Off } else { colour.ink(*run) };
        scene.items.push(Item { mark: Mark::Dot(ink), shape: Shape::Dot(*at), run: Some(*run), words: String::new() });
    }
    scene.runs = placed.len();
    let keys = [query.horizontal.as_str(), &query.vertical, &query.colour];
    match front {
        Some(mut front) => {
            front.sort_by_key(|i| placed[*i].1);
            scene.said.push(format!("{} on the front", crate::charts::grouped(front.len())));
            let path = front.iter().map(|i| placed[*i].1).collect();
            scene.shape(Mark::Front, Shape::Path(path));
            scene.sheet = Sheet::of_runs(values, &keys, front.iter().map(|i| placed[*i].0));
        }
        None => scene.sheet = Sheet::of_runs(values, &keys, placed.iter().map(|(run, _)| *run)),
    }
}

/// The places that none is better than: at least as small in both and smaller in one (Pareto's front, smaller being better).
pub fn unbeaten(places: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].0.total_cmp(&places[*b].0).then(places[*a].1.total_cmp(&places[*b].1)));
    let mut found: Vec<usize> = Vec::new();
    for at in order {
        match found.last() {
            // The same place is not beaten by itself.
            Some(last) if places[at].1 >= places[*last].1 && places[at] != places[*last] => {}
            _ => found.push(at),
        }
    }
    found
}
