//! Sessions: how they end, and who may see and end them.

use domain::{
    Error,
    model::UserId,
    sessions::{self, SessionRecord},
    testing::TestPortal,
};

const HOUR: i64 = 60 * 60 * 1000;

fn record(test: &TestPortal, handle: &str, user: Option<&UserId>) -> SessionRecord {
    let now = test.portal.clock.now();
    SessionRecord {
        handle: handle.to_owned(),
        user: user.cloned(),
        issuer: None,
        sid: None,
        data: "{}".to_owned(),
        created_at: now,
        last_seen_at: now,
        expires_at: now + 30 * 24 * HOUR,
        user_agent: "test".to_owned(),
        address: "192.0.2.1".to_owned(),
    }
}

/// Stores a session that begins now.
pub async fn put(test: &TestPortal, handle: &str, user: Option<&UserId>) {
    assert!(sessions::create(&test.portal, &record(test, handle, user)).await.expect("created"));
}

async fn lives(test: &TestPortal, handle: &str) -> bool {
    sessions::load(&test.portal, handle).await.expect("read").is_some()
}

#[tokio::test]
async fn a_session_reads_back_as_it_was_saved_and_a_taken_handle_is_refused() {
    let test = TestPortal::new().await;
    let ada = test.user("ada").await;
    put(&test, "one", None).await;
    assert!(!sessions::create(&test.portal, &record(&test, "one", None)).await.expect("asked"));
    test.portal.clock.advance(1000);
    let saved = SessionRecord { data: "{\"a\":1}".to_owned(), ..record(&test, "one", Some(&ada.id)) };
    sessions::save(&test.portal, &saved).await.expect("saved");
    let read = sessions::load(&test.portal, "one").await.expect("read").expect("alive");
    assert_eq!((read.user, read.data.as_str(), read.last_seen_at), (Some(ada.id), "{\"a\":1}", saved.last_seen_at));
    assert_eq!(read.created_at, saved.created_at - 1000, "it began when it was created");
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_without_use() {
    let test = TestPortal::new().await;
    put(&test, "one", None).await;
    test.portal.clock.advance(12 * HOUR - 1);
    assert!(lives(&test, "one").await);
    test.portal.clock.advance(1);
    assert!(!lives(&test, "one").await);
}

#[tokio::test]
async fn a_session_in_use_ends_after_seven_days() {
    let test = TestPortal::new().await;
    put(&test, "one", None).await;
    for _ in 0..7 * 24 / 8 {
        assert!(lives(&test, "one").await);
        test.portal.clock.advance(8 * HOUR);
        sessions::save(&test.portal, &record(&test, "one", None)).await.expect("saved");
    }
    assert!(!lives(&test, "one").await);
}

#[tokio::test]
async fn a_revoked_session_is_not_brought_back_by_a_late_save() {
    let test = TestPortal::new().await;
    put(&test, "one", None).await;
    sessions::delete(&test.portal, "one").await.expect("deleted");
    sessions::save(&test.portal, &record(&test, "one", None)).await.expect("saved");
    assert!(!lives(&test, "one").await);
}

#[tokio::test]
async fn sweeping_removes_what_has_expired_and_nothing_else() {
    let test = TestPortal::new().await;
    put(&test, "old", None).await;
    test.portal.clock.advance(13 * HOUR);
    put(&test, "new", None).await;
    assert_eq!(sessions::sweep(&test.portal).await.expect("swept"), 1);
    assert!(lives(&test, "new").await);
}

#[tokio::test]
async fn i_see_and_end_my_own_sessions_only() {
    let test = TestPortal::new().await;
    let (ada, eve) = (test.user("ada").await, test.user("eve").await);
    put(&test, "session-ada", Some(&ada.id)).await;
    test.portal.clock.advance(1000);
    put(&test, "phone", Some(&ada.id)).await;
    put(&test, "session-eve", Some(&eve.id)).await;
    put(&test, "nobody", None).await;
    let caller = test.caller("ada").await;
    let mine = sessions::list(&test.portal, &caller).await.expect("listed");
    let seen: Vec<_> = mine.iter().map(|s| (s.handle.as_str(), s.current)).collect();
    assert_eq!(seen, [("phone", false), ("session-ada", true)]);
    assert_eq!(mine[0].expires_at, test.portal.clock.now() + 12 * HOUR, "the nearest of its ends");

    for foreign in ["session-eve", "nobody", "never was", ""] {
        assert!(matches!(sessions::revoke(&test.portal, &caller, foreign).await, Err(Error::NotFound("session"))), "{foreign}");
    }
    assert!(lives(&test, "session-eve").await);
    sessions::revoke(&test.portal, &caller, "phone").await.expect("revoked");
    assert!(!lives(&test, "phone").await && lives(&test, "session-ada").await);
}

#[tokio::test]
async fn ending_my_other_sessions_leaves_this_one() {
    let test = TestPortal::new().await;
    let (ada, eve) = (test.user("ada").await, test.user("eve").await);
    for handle in ["session-ada", "phone", "laptop"] {
        put(&test, handle, Some(&ada.id)).await;
    }
    put(&test, "session-eve", Some(&eve.id)).await;
    assert_eq!(sessions::revoke_others(&test.portal, &test.caller("ada").await).await.expect("ended"), 2);
    assert!(lives(&test, "session-ada").await && lives(&test, "session-eve").await && !lives(&test, "laptop").await);
}
