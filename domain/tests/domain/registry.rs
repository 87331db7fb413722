//! The registry on a real database: what a version holds, what is written down of each change, and what concurrent changes come to.

use bytes::Bytes;
use domain::{
    Caller, Error, Portal, args, artifacts,
    model::{ArtifactPath, AuditFilter, Change, NewModelVersion, NewRun, Role, Stage, TAG_PROMPT_TEXT, Tag},
    random, registry,
    testing::TestPortal,
    tracking,
};
use std::collections::BTreeSet;

/// Team `vision` with ada (admin) and vera (viewer), and a model `net`.
struct Shelf {
    test: TestPortal,
    portal: Portal,
    ada: Caller,
}

impl Shelf {
    async fn new() -> Self {
        let test = TestPortal::new().await;
        test.team("vision", &[("ada", Role::Admin), ("vera", Role::Viewer)]).await;
        test.team("speech", &[("eve", Role::Admin)]).await;
        let (portal, ada) = (test.portal.clone(), test.caller("ada").await);
        registry::create(&portal, &ada, "vision", "net", Some("d"), Vec::new()).await.expect("a model");
        Self { test, portal, ada }
    }

    async fn run(&self) -> domain::model::Run {
        tracking::runs::create(&self.portal, &self.ada, "vision", NewRun::default()).await.expect("a run")
    }

    async fn upload(&self, path: &str, content: &'static str) -> Result<(), Error> {
        let path = ArtifactPath::parse(path).expect("a path");
        let mut incoming = artifacts::begin(&self.portal, &self.ada, "vision", &path, None).await?;
        incoming.write(Bytes::from_static(content.as_bytes())).await?;
        artifacts::publish(&self.portal, &self.ada, &path, incoming).await.map(drop)
    }

    async fn version(&self, source: &str) -> Result<domain::model::ModelVersion, Error> {
        let new = NewModelVersion { name: "net".into(), source: source.into(), ..NewModelVersion::default() };
        registry::create_version(&self.portal, &self.ada, "vision", new).await
    }

    async fn actions(&self) -> Vec<String> {
        let filter = AuditFilter { team: "vision".into(), action: "model".into(), ..AuditFilter::default() };
        let records = domain::audit::list(&self.portal, &self.ada, &filter).await.expect("records");
        records.into_iter().rev().map(|r| r.action).collect()
    }
}

#[tokio::test]
async fn a_version_holds_its_files_and_keeps_their_digest() {
    let shelf = Shelf::new().await;
    let run = shelf.run().await;
    let root = run.artifact_uri.strip_prefix("mlflow-artifacts:/").expect("ours").to_owned();
    for (path, content) in [("model/MLmodel", "flavor"), ("model/data/weights", "1 2 3"), ("modelx/other", "x"), ("plot.png", "p")] {
        shelf.upload(&format!("{root}/{path}"), content).await.expect("uploaded");
    }
    let version = shelf.version(&format!("runs:/{}/model", run.id)).await.expect("a version");
    let line = |path: &str, content: &str| format!("{path} {}\n", random::digest(content));
    let digest = random::digest(&(line("MLmodel", "flavor") + &line("data/weights", "1 2 3")));
    assert_eq!(version.digest.as_deref(), Some(digest.as_str()));
    assert_eq!(version.artifact_root.as_deref(), Some(format!("{root}/model").as_str()));
    assert_eq!(version.run.as_ref(), Some(&run.id));
    assert!(matches!(shelf.upload(&format!("{root}/model/MLmodel"), "other").await, Err(Error::Conflict(_))));
    shelf.upload(&format!("{root}/plot.png"), "q").await.expect("not part of the model");
    // A copy holds them too, and has the same digest.
    let copy = shelf.version("models:/net/1").await.expect("a copy");
    assert_eq!((copy.digest.as_ref(), copy.run.as_ref()), (version.digest.as_ref(), Some(&run.id)));
    registry::delete_version(&shelf.portal, &shelf.ada, "vision", ("net", 1)).await.expect("deleted");
    assert!(shelf.upload(&format!("{root}/model/MLmodel"), "other").await.is_err());
    registry::delete(&shelf.portal, &shelf.ada, "vision", "net").await.expect("deleted");
    shelf.upload(&format!("{root}/model/MLmodel"), "other").await.expect("nobody holds it any more");
}

#[tokio::test]
async fn every_change_is_written_down_with_what_was_before() {
    let shelf = Shelf::new().await;
    let (portal, ada) = (&shelf.portal, &shelf.ada);
    let source = format!("runs:/{}/model", shelf.run().await.id);
    shelf.version(&source).await.expect("a version");
    let long = "x".repeat(50_000);
    registry::set_tag(portal, ada, "vision", "net", Tag::new("k", "v")).await.expect("tagged");
    registry::set_version_tag(portal, ada, "vision", ("net", 1), Tag::new(TAG_PROMPT_TEXT, long)).await.expect("tagged");
    registry::delete_version_tag(portal, ada, "vision", ("net", 1), TAG_PROMPT_TEXT).await.expect("untagged");
    registry::set_stage(portal, ada, "vision", ("net", 1), Stage::Production, true).await.expect("moved");
    registry::set_alias(portal, ada, "vision", "net", "champion", 1).await.expect("pointed");
    registry::delete_alias(portal, ada, "vision", "net", "champion").await.expect("gone");
    registry::update_version(portal, ada, "vision", ("net", 1), Some("e")).await.expect("described");
    registry::update(portal, ada, "vision", "net", "e").await.expect("described");
    registry::rename(portal, ada, "vision", "net", "wire").await.expect("renamed");
    registry::delete_tag(portal, ada, "vision", "wire", "k").await.expect("untagged");
    registry::delete_version(portal, ada, "vision", ("wire", 1)).await.expect("deleted");
    registry::delete(portal, ada, "vision", "wire").await.expect("deleted");
    let expected = [
        "model.create",
        "model_version.create",
        "model.set_tag",
        "model_version.set_tag",
        "model_version.delete_tag",
        "model_version.set_stage",
        "model.set_alias",
        "model.delete_alias",
        "model_version.update",
        "model.update",
        "model.rename",
        "model.delete_tag",
        "model_version.delete",
        "model.delete",
    ];
    assert_eq!(shelf.actions().await, expected);
    let (before, after): (String, String) =
        portal.db.fetch_one("SELECT before, after FROM audit WHERE action = 'model.update'", args![]).await.expect("a record");
    assert_eq!((before.as_str(), after.as_str()), (r#"{"description":"d"}"#, r#"{"description":"e"}"#));
    let (longest,): (i64,) = portal.db.fetch_one("SELECT CAST(MAX(LENGTH(after)) AS BIGINT) FROM audit", args![]).await.expect("a length");
    assert!(longest < 2000, "a prompt's text is cut in the trail: {longest}");
    let events = domain::events::since(portal, 0).await.expect("events").expect("all of them");
    assert_eq!(events.iter().filter(|e| e.change == Change::Models).count(), expected.len());
}

#[tokio::test]
async fn nothing_changes_where_the_trail_cannot_be_written() {
    let shelf = Shelf::new().await;
    let source = format!("runs:/{}/model", shelf.run().await.id);
    shelf.portal.db.execute("ALTER TABLE audit RENAME TO elsewhere", args![]).await.expect("renamed");
    assert!(matches!(shelf.version(&source).await, Err(Error::Unavailable(_))));
    assert!(registry::delete(&shelf.portal, &shelf.ada, "vision", "net").await.is_err());
    shelf.portal.db.execute("ALTER TABLE elsewhere RENAME TO audit", args![]).await.expect("renamed");
    assert_eq!(shelf.version(&source).await.expect("a version").version, 1);
}

#[tokio::test]
async fn versions_that_are_made_at_once_have_different_numbers_and_one_name_is_given_once() {
    let shelf = Shelf::new().await;
    let source = format!("runs:/{}/model", shelf.run().await.id);
    let made = futures::future::join_all((0..12).map(|_| shelf.version(&source))).await;
    let numbers: BTreeSet<i64> = made.into_iter().map(|v| v.expect("a version").version).collect();
    assert_eq!(numbers, (1..=12).collect());
    let names = ["same", "Same", "same", "ｓame"];
    let made = futures::future::join_all(names.map(|n| registry::create(&shelf.portal, &shelf.ada, "vision", n, None, Vec::new()))).await;
    assert_eq!(made.iter().filter(|m| m.is_ok()).count(), 1);
    assert!(made.iter().all(|m| matches!(m, Ok(_) | Err(Error::AlreadyExists(_) | Error::Invalid(_)))), "{made:?}");
}

#[tokio::test]
async fn a_viewer_changes_nothing_and_another_team_sees_nothing() {
    let shelf = Shelf::new().await;
    let (vera, eve) = (shelf.test.caller("vera").await, shelf.test.caller("eve").await);
    registry::get(&shelf.portal, &vera, "vision", "net").await.expect("seen");
    assert!(matches!(registry::update(&shelf.portal, &vera, "vision", "net", "x").await, Err(Error::Forbidden(_))));
    assert!(matches!(registry::get(&shelf.portal, &eve, "vision", "net").await, Err(Error::NotFound(_))));
    assert!(matches!(registry::get(&shelf.portal, &eve, "speech", "net").await, Err(Error::NotFound(_))));
    // A name is free in another team.
    registry::create(&shelf.portal, &eve, "speech", "net", None, Vec::new()).await.expect("a model of theirs");
    let source = format!("runs:/{}/model", shelf.run().await.id);
    let new = NewModelVersion { name: "net".into(), source, ..NewModelVersion::default() };
    assert!(matches!(registry::create_version(&shelf.portal, &eve, "speech", new).await, Err(Error::NotFound("run"))));
}

#[tokio::test]
async fn a_search_over_ten_thousand_versions_reads_one_model() {
    let shelf = Shelf::new().await;
    let (id, user): (String, String) =
        shelf.portal.db.fetch_one("SELECT id, created_by FROM registered_models", args![]).await.expect("the model");
    let mut tx = shelf.portal.db.begin().await.expect("a transaction");
    let rows = (1..=10_000_i64).map(|n| args![&id, n, "None", "s", "s", &user, n, n]).collect();
    let head = "INSERT INTO model_versions (model_id, version, stage, source, download_uri, created_by, created_at, updated_at)";
    tx.insert_many(head, "", rows).await.expect("versions");
    tx.commit().await.expect("committed");
    let query = registry::Query { filter: "name = 'net' AND version_number > 9990".into(), most: 5, ..registry::Query::default() };
    let (page, next) = registry::search_versions(&shelf.portal, &shelf.ada, "vision", &query).await.expect("found");
    assert_eq!(page.iter().map(|v| v.version).collect::<Vec<_>>(), [10_000, 9999, 9998, 9997, 9996]);
    let (page, end) =
        registry::search_versions(&shelf.portal, &shelf.ada, "vision", &registry::Query { page: next, ..query }).await.expect("found");
    assert_eq!((page.len(), end), (5, None));
    let model = registry::get(&shelf.portal, &shelf.ada, "vision", "net").await.expect("the model");
    assert_eq!(model.latest_versions.iter().map(|v| v.version).collect::<Vec<_>>(), [10_000]);
}

#[tokio::test]
async fn versions_are_listed_with_their_sizes_and_their_files_are_found() {
    let shelf = Shelf::new().await;
    let (portal, run) = (&shelf.portal, shelf.run().await);
    let root = run.artifact_uri.strip_prefix("mlflow-artifacts:/").expect("ours").to_owned();
    let says = "mlflow_version: 3.18.0\nsaved_input_example_info:\n  artifact_path: data/x.json\n";
    for (path, content) in [("MLmodel", says), ("data/x.json", "[1]"), ("data/weights", "1 2 3")] {
        shelf.upload(&format!("{root}/model/{path}"), content).await.expect("uploaded");
    }
    shelf.version(&format!("runs:/{}/model", run.id)).await.expect("a version");
    shelf.version(&format!("runs:/{}/nothing", run.id)).await.expect("a version without files");
    shelf.version(&format!("runs:/{}/model/data/weights", run.id)).await.expect("a version of one file");
    registry::set_alias(portal, &shelf.ada, "vision", "net", "champion", 1).await.expect("pointed");
    shelf.upload(&format!("{root}/model/late"), "came later").await.expect("uploaded");
    let vera = shelf.test.caller("vera").await;
    let listed = registry::versions_of(portal, &vera, "vision", "net").await.expect("versions");
    let bytes = i64::try_from(says.len() + 8).expect("small");
    assert_eq!(listed.iter().map(|(v, size)| (v.version, *size)).collect::<Vec<_>>(), [(3, Some(5)), (2, None), (1, Some(bytes))]);
    assert_eq!((listed[2].0.aliases.as_slice(), listed[0].0.aliases.len()), (["champion".to_owned()].as_slice(), 0));

    let files = registry::files(portal, &vera, "vision", ("net", 1)).await.expect("files");
    let paths: Vec<_> = files.files.iter().map(|f| (f.path.as_str(), f.size)).collect();
    assert_eq!(paths, [("MLmodel", says.len() as u64), ("data/weights", 5), ("data/x.json", 3)]);
    assert_eq!((files.says.and_then(|s| s.mlflow_version).as_deref(), files.example.as_deref()), (Some("3.18.0"), Some("[1]")));
    assert_eq!(registry::files(portal, &vera, "vision", ("net", 2)).await.expect("none").files, []);
    assert_eq!(registry::files(portal, &vera, "vision", ("net", 3)).await.expect("one").files[0].path, "weights");
    let one = registry::file(portal, &vera, "vision", ("net", 1), "data/weights").await.expect("a file");
    assert_eq!(one.artifact.size, 5);
    let eve = shelf.test.caller("eve").await;
    for (who, version, path) in [(&vera, 1, "late"), (&vera, 1, "data"), (&vera, 4, "MLmodel"), (&eve, 1, "MLmodel")] {
        let missing = registry::file(portal, who, "vision", ("net", version), path).await;
        assert!(matches!(missing, Err(Error::NotFound(_))), "{version} {path}");
    }
    assert!(matches!(registry::versions_of(portal, &eve, "vision", "net").await, Err(Error::NotFound(_))));
}
