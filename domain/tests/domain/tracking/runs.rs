//! Runs: names, states, links, and whose they are.

use super::{Lab, metric, metrics, params, tags};
use domain::{
    Caller, Error, args,
    model::{NewRun, NewToken, Role, RunChange, RunId, RunStatus, Tag},
    tokens,
    tracking::{self, runs},
};

fn name_tag(run: &domain::model::Run) -> Option<&str> {
    run.tags.iter().find(|t| t.key == "mlflow.runName").map(|t| t.value.as_str())
}

#[tokio::test]
async fn a_run_is_running_with_an_id_of_its_own_and_a_name() {
    let lab = Lab::new().await;
    let experiment = lab.experiment("one").await;
    let new = NewRun {
        experiment: Some(experiment.clone()),
        user_id: "somebody".into(),
        name: "first".into(),
        start_time: Some(5),
        tags: vec![Tag::new("k", "1"), Tag::new("k", "2")],
    };
    let made = runs::create(&lab.portal, &lab.ada, "vision", new).await.expect("made");
    assert_eq!(made, lab.get(&made.id).await);
    assert!(made.id.as_str().len() == 32 && made.id.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!((made.status, made.user_id.as_str(), made.created_by.as_str()), (RunStatus::Running, "somebody", "ada@example.com"));
    assert_eq!(made.artifact_uri, format!("mlflow-artifacts:/{experiment}/{}/artifacts", made.id));
    assert_eq!(made.tags, [Tag::new("k", "2"), Tag::new("mlflow.runName", "first")]);
    let unnamed = lab.get(&lab.run().await).await;
    assert!(unnamed.name.split('-').count() == 3 && name_tag(&unnamed) == Some(&unnamed.name), "{unnamed:?}");
}

#[tokio::test]
async fn the_name_of_a_run_is_its_tag_and_the_other_way_round() {
    let lab = Lab::new().await;
    let create = async |name: &str, tag: &str| {
        let tags = if tag.is_empty() { Vec::new() } else { vec![Tag::new("mlflow.runName", tag)] };
        runs::create(&lab.portal, &lab.ada, "vision", NewRun { name: name.into(), tags, ..NewRun::default() }).await
    };
    assert_eq!(create("", "by tag").await.expect("made").name, "by tag");
    assert!(matches!(create("a", "b").await, Err(Error::Invalid(_))));
    let run = create("old", "old").await.expect("made").id;
    let change = RunChange { name: Some("new".into()), ..RunChange::default() };
    let changed = runs::update(&lab.portal, &lab.ada, "vision", &run, change).await.expect("renamed");
    assert_eq!((changed.name.as_str(), name_tag(&lab.get(&run).await)), ("new", Some("new")));
    lab.log(&run, tags(&[("mlflow.runName", "newest")])).await.expect("renamed");
    assert_eq!(lab.get(&run).await.name, "newest");
    for bad in ["a\0b", "a\nb", "a\u{202e}b", &"x".repeat(501)] {
        assert!(matches!(create(bad, "").await, Err(Error::Invalid(_))), "{bad:?}");
        assert!(matches!(lab.log(&run, tags(&[("mlflow.runName", bad)])).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn a_run_ends_and_may_go_on() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    for status in RunStatus::ALL {
        let change = RunChange { status: Some(status), end_time: Some(77), name: None };
        let changed = runs::update(&lab.portal, &lab.ada, "vision", &run, change).await.expect("changed");
        assert_eq!((changed.status, changed.end_time), (status, Some(77)));
    }
    let change = RunChange { status: Some(RunStatus::Killed), ..RunChange::default() };
    assert_eq!(runs::update(&lab.portal, &lab.ada, "vision", &run, change).await.expect("changed").end_time, Some(77));
    let change = RunChange { end_time: Some(-1), ..RunChange::default() };
    assert!(matches!(runs::update(&lab.portal, &lab.ada, "vision", &run, change).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_deleted_run_is_read_and_not_written() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    runs::delete(&lab.portal, &lab.ada, "vision", &run).await.expect("deleted");
    runs::delete(&lab.portal, &lab.ada, "vision", &run).await.expect("as deleted as before");
    assert!(lab.get(&run).await.deleted_at.is_some());
    for batch in [params(&[("a", "b")]), tags(&[("a", "b")]), metrics(vec![metric("a", 1.0, 1, 1)])] {
        assert!(matches!(lab.log(&run, batch).await, Err(Error::Invalid(_))));
    }
    let change = RunChange { status: Some(RunStatus::Finished), ..RunChange::default() };
    assert!(matches!(runs::update(&lab.portal, &lab.ada, "vision", &run, change).await, Err(Error::Invalid(_))));
    let gone = runs::delete_tag(&lab.portal, &lab.ada, "vision", &run, "mlflow.runName").await;
    assert!(matches!(gone, Err(Error::Invalid(_))));
    runs::restore(&lab.portal, &lab.ada, "vision", &run).await.expect("restored");
    lab.log(&run, params(&[("a", "b")])).await.expect("logged");
    assert_eq!(lab.count("SELECT COUNT(*) FROM audit WHERE action LIKE 'run.%'").await, 2);
}

#[tokio::test]
async fn a_run_of_another_team_is_not_there() {
    let lab = Lab::new().await;
    let own = lab.run().await;
    lab.log(&own, metrics(vec![metric("m", 1.0, 1, 1)])).await.expect("logged");
    let (portal, eve, before) = (&lab.portal, &lab.eve, lab.versions(&own).await);
    for run in [own.clone(), RunId::from("f".repeat(32)), RunId::from("")] {
        let results = [
            runs::get(portal, eve, "speech", &run).await.map(drop),
            runs::log(portal, eve, "speech", &run, metrics(vec![metric("m", 9.0, 9, 9)])).await,
            runs::update(portal, eve, "speech", &run, RunChange::default()).await.map(drop),
            runs::delete_tag(portal, eve, "speech", &run, "mlflow.runName").await,
            runs::delete(portal, eve, "speech", &run).await,
            runs::restore(portal, eve, "speech", &run).await,
            tracking::reproduce(portal, eve, "speech", &run).await.map(drop),
        ];
        for result in results {
            assert!(matches!(result, Err(Error::NotFound("run"))), "{result:?}");
        }
    }
    let own_experiment = lab.experiment("one").await;
    let new = NewRun { experiment: Some(own_experiment), ..NewRun::default() };
    assert!(matches!(runs::create(portal, eve, "speech", new).await, Err(Error::NotFound("experiment"))));
    assert_eq!(lab.versions(&own).await, before, "nothing was touched");
    let vera = lab.test.caller("vera").await;
    assert!(matches!(runs::log(portal, &vera, "vision", &own, metrics(Vec::new())).await, Err(Error::Forbidden(_))));
    assert!(matches!(runs::create(portal, &vera, "vision", NewRun::default()).await, Err(Error::Forbidden(_))));
    runs::get(portal, &vera, "vision", &own).await.expect("a viewer reads");
}

#[tokio::test]
async fn a_tag_is_removed_and_comes_back() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    lab.log(&run, tags(&[("t", "1")])).await.expect("tagged");
    let before = lab.versions(&run).await;
    runs::delete_tag(&lab.portal, &lab.ada, "vision", &run, "t").await.expect("removed");
    assert!(lab.versions(&run).await.0 > before.1);
    assert!(matches!(runs::delete_tag(&lab.portal, &lab.ada, "vision", &run, "t").await, Err(Error::NotFound("tag"))));
    lab.log(&run, tags(&[("t", "2")])).await.expect("tagged");
    assert!(lab.get(&run).await.tags.contains(&Tag::new("t", "2")));
}

#[tokio::test]
async fn a_run_knows_its_notebook_and_what_it_takes_to_do_it_again() {
    let lab = Lab::new().await;
    let new = NewToken { name: "nb".into(), team: "vision".into(), role: Role::Member, days: 1 };
    let (token, secret) = tokens::create(&lab.portal, &lab.ada, new).await.expect("a token");
    lab.portal.db.execute("UPDATE tokens SET notebook_id = 'n1' WHERE id = $1", args![&token.id]).await.expect("linked");
    let identity = tokens::authenticate(&lab.portal, &secret).await.expect("asked").expect("alive");
    let caller = Caller::identified(identity, "test", "");
    let said = [("mlflow.source.name", "train.py"), ("mlflow.source.git.commit", "abc"), ("mlflow.docker.image.id", "img"), ("other", "x")];
    let new = NewRun { tags: said.iter().map(|(k, v)| Tag::new(*k, *v)).collect(), ..NewRun::default() };
    let run = runs::create(&lab.portal, &caller, "vision", new).await.expect("made");
    assert_eq!(run.notebook, Some("n1".into()));
    lab.log(&run.id, params(&[("lr", "0.1")])).await.expect("logged");
    let again = tracking::reproduce(&lab.portal, &lab.ada, "vision", &run.id).await.expect("read");
    assert_eq!((again.source.as_deref(), again.git_commit.as_deref(), again.git_branch), (Some("train.py"), Some("abc"), None));
    assert_eq!((again.params, again.environment), (vec![Tag::new("lr", "0.1")], vec![Tag::new("mlflow.docker.image.id", "img")]));
    assert_eq!((again.created_by.as_str(), again.notebook), ("ada@example.com", Some("n1".into())));
}
