//! Teams: who makes them, who is in them, who may change that.

use domain::{
    Caller, Error, args, identity,
    model::{Role, TeamId, UserId},
    teams,
    testing::{TestPortal, email},
};

async fn roles(test: &TestPortal, team: &str) -> Vec<(String, Role)> {
    let members = teams::members(&test.portal, &Caller::console(), team).await.expect("members");
    members.into_iter().map(|m| (m.email, m.role)).collect()
}

/// A notebook's row as a launch leaves it.
pub async fn notebook(test: &TestPortal, team: &TeamId, owner: &UserId, name: &str) {
    let (db, at) = (&test.portal.db, test.portal.clock.now());
    let volume = format!("vol-{name}");
    let spec = serde_json::json!({ "name": name, "environment": "jupyterlab", "version": "4", "home": name, "idle_minutes": 60,
        "resources": { "cpus": 1, "memory_mib": 1024, "gpus": 0 } });
    db.execute(
        "INSERT INTO volumes (id, team_id, name, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
        args![&volume, team, name, owner, at],
    )
    .await
    .expect("a volume");
    db.execute(
        "INSERT INTO notebooks (id, team_id, owner, name, spec, home, idempotency_key, desired, launch, phase, phase_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $4, 'running', 1, 'ready', $7, $7)",
        args![format!("nb-{name}"), team, owner, name, spec.to_string(), volume, at],
    )
    .await
    .expect("a notebook");
}

#[tokio::test]
async fn whoever_makes_a_team_is_its_admin_and_the_console_is_nobody() {
    let test = TestPortal::new().await;
    test.user("ada").await;
    teams::create(&test.portal, &test.caller("ada").await, "vision").await.expect("made");
    assert_eq!(roles(&test, "vision").await, [(email("ada"), Role::Admin)]);
    teams::create(&test.portal, &Caller::console(), "empty").await.expect("made");
    assert!(roles(&test, "empty").await.is_empty());
    assert!(matches!(teams::create(&test.portal, &test.stranger(), "x").await, Err(Error::Unauthenticated)));
}

#[tokio::test]
async fn team_names_are_dns_labels_and_unique() {
    let test = TestPortal::new().await;
    test.user("ada").await;
    let ada = test.caller("ada").await;
    teams::create(&test.portal, &ada, "vision").await.expect("made");
    assert!(matches!(teams::create(&test.portal, &ada, "vision").await, Err(Error::AlreadyExists(_))));
    for bad in ["", "Vision", "../x", "a b", &"a".repeat(41)] {
        assert!(matches!(teams::create(&test.portal, &ada, bad).await, Err(Error::Invalid(_))), "{bad}");
    }
}

#[tokio::test]
async fn team_admins_and_portal_administrators_manage_members_and_nobody_else_does() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member), ("vic", Role::Viewer)]).await;
    test.team("speech", &[("sam", Role::Admin)]).await;
    test.admin("root").await;
    test.user("new").await;
    let set = async |who: &str, role| teams::set_member(&test.portal, &test.caller(who).await, "vision", &email("new"), role).await;
    for who in ["mel", "vic"] {
        assert!(matches!(set(who, Role::Viewer).await, Err(Error::Forbidden(_))), "{who}");
    }
    assert!(matches!(set("sam", Role::Viewer).await, Err(Error::NotFound("team"))), "for others the team does not exist");
    set("ada", Role::Viewer).await.expect("a team admin may");
    let member = set("root", Role::Member).await.expect("a portal administrator may");
    assert_eq!(member.role, Role::Member);
    assert!(matches!(
        teams::set_member(&test.portal, &test.caller("ada").await, "vision", "nobody@example.com", Role::Viewer).await,
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        teams::set_member(&test.portal, &test.caller("root").await, "nowhere", &email("new"), Role::Viewer).await,
        Err(Error::NotFound("team"))
    ));
}

#[tokio::test]
async fn members_of_a_foreign_team_are_not_listed() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("vic", Role::Viewer)]).await;
    test.team("speech", &[("sam", Role::Admin)]).await;
    assert_eq!(teams::members(&test.portal, &test.caller("vic").await, "vision").await.expect("members").len(), 2);
    let foreign = teams::members(&test.portal, &test.caller("sam").await, "vision").await.expect_err("foreign");
    let unknown = teams::members(&test.portal, &test.caller("sam").await, "nowhere").await.expect_err("unknown");
    assert_eq!(format!("{foreign:?}"), format!("{unknown:?}"), "a foreign team looks like none");
    assert!(matches!(teams::list_all(&test.portal, &test.caller("sam").await).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn the_last_admin_of_a_team_stays_one() {
    let test = TestPortal::new().await;
    let team = test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member)]).await;
    let ada = test.caller("ada").await;
    let me = ada.identity().expect("signed in").user.id.clone();
    let demoted = teams::set_member(&test.portal, &ada, "vision", &email("ada"), Role::Member).await;
    assert!(matches!(demoted, Err(Error::Conflict(_))), "{demoted:?}");
    assert!(matches!(teams::remove_member(&test.portal, &ada, "vision", &me).await, Err(Error::Conflict(_))));
    teams::set_member(&test.portal, &ada, "vision", &email("mel"), Role::Admin).await.expect("a second admin");
    teams::remove_member(&test.portal, &ada, "vision", &me).await.expect("now she may leave");
    assert_eq!(roles(&test, "vision").await, [(email("mel"), Role::Admin)]);
    assert_eq!(team.name, "vision");
}

#[tokio::test]
async fn an_admin_whose_account_is_disabled_does_not_count() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("old", Role::Admin)]).await;
    let ada = test.caller("ada").await;
    let old = test.caller("old").await.identity().expect("signed in").user.id.clone();
    identity::set_disabled(&test.portal, &Caller::console(), &old, true).await.expect("disabled");
    let demoted = teams::set_member(&test.portal, &ada, "vision", &email("ada"), Role::Member).await;
    assert!(matches!(demoted, Err(Error::Conflict(_))), "{demoted:?}");
}

#[tokio::test]
async fn two_team_admins_cannot_leave_at_once() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("bob", Role::Admin)]).await;
    let (ada, bob) = (test.caller("ada").await, test.caller("bob").await);
    let id = |c: &Caller| c.identity().expect("signed in").user.id.clone();
    let (a, b) = (id(&ada), id(&bob));
    let (one, two) =
        tokio::join!(teams::remove_member(&test.portal, &ada, "vision", &a), teams::remove_member(&test.portal, &bob, "vision", &b));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test]
async fn a_removed_members_notebooks_in_that_team_are_stopped() {
    let test = TestPortal::new().await;
    let vision = test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member)]).await;
    let speech = test.team("speech", &[("mel", Role::Member)]).await;
    let mel = test.caller("mel").await.identity().expect("signed in").user.id.clone();
    let ada = test.caller("ada").await;
    notebook(&test, &vision.id, &mel, "theirs").await;
    notebook(&test, &speech.id, &mel, "elsewhere").await;
    notebook(&test, &vision.id, &ada.identity().expect("signed in").user.id, "hers").await;
    teams::remove_member(&test.portal, &ada, "vision", &mel).await.expect("removed");
    let rows: Vec<(String, String)> =
        test.portal.db.fetch_all("SELECT name, desired FROM notebooks ORDER BY name", args![]).await.expect("rows");
    let wishes: Vec<_> = rows.iter().map(|(n, d)| (n.as_str(), d.as_str())).collect();
    assert_eq!(wishes, [("elsewhere", "running"), ("hers", "running"), ("theirs", "stopped")]);
    assert!(matches!(teams::remove_member(&test.portal, &ada, "vision", &mel).await, Err(Error::NotFound("member"))));

    domain::identity::set_disabled(&test.portal, &Caller::console(), &mel, true).await.expect("disabled");
    let running: (i64,) = test
        .portal
        .db
        .fetch_one("SELECT COUNT(*) FROM notebooks WHERE owner = $1 AND desired = 'running'", args![&mel])
        .await
        .expect("count");
    assert_eq!(running.0, 0, "a disabled account's notebooks stop in every team");
}

#[tokio::test]
async fn the_list_of_teams_counts_members_and_running_notebooks() {
    let test = TestPortal::new().await;
    let vision = test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member)]).await;
    let ada = test.caller("ada").await.identity().expect("signed in").user.id.clone();
    notebook(&test, &vision.id, &ada, "one").await;
    test.team("empty", &[]).await;
    let all = teams::list_all(&test.portal, &Caller::console()).await.expect("listed");
    let seen: Vec<_> = all.iter().map(|t| (t.team.name.as_str(), t.members, t.running_notebooks)).collect();
    assert_eq!(seen, [("empty", 0, 0), ("vision", 2, 1)]);
}
