//! Experiments: whose they are, what they are called, and how they go and come back.

use super::{Lab, metric, metrics};
use domain::{
    Error,
    model::{Change, ExperimentId, NewRun, Role, Tag},
    tracking::{experiments, runs},
};

#[tokio::test]
async fn every_team_has_a_default_that_answers_to_zero() {
    let lab = Lab::new().await;
    let zero = ExperimentId::from("0");
    for (caller, team) in [(&lab.ada, "vision"), (&lab.eve, "speech")] {
        let found = experiments::get(&lab.portal, caller, team, &zero).await.expect("there");
        assert_eq!((found.id.as_str(), found.name.as_str(), found.artifact_location.as_str()), ("0", "Default", "mlflow-artifacts:/0"));
        assert_eq!(experiments::get_by_name(&lab.portal, caller, team, "Default").await.expect("there"), found);
        let again = experiments::create(&lab.portal, caller, team, "Default", None, &[]).await;
        assert!(matches!(again, Err(Error::AlreadyExists(_))));
    }
    let run = runs::create(&lab.portal, &lab.ada, "vision", NewRun::default()).await.expect("made");
    assert_eq!((run.experiment.as_str(), run.artifact_uri), ("0", format!("mlflow-artifacts:/0/{}/artifacts", run.id)));
    assert!(matches!(runs::get(&lab.portal, &lab.eve, "speech", &run.id).await, Err(Error::NotFound("run"))));
}

#[tokio::test]
async fn a_name_is_unique_in_its_team_also_after_deletion() {
    let lab = Lab::new().await;
    let id = lab.experiment("churn").await;
    let create = async |caller, team, name| experiments::create(&lab.portal, caller, team, name, None, &[]).await;
    assert!(matches!(create(&lab.ada, "vision", "churn").await, Err(Error::AlreadyExists(_))));
    create(&lab.eve, "speech", "churn").await.expect("free in another team");
    experiments::delete(&lab.portal, &lab.ada, "vision", &id).await.expect("deleted");
    assert!(matches!(create(&lab.ada, "vision", "churn").await, Err(Error::AlreadyExists(_))));
    let other = create(&lab.ada, "vision", "other").await.expect("made");
    let taken = experiments::rename(&lab.portal, &lab.ada, "vision", &other, "churn").await;
    assert!(matches!(taken, Err(Error::AlreadyExists(_))));
    for bad in ["", "   ", "a\nb", "a\u{202e}b", "a\0b", &"x".repeat(501)] {
        assert!(matches!(create(&lab.ada, "vision", bad).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn an_experiment_is_tagged_renamed_deleted_and_restored() {
    let lab = Lab::new().await;
    let (portal, ada) = (&lab.portal, &lab.ada);
    let made = [Tag::new("a", "1"), Tag::new("b", "x y"), Tag::new("a", "2")];
    let id = experiments::create(portal, ada, "vision", "one", Some("s3://bucket/x"), &made).await.expect("made");
    portal.clock.advance(10);
    experiments::set_tag(portal, ada, "vision", &id, &Tag::new("c", "3")).await.expect("tagged");
    experiments::delete_tag(portal, ada, "vision", &id, "b").await.expect("untagged");
    assert!(matches!(experiments::delete_tag(portal, ada, "vision", &id, "b").await, Err(Error::NotFound("tag"))));
    experiments::rename(portal, ada, "vision", &id, "two").await.expect("renamed");
    let found = experiments::get_by_name(portal, ada, "vision", "two").await.expect("found");
    assert_eq!(found.tags, [Tag::new("a", "2"), Tag::new("c", "3")]);
    assert_eq!((found.artifact_location.as_str(), found.created_by.as_deref()), ("s3://bucket/x", Some("ada@example.com")));
    assert_eq!(found.updated_at - found.created_at, 10);

    experiments::delete(portal, ada, "vision", &id).await.expect("deleted");
    assert!(experiments::get(portal, ada, "vision", &id).await.expect("still read").deleted_at.is_some());
    assert!(matches!(experiments::delete(portal, ada, "vision", &id).await, Err(Error::NotFound(_))));
    assert!(matches!(experiments::rename(portal, ada, "vision", &id, "three").await, Err(Error::Invalid(_))));
    assert!(matches!(experiments::set_tag(portal, ada, "vision", &id, &Tag::new("d", "4")).await, Err(Error::Invalid(_))));
    let new = NewRun { experiment: Some(id.clone()), ..NewRun::default() };
    assert!(matches!(runs::create(portal, ada, "vision", new).await, Err(Error::Invalid(_))));
    experiments::restore(portal, ada, "vision", &id).await.expect("restored");
    assert!(matches!(experiments::restore(portal, ada, "vision", &id).await, Err(Error::NotFound(_))));
    assert_eq!(lab.count("SELECT COUNT(*) FROM audit WHERE action LIKE 'experiment.%'").await, 4);
}

#[tokio::test]
async fn runs_go_and_come_back_with_their_experiment() {
    let lab = Lab::new().await;
    let id = lab.experiment("one").await;
    let run = lab.run_in(&id).await;
    let before = lab.versions(&run).await;
    experiments::delete(&lab.portal, &lab.ada, "vision", &id).await.expect("deleted");
    assert!(lab.get(&run).await.deleted_at.is_some());
    let deleted = lab.versions(&run).await;
    assert!(deleted.0 > before.1 && deleted.0 == deleted.1, "{before:?} {deleted:?}");
    assert!(matches!(lab.log(&run, metrics(vec![metric("m", 1.0, 1, 1)])).await, Err(Error::Invalid(_))));
    experiments::restore(&lab.portal, &lab.ada, "vision", &id).await.expect("restored");
    assert!(lab.get(&run).await.deleted_at.is_none());
    assert!(lab.versions(&run).await.0 > deleted.1);
    lab.log(&run, metrics(vec![metric("m", 1.0, 1, 1)])).await.expect("logged");
}

#[tokio::test]
async fn an_experiment_of_another_team_is_not_there_and_a_viewer_changes_nothing() {
    let lab = Lab::new().await;
    let (portal, id) = (&lab.portal, lab.experiment("one").await);
    let tag = Tag::new("a", "1");
    for unknown in [id.clone(), "999999".into(), "00".into(), "+1".into(), "x".into(), String::new().into()] {
        let results = [
            experiments::get(portal, &lab.eve, "speech", &unknown).await.map(drop),
            experiments::rename(portal, &lab.eve, "speech", &unknown, "mine").await,
            experiments::delete(portal, &lab.eve, "speech", &unknown).await,
            experiments::restore(portal, &lab.eve, "speech", &unknown).await,
            experiments::set_tag(portal, &lab.eve, "speech", &unknown, &tag).await,
            experiments::delete_tag(portal, &lab.eve, "speech", &unknown, "a").await,
        ];
        for result in results {
            assert!(matches!(result, Err(Error::NotFound("experiment"))), "{unknown}: {result:?}");
        }
    }
    assert!(matches!(experiments::get(portal, &lab.eve, "vision", &id).await, Err(Error::NotFound("team"))));
    let vera = lab.test.caller("vera").await;
    experiments::get(portal, &vera, "vision", &id).await.expect("a viewer reads");
    assert!(matches!(experiments::delete(portal, &vera, "vision", &id).await, Err(Error::Forbidden(_))));
    assert!(matches!(experiments::create(portal, &vera, "vision", "two", None, &[]).await, Err(Error::Forbidden(_))));
    assert!(matches!(experiments::set_tag(portal, &lab.ada, "vision", &id, &Tag::new("slipway.x", "1")).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn pages_hear_of_experiments_and_of_their_runs() {
    let lab = Lab::new().await;
    let start = domain::events::latest(&lab.portal).await.expect("a place");
    let id = lab.experiment("one").await;
    let run = lab.run_in(&id).await;
    for step in 0..50 {
        lab.log(&run, metrics(vec![metric("m", 1.0, 1, step)])).await.expect("logged");
    }
    let heard = async || domain::events::since(&lab.portal, start).await.expect("read").expect("kept");
    let first = heard().await;
    let about = Change::Runs { experiment: id.clone() };
    assert_eq!(first[..2].iter().map(|e| &e.change).collect::<Vec<_>>(), [&Change::Experiments, &about]);
    assert!(first.iter().all(|e| e.team.as_deref() == Some("vision")));
    assert!(first.len() < 20, "logging is told now and then, not each time: {}", first.len());
    // What was logged last is told in the end, though nothing more comes. (All that came before may have been told by now.)
    lab.log(&run, metrics(vec![metric("m", 1.0, 1, 50)])).await.expect("logged");
    let seen = first.len();
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while heard().await.len() == seen {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("told");
    let team = lab.test.team("third", &[("mel", Role::Member)]).await;
    assert_eq!(team.name, "third");
}
