//! Imports from a server that answers as MLflow's does. A real one is in `end2end/mlflow/test_import.py`.

mod source;

use domain::{
    Caller, Error, artifacts,
    import::{self, Auth, Progress, Report, Tally, Wanted},
    model::{ExperimentId, LoggedModelId, NewModelVersion, Role, RunId, RunStatus},
    registry,
    testing::TestPortal,
    tracking::{experiments, logged_models, metrics, runs},
};
use serde_json::{Value as Json, json};
use source::Source;

const A: &str = "aa000000000000000000000000000000";
const B: &str = "bb000000000000000000000000000000";
const C: &str = "cc000000000000000000000000000000";

struct House {
    portal: TestPortal,
    source: Source,
    ada: Caller,
}

impl House {
    async fn new() -> Self {
        let portal = TestPortal::new().await;
        portal.team("red", &[("ada", Role::Member), ("vera", Role::Viewer)]).await;
        portal.team("blue", &[("eve", Role::Member)]).await;
        let source = Source::new().await;
        source.world().experiments = vec![experiment("0", "Default", "active"), experiment("7", "vision", "active")];
        let ada = portal.caller("ada").await;
        Self { portal, source, ada }
    }

    async fn import(&self) -> Report {
        self.try_import(&self.ada, "red", &Wanted::default()).await.expect("imported")
    }

    async fn try_import(&self, caller: &Caller, team: &str, wanted: &Wanted) -> Result<Report, Error> {
        let from = import::Source::new(&self.source.uri, Auth::Bearer("secret".to_owned()))?;
        import::mlflow(&self.portal.portal, caller, team, &from, wanted, &Progress::default()).await
    }

    async fn run(&self, id: &str) -> domain::model::Run {
        runs::get(&self.portal.portal, &self.ada, "red", &id.into()).await.expect("a run")
    }

    async fn steps(&self, id: &str) -> Vec<i64> {
        let history = metrics::history(&self.portal.portal, &self.ada, "red", &id.into(), "loss", None, None).await.expect("a history");
        history.points.iter().map(|p| p.step).collect()
    }
}

fn experiment(id: &str, name: &str, stage: &str) -> Json {
    json!({ "experiment_id": id, "name": name, "lifecycle_stage": stage, "creation_time": 100, "last_update_time": "200", "tags": [{ "key": "k", "value": "v" }] })
}

fn tally(copied: u64, already_there: u64, failed: u64) -> Tally {
    Tally { copied, already_there, failed }
}

#[tokio::test]
async fn everything_comes_page_by_page_and_once() {
    let house = House::new().await;
    house.source.add_run("7", A, "over", &[(0, json!("NaN")), (1, json!("Infinity")), (2, json!(0.5))]);
    house.source.add_run("7", B, "deleted", &[(0, json!(1))]);
    house.source.add_run("7", C, "going", &[(0, json!(2)), (1, json!(3))]);
    house.source.add_folder(A, "", "deep folder");
    for name in ["a", "b", "c"] {
        house.source.add_file(A, "deep folder", name, Some(name.repeat(70_000).as_bytes()));
    }
    let report = house.import().await;
    assert!(report.is_complete() && report.notes.is_empty(), "{report:?}");
    let counts = &report.counts;
    assert_eq!((counts.experiments, counts.runs, counts.points), (tally(1, 1, 0), tally(3, 0, 0), tally(6, 0, 0)));
    assert_eq!((counts.params, counts.files, counts.bytes), (tally(3, 0, 0), tally(3, 0, 0), tally(210_000, 0, 0)));
    let vision = experiments::get_by_name(&house.portal.portal, &house.ada, "red", "vision").await.expect("an experiment");
    assert_eq!((vision.created_at, vision.updated_at, vision.tags.len()), (100, 200, 1));
    let over = house.run(A).await;
    assert_eq!((over.name.as_str(), over.status, over.start_time, over.end_time), ("run aa", RunStatus::Finished, Some(500), Some(900)));
    assert_eq!((over.user_id.as_str(), over.experiment, house.steps(A).await), ("ada", vision.id, vec![0, 1, 2]));
    assert!(house.run(B).await.deleted_at.is_some() && house.run(C).await.status == RunStatus::Running);

    let again = house.import().await;
    assert!(again.is_complete(), "{again:?}");
    assert!(again.counts.named().iter().all(|(_, tally)| tally.copied == 0 && tally.failed == 0), "{again:?}");
    assert_eq!((again.counts.runs, again.counts.points, again.counts.bytes), (tally(0, 3, 0), tally(0, 6, 0), tally(0, 210_000, 0)));

    house.source.world().runs.get_mut("7").expect("runs").pop();
    house.source.add_run("7", C, "over", &[(0, json!(2)), (1, json!(3)), (2, json!(4))]);
    let later = house.import().await;
    assert_eq!((later.counts.runs, later.counts.points), (tally(0, 3, 0), tally(1, 6, 0)));
    assert_eq!((house.run(C).await.status, house.steps(C).await), (RunStatus::Finished, vec![0, 1, 2]));
}

#[tokio::test]
async fn who_may_not_write_imports_nothing() {
    let house = House::new().await;
    let (vera, eve, stranger) = (house.portal.caller("vera").await, house.portal.caller("eve").await, house.portal.stranger());
    let all = Wanted::default();
    assert!(matches!(house.try_import(&vera, "red", &all).await, Err(Error::Forbidden(_))));
    assert!(matches!(house.try_import(&eve, "red", &all).await, Err(Error::NotFound("team"))));
    assert!(matches!(house.try_import(&stranger, "red", &all).await, Err(Error::Unauthenticated)));
    assert!(house.source.world().asked.is_empty());
}

#[tokio::test]
async fn what_cannot_be_kept_is_named_and_the_rest_comes() {
    let house = House::new().await;
    house.source.add_run("7", A, "over", &[(0, json!(1)), (1, json!("2"))]);
    {
        let mut world = house.source.world();
        let data = &mut world.runs.get_mut("7").expect("runs")[0]["data"];
        let long = json!({ "key": "long", "value": "x".repeat(6001) });
        data["params"].as_array_mut().expect("params").push(long);
        data["tags"] =
            json!([{ "key": "slipway.team", "value": "blue" }, { "key": "fine", "value": "yes" }, { "key": "a@b", "value": "" }]);
        data["metrics"].as_array_mut().expect("metrics").push(json!({ "key": "../up", "value": 1 }));
    }
    for (folder, name) in [("", ".."), ("", "%2e%2e%2fx"), ("", "a\\b"), ("../..", "passwd")] {
        house.source.add_file(A, folder, name, Some(b"bad"));
    }
    house.source.add_folder(A, "", "../..");
    // A folder that is in itself.
    house.source.add_folder(A, "", "");
    // And one whose files are said to be elsewhere.
    house.source.add_folder(A, "", "plots");
    house.source.world().files.insert((A.to_owned(), "plots".to_owned()), vec![json!({ "path": "plotsdeep/x", "is_dir": true })]);
    house.source.add_file(A, "", "lost.bin", None);
    house.source.add_file(A, "", "good.bin", Some(b"good"));
    let report = house.import().await;
    assert!(!report.is_complete() && report.stopped.is_none());
    let counts = &report.counts;
    assert_eq!(
        (counts.params, counts.tags, counts.points, counts.files),
        (tally(1, 0, 1), tally(1, 0, 2), tally(2, 0, 1), tally(1, 0, 6)),
        "{report:?}"
    );
    for what in [
        "param \"long\"",
        "tag \"slipway.team\"",
        "tag \"a@b\"",
        "metric \"../up\"",
        "file ..",
        "file lost.bin",
        "file a\\b",
        "plotsdeep/x",
        "../../passwd",
    ] {
        assert!(report.problems.iter().any(|p| p.what.contains(what)), "{what}: {:?}", report.problems);
    }
    let run = house.run(A).await;
    assert_eq!(run.params.len(), 1);
    assert!(run.tags.iter().any(|t| t.key == "fine") && run.tags.iter().all(|t| t.key != "slipway.team"));

    // What was mended comes with the next import; nothing comes twice.
    house.source.world().bytes.insert((A.to_owned(), "lost.bin".to_owned()), b"found!!".to_vec());
    let next = house.import().await;
    assert_eq!((next.counts.files, next.counts.points), (tally(1, 1, 5), tally(0, 2, 1)), "{next:?}");
}

#[tokio::test]
async fn a_run_whose_id_another_team_has_gets_another_and_its_children_follow() {
    let house = House::new().await;
    house.source.add_run("7", A, "over", &[(0, json!(1))]);
    house.source.add_run("7", B, "over", &[]);
    house.source.world().runs.get_mut("7").expect("runs")[1]["data"]["tags"] = json!([{ "key": "mlflow.parentRunId", "value": A }]);
    let eve = house.portal.caller("eve").await;
    assert!(house.try_import(&eve, "blue", &Wanted::default()).await.expect("imported").is_complete());
    let report = house.import().await;
    assert!(report.is_complete() && report.notes.len() == 2, "{report:?}");
    assert!(matches!(runs::get(&house.portal.portal, &house.ada, "red", &A.into()).await, Err(Error::NotFound(_))));
    let named = |id: &str| {
        let note = report.notes.iter().find(|n| n.starts_with(&format!("Run {id} is called "))).expect("a note");
        note.split(' ').nth(4).expect("an id").to_owned()
    };
    let child = house.run(&named(B)).await;
    assert!(child.tags.iter().any(|t| t.key == "mlflow.parentRunId" && t.value == named(A)), "{child:?}");
    assert_eq!(house.import().await.counts.runs, tally(0, 2, 0));
}

#[tokio::test]
async fn a_server_that_stumbles_is_asked_again_and_one_that_refuses_is_not() {
    let house = House::new().await;
    house.source.world().stumbles = vec![503, 429];
    assert!(house.import().await.is_complete());
    assert_eq!(house.source.world().authorization.as_deref(), Some("Bearer secret"));
    let why = async |wanted: &Wanted| house.try_import(&house.ada, "red", wanted).await.expect_err("refused").to_string();
    house.source.world().stumbles = vec![401];
    let asked = house.source.world().asked.len();
    let refused = why(&Wanted::default()).await;
    assert!(refused.contains("MLFLOW_TRACKING_TOKEN") && !refused.contains("secret"), "{refused}");
    assert_eq!(house.source.world().asked.len(), asked + 1);
    let missing = Wanted { experiments: vec!["nothing".to_owned()], ..Wanted::default() };
    assert!(why(&missing).await.contains("no experiment \"nothing\""));
    house.source.world().is_a_page = true;
    assert!(why(&Wanted::default()).await.contains("is a web page"));
}

#[tokio::test]
async fn a_file_that_breaks_off_is_fetched_again_and_is_whole_or_absent() {
    let house = House::new().await;
    house.source.add_run("7", A, "over", &[]);
    house.source.add_file(A, "", "big", Some(&vec![7; 600_000]));
    house.source.world().breaks = 2;
    let report = house.import().await;
    assert!(report.is_complete() && report.counts.files == tally(1, 0, 0), "{report:?}");
    let folder = artifacts::of_run(&house.portal.portal, &house.ada, "red", &A.into()).await.expect("a folder").path;
    let listed = artifacts::list(&house.portal.portal, &house.ada, "red", Some(&folder), "", 10).await.expect("listed");
    assert!(listed.len() == 1 && listed[0].size == 600_000, "{listed:?}");
    assert_eq!(house.source.world().asked.iter().filter(|target| target.starts_with("/get-artifact")).count(), 3);
}

#[tokio::test]
async fn a_deleted_experiment_comes_deleted_and_one_deleted_here_stays_so() {
    let house = House::new().await;
    house.source.world().experiments = vec![experiment("7", "vision", "deleted"), experiment("8", "sound", "active")];
    house.source.add_run("7", A, "deleted", &[(0, json!(1))]);
    house.source.add_run("8", B, "over", &[]);
    assert!(house.import().await.is_complete());
    let (portal, ada) = (&house.portal.portal, &house.ada);
    let vision = experiments::get_by_name(portal, ada, "red", "vision").await.expect("an experiment");
    assert!(vision.deleted_at.is_some() && house.steps(A).await == [0]);
    // More comes into it, and it is deleted again afterwards.
    house.source.add_run("7", C, "deleted", &[(0, json!(1))]);
    assert_eq!(house.import().await.counts.runs, tally(1, 2, 0));
    assert!(experiments::get(portal, ada, "red", &vision.id).await.expect("an experiment").deleted_at.is_some());
    assert!(house.run(C).await.deleted_at.is_some());

    let sound = experiments::get_by_name(portal, ada, "red", "sound").await.expect("an experiment");
    experiments::delete(portal, ada, "red", &sound.id).await.expect("deleted");
    let report = house.import().await;
    assert!(report.problems.len() == 1 && report.problems[0].why.contains("is deleted here"), "{report:?}");
}

#[tokio::test]
async fn models_keep_numbers_dates_and_sources_and_nobody_is_told_of_them_as_new() {
    let house = House::new().await;
    house.source.add_run("7", A, "over", &[(0, json!(1))]);
    let model = "m-dd000000000000000000000000000000";
    {
        let mut world = house.source.world();
        world.runs.get_mut("7").expect("runs")[0]["outputs"] = json!({ "model_outputs": [{ "model_id": model, "step": 3 }] });
        let info = json!({ "model_id": model, "name": "net", "creation_timestamp_ms": 11, "last_updated_timestamp_ms": 12, "status": "LOGGED_MODEL_READY",
                           "source_run_id": A, "tags": [{ "key": "t", "value": "v" }] });
        let measured = json!({ "key": "acc", "value": 0.5, "timestamp": 5, "step": 1, "model_id": model, "run_id": A });
        world.logged_models.insert(
            "7".to_owned(),
            vec![json!({ "info": info, "data": { "params": [{ "key": "p", "value": "1" }], "metrics": [measured] } })],
        );
        world.models = vec![json!({ "name": "net", "creation_timestamp": 21, "last_updated_timestamp": 24, "description": "Good.",
                                    "tags": [{ "key": "o", "value": "ada" }], "aliases": [{ "alias": "champion", "version": "4" }] })];
        let version = |number: &str, source: &str| {
            json!({ "name": "net", "version": number, "creation_timestamp": 22, "last_updated_timestamp": 23, "current_stage": "Staging", "source": source,
                    "run_id": A, "description": "Better." })
        };
        world.versions = vec![version("2", &format!("models:/{model}")), version("4", "models:/net/2"), version("5", "file:///etc/passwd")];
    }
    house.source.add_file(model, "", "MLmodel", Some(b"model"));
    let report = house.import().await;
    assert_eq!(report.counts.versions, tally(2, 0, 1), "{report:?}");
    assert!(report.problems.len() == 1 && report.problems[0].what == "version 5 of net", "{report:?}");
    let (portal, ada) = (&house.portal.portal, &house.ada);
    let logged = logged_models::get(portal, ada, "red", &LoggedModelId(model.to_owned()), false).await.expect("a logged model");
    assert_eq!((logged.created_at, logged.updated_at, logged.metrics.len(), logged.source_run), (11, 12, 1, Some(RunId(A.to_owned()))));
    let net = registry::get(portal, ada, "red", "net").await.expect("a model");
    assert_eq!((net.created_at, net.updated_at, net.description.as_deref(), net.aliases.len()), (21, 24, Some("Good."), 1));
    let second = registry::get_version(portal, ada, "red", "net", 2).await.expect("a version");
    assert_eq!((second.created_at, second.updated_at, second.stage.as_str(), second.digest.is_some()), (22, 23, "Staging", true));
    assert_eq!(second.logged_model, Some(LoggedModelId(model.to_owned())));
    let (told,): (i64,) = portal.db.fetch_one("SELECT COUNT(*) FROM webhook_deliveries", Vec::new()).await.expect("counted");
    assert_eq!(told, 0);
    let again = house.import().await;
    assert_eq!((again.counts.versions, again.counts.aliases, again.counts.logged_models), (tally(0, 2, 1), tally(0, 1, 0), tally(0, 1, 0)));
    // The next one that is made here has a number of its own.
    let new = NewModelVersion { name: "net".into(), source: format!("models:/{model}"), ..NewModelVersion::default() };
    assert_eq!(registry::create_version(portal, ada, "red", new).await.expect("a version").version, 5);
}

#[tokio::test]
async fn only_the_command_line_speaks_for_somebody_else() {
    let house = House::new().await;
    let (portal, console) = (&house.portal.portal, Caller::console());
    house.portal.admin("root").await;
    let root = house.portal.caller("root").await;
    assert!(matches!(domain::identity::speak_for(portal, &root, "ada@example.com").await, Err(Error::Forbidden(_))));
    assert!(matches!(domain::identity::speak_for(portal, &house.ada, "eve@example.com").await, Err(Error::Forbidden(_))));
    assert!(matches!(domain::identity::speak_for(portal, &console, "nobody@example.com").await, Err(Error::NotFound(_))));
    let ada = domain::identity::speak_for(portal, &console, "ada@example.com").await.expect("a caller");
    assert!(experiments::get(portal, &ada, "red", &ExperimentId("0".into())).await.is_ok());
    assert!(matches!(experiments::get(portal, &ada, "blue", &ExperimentId("0".into())).await, Err(Error::NotFound("team"))));
}
