//! Who may do what to which notebook.

use super::House;
use domain::{
    Caller, Error,
    model::{NotebookId, Phase, Resources},
    notebooks,
};

/// What each verb answers, in words.
async fn answers(house: &House, caller: &Caller, team: &str, id: &NotebookId) -> Vec<(&'static str, String)> {
    fn word<T>(verb: &'static str, result: Result<T, Error>) -> (&'static str, String) {
        (verb, result.err().map_or_else(|| "done".to_owned(), |e| format!("{e:?}")))
    }
    let portal = &house.portal;
    vec![
        word("get", notebooks::get(portal, caller, team, id).await),
        word("logs", notebooks::logs(portal, caller, team, id, None, 10).await),
        word("log_grows", notebooks::log_grows(portal, caller, team, id, 0).await),
        word("open", notebooks::open(portal, caller, team, id, "state").await),
        word("may_open", notebooks::may_open(portal, caller, team, id).await),
        word("snooze", notebooks::snooze(portal, caller, team, id).await),
        word("resize", notebooks::resize(portal, caller, team, id, Resources::default(), None).await),
        word("start", notebooks::start(portal, caller, team, id).await),
        word("stop", notebooks::stop(portal, caller, team, id).await),
        word("delete", notebooks::delete(portal, caller, team, id, true).await),
    ]
}

#[tokio::test]
async fn a_foreign_notebook_is_like_one_that_is_not_there() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    let eve = house.test.caller("eve").await;
    let foreign = answers(&house, &eve, "blue", &id).await;
    assert!(foreign.iter().all(|(_, answer)| answer == "NotFound(\"notebook\")"), "{foreign:?}");
    assert_eq!(foreign, answers(&house, &eve, "blue", &NotebookId::from("aaaaaaaaaaaaaaaa")).await);
    let outside = answers(&house, &eve, "red", &id).await;
    assert!(outside.iter().all(|(_, answer)| answer == "NotFound(\"team\")"), "{outside:?}");
    let nobody = answers(&house, &house.test.stranger(), "red", &id).await;
    assert!(nobody.iter().all(|(_, answer)| answer == "Unauthenticated"), "{nobody:?}");
    assert_eq!(house.get(&id).await.phase, Phase::Ready);
}

#[tokio::test]
async fn a_viewer_sees_and_changes_nothing() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    for (verb, answer) in answers(&house, &house.test.caller("vera").await, "red", &id).await {
        let may = ["get", "logs", "log_grows"].contains(&verb);
        assert!(if may { answer == "done" } else { answer.starts_with("Forbidden") }, "{verb}: {answer}");
    }
    assert_eq!(house.get(&id).await.phase, Phase::Ready);
}

#[tokio::test]
async fn another_member_sees_and_changes_nothing() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    for (verb, answer) in answers(&house, &house.test.caller("bob").await, "red", &id).await {
        let may = ["get", "logs", "log_grows"].contains(&verb);
        assert!(if may { answer == "done" } else { answer.starts_with("Forbidden") }, "{verb}: {answer}");
    }
    assert_eq!(house.audited().await, ["ada notebook.launch"]);
}

#[tokio::test]
async fn a_team_admin_changes_any_notebook_but_opens_only_their_own() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    let root = house.test.caller("root").await;
    assert!(matches!(notebooks::open(&house.portal, &root, "red", &id, "state").await, Err(Error::Forbidden(_))));
    notebooks::snooze(&house.portal, &root, "red", &id).await.expect("snoozed");
    let stopping = notebooks::stop(&house.portal, &root, "red", &id).await.expect("stopped");
    assert_eq!(stopping.phase, Phase::Stopping);
    notebooks::delete(&house.portal, &root, "red", &id, false).await.expect("deleted");
    let audited = house.audited().await;
    assert_eq!(audited, ["ada notebook.launch", "root notebook.snooze", "root notebook.stop", "root notebook.delete"]);
}

#[tokio::test]
async fn the_notebooks_of_a_removed_member_are_stopped() {
    let house = House::new().await;
    let id = house.ready("churn").await;
    let root = house.test.caller("root").await;
    let ada = house.ada.identity().expect("ada").user.id.clone();
    domain::teams::remove_member(&house.portal, &root, "red", &ada).await.expect("removed");
    house.look().await;
    house.look().await;
    assert_eq!(notebooks::get(&house.portal, &root, "red", &id).await.expect("still there").phase, Phase::Stopped);
}
