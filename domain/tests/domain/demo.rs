//! Demo data: marked as such, and taken away without touching anything else.

use domain::{
    Caller, Error, args, artifacts, audit, demo, identity,
    model::{ArtifactPath, Metric, NewModelVersion, NewRun, Role, Tag},
    registry, teams,
    testing::{TestPortal, email},
    tokens, tracking, volumes,
};

async fn speaks(test: &TestPortal, token: &str) -> Caller {
    let identity = tokens::authenticate(&test.portal, token).await.expect("asked").expect("a token that is good");
    Caller::identified(identity, "test", "")
}

/// A run with a metric and a file, and a version of a model made of it.
async fn log(test: &TestPortal, caller: &Caller, team: &str) {
    let portal = &test.portal;
    let experiment = tracking::experiments::create(portal, caller, team, "e", None, &[Tag::new("k", "v")]).await.expect("an experiment");
    let new = NewRun { experiment: Some(experiment), name: "r".into(), ..NewRun::default() };
    let run = tracking::runs::create(portal, caller, team, new).await.expect("a run");
    let metric = Metric { key: "loss".into(), value: 1.0, timestamp: 1, step: 0 };
    let batch = domain::model::Batch { metrics: vec![metric], params: vec![Tag::new("p", "1")], ..domain::model::Batch::default() };
    tracking::runs::log(portal, caller, team, &run.id, batch).await.expect("logged");
    let root = run.artifact_uri.strip_prefix("mlflow-artifacts:/").expect("ours");
    let path = ArtifactPath::parse(&format!("{root}/model/MLmodel")).expect("a path");
    let mut file = artifacts::begin(portal, caller, team, &path, None).await.expect("begun");
    file.write("flavors:\n".into()).await.expect("written");
    artifacts::publish(portal, caller, &path, file).await.expect("published");
    registry::create(portal, caller, team, "net", None, Vec::new()).await.expect("a model");
    let new = NewModelVersion { name: "net".into(), source: format!("runs:/{}/model", run.id), ..NewModelVersion::default() };
    registry::create_version(portal, caller, team, new).await.expect("a version");
    registry::set_alias(portal, caller, team, "net", "champion", 1).await.expect("an alias");
}

async fn rows(test: &TestPortal) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    for (table, _) in domain::backup::known_columns() {
        // The trail goes on, and numbers are never given twice.
        if !["audit", "counters", "events"].contains(&table) {
            let (count,): (i64,) =
                test.portal.db.fetch_all_assembled(format!("SELECT COUNT(*) FROM {table}"), args![]).await.expect("counted")[0];
            all.push((table.to_owned(), count));
        }
    }
    all
}

#[tokio::test]
async fn a_demo_leaves_the_portal_as_it_was() {
    let test = TestPortal::new().await;
    let (portal, console) = (&test.portal, Caller::console());
    test.admin("boss").await;
    test.team("vision", &[("ada", Role::Member)]).await;
    log(&test, &test.caller("ada").await, "vision").await;
    let before = rows(&test).await;

    let begun = demo::begin(portal, &console, "demo").await.expect("begun");
    assert_eq!(begun.joined, [email("boss")]);
    let boss = test.caller("boss").await;
    let memberships = boss.identity().expect("signed in").memberships.clone();
    assert_eq!(memberships.iter().map(|m| (m.team_name.as_str(), m.demo)).collect::<Vec<_>>(), [("demo", true)]);
    assert!(!identity::list_users(portal, &console).await.expect("users").iter().any(|u| u.admin && u.email != email("boss")));
    let ada = speaks(&test, &begun.tokens[0]).await;
    log(&test, &ada, "demo").await;
    identity::sign_in(portal, &test.stranger(), &begun.admin.0, &begun.admin.1).await.expect("its admin signs in");
    let there = demo::contents(portal, &console).await.expect("asked").expect("a demo");
    assert_eq!((there.experiments, there.runs, there.models, there.files, there.people.len()), (1, 1, 1, 1, 3));
    assert!(matches!(demo::begin(portal, &console, "other").await, Err(Error::Conflict(_))), "one is enough");
    assert!(matches!(demo::remove(portal, &ada).await, Err(Error::Forbidden(_))));

    let (gone, kept) = demo::remove(portal, &console).await.expect("removed");
    assert_eq!((gone, kept), (there, Vec::new()));
    assert_eq!(rows(&test).await, before);
    assert_eq!(demo::contents(portal, &console).await.expect("asked"), None);
    assert!(tokens::authenticate(portal, &begun.tokens[0]).await.expect("asked").is_none());
    assert_eq!(audit::verify(portal).await.expect("verified"), None);
    assert!(matches!(demo::remove(portal, &console).await, Err(Error::NotFound(_))));
    demo::begin(portal, &console, "demo").await.expect("and again");
}

#[tokio::test]
async fn a_demo_in_an_empty_portal_has_an_administrator_who_is_not_taken_from_others() {
    let test = TestPortal::new().await;
    let (portal, console) = (&test.portal, Caller::console());
    let begun = demo::begin(portal, &console, "demo").await.expect("begun");
    assert!(begun.joined.is_empty());
    let users = identity::list_users(portal, &console).await.expect("users");
    assert_eq!(users.iter().filter(|u| u.admin).map(|u| &u.email).collect::<Vec<_>>(), [&begun.admin.0]);
    test.user("ada").await;
    assert!(matches!(demo::remove(portal, &console).await, Err(Error::Conflict(_))), "ada would be alone");
    test.admin("boss").await;
    demo::remove(portal, &console).await.expect("removed");
    assert_eq!(identity::list_users(portal, &console).await.expect("users").len(), 2);
}

#[tokio::test]
async fn what_somebody_made_beside_the_demo_is_not_lost() {
    let test = TestPortal::new().await;
    let (portal, console) = (&test.portal, Caller::console());
    test.admin("boss").await;
    test.team("vision", &[]).await;
    let begun = demo::begin(portal, &console, "demo").await.expect("begun");
    volumes::create(portal, &test.caller("boss").await, "demo", "data").await.expect("a volume");
    let refused = demo::remove(portal, &console).await;
    assert!(matches!(&refused, Err(Error::Conflict(why)) if why.contains("volumes")), "{refused:?}");
    volumes::remove(portal, &test.caller("boss").await, "demo", "data").await.expect("gone");

    // One of its people works in another team: the account is disabled and stays.
    teams::set_member(portal, &console, "vision", &begun.admin.0, Role::Member).await.expect("a member");
    let id = identity::list_users(portal, &console).await.expect("users").into_iter().find(|u| u.email == begun.admin.0).expect("there").id;
    let caller = Caller::identified(identity::identify(portal, &id).await.expect("asked").expect("known"), "test", "");
    log(&test, &caller, "vision").await;
    let (_, kept) = demo::remove(portal, &console).await.expect("removed");
    assert_eq!(kept, [begun.admin.0]);
    let users = identity::list_users(portal, &console).await.expect("users");
    assert!(users.len() == 2 && users.iter().any(|u| u.id == id && u.disabled_at.is_some()), "{users:?}");
}
