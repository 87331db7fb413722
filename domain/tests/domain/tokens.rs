//! Tokens: made once, narrowed always, ended at once.

use domain::{
    Caller, Error, Identity, args, identity,
    model::{NewToken, Permission, Role},
    teams,
    testing::{TestPortal, email},
    tokens,
};

fn new(team: &str, role: Role) -> NewToken {
    NewToken { name: "ci".to_owned(), team: team.to_owned(), role, days: 30 }
}

async fn authenticated(test: &TestPortal, secret: &str) -> Option<Identity> {
    tokens::authenticate(&test.portal, secret).await.expect("asked")
}

#[tokio::test]
async fn a_token_speaks_for_its_owner_in_its_team_with_its_role() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    test.team("speech", &[("ada", Role::Admin)]).await;
    let (token, secret) = tokens::create(&test.portal, &test.caller("ada").await, new("vision", Role::Viewer)).await.expect("made");
    assert!(secret.starts_with(&token.prefix) && token.prefix.len() == 12 && secret.len() == 47);
    let caller = Caller::identified(authenticated(&test, &secret).await.expect("alive"), "test", "");
    assert_eq!(caller.label(), email("ada"));
    assert!(caller.require_in(Permission::ReadNotebooks, "vision").is_ok());
    assert!(matches!(caller.require_in(Permission::LaunchNotebook, "vision"), Err(Error::Forbidden(_))));
    assert!(matches!(caller.require_in(Permission::ReadNotebooks, "speech"), Err(Error::NotFound("team"))));
    let me = identity::me(&caller).expect("me");
    assert_eq!(me.teams.iter().map(|m| (m.team_name.as_str(), m.role)).collect::<Vec<_>>(), [("vision", Role::Viewer)]);
}

#[tokio::test]
async fn a_token_makes_no_token_and_ends_none() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    let (token, secret) = tokens::create(&test.portal, &test.caller("ada").await, new("vision", Role::Admin)).await.expect("made");
    let caller = Caller::identified(authenticated(&test, &secret).await.expect("alive"), "test", "");
    assert!(matches!(tokens::create(&test.portal, &caller, new("vision", Role::Viewer)).await, Err(Error::Forbidden(_))));
    assert!(matches!(tokens::revoke(&test.portal, &caller, &token.id).await, Err(Error::Forbidden(_))));
    assert!(matches!(teams::create(&test.portal, &caller, "mine").await, Err(Error::Forbidden(_))));
    assert!(matches!(tokens::list(&test.portal, &caller).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_token_never_has_more_than_its_owner_now() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("mel", Role::Admin)]).await;
    let mel = test.caller("mel").await;
    let (_, secret) = tokens::create(&test.portal, &mel, new("vision", Role::Admin)).await.expect("made");
    teams::set_member(&test.portal, &test.caller("ada").await, "vision", &email("mel"), Role::Viewer).await.expect("demoted");
    let caller = Caller::identified(authenticated(&test, &secret).await.expect("alive"), "test", "");
    assert!(matches!(caller.require_in(Permission::LaunchNotebook, "vision"), Err(Error::Forbidden(_))));
    let more = tokens::create(&test.portal, &test.caller("mel").await, new("vision", Role::Member)).await;
    assert!(matches!(more, Err(Error::Forbidden(_))), "{more:?}");
    let foreign = tokens::create(&test.portal, &test.caller("mel").await, new("speech", Role::Viewer)).await;
    assert!(matches!(foreign, Err(Error::NotFound("team"))), "{foreign:?}");
}

#[tokio::test]
async fn a_token_ends_when_it_expires_is_revoked_or_its_owner_goes() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member)]).await;
    let (ada, mel) = (test.caller("ada").await, test.caller("mel").await);
    let id = mel.identity().expect("signed in").user.id.clone();
    let make = async || tokens::create(&test.portal, &mel, new("vision", Role::Member)).await.expect("made");

    let (token, secret) = make().await;
    assert!(matches!(tokens::revoke(&test.portal, &ada, &token.id).await, Err(Error::NotFound("token"))), "only its owner sees it");
    tokens::revoke(&test.portal, &mel, &token.id).await.expect("revoked");
    assert!(authenticated(&test, &secret).await.is_none());
    assert!(matches!(tokens::revoke(&test.portal, &mel, &token.id).await, Err(Error::NotFound("token"))));

    let (_, secret) = make().await;
    identity::set_disabled(&test.portal, &Caller::console(), &id, true).await.expect("disabled");
    assert!(authenticated(&test, &secret).await.is_none());
    identity::set_disabled(&test.portal, &Caller::console(), &id, false).await.expect("enabled");
    assert!(authenticated(&test, &secret).await.is_some());

    teams::remove_member(&test.portal, &ada, "vision", &id).await.expect("removed");
    assert!(authenticated(&test, &secret).await.is_none());
    teams::set_member(&test.portal, &ada, "vision", &email("mel"), Role::Admin).await.expect("back");
    assert!(authenticated(&test, &secret).await.is_none(), "coming back does not revive it");

    let (_, secret) = make().await;
    test.portal.clock.advance(30 * 24 * 60 * 60 * 1000 - 1);
    assert!(authenticated(&test, &secret).await.is_some());
    test.portal.clock.advance(1);
    assert!(authenticated(&test, &secret).await.is_none());
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_nobody() {
    let test = TestPortal::new().await;
    for bad in ["", "nothing", "slw_", "slw_wrong", &format!("slw_{}", "a".repeat(43)), &format!("slw_{}", "a".repeat(100_000))] {
        assert!(authenticated(&test, bad).await.is_none());
    }
}

#[tokio::test]
async fn only_a_digest_is_stored_and_the_secret_is_nowhere_else() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    let (_, secret) = tokens::create(&test.portal, &test.caller("ada").await, new("vision", Role::Viewer)).await.expect("made");
    authenticated(&test, &secret).await.expect("alive");
    let mut copy = Vec::new();
    domain::backup::backup(&test.portal.db, &mut copy).await.expect("copied");
    let copy = String::from_utf8(copy).expect("text");
    assert!(copy.contains(&secret[..12]) && !copy.contains(&secret));
}

#[tokio::test]
async fn its_last_use_is_noted_once_a_minute() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    let ada = test.caller("ada").await;
    let (_, secret) = tokens::create(&test.portal, &ada, new("vision", Role::Viewer)).await.expect("made");
    let start = test.portal.clock.now();
    let mut seen = Vec::new();
    for _ in 0..3 {
        authenticated(&test, &secret).await.expect("alive");
        seen.push(tokens::list(&test.portal, &ada).await.expect("listed")[0].last_used_at);
        test.portal.clock.advance(30_000);
    }
    assert_eq!(seen, [Some(start), Some(start), Some(start + 60_000)]);
}

#[tokio::test]
async fn a_token_lives_at_most_a_year_and_has_a_name() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    let ada = test.caller("ada").await;
    for bad in [
        NewToken { days: 366, ..new("vision", Role::Viewer) },
        NewToken { days: 0, ..new("vision", Role::Viewer) },
        NewToken { name: " ".into(), ..new("vision", Role::Viewer) },
    ] {
        assert!(matches!(tokens::create(&test.portal, &ada, bad).await, Err(Error::Invalid(_))));
    }
    let (count,): (i64,) = test.portal.db.fetch_one("SELECT COUNT(*) FROM tokens", args![]).await.expect("count");
    assert_eq!(count, 0);
}

#[tokio::test]
async fn only_the_console_makes_a_token_for_somebody_else() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Member)]).await;
    test.admin("root").await;
    let root = test.caller("root").await;
    assert!(matches!(tokens::create_for(&test.portal, &root, &email("ada"), new("vision", Role::Viewer)).await, Err(Error::Forbidden(_))));
    let made = tokens::create_for(&test.portal, &Caller::console(), &email("ada"), new("vision", Role::Member)).await;
    assert!(authenticated(&test, &made.expect("made").1).await.is_some());
    let more = tokens::create_for(&test.portal, &Caller::console(), &email("ada"), new("vision", Role::Admin)).await;
    assert!(matches!(more, Err(Error::Forbidden(_))), "{more:?}");
}

#[tokio::test]
async fn a_token_that_another_process_revoked_is_heard_of_within_seconds() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    let (token, secret) = tokens::create(&test.portal, &test.caller("ada").await, new("vision", Role::Viewer)).await.expect("made");
    authenticated(&test, &secret).await.expect("alive");
    // As the command line beside the running portal would.
    let sql = "UPDATE tokens SET revoked_at = 1 WHERE id = $1";
    test.portal.db.execute(sql, args![&token.id]).await.expect("revoked");
    test.portal.clock.advance(5000);
    assert!(authenticated(&test, &secret).await.is_none());
}

#[tokio::test]
async fn what_is_found_while_something_changes_is_not_believed() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("mel", Role::Admin)]).await;
    let mel = test.caller("mel").await;
    let id = mel.identity().expect("signed in").user.id.clone();
    let (_, secret) = tokens::create(&test.portal, &mel, new("vision", Role::Admin)).await.expect("made");
    let (console, mel) = (Caller::console(), email("mel"));
    for role in [Role::Viewer, Role::Admin, Role::Member] {
        let change = teams::set_member(&test.portal, &console, "vision", &mel, role);
        let (asked, changed) = tokio::join!(tokens::authenticate(&test.portal, &secret), change);
        asked.expect("asked");
        changed.expect("changed");
        let now = authenticated(&test, &secret).await.expect("alive").memberships;
        assert_eq!(now.iter().map(|m| m.role).collect::<Vec<_>>(), [role]);
    }
    identity::set_admin(&test.portal, &Caller::console(), &id, true).await.expect("promoted");
    assert!(authenticated(&test, &secret).await.expect("alive").user.admin);
}

#[tokio::test]
async fn pages_that_show_what_happened_hear_of_a_token() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Member)]).await;
    let ada = test.caller("ada").await;
    let start = domain::events::latest(&test.portal).await.expect("a number");
    let new = NewToken { name: "ci".into(), team: "vision".into(), role: Role::Viewer, days: 1 };
    let (token, _) = tokens::create(&test.portal, &ada, new).await.expect("made");
    tokens::revoke(&test.portal, &ada, &token.id).await.expect("revoked");
    let events = domain::events::since(&test.portal, start).await.expect("read").expect("kept");
    let heard: Vec<_> = events.iter().map(|e| (e.team.as_deref(), &e.change)).collect();
    assert_eq!(heard, [(Some("vision"), &domain::model::Change::Activity); 2]);
}
