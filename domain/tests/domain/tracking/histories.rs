//! Histories: every point once, in order, however it was logged; whole, in pages, and thinned.

use super::{Lab, metric, metrics};
use domain::{
    Error,
    model::{Point, RunId},
    tracking::metrics as verbs,
};

async fn history(lab: &Lab, run: &RunId, key: &str) -> Vec<Point> {
    verbs::history(&lab.portal, &lab.ada, "vision", run, key, None, None).await.expect("read").points
}

#[tokio::test]
async fn points_that_come_one_at_a_time_are_few_rows_and_all_there() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    for step in 0..1500 {
        // Some twice, some out of order.
        let step = if step % 10 == 3 { step - 3 } else { step };
        lab.log(&run, metrics(vec![metric("m", 0.5, 1000 - step % 7, step)])).await.expect("logged");
    }
    let found = history(&lab, &run, "m").await;
    assert_eq!(found.len(), 1350);
    assert!(found.is_sorted_by(|a, b| (a.timestamp, a.step) < (b.timestamp, b.step)));
    let rows = lab.count("SELECT COUNT(*) FROM metric_chunks").await;
    assert!(rows < 900, "chunks were merged: {rows}");
}

#[tokio::test]
async fn points_that_come_in_batches_and_from_several_processes_are_all_there() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    let other = domain::Portal { writer: std::sync::Arc::default(), ..lab.portal.clone() };
    let batch = |from: i64| metrics((from..from + 200).map(|i| metric("m", 1.0 / 3.0, i, i)).collect());
    for i in 0..150 {
        let portal = if i % 2 == 0 { &lab.portal } else { &other };
        domain::tracking::runs::log(portal, &lab.ada, "vision", &run, batch(i * 150)).await.expect("logged");
    }
    let found = history(&lab, &run, "m").await;
    assert_eq!(found.len(), 149 * 150 + 200);
    assert!(found.iter().enumerate().all(|(i, p)| usize::try_from(p.step) == Ok(i) && p.value.to_bits() == (1.0_f64 / 3.0).to_bits()));
    let rows = lab.count("SELECT COUNT(*) FROM metric_chunks").await;
    assert!(rows <= 150, "{rows}");
}

#[tokio::test]
async fn a_history_is_read_in_pages_and_a_token_is_for_one_history() {
    let lab = Lab::new().await;
    let (run, other) = (lab.run().await, lab.run().await);
    lab.log(&run, metrics((0..25).map(|i| metric("m", 1.0, i, i)).collect())).await.expect("logged");
    let page = async |run: &RunId, key: &str, token: Option<&str>| {
        verbs::history(&lab.portal, &lab.ada, "vision", run, key, Some(10), token).await
    };
    let (mut steps, mut token) = (Vec::new(), None);
    loop {
        let found = page(&run, "m", token.as_deref()).await.expect("a page");
        steps.extend(found.points.iter().map(|p| p.step));
        token = found.next;
        if token.is_none() {
            break;
        }
        let token = token.as_deref();
        for result in [page(&other, "m", token).await, page(&run, "n", token).await] {
            assert!(matches!(result, Err(Error::Invalid(_))));
        }
    }
    assert_eq!(steps, (0..25).collect::<Vec<_>>());
    for bad in ["nonsense", "", "MTA", "MTAuMTIzNA", "LTE"] {
        assert!(matches!(page(&run, "m", Some(bad)).await, Err(Error::Invalid(_))), "{bad}");
    }
    assert!(page(&run, "never", None).await.expect("empty").points.is_empty());
    let foreign = verbs::history(&lab.portal, &lab.eve, "speech", &run, "m", None, None).await.expect("as of one that is not there");
    assert!(foreign.points.is_empty());
}

#[tokio::test]
async fn histories_of_several_runs_are_bounded_and_thinned_ones_keep_their_ends() {
    let lab = Lab::new().await;
    let (a, b) = (lab.run().await, lab.run().await);
    for run in [&a, &b] {
        lab.log(run, metrics((0..500).map(|i| metric("m", 1.0, i, i)).collect())).await.expect("logged");
    }
    let runs = [a.clone(), b.clone(), "0".repeat(32).into()];
    let all = verbs::bulk(&lab.portal, &lab.ada, "vision", &runs, "m", 700).await.expect("read");
    let mut counts: Vec<_> = all.iter().map(|(_, points)| points.len()).filter(|count| *count > 0).collect();
    counts.sort_unstable();
    assert_eq!(counts, [200, 500]);
    let thin = verbs::thinned(&lab.portal, &lab.ada, "vision", &runs, "m", None, 20).await.expect("read");
    for (run, points) in thin.iter().take(2) {
        assert_eq!((points.len(), points[0].step, points[19].step), (20, 0, 499), "{run}");
    }
    let part = verbs::thinned(&lab.portal, &lab.ada, "vision", &runs[..1], "m", Some((10, 12)), 20).await.expect("read");
    assert_eq!(part[0].1.iter().map(|p| p.step).collect::<Vec<_>>(), [10, 11, 12]);
    let many: Vec<RunId> = (0..101).map(|i| RunId(i.to_string())).collect();
    for bad in [
        verbs::thinned(&lab.portal, &lab.ada, "vision", &many, "m", None, 20).await,
        verbs::thinned(&lab.portal, &lab.ada, "vision", &runs, "m", None, 0).await,
        verbs::thinned(&lab.portal, &lab.ada, "vision", &runs, "m", None, 2501).await,
        verbs::thinned(&lab.portal, &lab.ada, "vision", &runs, "m", Some((2, 1)), 20).await,
        verbs::bulk(&lab.portal, &lab.ada, "vision", &many, "m", 10).await,
        verbs::bulk(&lab.portal, &lab.ada, "vision", &[], "m", 10).await,
    ] {
        assert!(matches!(bad, Err(Error::Invalid(_))), "{bad:?}");
    }
}
