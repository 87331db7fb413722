//! The way into a notebook's own host, and how it closes.

use super::House;
use domain::{
    Caller, Error, Portal, Result, args,
    model::{NotebookId, UserId},
    notebooks, sessions,
};

const SECOND: i64 = 1_000;

/// The house with ada signed in, one open notebook, and a ticket for it.
async fn admitted() -> (House, NotebookId, String) {
    let house = House::new().await;
    sign_in(&house.portal, &house.ada).await;
    let id = house.ready("churn").await;
    let code = notebooks::open(&house.portal, &house.ada, "red", &id, "state").await.expect("a code");
    let secret = notebooks::redeem(&house.portal, &id, &code, "state").await.expect("a ticket");
    assert_eq!(notebooks::admit(&house.portal, &id, &secret).await.expect("let in"), user(&house.ada));
    (house, id, secret)
}

fn user(caller: &Caller) -> UserId {
    caller.identity().expect("signed in").user.id.clone()
}

async fn sign_in(portal: &Portal, caller: &Caller) {
    let identity = caller.identity().expect("somebody");
    let now = portal.clock.now();
    let record = sessions::SessionRecord {
        handle: identity.session.clone().expect("a session"),
        user: Some(identity.user.id.clone()),
        issuer: None,
        sid: None,
        data: "{}".into(),
        created_at: now,
        last_seen_at: now,
        expires_at: now + portal.settings.session_absolute,
        user_agent: "test".into(),
        address: "192.0.2.1".into(),
    };
    assert!(sessions::create(portal, &record).await.expect("a session"));
}

/// Refused once the answer of a moment ago is no longer trusted.
async fn is_cut_off(house: &House, id: &NotebookId, secret: &str) -> bool {
    house.portal.clock.advance(5 * SECOND);
    refuses(notebooks::admit(&house.portal, id, secret).await)
}

fn refuses<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Unauthenticated))
}

#[tokio::test]
async fn a_code_works_once_for_its_notebook_for_thirty_seconds() {
    let house = House::new().await;
    sign_in(&house.portal, &house.ada).await;
    let (id, other) = (house.ready("churn").await, house.ready("other").await);
    let open = || notebooks::open(&house.portal, &house.ada, "red", &id, "state");
    let code = open().await.expect("a code");
    assert!(refuses(notebooks::redeem(&house.portal, &other, &code, "state").await), "of another notebook");
    for state in ["", "other", "state."] {
        assert!(refuses(notebooks::redeem(&house.portal, &id, &code, state).await), "in another browser: {state:?}");
    }
    assert!(refuses(notebooks::admit(&house.portal, &id, &code).await), "a code is no ticket");
    let secret = notebooks::redeem(&house.portal, &id, &code, "state").await.expect("a ticket");
    assert!(refuses(notebooks::redeem(&house.portal, &id, &code, "state").await), "twice");
    assert!(refuses(notebooks::redeem(&house.portal, &id, &secret, "state").await), "a ticket is no code");
    assert!(refuses(notebooks::admit(&house.portal, &other, &secret).await), "a ticket of another notebook");
    assert!(refuses(notebooks::admit(&house.portal, &id, "").await));
    let late = open().await.expect("a code");
    house.portal.clock.advance(30 * SECOND);
    assert!(refuses(notebooks::redeem(&house.portal, &id, &late, "state").await), "late");
    let rows: Vec<(String,)> = house.portal.db.fetch_all("SELECT digest FROM notebook_tickets", args![]).await.expect("rows");
    assert!(rows.iter().all(|r| r.0 != secret && r.0 != late), "the database keeps digests");
}

#[tokio::test]
async fn only_one_of_two_browsers_redeems_a_code() {
    let house = House::new().await;
    sign_in(&house.portal, &house.ada).await;
    let id = house.ready("churn").await;
    let code = notebooks::open(&house.portal, &house.ada, "red", &id, "state").await.expect("a code");
    let (one, two) =
        tokio::join!(notebooks::redeem(&house.portal, &id, &code, "state"), notebooks::redeem(&house.portal, &id, &code, "state"));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
}

#[tokio::test]
async fn a_ticket_ends_with_the_portal_session() {
    let (house, id, secret) = admitted().await;
    sessions::delete(&house.portal, "session-ada").await.expect("signed out");
    assert!(is_cut_off(&house, &id, &secret).await);
}

#[tokio::test]
async fn a_ticket_ends_when_the_session_idles_out_unless_the_notebook_is_used() {
    let (house, id, secret) = admitted().await;
    for _ in 0..3 {
        house.portal.clock.advance(house.portal.settings.session_idle / 2);
        notebooks::touch(&house.portal, &id);
        assert!(notebooks::admit(&house.portal, &id, &secret).await.is_ok(), "somebody works in it");
    }
    // Polling is not working.
    for _ in 0..2 {
        house.portal.clock.advance(house.portal.settings.session_idle / 2 - SECOND);
        assert!(notebooks::admit(&house.portal, &id, &secret).await.is_ok());
    }
    house.portal.clock.advance(2 * SECOND);
    assert!(is_cut_off(&house, &id, &secret).await);
}

#[tokio::test]
async fn a_ticket_ends_with_the_membership() {
    let (house, id, secret) = admitted().await;
    let root = house.test.caller("root").await;
    domain::teams::set_member(&house.portal, &root, "red", "ada@example.com", domain::model::Role::Viewer).await.expect("a viewer now");
    assert!(is_cut_off(&house, &id, &secret).await, "a viewer opens nothing");
    domain::teams::set_member(&house.portal, &root, "red", "ada@example.com", domain::model::Role::Member).await.expect("a member again");
    assert!(!is_cut_off(&house, &id, &secret).await);
    domain::teams::remove_member(&house.portal, &root, "red", &user(&house.ada)).await.expect("removed");
    assert!(is_cut_off(&house, &id, &secret).await);
}

#[tokio::test]
async fn a_ticket_ends_when_the_account_is_disabled() {
    let (house, id, secret) = admitted().await;
    domain::identity::set_disabled(&house.portal, &Caller::console(), &user(&house.ada), true).await.expect("disabled");
    assert!(is_cut_off(&house, &id, &secret).await);
}

#[tokio::test]
async fn a_stopped_or_deleted_notebook_lets_nobody_in_at_once() {
    let (house, id, secret) = admitted().await;
    notebooks::stop(&house.portal, &house.ada, "red", &id).await.expect("stopped");
    let answer = notebooks::admit(&house.portal, &id, &secret).await;
    assert!(matches!(&answer, Err(Error::Conflict(why)) if why.contains("stopping")), "{answer:?}");
    notebooks::delete(&house.portal, &house.ada, "red", &id, false).await.expect("deleted");
    assert!(refuses(notebooks::admit(&house.portal, &id, &secret).await));
}

#[tokio::test]
async fn only_a_session_opens_and_only_what_is_open() {
    let house = House::new().await;
    let id = house.launch(super::request("churn")).await.expect("launched").id;
    let early = notebooks::open(&house.portal, &house.ada, "red", &id, "state").await;
    assert!(matches!(&early, Err(Error::Conflict(why)) if why.contains("queued")), "{early:?}");
    let mut by_token = house.ada.clone();
    by_token.identity.as_mut().expect("ada").session = None;
    assert!(matches!(notebooks::open(&house.portal, &by_token, "red", &id, "state").await, Err(Error::Forbidden(_))));
}
