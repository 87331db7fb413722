//! The catalogue of environments.

use super::teams::notebook;
use domain::{
    Caller, Error, environments,
    model::{Environment, Program, Role},
    testing::TestPortal,
};

async fn shipped() -> TestPortal {
    let test = TestPortal::new().await;
    environments::ship_defaults(&test.portal).await.expect("shipped");
    test.admin("root").await;
    test
}

async fn entry(test: &TestPortal, name: &str) -> Environment {
    let all = environments::list_all(&test.portal, &Caller::console()).await.expect("listed");
    all.into_iter().map(|c| c.environment).find(|e| e.name == name).expect("an entry")
}

async fn names(test: &TestPortal, who: &str, team: &str) -> Vec<String> {
    let choices = environments::choices(&test.portal, &test.caller(who).await, team).await.expect("choices");
    choices.into_iter().map(|c| c.environment.name).collect()
}

#[tokio::test]
async fn a_new_portal_offers_the_defaults_and_a_restart_brings_none_back() {
    let test = shipped().await;
    test.team("vision", &[("vic", Role::Viewer)]).await;
    assert_eq!(names(&test, "vic", "vision").await, ["code-server", "jupyterlab", "rstudio"]);
    for name in ["code-server", "jupyterlab", "rstudio"] {
        environments::remove(&test.portal, &Caller::console(), name).await.expect("removed");
    }
    environments::ship_defaults(&test.portal).await.expect("asked again");
    assert!(names(&test, "vic", "vision").await.is_empty());
}

#[tokio::test]
async fn a_disabled_entry_or_one_for_another_team_is_no_choice() {
    let test = shipped().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    test.team("speech", &[("sam", Role::Admin)]).await;
    let root = test.caller("root").await;
    let only = Environment { visible_to: vec!["speech".into()], ..entry(&test, "jupyterlab").await };
    environments::save(&test.portal, &root, only, false).await.expect("saved");
    let off = Environment { enabled: false, ..entry(&test, "rstudio").await };
    environments::save(&test.portal, &root, off, false).await.expect("saved");
    assert_eq!(names(&test, "ada", "vision").await, ["code-server"]);
    assert_eq!(names(&test, "sam", "speech").await, ["code-server", "jupyterlab"]);
    let foreign = environments::choices(&test.portal, &test.caller("ada").await, "speech").await;
    assert!(matches!(foreign, Err(Error::NotFound("team"))));
}

#[tokio::test]
async fn only_administrators_change_the_catalogue() {
    let test = shipped().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    let ada = test.caller("ada").await;
    let changed = entry(&test, "jupyterlab").await;
    assert!(matches!(environments::save(&test.portal, &ada, changed, false).await, Err(Error::Forbidden(_))));
    assert!(matches!(environments::remove(&test.portal, &ada, "jupyterlab").await, Err(Error::Forbidden(_))));
    assert!(matches!(environments::list_all(&test.portal, &ada).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn an_entry_is_added_once_and_changed_only_where_it_exists() {
    let test = shipped().await;
    let root = test.caller("root").await;
    let existing = entry(&test, "jupyterlab").await;
    assert!(matches!(environments::save(&test.portal, &root, existing.clone(), true).await, Err(Error::AlreadyExists(_))));
    let new = Environment { name: "mine".into(), ..existing };
    assert!(matches!(environments::save(&test.portal, &root, new.clone(), false).await, Err(Error::NotFound("environment"))));
    environments::save(&test.portal, &root, new.clone(), true).await.expect("added");
    let nowhere = Environment { visible_to: vec!["nowhere".into()], ..new.clone() };
    assert!(matches!(environments::save(&test.portal, &root, nowhere, false).await, Err(Error::Invalid(_))));
    let evil = Environment { name: "../evil".into(), ..new };
    assert!(matches!(environments::save(&test.portal, &root, evil, true).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn an_entry_that_a_notebook_uses_stays() {
    let test = shipped().await;
    let team = test.team("vision", &[("ada", Role::Admin)]).await;
    let owner = test.caller("ada").await.identity().expect("signed in").user.id.clone();
    notebook(&test, &team.id, &owner, "churn").await;
    let root = test.caller("root").await;
    assert!(matches!(environments::remove(&test.portal, &root, "jupyterlab").await, Err(Error::Conflict(_))));
    environments::remove(&test.portal, &root, "rstudio").await.expect("unused");
    assert!(matches!(environments::remove(&test.portal, &root, "rstudio").await, Err(Error::NotFound("environment"))));
}

#[tokio::test]
async fn an_entry_whose_program_is_missing_says_so() {
    let test = shipped().await;
    let argv = vec!["no-such-program-here".to_owned(), "{port}".to_owned()];
    let command = Environment { name: "mine".into(), program: Program::Command { argv }, ..entry(&test, "rstudio").await };
    environments::save(&test.portal, &test.caller("root").await, command, true).await.expect("added");
    test.team("vision", &[("vic", Role::Viewer)]).await;
    let choices = environments::choices(&test.portal, &test.caller("vic").await, "vision").await.expect("choices");
    let mine = choices.iter().find(|c| c.environment.name == "mine").expect("offered");
    assert!(mine.unavailable.as_ref().is_some_and(|why| why.contains("no-such-program-here")), "{:?}", mine.unavailable);
    assert!(choices.iter().all(|c| c.cached_versions.is_empty()), "nothing is installed yet");
}
