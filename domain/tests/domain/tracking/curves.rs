//! Whole histories for charts: in the order asked for, of the team only.

use super::{Lab, metric, metrics};
use domain::{Error, model::RunId, tracking};
use futures::{StreamExt as _, stream};

/// Some of them at a time, so that the writer has groups to write; what came of each, in their order.
async fn side_by_side<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    stream::iter(all).buffered(64).collect().await
}

#[tokio::test]
async fn whole_histories_come_in_the_order_asked_for() {
    let lab = Lab::new().await;
    let (a, b) = (lab.run().await, lab.run().await);
    for start in [0, 1000, 2000] {
        let points = (start..start + 1000).map(|i| metric("m", f64::from(i), i64::from(i), i64::from(i))).collect();
        lab.log(&a, metrics(points)).await.expect("logged");
    }
    lab.log(&b, metrics(vec![metric("m", f64::NAN, 7, 1), metric("n", 2.0, 5, 0)])).await.expect("logged");
    let asked: Vec<(RunId, String)> =
        [(&b, "n"), (&a, "m"), (&b, "m"), (&a, "never")].map(|(run, key)| (run.clone(), key.to_owned())).into();
    let found = tracking::curves(&lab.portal, &lab.ada, "vision", &asked, |_, points| points).await.expect("read");
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 3000, 1, 0]);
    assert!(found[1].is_sorted_by(|a, b| a.step < b.step) && found[2][0].value.is_nan());
}

#[tokio::test]
async fn one_run_of_another_team_is_as_one_that_is_not_there() {
    let lab = Lab::new().await;
    let mine = lab.run().await;
    let theirs = tracking::runs::create(&lab.portal, &lab.eve, "speech", domain::model::NewRun::default()).await.expect("a run").id;
    let ask = async |caller, team, runs: &[&RunId]| {
        let asked: Vec<_> = runs.iter().map(|run| ((*run).clone(), "m".to_owned())).collect();
        tracking::curves(&lab.portal, caller, team, &asked, |_, points| points.len()).await
    };
    assert_eq!(ask(&lab.ada, "vision", &[&mine]).await.expect("read"), [0]);
    for runs in [[&mine, &theirs], [&mine, &RunId::from("none")]] {
        assert!(matches!(ask(&lab.ada, "vision", &runs).await, Err(Error::NotFound(_))));
    }
    // Also where nothing is asked for.
    assert!(matches!(ask(&lab.eve, "vision", &[]).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_thousand_histories_come_each_to_its_run() {
    let lab = Lab::new().await;
    let runs: Vec<RunId> = side_by_side((0..1000).map(|_| lab.run())).await;
    let log = async |i: usize| {
        // Every tenth run never logged it; the others end with their own number, every hundredth after a history in several chunks.
        let last = f64::from(u32::try_from(i).expect("small"));
        let more = if i % 100 == 1 { 700 } else { 0 };
        for start in [0, 1000] {
            let points = (start..start + more).map(|step| metric("m", -1.0, step, step)).collect();
            lab.log(&runs[i], metrics(points)).await.expect("logged");
        }
        lab.log(&runs[i], metrics(vec![metric("m", last, 5000, 5000), metric("other", 0.5, 1, 1)])).await.expect("logged");
    };
    side_by_side((0..1000).filter(|i| i % 10 != 0).map(log)).await;
    // In an order of its own, with another metric among them, and one of them twice.
    let mut asked: Vec<(RunId, String)> = runs.iter().rev().map(|run| (run.clone(), "m".to_owned())).collect();
    asked.insert(500, (runs[1].clone(), "other".to_owned()));
    asked.push((runs[999].clone(), "m".to_owned()));
    let found = tracking::curves(&lab.portal, &lab.ada, "vision", &asked, |i, points| (i, points)).await.expect("read");
    assert_eq!(found.len(), asked.len());
    for (i, ((run, key), (told, points))) in asked.iter().zip(&found).enumerate() {
        let number = runs.iter().position(|one| one == run).expect("one of them");
        let length = if key == "other" || number % 100 != 1 { usize::from(number % 10 != 0) } else { 1401 };
        assert_eq!((i, length), (*told, points.len()), "{key} of run {number}");
        if let Some(last) = points.last() {
            assert_eq!(last.value.to_bits(), if key == "other" { 0.5 } else { f64::from(u32::try_from(number).expect("small")) }.to_bits());
            assert!(points.is_sorted_by(|a, b| a.step < b.step));
        }
    }
    let theirs = tracking::runs::create(&lab.portal, &lab.eve, "speech", domain::model::NewRun::default()).await.expect("a run").id;
    asked.insert(700, (theirs, "m".to_owned()));
    let refused = tracking::curves(&lab.portal, &lab.ada, "vision", &asked, |_, points| points.len()).await;
    assert!(matches!(refused, Err(Error::NotFound("run"))), "{refused:?}");
}
