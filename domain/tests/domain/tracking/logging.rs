//! Logging: all of a batch or nothing, many at once, and never lost.

use super::{Lab, metric, metrics, params, tags};
use domain::{
    Error,
    model::{Batch, KEYS_OF_A_RUN, Metric, NewRun, RunStatus, Tag},
    tracking::{self, runs},
};

#[tokio::test]
async fn a_batch_is_logged_whole_and_again_without_a_difference() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    let batch = Batch {
        metrics: vec![metric("m", 1.0, 1, 0), metric("m", 2.0, 2, 1), metric("n", 3.0, 1, 0)],
        params: vec![Tag::new("p", "v"), Tag::new("empty", "")],
        tags: vec![Tag::new("t", "1"), Tag::new("t", "2")],
        ..Batch::default()
    };
    for _ in 0..2 {
        lab.log(&run, batch.clone()).await.expect("logged");
        let found = lab.get(&run).await;
        assert_eq!(found.metrics, [metric("m", 2.0, 2, 1), metric("n", 3.0, 1, 0)]);
        assert_eq!(found.params, [Tag::new("empty", ""), Tag::new("p", "v")]);
        assert_eq!(found.tags.iter().find(|t| t.key == "t"), Some(&Tag::new("t", "2")));
        let history = tracking::metrics::history(&lab.portal, &lab.ada, "vision", &run, "m", None, None).await.expect("read");
        assert_eq!(history.points.len(), 2);
    }
    lab.log(&run, Batch::default()).await.expect("nothing is fine");
}

#[tokio::test]
async fn a_batch_with_a_changed_param_leaves_nothing() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    lab.log(&run, params(&[("p", "1")])).await.expect("logged");
    let batch = Batch {
        metrics: vec![metric("m", 1.0, 1, 1)],
        params: vec![Tag::new("a", "1"), Tag::new("p", "2")],
        tags: vec![Tag::new("t", "1")],
        ..Batch::default()
    };
    let refused = lab.log(&run, batch).await.expect_err("refused").to_string();
    assert!(refused.contains("'p'") && refused.contains("'1'") && refused.contains("'2'"), "{refused}");
    let found = lab.get(&run).await;
    assert_eq!((found.metrics, found.params), (Vec::new(), vec![Tag::new("p", "1")]));
    assert!(!found.tags.iter().any(|t| t.key == "t"));
    assert_eq!(lab.count("SELECT COUNT(*) FROM metric_chunks").await, 0);
}

#[tokio::test]
async fn the_latest_point_is_by_step_then_time_then_value() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    for (value, timestamp, step) in [(1.0, 100, 5), (2.0, 200, 3), (3.0, 50, 5), (9.0, 100, 5), (4.0, 100, 5)] {
        lab.log(&run, metrics(vec![metric("m", value, timestamp, step)])).await.expect("logged");
    }
    assert_eq!(lab.get(&run).await.metrics, [metric("m", 9.0, 100, 5)]);
    let odd = [f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 0.1];
    let batch = odd.iter().zip(["a", "b", "c", "d"]).map(|(value, key)| metric(key, *value, 0, i64::MIN)).collect();
    lab.log(&run, metrics(batch)).await.expect("logged");
    let found = lab.get(&run).await.metrics;
    assert_eq!(found.iter().take(4).map(|m| m.value.to_bits()).collect::<Vec<_>>(), odd.map(f64::to_bits));
    // A zero below zero is kept in the history; SQLite has no such thing for the latest.
    lab.log(&run, metrics(vec![metric("zero", -0.0, 0, 0)])).await.expect("logged");
    let history = tracking::metrics::history(&lab.portal, &lab.ada, "vision", &run, "zero", None, None).await.expect("read");
    assert_eq!(history.points[0].value.to_bits(), (-0.0_f64).to_bits());
    // NaN counts as zero and is kept as NaN.
    for (value, is_nan) in [(f64::NAN, true), (-1.0, true), (0.5, false), (f64::NAN, false)] {
        lab.log(&run, metrics(vec![metric("zz", value, 0, 0)])).await.expect("logged");
        assert_eq!(lab.get(&run).await.metrics.last().map(|m| m.value.is_nan()), Some(is_nan), "{value}");
    }
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() {
    let lab = Lab::new().await;
    let experiment = lab.experiment("busy").await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(lab.run_in(&experiment).await);
    }
    let writers = (0..32).map(|writer| {
        let (lab, run) = (&lab, &runs[writer % 4]);
        async move {
            for i in 0..10 {
                let step = i64::try_from(writer * 10 + i).expect("small");
                let key = format!("p{step}");
                let batch = Batch { params: vec![Tag::new(&key, "v")], ..metrics(vec![metric("m", 1.0, step, step)]) };
                lab.log(run, batch).await.expect("logged");
            }
        }
    });
    futures::future::join_all(writers).await;
    for run in &runs {
        let history = tracking::metrics::history(&lab.portal, &lab.ada, "vision", run, "m", None, None).await.expect("read");
        assert_eq!((history.points.len(), lab.get(run).await.params.len()), (80, 80));
    }
}

#[tokio::test]
async fn one_that_is_refused_disturbs_no_other() {
    let lab = Lab::new().await;
    let (good, deleted) = (lab.run().await, lab.run().await);
    runs::delete(&lab.portal, &lab.ada, "vision", &deleted).await.expect("deleted");
    lab.log(&good, params(&[("p", "1")])).await.expect("logged");
    let unknown = "0".repeat(32).into();
    let jobs = (0..40).map(|i| {
        let (lab, good, deleted, unknown) = (&lab, &good, &deleted, &unknown);
        async move {
            match i % 4 {
                0 => lab.log(good, metrics(vec![metric("m", 1.0, i, i)])).await.is_ok(),
                1 => lab.log(deleted, metrics(vec![metric("m", 1.0, i, i)])).await.is_err(),
                2 => lab.log(good, params(&[("p", "2")])).await.is_err(),
                _ => lab.log(unknown, metrics(vec![metric("m", 1.0, i, i)])).await.is_err(),
            }
        }
    });
    assert!(futures::future::join_all(jobs).await.into_iter().all(|as_expected| as_expected));
    assert_eq!(lab.get(&good).await.params, [Tag::new("p", "1")]);
    let history = tracking::metrics::history(&lab.portal, &lab.ada, "vision", &good, "m", None, None).await.expect("read");
    assert_eq!(history.points.len(), 10);
}

#[tokio::test]
async fn of_two_who_set_a_param_at_once_one_wins() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    let tries = (0..16).map(|i| {
        let (lab, run, value) = (&lab, &run, i.to_string());
        async move { lab.log(run, params(&[("p", &value)])).await.is_ok().then_some(value) }
    });
    let won: Vec<String> = futures::future::join_all(tries).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!(lab.get(&run).await.params, [Tag::new("p", &won[0])]);
}

#[tokio::test]
async fn every_change_of_a_run_has_a_new_version_of_its_experiment() {
    let lab = Lab::new().await;
    let experiment = lab.experiment("one").await;
    let (run, other) = (lab.run_in(&experiment).await, lab.run_in(&experiment).await);
    let mut last = lab.versions(&other).await.1;
    let mut newer = async |what: &str| {
        let (run, experiment) = lab.versions(&run).await;
        assert!(run > last && run == experiment, "{what}: {last} {run} {experiment}");
        last = experiment;
    };
    lab.log(&run, metrics(vec![metric("m", 1.0, 1, 1)])).await.expect("logged");
    newer("metric").await;
    lab.log(&run, params(&[("p", "1")])).await.expect("logged");
    newer("param").await;
    lab.log(&run, tags(&[("t", "1")])).await.expect("logged");
    newer("tag").await;
    let change = domain::model::RunChange { status: Some(RunStatus::Finished), ..Default::default() };
    runs::update(&lab.portal, &lab.ada, "vision", &run, change).await.expect("ended");
    newer("end").await;
    runs::delete_tag(&lab.portal, &lab.ada, "vision", &run, "t").await.expect("removed");
    newer("tag's deletion").await;
    runs::delete(&lab.portal, &lab.ada, "vision", &run).await.expect("deleted");
    newer("deletion").await;
    runs::restore(&lab.portal, &lab.ada, "vision", &run).await.expect("restored");
    newer("restore").await;
}

#[tokio::test]
async fn a_run_has_so_many_different_keys_and_no_more() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    let most = usize::try_from(KEYS_OF_A_RUN).expect("small");
    let all: Vec<Metric> = (0..most).map(|i| metric(&format!("m{i}"), 1.0, 1, 1)).collect();
    for part in all.chunks(1000) {
        lab.log(&run, metrics(part.to_vec())).await.expect("logged");
    }
    let refused = lab.log(&run, metrics(vec![metric("m0", 2.0, 2, 2), metric("one-more", 1.0, 1, 1)])).await;
    assert!(matches!(refused, Err(Error::QuotaExceeded(_))), "{refused:?}");
    lab.log(&run, metrics(vec![metric("m0", 2.0, 2, 2)])).await.expect("what is there goes on");
    // As another process would see it, which remembers nothing.
    let fresh = domain::Portal { writer: std::sync::Arc::default(), ..lab.portal.clone() };
    let log = async |batch| runs::log(&fresh, &lab.ada, "vision", &run, batch).await;
    log(metrics(vec![metric("m0", 3.0, 3, 3)])).await.expect("what is there goes on");
    assert!(matches!(log(metrics(vec![metric("one-more", 1.0, 1, 1)])).await, Err(Error::QuotaExceeded(_))));
    assert_eq!(lab.count("SELECT COUNT(*) FROM latest_metrics").await, KEYS_OF_A_RUN);
}

#[tokio::test]
async fn long_values_are_cut_and_hidden_ones_refused() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    lab.log(&run, params(&[("p", &"ä".repeat(6001))])).await.expect("logged");
    lab.log(&run, tags(&[("t", &"ä".repeat(8001))])).await.expect("logged");
    let found = lab.get(&run).await;
    assert_eq!(found.params[0].value.chars().count(), 6000);
    assert_eq!(found.tags.iter().find(|t| t.key == "t").map(|t| t.value.chars().count()), Some(8000));
    for bad in [params(&[("q", "a\0b")]), tags(&[("q", "a\0b")]), tags(&[("slipway.team", "blue")]), params(&[("a\0b", "x")])] {
        assert!(matches!(lab.log(&run, bad).await, Err(Error::Invalid(_))));
    }
    let new = NewRun { tags: vec![Tag::new("slipway.team", "blue")], ..NewRun::default() };
    assert!(matches!(runs::create(&lab.portal, &lab.ada, "vision", new).await, Err(Error::Invalid(_))));
}
