//! Logged models, what runs read and make, evaluation datasets and scorers, on a real database.

mod evaluation;
mod links;
mod searches;

use domain::{
    Caller, Error, Portal,
    model::{
        Batch, ExperimentId, LoggedModel, LoggedModelId, LoggedModelStatus, Metric, ModelMetric, NewLoggedModel, NewRun, Role, RunId, Tag,
    },
    testing::TestPortal,
    tracking::{self, logged_models as models},
};

/// Team `vision` with ada (member) and vera (viewer); team `speech` with eve (admin).
struct Lab {
    test: TestPortal,
    portal: Portal,
    ada: Caller,
    vera: Caller,
    eve: Caller,
}

const ZERO: &str = "0";

impl Lab {
    async fn new() -> Self {
        let test = TestPortal::new().await;
        test.team("vision", &[("ada", Role::Member), ("vera", Role::Viewer)]).await;
        test.team("speech", &[("eve", Role::Admin)]).await;
        let (portal, ada, vera, eve) = (test.portal.clone(), test.caller("ada").await, test.caller("vera").await, test.caller("eve").await);
        Self { test, portal, ada, vera, eve }
    }

    async fn run(&self) -> RunId {
        tracking::runs::create(&self.portal, &self.ada, "vision", NewRun::default()).await.expect("a run").id
    }

    /// A run of the other team.
    async fn foreign_run(&self) -> RunId {
        tracking::runs::create(&self.portal, &self.eve, "speech", NewRun::default()).await.expect("a run").id
    }

    async fn model(&self, name: &str) -> LoggedModel {
        models::create(&self.portal, &self.ada, "vision", new(name)).await.expect("a model")
    }

    /// A model of the other team.
    async fn foreign_model(&self) -> LoggedModelId {
        models::create(&self.portal, &self.eve, "speech", new("theirs")).await.expect("a model").id
    }

    async fn get(&self, id: &LoggedModelId) -> LoggedModel {
        models::get(&self.portal, &self.ada, "vision", id, false).await.expect("the model")
    }

    async fn measure(&self, run: &RunId, points: Vec<ModelMetric>) -> Result<(), Error> {
        let metrics = points.iter().map(|p| Metric { key: p.key.clone(), value: p.value, timestamp: p.timestamp, step: p.step }).collect();
        tracking::runs::log(&self.portal, &self.ada, "vision", run, Batch { metrics, model_metrics: points, ..Batch::default() }).await
    }
}

fn new(name: &str) -> NewLoggedModel {
    NewLoggedModel {
        experiment: ExperimentId::from(ZERO),
        name: Some(name.to_owned()),
        model_type: String::new(),
        source_run: None,
        params: Vec::new(),
        tags: Vec::new(),
    }
}

fn point(model: &LoggedModelId, key: &str, value: f64, step: i64) -> ModelMetric {
    ModelMetric {
        model: model.clone(),
        key: key.to_owned(),
        value,
        timestamp: 1,
        step,
        run: None,
        dataset_name: String::new(),
        dataset_digest: String::new(),
    }
}

#[tokio::test]
async fn a_model_is_pending_until_it_is_finalized_and_lies_below_its_experiment() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    let wish = NewLoggedModel {
        model_type: "agent".into(),
        source_run: Some(run.clone()),
        params: vec![Tag::new("lr", "0.1")],
        tags: vec![Tag::new("a", "1")],
        ..new("net")
    };
    let made = models::create(&lab.portal, &lab.ada, "vision", wish).await.expect("made");
    assert!(made.id.as_str().len() == 34 && made.id.as_str().starts_with("m-"));
    assert_eq!((made.status, made.model_type.as_str(), &made.source_run), (LoggedModelStatus::Pending, "agent", &Some(run)));
    assert_eq!(made.artifact_uri, format!("mlflow-artifacts:/0/models/{}/artifacts", made.id));
    assert_eq!((made.experiment.as_str(), made.created_by.as_str()), (ZERO, "ada@example.com"));
    assert_eq!((&made.params, &made.tags), (&vec![Tag::new("lr", "0.1")], &vec![Tag::new("a", "1")]));
    let ready = models::finalize(&lab.portal, &lab.ada, "vision", &made.id, LoggedModelStatus::Ready).await.expect("ready");
    assert_eq!(ready.status, LoggedModelStatus::Ready);
    assert_eq!(lab.get(&made.id).await, ready);
}

#[tokio::test]
async fn a_deleted_model_is_gone_until_it_is_restored_and_both_are_audited() {
    let lab = Lab::new().await;
    let id = lab.model("net").await.id;
    models::remove(&lab.portal, &lab.ada, "vision", &id).await.expect("deleted");
    assert!(matches!(models::get(&lab.portal, &lab.ada, "vision", &id, false).await, Err(Error::NotFound(_))));
    assert!(models::get(&lab.portal, &lab.ada, "vision", &id, true).await.is_ok_and(|m| m.deleted_at.is_some()));
    assert!(matches!(models::set_tags(&lab.portal, &lab.ada, "vision", &id, &[Tag::new("a", "b")]).await, Err(Error::NotFound(_))));
    assert!(matches!(models::remove(&lab.portal, &lab.ada, "vision", &id).await, Err(Error::NotFound(_))));
    models::restore(&lab.portal, &lab.ada, "vision", &id).await.expect("restored");
    assert_eq!(lab.get(&id).await.deleted_at, None);
    let actions: Vec<(String,)> =
        lab.portal.db.fetch_all("SELECT action FROM audit WHERE object = $1 ORDER BY seq", domain::args![&id]).await.expect("audit");
    assert_eq!(actions.iter().map(|a| a.0.as_str()).collect::<Vec<_>>(), ["logged_model.delete", "logged_model.restore"]);
}

#[tokio::test]
async fn params_of_a_model_do_not_change_and_tags_do() {
    let lab = Lab::new().await;
    let id = lab.model("net").await.id;
    let log = async |key: &str, value: &str| models::log_params(&lab.portal, &lab.ada, "vision", &id, &[Tag::new(key, value)]).await;
    log("lr", "0.1").await.expect("logged");
    log("lr", "0.1").await.expect("the same again");
    assert!(matches!(log("lr", "0.2").await, Err(Error::Invalid(_))));
    assert!(matches!(log("", "0.2").await, Err(Error::Invalid(_))));
    log("long", &"x".repeat(7000)).await.expect("cut");
    assert_eq!(lab.get(&id).await.params.iter().map(|p| p.value.len()).collect::<Vec<_>>(), [6000, 3], "long, lr");
    let tag = async |key: &str, value: &str| models::set_tags(&lab.portal, &lab.ada, "vision", &id, &[Tag::new(key, value)]).await;
    tag("a", "1").await.expect("set");
    assert_eq!(tag("a", "2").await.expect("set again").tags, [Tag::new("a", "2")]);
    assert!(matches!(tag("slipway.team", "speech").await, Err(Error::Invalid(_))));
    models::remove_tag(&lab.portal, &lab.ada, "vision", &id, "a").await.expect("removed");
    assert!(matches!(models::remove_tag(&lab.portal, &lab.ada, "vision", &id, "a").await, Err(Error::NotFound("tag"))));
    let many: Vec<Tag> = (0..1001).map(|i| Tag::new(format!("k{i}"), "v")).collect();
    assert!(matches!(models::log_params(&lab.portal, &lab.ada, "vision", &id, &many).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn what_is_measured_of_a_model_shows_on_it_with_its_run_and_data() {
    let lab = Lab::new().await;
    let (run, id) = (lab.run().await, lab.model("net").await.id);
    let on_data = ModelMetric { dataset_name: "d".into(), dataset_digest: "1".into(), ..point(&id, "f1", 0.5, 2) };
    lab.measure(&run, vec![on_data.clone(), point(&id, "loss", f64::NAN, 0), point(&id, "gain", f64::INFINITY, 0)]).await.expect("logged");
    lab.measure(&run, vec![on_data.clone()]).await.expect("the same point again");
    let metrics = lab.get(&id).await.metrics;
    assert_eq!(metrics.len(), 3);
    assert_eq!(metrics[0], ModelMetric { run: Some(run.clone()), ..on_data });
    assert!(metrics[1].value.is_infinite() && metrics[2].value.is_nan());
    assert_eq!(tracking::runs::get(&lab.portal, &lab.ada, "vision", &run).await.expect("the run").metrics.len(), 3);
}

#[tokio::test]
async fn a_batch_for_an_unknown_or_foreign_model_leaves_nothing_behind() {
    let lab = Lab::new().await;
    let (run, mine, theirs) = (lab.run().await, lab.model("net").await.id, lab.foreign_model().await);
    let refusal = async |id: &LoggedModelId| {
        let batch = vec![point(&mine, "acc", 1.0, 0), point(id, "acc", 2.0, 0)];
        lab.measure(&run, batch).await.expect_err("refused").to_string()
    };
    assert_eq!(refusal(&theirs).await, refusal(&format!("m-{}", "0".repeat(32)).into()).await);
    assert!(lab.get(&mine).await.metrics.is_empty());
    assert!(tracking::runs::get(&lab.portal, &lab.ada, "vision", &run).await.expect("the run").metrics.is_empty());
    let long = ModelMetric { dataset_digest: "x".repeat(37), ..point(&mine, "acc", 1.0, 0) };
    assert!(matches!(lab.measure(&run, vec![long]).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_model_of_another_team_is_answered_like_none_and_a_viewer_changes_nothing() {
    let lab = Lab::new().await;
    let (mine, theirs, none) = (lab.model("net").await.id, lab.foreign_model().await, LoggedModelId::from("m-none"));
    let (p, ada) = (&lab.portal, &lab.ada);
    for id in [&theirs, &none] {
        let tags = [Tag::new("a", "b")];
        let answers = [
            models::get(p, ada, "vision", id, true).await.map(|_| ()),
            models::finalize(p, ada, "vision", id, LoggedModelStatus::Ready).await.map(|_| ()),
            models::remove(p, ada, "vision", id).await,
            models::restore(p, ada, "vision", id).await,
            models::log_params(p, ada, "vision", id, &tags).await,
            models::set_tags(p, ada, "vision", id, &tags).await.map(|_| ()),
            models::remove_tag(p, ada, "vision", id, "a").await,
        ];
        for (i, answer) in answers.into_iter().enumerate() {
            assert!(matches!(answer, Err(Error::NotFound("logged model"))), "{i} {answer:?}");
        }
    }
    let with_run = NewLoggedModel { source_run: Some(lab.foreign_run().await), ..new("x") };
    assert!(matches!(models::create(p, ada, "vision", with_run).await, Err(Error::NotFound("run"))));
    let elsewhere = NewLoggedModel { experiment: "99999".into(), ..new("x") };
    assert!(matches!(models::create(p, ada, "vision", elsewhere).await, Err(Error::NotFound("experiment"))));
    assert!(models::get(p, &lab.vera, "vision", &mine, false).await.is_ok());
    assert!(matches!(models::remove(p, &lab.vera, "vision", &mine).await, Err(Error::Forbidden(_))));
    assert!(matches!(models::create(p, &lab.vera, "vision", new("x")).await, Err(Error::Forbidden(_))));
    assert!(matches!(models::get(p, &lab.eve, "vision", &mine, false).await, Err(Error::NotFound("team"))));
    assert!(matches!(models::get(p, &lab.test.stranger(), "vision", &mine, false).await, Err(Error::Unauthenticated)));
}
