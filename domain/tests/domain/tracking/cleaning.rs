//! The purge: only what was deleted long ago, all of it, and never a Default.

use super::{Lab, metric, metrics, params};
use domain::{
    Error, args,
    model::ExperimentId,
    tracking::{self, experiments, runs},
};

const DAY: i64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn a_purge_removes_what_was_deleted_long_ago_and_says_what() {
    let lab = Lab::new().await;
    let (old, kept) = (lab.experiment("old").await, lab.experiment("kept").await);
    let (gone, stays, alone) = (lab.run_in(&old).await, lab.run_in(&kept).await, lab.run_in(&kept).await);
    for run in [&gone, &stays, &alone] {
        lab.log(run, metrics(vec![metric("m", 1.0, 1, 1), metric("m", 2.0, 2, 2)])).await.expect("logged");
        lab.log(run, params(&[("p", "1")])).await.expect("logged");
    }
    experiments::delete(&lab.portal, &lab.ada, "vision", &old).await.expect("deleted");
    runs::delete(&lab.portal, &lab.ada, "vision", &alone).await.expect("deleted");
    experiments::delete(&lab.portal, &lab.ada, "vision", &ExperimentId::from("0")).await.expect("deleted");
    let purge = async |days| tracking::purge(&lab.portal, &lab.ada, "vision", days, false).await.expect("purged");
    assert!(purge(30).await.runs.is_empty(), "too early");
    lab.portal.clock.advance(30 * DAY + 1);
    let version = lab.versions(&stays).await.1;
    let mut purged = purge(30).await;
    purged.runs.sort();
    let mut expected = [gone.clone(), alone.clone()];
    expected.sort();
    assert_eq!((purged.runs.as_slice(), purged.experiments.as_slice(), purged.points), (expected.as_slice(), [old.clone()].as_slice(), 4));
    assert!(purged.row_bytes > 0);
    assert!(lab.versions(&stays).await.1 > version, "a search index sees that something went");
    for run in [&gone, &alone] {
        assert!(matches!(runs::get(&lab.portal, &lab.ada, "vision", run).await, Err(Error::NotFound("run"))));
        assert!(matches!(lab.log(run, params(&[("p", "1")])).await, Err(Error::NotFound("run"))));
    }
    assert_eq!(lab.get(&stays).await.params.len(), 1);
    for sql in [
        "SELECT COUNT(DISTINCT run_no) FROM metric_chunks",
        "SELECT COUNT(DISTINCT run_no) FROM latest_metrics",
        "SELECT COUNT(DISTINCT run_no) FROM params",
        "SELECT COUNT(DISTINCT run_no) FROM tags",
    ] {
        assert_eq!(lab.count(sql).await, 1, "{sql}");
    }
    lab.experiment("old").await;
    experiments::restore(&lab.portal, &lab.ada, "vision", &ExperimentId::from("0")).await.expect("the Default stays");
    assert_eq!(lab.count("SELECT COUNT(*) FROM audit WHERE action IN ('run.purge', 'experiment.purge')").await, 2);
}

#[tokio::test]
async fn only_a_team_admin_purges_and_only_the_own_team() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    runs::delete(&lab.portal, &lab.ada, "vision", &run).await.expect("deleted");
    lab.portal.clock.advance(DAY);
    let mel = lab.test.caller("mel").await;
    assert!(matches!(tracking::purge(&lab.portal, &mel, "vision", 0, false).await, Err(Error::Forbidden(_))));
    assert!(tracking::purge(&lab.portal, &lab.eve, "speech", 0, false).await.expect("nothing").runs.is_empty());
    assert_eq!(tracking::purge(&lab.portal, &lab.ada, "vision", 0, false).await.expect("purged").runs, [run]);
}

#[tokio::test]
async fn more_runs_than_fit_one_transaction_are_purged() {
    let lab = Lab::new().await;
    let experiment = lab.experiment("many").await;
    for _ in 0..45 {
        lab.run_in(&experiment).await;
    }
    experiments::delete(&lab.portal, &lab.ada, "vision", &experiment).await.expect("deleted");
    lab.portal.clock.advance(1);
    assert_eq!(tracking::purge(&lab.portal, &lab.ada, "vision", 0, false).await.expect("purged").runs.len(), 45);
    let left: Vec<(i64,)> = lab.portal.db.fetch_all("SELECT no FROM runs", args![]).await.expect("read");
    assert!(left.is_empty());
}
