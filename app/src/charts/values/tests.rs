//! Charts of values, held against what `NumPy` and `SciPy` gave, and against odd values.

use super::{
    look::Look,
    scatter::unbeaten,
    scene::{Scene, Shape, scene},
    statistics::{bin_edges, bin_of, density, deviation, explained, parts, quantile, spearman},
    *,
};
use crate::charts::{
    Query,
    query::Kind,
    svg::{Ink, Mark},
};

/// What `NumPy` 2 and `SciPy` 1.16 were asked about.
const V: [f64; 12] = [0.1, 0.4, 0.35, 0.8, 1.2, 0.9, 0.33, 2.5, 0.77, 0.5, 0.61, 0.42];
const W: [f64; 12] = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0];

fn sorted() -> Vec<f64> {
    let mut values = V.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-7)
}

#[test]
fn the_statistics_are_numpys_and_scipys() {
    assert!(close(&[0.1, 0.25, 0.5, 0.9].map(|share| quantile(&sorted(), share)), &[0.332, 0.3875, 0.555, 1.17]));
    assert!(close(&[deviation(&V)], &[0.629_689_678_261_515_6]));
    let edges = [0.1, 0.442_857_14, 0.785_714_29, 1.128_571_43, 1.471_428_57, 1.814_285_71, 2.157_142_86, 2.5];
    assert!(close(&bin_edges(&sorted(), 80), &edges));
    assert!(close(&density(&V, &[0.1, 0.5, 1.0, 2.0]), &[0.486_927_2, 0.746_411_13, 0.494_460_27, 0.049_587_84]));
    assert!(close(&[spearman(&V, &W).expect("varies")], &[0.501_794_979_845_555_9]));
    let groups = [0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2];
    assert!(close(&[explained(&V, &groups).expect("varies")], &[0.089_932_593_543_653_57]));
}

#[test]
fn what_does_not_vary_explains_nothing_and_divides_by_nothing() {
    assert_eq!(explained(&[1.0; 4], &[0, 0, 1, 1]), None);
    assert_eq!(explained(&[1.0, 2.0], &[0, 0]), None);
    assert_eq!(explained(&[], &[]), None);
    assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
    assert_eq!(density(&[2.0, 2.0], &[1.0, 2.0]), [0.0, 0.0]);
    assert_eq!((bin_edges(&[], 10), bin_edges(&[3.0], 10)), (Vec::new(), vec![2.5, 3.5]));
    assert_eq!((bin_of(&[0.0, 1.0, 2.0], 2.0), bin_of(&[0.0, 1.0, 2.0], 1.0), bin_of(&[0.0, 1.0], 3.0)), (Some(1), Some(1), None));
    assert_eq!(parts(&[1.0, 1.0, 1.0, 2.0], 2), [0, 0, 0, 1]);
}

#[test]
fn the_front_is_of_those_that_none_beats() {
    let places = [(1.0, 5.0), (2.0, 3.0), (2.0, 4.0), (3.0, 3.0), (4.0, 1.0), (0.5, 9.0), (4.0, 1.0)];
    let found = unbeaten(&places);
    let beats = |a: (f64, f64), b: (f64, f64)| a.0 <= b.0 && a.1 <= b.1 && a != b;
    let mut wanted: Vec<usize> = (0..places.len()).filter(|i| !places.iter().any(|other| beats(*other, places[*i]))).collect();
    wanted.sort_unstable();
    let mut sorted = found;
    sorted.sort_unstable();
    assert_eq!(sorted, wanted);
}

fn values() -> Values {
    let field = |key: &str, labels: &[&str], values: &[f64]| Field {
        key: key.to_owned(),
        labels: labels.iter().map(|l| (*l).to_owned()).collect(),
        values: columns::Doubles(values.to_vec()),
    };
    Values {
        runs: (0..12).map(|i| Named { id: RunId::from(format!("{i:032x}").as_str()), name: format!("run-{i}") }).collect(),
        fields: vec![
            field("metrics.loss", &[], &V),
            field("params.lr", &[], &W),
            field("params.optimizer", &["adam", "sgd"], &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, f64::NAN, 0.0]),
        ],
    }
}

use crate::charts::columns;

fn query(chart: Kind) -> Query {
    Query {
        chart,
        metric: "loss".into(),
        horizontal: "params.lr".into(),
        vertical: if chart == Kind::Heat { "params.optimizer" } else { "metrics.loss" }.into(),
        axes: ["params.lr", "params.optimizer", "metrics.loss"].map(str::to_owned).to_vec(),
        colour: "metrics.loss".into(),
        width: 800,
        ..Query::default()
    }
}

fn drawn(chart: Kind, look: &Look) -> Scene {
    scene(&values(), &query(chart), look, 400)
}

#[test]
fn every_kind_draws_classes_and_no_styles_and_says_what_is_missing() {
    for (kind, _, name) in Kind::ALL.into_iter().skip(1) {
        let scene = drawn(kind, &Look::default());
        let svg = scene.svg();
        // The bars of two params need less.
        let high = if kind == Kind::Importance { 232 } else { 800 };
        assert!(svg.starts_with(&format!("<svg viewBox=\"0 0 1600 {high}\"")) && svg.ends_with("</svg>"), "{name}: {svg}");
        assert!(!svg.contains("style=") && !svg.contains("NaN") && !svg.contains("inf"), "{name}: {svg}");
        assert_eq!(svg.matches("d=\"").count(), svg.matches("<path").count(), "{name}");
        assert!(!scene.items.is_empty() && !scene.sheet.rows.is_empty(), "{name}");
        let without = usize::from([Kind::Parallel, Kind::Heat].contains(&kind));
        assert_eq!(scene.runs, 12 - without, "{name}");
        let columns = scene.sheet.heads.len();
        assert!(scene.sheet.rows.iter().all(|row| row.cells.len() == columns), "{name}");
        assert!(scene.lit(0).contains("class=\"lit\""), "{name}");
    }
}

#[test]
fn nothing_at_all_and_odd_values_draw_something() {
    for (kind, _, name) in Kind::ALL {
        assert!(scene(&Values::default(), &query(kind), &Look::default(), 400).svg().ends_with("</svg>"), "{name}");
        for odd in [&[f64::NAN; 3][..], &[0.0; 3], &[f64::MAX, f64::MIN, 0.0], &[f64::INFINITY, 1.0, 2.0], &[7.0]] {
            let mut values = values();
            values.runs.truncate(odd.len());
            values.fields.iter_mut().for_each(|field| field.values.0.truncate(odd.len()));
            values.fields[0].values.0 = odd.to_vec();
            for up in [crate::charts::Scale::Linear, crate::charts::Scale::Log, crate::charts::Scale::Symlog] {
                let svg = scene(&values, &Query { up, across: up, ..query(kind) }, &Look::default(), 400).svg();
                assert!(svg.ends_with("</svg>") && !svg.contains("NaN"), "{name}: {svg}");
            }
        }
    }
}

#[test]
fn thousands_of_runs_are_a_few_elements() {
    let mut values = values();
    values.runs = (0..10_000).map(|i| Named { id: RunId::from(format!("{i:032x}").as_str()), name: format!("run-{i}") }).collect();
    for field in &mut values.fields {
        field.values.0 =
            (0..10_000_u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 8) % if field.is_text() { 2.0 } else { 1000.0 }).collect();
        if field.is_text() {
            field.values.0.iter_mut().for_each(|v| *v = v.floor());
        }
    }
    for kind in [Kind::Scatter, Kind::Parallel, Kind::Bar] {
        let scene = scene(&values, &query(kind), &Look::default(), 400);
        assert_eq!(scene.runs, 10_000);
        let svg = scene.svg();
        assert!(svg.matches("<path").count() <= 13, "{kind:?}: {}", svg.matches("<path").count());
        assert!(svg.len() < 600_000, "{kind:?}: {}", svg.len());
    }
}

#[test]
fn ranges_let_the_other_runs_step_back() {
    let look = Look::of(|name| (name == "ranges").then_some("params.lr:4:,metrics.loss::1.0,params.a:b:x:y"));
    assert_eq!(look.ranges.len(), 2);
    let scene = drawn(Kind::Parallel, &look);
    let within: Vec<usize> = scene.items.iter().filter(|item| item.mark != Mark::Path(Ink::Off)).filter_map(|item| item.run).collect();
    let wanted = |run: &usize| W[*run] >= 4.0 && V[*run] <= 1.0;
    let mut sorted = within.clone();
    sorted.sort_unstable();
    // Run 10 has no optimizer.
    assert_eq!(sorted, (0..12).filter(|run| wanted(run) && *run != 10).collect::<Vec<_>>());
    assert_eq!(scene.said, [format!("{} within the ranges", within.len())]);
    assert_eq!(scene.sheet.rows.len(), within.len());
    assert_eq!(look.ranged("params.lr", (None, None)), "metrics.loss::1");
    assert_eq!(look.ranged("a:b", (Some(0.5), None)), "a:b:0.5:,metrics.loss::1,params.lr:4:");
    assert_eq!(Look::of(|name| (name == "ranges").then_some("a:b:0.5:")).ranges["a:b"], (Some(0.5), None));
}

#[test]
fn an_axis_upside_down_has_its_least_value_at_the_top() {
    let end = |look: &Look| {
        let scene = drawn(Kind::Parallel, look);
        let item = scene.items.iter().find(|item| item.run == Some(0)).expect("the run with the least loss");
        let Shape::Path(path) = &item.shape else { panic!("a path") };
        path[2].1
    };
    let flipped = Look { flipped: ["metrics.loss".to_owned()].into(), ..Look::default() };
    assert!(end(&Look::default()) > 700 && end(&flipped) < 200, "{} {}", end(&Look::default()), end(&flipped));
}

#[test]
fn what_is_nearest_is_found_and_nothing_far_away() {
    let scene = drawn(Kind::Scatter, &Look::default());
    for (i, item) in scene.items.iter().enumerate() {
        let Shape::Dot(spot) = item.shape else { panic!("a dot") };
        let found = scene.nearest((f64::from(spot.0) + 2.0, f64::from(spot.1))).expect("near");
        assert_eq!(scene.items[found].shape, item.shape, "{i}");
    }
    assert_eq!(scene.nearest((-500.0, -500.0)), None);
}
