//! Tracking: experiments, runs and what they log, on a real database.

mod chosen;
mod cleaning;
mod curves;
mod experiments;
mod histories;
mod logging;
mod purging;
mod runs;

use domain::{
    Caller, Error, Portal, args,
    model::{Batch, ExperimentId, Metric, NewRun, Role, RunId, Tag},
    testing::TestPortal,
    tracking,
};

/// Team `vision` with ada (admin), mel (member) and vera (viewer); team `speech` with eve (admin).
struct Lab {
    test: TestPortal,
    portal: Portal,
    ada: Caller,
    eve: Caller,
}

impl Lab {
    async fn new() -> Self {
        let test = TestPortal::new().await;
        test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member), ("vera", Role::Viewer)]).await;
        test.team("speech", &[("eve", Role::Admin)]).await;
        let (portal, ada, eve) = (test.portal.clone(), test.caller("ada").await, test.caller("eve").await);
        Self { test, portal, ada, eve }
    }

    async fn experiment(&self, name: &str) -> ExperimentId {
        tracking::experiments::create(&self.portal, &self.ada, "vision", name, None, &[]).await.expect("an experiment")
    }

    async fn run(&self) -> RunId {
        tracking::runs::create(&self.portal, &self.ada, "vision", NewRun::default()).await.expect("a run").id
    }

    async fn run_in(&self, experiment: &ExperimentId) -> RunId {
        let new = NewRun { experiment: Some(experiment.clone()), ..NewRun::default() };
        tracking::runs::create(&self.portal, &self.ada, "vision", new).await.expect("a run").id
    }

    async fn log(&self, run: &RunId, batch: Batch) -> Result<(), Error> {
        tracking::runs::log(&self.portal, &self.ada, "vision", run, batch).await
    }

    async fn get(&self, run: &RunId) -> domain::model::Run {
        tracking::runs::get(&self.portal, &self.ada, "vision", run).await.expect("the run")
    }

    /// The version of the run's last change, and its experiment's.
    async fn versions(&self, run: &RunId) -> (i64, i64) {
        let sql = "SELECT r.version, e.version FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.id = $1";
        self.portal.db.fetch_one(sql, args![run]).await.expect("versions")
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let (count,): (i64,) = self.portal.db.fetch_one(sql, args![]).await.expect("a count");
        count
    }
}

fn metric(key: &str, value: f64, timestamp: i64, step: i64) -> Metric {
    Metric { key: key.to_owned(), value, timestamp, step }
}

fn metrics(metrics: Vec<Metric>) -> Batch {
    Batch { metrics, ..Batch::default() }
}

fn params(pairs: &[(&str, &str)]) -> Batch {
    Batch { params: pairs.iter().map(|(k, v)| Tag::new(*k, *v)).collect(), ..Batch::default() }
}

fn tags(pairs: &[(&str, &str)]) -> Batch {
    Batch { tags: pairs.iter().map(|(k, v)| Tag::new(*k, *v)).collect(), ..Batch::default() }
}
