//! The purge of what lies beside runs: files, models, traces; what a version needs; a dry run; and what happens by itself.

use super::{Lab, metric, metrics, params};
use bytes::Bytes;
use domain::{
    Caller, Error, args, artifacts,
    model::{ArtifactPath, Dataset, DatasetInput, ExperimentId, LoggedModelId, NewLoggedModel, NewModelVersion, Purged, RunId},
    registry,
    tracking::{self, experiments, inputs, logged_models as models, purge::Daily, runs},
};
use futures::TryStreamExt;
use std::path::PathBuf;

const DAY: i64 = 24 * 60 * 60 * 1000;

impl Lab {
    async fn put(&self, path: &str, content: &'static str) {
        let path = ArtifactPath::parse(path).expect("a path");
        let mut incoming = artifacts::begin(&self.portal, &self.ada, "vision", &path, None).await.expect("begun");
        incoming.write(Bytes::from_static(content.as_bytes())).await.expect("written");
        artifacts::publish(&self.portal, &self.ada, &path, incoming).await.expect("published");
    }

    async fn read(&self, path: &str) -> Result<String, Error> {
        let path = ArtifactPath::parse(path).expect("a path");
        let file = artifacts::find(&self.portal, &self.ada, "vision", &path).await?;
        let size = file.artifact.size;
        let blocks: Vec<Bytes> = file.read(&self.portal, 0, size).await?.try_collect().await.expect("read");
        Ok(String::from_utf8(blocks.concat()).expect("text"))
    }

    /// Everything that lies in the store.
    fn objects(&self) -> Vec<PathBuf> {
        fn below(folder: PathBuf, all: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
                if entry.is_dir() { below(entry, all) } else { all.push(entry) }
            }
        }
        let mut all = Vec::new();
        below(self.test.folder.path().join("artifacts"), &mut all);
        all
    }

    async fn model(&self, experiment: &ExperimentId, source_run: Option<&RunId>) -> LoggedModelId {
        let new = NewLoggedModel {
            experiment: experiment.clone(),
            name: Some("net".to_owned()),
            model_type: String::new(),
            source_run: source_run.cloned(),
            params: vec![domain::model::Tag::new("k", "v")],
            tags: Vec::new(),
        };
        models::create(&self.portal, &self.ada, "vision", new).await.expect("a model").id
    }

    async fn version(&self, source: &str) -> domain::model::ModelVersion {
        let _ = registry::create(&self.portal, &self.ada, "vision", "net", None, Vec::new()).await;
        let new = NewModelVersion { name: "net".into(), source: source.into(), ..NewModelVersion::default() };
        registry::create_version(&self.portal, &self.ada, "vision", new).await.expect("a version")
    }

    async fn read_data(&self, run: &RunId, name: &str) {
        let dataset = Dataset {
            name: name.to_owned(),
            digest: "d1".to_owned(),
            source_type: "local".to_owned(),
            source: "somewhere".to_owned(),
            schema: None,
            profile: None,
        };
        let input = DatasetInput { dataset, tags: Vec::new() };
        inputs::log_inputs(&self.portal, &self.ada, "vision", run, &[input], &[]).await.expect("noted");
    }

    async fn trace(&self, id: &str, experiment: &str) {
        let sql = "INSERT INTO traces (no, team_id, id, experiment_id, request_time, state, finished)
                   SELECT (SELECT COUNT(*) + 1 FROM traces), team_id, $1, id, 5, 'OK', 1 FROM experiments WHERE CAST(id AS TEXT) = $2";
        self.portal.db.execute(sql, args![id, experiment]).await.expect("a trace");
        let sql = "INSERT INTO spans (trace_no, span_id, name, type, status, start_ns, bytes, content)
                   SELECT no, '0000000000000001', 's', 't', 'OK', 1, 10, '0123456789' FROM traces WHERE id = $1";
        self.portal.db.execute(sql, args![id]).await.expect("a span");
    }

    async fn delete_run(&self, run: &RunId) {
        runs::delete(&self.portal, &self.ada, "vision", run).await.expect("deleted");
    }

    async fn purge(&self, dry_run: bool) -> Purged {
        tracking::purge(&self.portal, &self.ada, "vision", 30, dry_run).await.expect("purged")
    }

    fn later(&self) {
        self.portal.clock.advance(30 * DAY + 1);
    }

    async fn rows(&self) -> Vec<i64> {
        let mut rows = Vec::new();
        for sql in [
            "SELECT COUNT(*) FROM runs",
            "SELECT COUNT(*) FROM experiments",
            "SELECT COUNT(*) FROM logged_models",
            "SELECT COUNT(*) FROM traces",
            "SELECT COUNT(*) FROM datasets",
            "SELECT COUNT(*) FROM metric_chunks",
            "SELECT COUNT(*) FROM artifacts",
            "SELECT COUNT(*) FROM artifact_garbage",
            "SELECT COUNT(*) FROM audit",
        ] {
            rows.push(self.count(sql).await);
        }
        rows
    }
}

/// An experiment that is deleted with a run, its files, its model, its data and a trace, and beside it a run that stays.
async fn deleted_experiment(lab: &Lab) -> (ExperimentId, RunId, LoggedModelId, RunId) {
    let (old, kept) = (lab.experiment("old").await, lab.experiment("kept").await);
    let (run, stays) = (lab.run_in(&old).await, lab.run_in(&kept).await);
    lab.log(&run, metrics(vec![metric("m", 1.0, 1, 1), metric("m", 2.0, 2, 2)])).await.expect("logged");
    lab.log(&run, params(&[("p", "1")])).await.expect("logged");
    let (model, alone) = (lab.model(&old, Some(&run)).await, lab.model(&old, None).await);
    lab.read_data(&run, "train").await;
    lab.read_data(&stays, "train").await;
    lab.trace("tr-1", old.as_str()).await;
    lab.put(&format!("{old}/{run}/artifacts/weights"), "1234567").await;
    lab.put(&format!("{old}/models/{model}/artifacts/MLmodel"), "123").await;
    lab.put(&format!("{old}/models/{alone}/artifacts/MLmodel"), "12").await;
    lab.put(&format!("{old}/traces/tr-1/artifacts/traces.json"), "{}").await;
    lab.put(&format!("{old}/notes.txt"), "1").await;
    lab.put(&format!("{kept}/{stays}/artifacts/plot"), "12345").await;
    experiments::delete(&lab.portal, &lab.ada, "vision", &old).await.expect("deleted");
    (old, run, model, stays)
}

#[tokio::test]
async fn a_purge_gives_back_the_bytes_of_runs_models_and_traces_and_says_how_many() {
    let lab = Lab::new().await;
    let (old, run, model, stays) = deleted_experiment(&lab).await;
    lab.later();
    let purged = lab.purge(false).await;
    assert_eq!((purged.runs.as_slice(), purged.experiments.as_slice()), ([run.clone()].as_slice(), [old.clone()].as_slice()));
    assert_eq!((purged.models.len(), purged.models.contains(&model)), (2, true));
    assert_eq!((purged.traces, purged.datasets, purged.points), (1, 1, 2));
    assert_eq!((purged.files, purged.file_bytes), (5, 15));
    assert!(purged.row_bytes > 10, "{purged:?}");
    assert_eq!(lab.objects().len(), 1, "the bytes are gone from the disk");
    let (bytes, files): (i64, i64) = lab.portal.db.fetch_one("SELECT bytes, files FROM artifact_usage", args![]).await.expect("a row");
    assert_eq!((bytes, files), (5, 1));
    for sql in ["SELECT COUNT(*) FROM artifact_garbage", "SELECT COUNT(*) FROM logged_models", "SELECT COUNT(*) FROM spans"] {
        assert_eq!(lab.count(sql).await, 0, "{sql}");
    }
    assert_eq!(lab.count("SELECT COUNT(*) FROM datasets").await, 1, "the data of the run that stays");
    lab.get(&stays).await;
    assert!(matches!(runs::restore(&lab.portal, &lab.ada, "vision", &run).await, Err(Error::NotFound("run"))));
    assert!(matches!(experiments::restore(&lab.portal, &lab.ada, "vision", &old).await, Err(Error::NotFound("experiment"))));
    assert!(matches!(models::restore(&lab.portal, &lab.ada, "vision", &model).await, Err(Error::NotFound("logged model"))));
    let sql = "SELECT actor, after FROM audit WHERE action = 'team.purge'";
    let (actor, after): (String, String) = lab.portal.db.fetch_one(sql, args![]).await.expect("a record");
    let after: serde_json::Value = serde_json::from_str(&after).expect("JSON");
    assert_eq!((actor.as_str(), &after["file_bytes"], &after["runs"]), ("ada@example.com", &15.into(), &1.into()));
    let again = lab.purge(false).await;
    assert!(again.is_nothing(), "{again:?}");
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let lab = Lab::new().await;
    deleted_experiment(&lab).await;
    lab.later();
    let (rows, objects) = (lab.rows().await, lab.objects().len());
    let foretold = lab.purge(true).await;
    assert_eq!((lab.rows().await, lab.objects().len()), (rows, objects));
    assert_eq!(foretold, lab.purge(false).await);
}

#[tokio::test]
async fn what_a_version_needs_stays_whole_until_the_version_is_gone() {
    let lab = Lab::new().await;
    let old = lab.experiment("old").await;
    let (run, source, other) = (lab.run_in(&old).await, lab.run_in(&old).await, lab.run_in(&old).await);
    let model = lab.model(&old, Some(&source)).await;
    for (path, content) in [
        (format!("{old}/{run}/artifacts/model/MLmodel"), "flavor"),
        (format!("{old}/{run}/artifacts/plot"), "p"),
        (format!("{old}/models/{model}/artifacts/MLmodel"), "logged"),
        (format!("{old}/{other}/artifacts/plot"), "123"),
    ] {
        lab.put(&path, content).await;
    }
    let first = lab.version(&format!("runs:/{run}/model")).await;
    let second = lab.version(&format!("models:/{model}")).await;
    assert!(first.digest.is_some() && second.digest.is_some());
    experiments::delete(&lab.portal, &lab.ada, "vision", &old).await.expect("deleted");
    models::remove(&lab.portal, &lab.ada, "vision", &model).await.expect("deleted");
    lab.later();
    let foretold = lab.purge(true).await;
    let purged = lab.purge(false).await;
    assert_eq!(purged, foretold);
    assert_eq!((purged.runs.as_slice(), purged.experiments.len(), purged.models.len()), ([other].as_slice(), 0, 0));
    assert_eq!((purged.files, purged.file_bytes, purged.kept_runs, purged.kept_models), (1, 3, 2, 1));
    for version in [&first, &second] {
        let now = registry::get_version(&lab.portal, &lab.ada, "vision", "net", version.version).await.expect("the version");
        assert_eq!((&now.digest, &now.download_uri, &now.run), (&version.digest, &version.download_uri, &version.run));
    }
    assert_eq!(lab.read(&format!("{old}/{run}/artifacts/model/MLmodel")).await.expect("read"), "flavor");
    assert_eq!(lab.read(&format!("{old}/models/{model}/artifacts/MLmodel")).await.expect("read"), "logged");
    assert_eq!(lab.read(&format!("{old}/{run}/artifacts/plot")).await.expect("a kept run is whole"), "p");
    tracking::reproduce(&lab.portal, &lab.ada, "vision", &run).await.expect("lineage leads to the run");
    registry::delete_version(&lab.portal, &lab.ada, "vision", ("net", first.version)).await.expect("deleted");
    registry::delete_version(&lab.portal, &lab.ada, "vision", ("net", second.version)).await.expect("deleted");
    let purged = lab.purge(false).await;
    assert_eq!((purged.runs.len(), purged.models.as_slice(), purged.experiments.len(), purged.files), (2, [model].as_slice(), 1, 3));
    assert!(lab.objects().is_empty());
}

#[tokio::test]
async fn what_was_deleted_lately_and_what_another_team_deleted_stays() {
    let lab = Lab::new().await;
    let theirs = tracking::runs::create(&lab.portal, &lab.eve, "speech", domain::model::NewRun::default()).await.expect("a run").id;
    runs::delete(&lab.portal, &lab.eve, "speech", &theirs).await.expect("deleted");
    let (old, late) = (lab.run().await, lab.run().await);
    for run in [&old, &late] {
        lab.put(&format!("0/{run}/artifacts/a"), "12").await;
    }
    lab.delete_run(&old).await;
    lab.portal.clock.advance(20 * DAY);
    lab.delete_run(&late).await;
    let model = lab.model(&ExperimentId::from("0"), Some(&late)).await;
    models::remove(&lab.portal, &lab.ada, "vision", &model).await.expect("deleted");
    lab.portal.clock.advance(11 * DAY);
    let purged = lab.purge(false).await;
    assert_eq!((purged.runs, purged.models.len(), purged.file_bytes), (vec![old], 0, 2));
    runs::restore(&lab.portal, &lab.ada, "vision", &late).await.expect("restored");
    models::restore(&lab.portal, &lab.ada, "vision", &model).await.expect("restored");
    runs::restore(&lab.portal, &lab.eve, "speech", &theirs).await.expect("another team's is untouched");
    assert_eq!(lab.read(&format!("0/{late}/artifacts/a")).await.expect("read"), "12");
}

#[tokio::test]
async fn the_folder_that_two_experiments_share_stays() {
    let lab = Lab::new().await;
    let old = lab.experiment("old").await;
    let place = format!("mlflow-artifacts:/{old}/guest");
    let guest = experiments::create(&lab.portal, &lab.ada, "vision", "guest", Some(&place), &[]).await.expect("an experiment");
    let (gone, stays) = (lab.run_in(&old).await, lab.run_in(&guest).await);
    lab.put(&format!("{old}/{gone}/artifacts/a"), "1").await;
    lab.put(&format!("{old}/guest/{stays}/artifacts/a"), "2").await;
    experiments::delete(&lab.portal, &lab.ada, "vision", &old).await.expect("deleted");
    lab.later();
    let foretold = lab.purge(true).await;
    let purged = lab.purge(false).await;
    assert_eq!((purged.experiments.as_slice(), purged.files, &foretold), ([old.clone()].as_slice(), 1, &purged));
    assert_eq!(lab.read(&format!("{old}/guest/{stays}/artifacts/a")).await.expect("read"), "2");
}

#[tokio::test]
async fn files_of_deleted_traces_go_once_they_are_old() {
    let lab = Lab::new().await;
    let experiment = lab.experiment("traced").await;
    let (there, gone) = (format!("tr-{}", "a".repeat(32)), format!("tr-{}", "b".repeat(32)));
    lab.trace(&there, experiment.as_str()).await;
    for path in [format!("{there}/artifacts/traces.json"), format!("{gone}/artifacts/traces.json"), "somebody/own".to_owned()] {
        lab.put(&format!("{experiment}/traces/{path}"), "{}").await;
    }
    assert_eq!(lab.purge(false).await.files, 0, "its trace may be on its way");
    lab.later();
    assert_eq!((lab.purge(true).await.files, lab.purge(false).await.files), (1, 1));
    for path in [format!("{there}/artifacts/traces.json"), "somebody/own".to_owned()] {
        lab.read(&format!("{experiment}/traces/{path}")).await.expect("read");
    }
}

#[tokio::test]
async fn a_purge_that_is_cut_off_before_the_bytes_leaves_only_garbage() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    lab.put(&format!("0/{run}/artifacts/a"), "12").await;
    lab.delete_run(&run).await;
    lab.later();
    // A folder in the place of the object: the store cannot remove it, as if the disk had failed in between.
    let object = lab.objects().remove(0);
    std::fs::remove_file(&object).expect("removed");
    std::fs::create_dir(&object).expect("made");
    assert_eq!(lab.purge(false).await.files, 1, "the rows are gone");
    assert_eq!(lab.count("SELECT COUNT(*) FROM artifact_garbage").await, 1);
    std::fs::remove_dir(&object).expect("removed");
    std::fs::write(&object, "12").expect("written");
    assert_eq!(artifacts::sweep::sweep(&lab.portal).await.expect("swept").bytes, 2);
    assert!(lab.objects().is_empty() && lab.count("SELECT COUNT(*) FROM artifact_garbage").await == 0);
}

#[tokio::test]
async fn a_version_that_is_made_while_a_purge_goes_on_has_its_run_or_is_refused() {
    let lab = Lab::new().await;
    for _ in 0..8 {
        let run = lab.run().await;
        lab.put(&format!("0/{run}/artifacts/model/MLmodel"), "flavor").await;
        lab.delete_run(&run).await;
        lab.later();
        let _ = registry::create(&lab.portal, &lab.ada, "vision", "net", None, Vec::new()).await;
        let new = NewModelVersion { name: "net".into(), source: format!("runs:/{run}/model"), ..NewModelVersion::default() };
        let (version, _) = tokio::join!(registry::create_version(&lab.portal, &lab.ada, "vision", new), lab.purge(false));
        match version {
            Ok(version) => {
                assert!(version.digest.is_some(), "it has its files");
                runs::restore(&lab.portal, &lab.ada, "vision", &run).await.expect("its run is there");
            }
            Err(error) => assert!(matches!(error, Error::NotFound("run")), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn every_team_is_purged_by_itself_once_a_day() {
    let lab = Lab::new().await;
    let theirs = tracking::runs::create(&lab.portal, &lab.eve, "speech", domain::model::NewRun::default()).await.expect("a run").id;
    let mine = lab.run().await;
    lab.delete_run(&mine).await;
    runs::delete(&lab.portal, &lab.eve, "speech", &theirs).await.expect("deleted");
    let mut daily = Daily::default();
    daily.look(&lab.portal).await;
    assert_eq!(lab.count("SELECT COUNT(*) FROM runs").await, 2, "too early");
    lab.portal.clock.advance(30 * DAY - 1000);
    daily.look(&lab.portal).await;
    lab.portal.clock.advance(2000);
    daily.look(&lab.portal).await;
    assert_eq!(lab.count("SELECT COUNT(*) FROM runs").await, 2, "it was looked a moment ago");
    lab.portal.clock.advance(DAY);
    daily.look(&lab.portal).await;
    assert_eq!(lab.count("SELECT COUNT(*) FROM runs").await, 0);
    assert_eq!(lab.count("SELECT COUNT(DISTINCT team) FROM audit WHERE action = 'team.purge' AND actor = 'system'").await, 2);
}

#[tokio::test]
async fn nothing_goes_by_itself_where_the_operator_chose_so_and_the_console_purges_any_team() {
    let mut lab = Lab::new().await;
    let mut settings = (*lab.portal.settings).clone();
    settings.purge_after_days = None;
    lab.portal.settings = std::sync::Arc::new(settings);
    let run = lab.run().await;
    lab.delete_run(&run).await;
    lab.portal.clock.advance(1000 * DAY);
    Daily::default().look(&lab.portal).await;
    assert_eq!(lab.count("SELECT COUNT(*) FROM runs").await, 1);
    let console = Caller::console();
    assert!(matches!(tracking::purge(&lab.portal, &console, "nowhere", 0, false).await, Err(Error::NotFound("team"))));
    let stranger = lab.test.stranger();
    assert!(matches!(tracking::purge(&lab.portal, &stranger, "vision", 0, false).await, Err(Error::Unauthenticated)));
    let boss = lab.test.admin("boss").await;
    let boss = lab.test.caller(&boss.name).await;
    assert!(matches!(tracking::purge(&lab.portal, &boss, "vision", 0, false).await, Err(Error::NotFound("team"))));
    assert_eq!(tracking::purge(&lab.portal, &console, "vision", 30, false).await.expect("purged").runs, [run]);
}
