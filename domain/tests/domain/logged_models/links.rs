//! What runs read and made.

use super::{Lab, ZERO};
use domain::{
    Error, args,
    model::{Dataset, DatasetInput, ExperimentId, LoggedModelId, ModelOutput, NewLoggedModel, NewModelVersion, RunId, RunLinks, Tag},
    registry,
    tracking::{self, inputs, lineage, logged_models as models},
};

fn data(name: &str, digest: &str) -> DatasetInput {
    let dataset =
        Dataset { name: name.into(), digest: digest.into(), source_type: "local".into(), source: "{}".into(), ..Dataset::default() };
    DatasetInput { dataset, tags: vec![Tag::new("mlflow.data.context", "train")] }
}

async fn links(lab: &Lab, run: &RunId) -> RunLinks {
    let mut found = lineage::of_run_ids(&lab.portal, &lab.ada, "vision", std::slice::from_ref(run)).await.expect("links");
    found.remove(run).unwrap_or_default()
}

async fn version(lab: &Lab, run: &RunId) -> (i64, i64) {
    let sql = "SELECT r.version, e.version FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.id = $1";
    lab.portal.db.fetch_one(sql, args![run]).await.expect("versions")
}

#[tokio::test]
async fn a_dataset_is_noted_once_and_changes_its_runs_version() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    let before = version(&lab, &run).await;
    let again = DatasetInput { tags: vec![Tag::new("other", "x")], ..data("a", "1") };
    inputs::log_inputs(&lab.portal, &lab.ada, "vision", &run, &[data("a", "1"), again.clone(), data("b", "1")], &[]).await.expect("noted");
    inputs::log_inputs(&lab.portal, &lab.ada, "vision", &run, &[again], &[]).await.expect("noted again");
    assert_eq!(links(&lab, &run).await.datasets, [data("a", "1"), data("b", "1")]);
    let after = version(&lab, &run).await;
    assert!(after.0 > before.0 && after.0 == after.1, "{before:?} {after:?}");
    let other = lab.run().await;
    inputs::log_inputs(&lab.portal, &lab.ada, "vision", &other, &[data("a", "1")], &[]).await.expect("noted");
    let (count,): (i64,) = lab.portal.db.fetch_one("SELECT COUNT(*) FROM datasets", args![]).await.expect("a count");
    assert_eq!(count, 2, "runs of an experiment share a dataset");
    let found = inputs::search_datasets(&lab.portal, &lab.ada, "vision", &[ZERO.into(), "12345".into()]).await.expect("found");
    assert_eq!(
        found.iter().map(|d| (d.name.as_str(), d.context.as_deref())).collect::<Vec<_>>(),
        [("a", Some("train")), ("b", Some("train"))]
    );
}

#[tokio::test]
async fn models_that_a_run_used_and_made_are_kept_with_their_step() {
    let lab = Lab::new().await;
    let (run, a, b) = (lab.run().await, lab.model("a").await.id, lab.model("b").await.id);
    let made = |model: &LoggedModelId, step| ModelOutput { model: model.clone(), step };
    inputs::log_outputs(&lab.portal, &lab.ada, "vision", &run, &[made(&a, 4)]).await.expect("noted");
    inputs::log_outputs(&lab.portal, &lab.ada, "vision", &run, &[made(&a, 5), made(&b, -1)]).await.expect("noted");
    inputs::log_inputs(&lab.portal, &lab.ada, "vision", &run, &[], std::slice::from_ref(&b)).await.expect("noted");
    inputs::log_inputs(&lab.portal, &lab.ada, "vision", &run, &[], std::slice::from_ref(&b)).await.expect("noted again");
    let found = links(&lab, &run).await;
    assert_eq!((found.outputs, found.inputs), (vec![made(&a, 5), made(&b, -1)], vec![b]));
}

#[tokio::test]
async fn a_run_says_where_it_comes_from_and_what_came_of_it() {
    let lab = Lab::new().await;
    let (run, listed) = (lab.run().await, lab.model("listed").await.id);
    let named = NewLoggedModel { source_run: Some(run.clone()), ..super::new("named") };
    let named = models::create(&lab.portal, &lab.ada, "vision", named).await.expect("made").id;
    inputs::log_outputs(&lab.portal, &lab.ada, "vision", &run, &[ModelOutput { model: listed.clone(), step: 0 }]).await.expect("noted");
    let commit = domain::model::Batch { tags: vec![Tag::new("mlflow.source.git.commit", "abc")], ..domain::model::Batch::default() };
    tracking::runs::log(&lab.portal, &lab.ada, "vision", &run, commit).await.expect("tagged");
    let found = lineage::of_run(&lab.portal, &lab.ada, "vision", &run).await.expect("lineage");
    assert_eq!((found.models, found.git_commit.as_deref()), (vec![listed, named], Some("abc")));
    assert!(matches!(lineage::of_run(&lab.portal, &lab.eve, "speech", &run).await, Err(Error::NotFound("run"))));
}

#[tokio::test]
async fn the_record_of_a_run_names_its_data_its_models_and_their_versions() {
    let lab = Lab::new().await;
    let (run, used) = (lab.run().await, lab.model("used").await.id);
    let made = NewLoggedModel { source_run: Some(run.clone()), ..super::new("made") };
    let made = models::create(&lab.portal, &lab.ada, "vision", made).await.expect("made").id;
    inputs::log_inputs(&lab.portal, &lab.ada, "vision", &run, &[data("train", "1")], std::slice::from_ref(&used)).await.expect("noted");
    let nothing = tracking::reproduce(&lab.portal, &lab.ada, "vision", &lab.run().await).await.expect("a record");
    assert_eq!((nothing.datasets.len(), nothing.models.len(), nothing.versions.len()), (0, 0, 0));
    registry::create(&lab.portal, &lab.ada, "vision", "net", None, Vec::new()).await.expect("a model");
    for source in [format!("runs:/{run}/model"), format!("models:/{made}")] {
        let new = NewModelVersion { name: "net".into(), source, ..NewModelVersion::default() };
        registry::create_version(&lab.portal, &lab.ada, "vision", new).await.expect("a version");
    }
    let record = tracking::reproduce(&lab.portal, &lab.ada, "vision", &run).await.expect("a record");
    let read: Vec<_> = record.datasets.iter().map(|d| (d.name.as_str(), d.digest.as_str(), d.context.as_deref())).collect();
    assert_eq!((read, record.datasets[0].source.as_str()), (vec![("train", "1", Some("train"))], "{}"));
    assert_eq!((&record.used_models, &record.models), (&vec![used], &vec![made]));
    let versions: Vec<_> = record.versions.iter().map(|v| (v.name.as_str(), v.version)).collect();
    assert_eq!(versions, [("net", 1), ("net", 2)]);
    let json: serde_json::Value = serde_json::from_str(&record.to_json()).expect("JSON");
    assert_eq!((&json["versions"][1]["version"], &json["datasets"][0]["context"]), (&2.into(), &"train".into()));
}

#[tokio::test]
async fn links_of_many_runs_come_together_and_without_what_is_huge() {
    let lab = Lab::new().await;
    let mut huge = data("huge", "1");
    huge.dataset.profile = Some("p".repeat(70_000));
    huge.dataset.schema = Some("s".into());
    let (a, b, c) = (lab.run().await, lab.run().await, lab.run().await);
    for run in [&a, &b] {
        inputs::log_inputs(&lab.portal, &lab.ada, "vision", run, std::slice::from_ref(&huge), &[]).await.expect("noted");
    }
    let found = lineage::of_run_ids(&lab.portal, &lab.ada, "vision", &[a.clone(), b, c.clone()]).await.expect("links");
    assert!(found.len() == 2 && !found.contains_key(&c));
    assert_eq!((&found[&a].datasets[0].dataset.profile, &found[&a].datasets[0].dataset.schema), (&None, &Some("s".to_owned())));
    assert_eq!(links(&lab, &a).await.datasets, [huge], "one run shows all");
    assert!(lineage::of_run_ids(&lab.portal, &lab.eve, "speech", &[a]).await.expect("links").is_empty());
}

#[tokio::test]
async fn what_is_foreign_deleted_or_too_large_is_not_noted() {
    let lab = Lab::new().await;
    let (run, theirs, foreign) = (lab.run().await, lab.foreign_run().await, lab.foreign_model().await);
    let log = async |run: &RunId, datasets: &[DatasetInput], used: &[LoggedModelId]| {
        inputs::log_inputs(&lab.portal, &lab.ada, "vision", run, datasets, used).await
    };
    for id in [&theirs, &RunId::from("none")] {
        assert!(matches!(log(id, &[data("a", "1")], &[]).await, Err(Error::NotFound("run"))));
        assert!(matches!(inputs::log_outputs(&lab.portal, &lab.ada, "vision", id, &[]).await, Err(Error::NotFound("run"))));
        assert!(matches!(inputs::log_model(&lab.portal, &lab.ada, "vision", id, MODEL).await, Err(Error::NotFound("run"))));
    }
    for id in [foreign, "m-none".into()] {
        assert!(matches!(log(&run, &[data("a", "1")], std::slice::from_ref(&id)).await, Err(Error::NotFound("logged model"))));
        let made = [ModelOutput { model: id, step: 0 }];
        assert!(matches!(inputs::log_outputs(&lab.portal, &lab.ada, "vision", &run, &made).await, Err(Error::NotFound("logged model"))));
    }
    for bad in [data(&"n".repeat(501), "1"), data("n", &"d".repeat(37)), data("", "1"), data("n", "")] {
        assert!(matches!(log(&run, &[data("fine", "1"), bad], &[]).await, Err(Error::Invalid(_))));
    }
    let many: Vec<_> = (0..1001).map(|i| data(&format!("d{i}"), "1")).collect();
    assert!(matches!(log(&run, &many, &[]).await, Err(Error::Invalid(_))));
    assert_eq!(links(&lab, &run).await, RunLinks::default(), "nothing of it");
    tracking::runs::delete(&lab.portal, &lab.ada, "vision", &run).await.expect("deleted");
    assert!(matches!(log(&run, &[data("a", "1")], &[]).await, Err(Error::Invalid(_))));
    assert!(matches!(inputs::log_inputs(&lab.portal, &lab.vera, "vision", &run, &[], &[]).await, Err(Error::Forbidden(_))));
    let twenty_one: Vec<ExperimentId> = (0..21).map(|i| i.to_string().into()).collect();
    for ids in [&twenty_one[..], &[]] {
        assert!(matches!(inputs::search_datasets(&lab.portal, &lab.ada, "vision", ids).await, Err(Error::Invalid(_))));
    }
}

const MODEL: &str =
    r#"{"artifact_path":"m","flavors":{"f":{"config":{"big":1},"v":"1"}},"utc_time_created":"now","run_id":"r","signature":{}}"#;

#[tokio::test]
async fn what_older_clients_log_as_models_is_kept_in_the_runs_tag() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    for _ in 0..2 {
        inputs::log_model(&lab.portal, &lab.ada, "vision", &run, MODEL).await.expect("kept");
    }
    let tags = tracking::runs::get(&lab.portal, &lab.ada, "vision", &run).await.expect("the run").tags;
    let history = &tags.iter().find(|t| t.key == "mlflow.log-model.history").expect("the tag").value;
    let one = r#"{"artifact_path":"m","flavors":{"f":{"v":"1"}},"run_id":"r","utc_time_created":"now"}"#;
    assert_eq!(*history, format!("[{one},{one}]"));
    for bad in ["{nope", "[]", r#"{"artifact_path":"m"}"#] {
        assert!(matches!(inputs::log_model(&lab.portal, &lab.ada, "vision", &run, bad).await, Err(Error::Invalid(_))), "{bad}");
    }
}
