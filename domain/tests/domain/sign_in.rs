//! Sign-in, its slowing down, the first administrator, and accounts.

use domain::{
    Caller, Error, identity,
    model::{AuditFilter, NewUser},
    sessions,
    testing::{PASSWORD, START, TestPortal, email},
};

fn field(error: &Error) -> &str {
    match error {
        Error::Invalid(fields) => fields[0].field.as_str(),
        other => panic!("{other:?}"),
    }
}

async fn audited(test: &TestPortal, action: &str) -> Vec<String> {
    let filter = AuditFilter { action: action.to_owned(), ..AuditFilter::default() };
    let records = domain::audit::list(&test.portal, &Caller::console(), &filter).await.expect("records");
    records.into_iter().map(|r| format!("{} {}", r.actor, r.object_name)).collect()
}

#[tokio::test]
async fn the_right_password_signs_in_whatever_the_case_of_the_email() {
    let test = TestPortal::new().await;
    test.user("ada").await;
    let user = identity::sign_in(&test.portal, &test.stranger(), " Ada@Example.COM ", PASSWORD).await.expect("signed in");
    assert_eq!((user.email.as_str(), user.last_sign_in_at), ("ada@example.com", Some(START)));
    assert_eq!(audited(&test, "user.sign_in").await, ["ada@example.com ada@example.com"]);
}

#[tokio::test]
async fn a_wrong_password_an_unknown_email_and_a_disabled_account_get_the_same_answer() {
    let test = TestPortal::new().await;
    test.user("ada").await;
    let gone = test.user("gone").await;
    identity::set_disabled(&test.portal, &Caller::console(), &gone.id, true).await.expect("disabled");
    let mut answers = Vec::new();
    let too_long = "x".repeat(5000);
    for (who, password) in [
        ("ada@example.com", "wrong horse battery"),
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("not an email", ""),
        ("ada@example.com", &too_long),
    ] {
        let error = identity::sign_in(&test.portal, &test.stranger(), who, password).await.expect_err(who);
        assert_eq!(field(&error), "password");
        answers.push(error.to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn what_is_too_long_for_an_email_is_written_nowhere() {
    let test = TestPortal::new().await;
    let long = format!("{}@example.com", "a".repeat(300));
    assert!(identity::sign_in(&test.portal, &test.stranger(), &long, PASSWORD).await.is_err());
    assert!(identity::sign_in(&test.portal, &test.stranger(), "typed-my-password-here", PASSWORD).await.is_err());
    assert!(audited(&test, "user.sign_in").await.is_empty());
}

#[tokio::test]
async fn the_sixth_try_waits_even_with_the_right_password_and_one_record_says_so() {
    let test = TestPortal::new().await;
    test.user("ada").await;
    for _ in 0..5 {
        assert!(matches!(identity::sign_in(&test.portal, &test.stranger(), &email("ada"), "wrong").await, Err(Error::Invalid(_))));
    }
    for _ in 0..3 {
        assert!(matches!(identity::sign_in(&test.portal, &test.stranger(), &email("ada"), PASSWORD).await, Err(Error::Throttled(1))));
    }
    assert_eq!(audited(&test, "user.sign_in_refused").await.len(), 5);
    assert_eq!(audited(&test, "user.sign_in_throttled").await.len(), 1);
    test.portal.clock.advance(1000);
    identity::sign_in(&test.portal, &test.stranger(), &email("ada"), PASSWORD).await.expect("after the wait");
    assert!(matches!(identity::sign_in(&test.portal, &test.stranger(), &email("ada"), "wrong").await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_burst_of_parallel_guesses_gets_no_more_than_five() {
    let test = TestPortal::new().await;
    test.user("ada").await;
    let stranger = test.stranger();
    let address = email("ada");
    let guesses = (0..12).map(|_| identity::sign_in(&test.portal, &stranger, &address, "wrong"));
    let answers = futures::future::join_all(guesses).await;
    assert_eq!(answers.iter().filter(|a| matches!(a, Err(Error::Invalid(_)))).count(), 5);
    assert_eq!(answers.iter().filter(|a| matches!(a, Err(Error::Throttled(_)))).count(), 7);
}

#[tokio::test]
async fn the_first_administrator_is_made_once_with_the_code_from_the_console() {
    let test = TestPortal::new().await;
    let new = || NewUser { email: email("Ada"), name: "Ada".into(), password: PASSWORD.into(), admin: false };
    assert!(matches!(identity::set_up(&test.portal, &test.stranger(), "", new()).await, Err(Error::Invalid(_))), "no code was made yet");
    let code = identity::prepare_setup(&test.portal).await.expect("prepared").expect("a code");
    let error = identity::set_up(&test.portal, &test.stranger(), "AAAAA-AAAAA-AAAAA-AAAAA", new()).await.expect_err("a wrong code");
    assert_eq!(field(&error), "code");
    assert!(identity::needs_setup(&test.portal).await.expect("asked"));
    let user = identity::set_up(&test.portal, &test.stranger(), &code.to_lowercase(), new()).await.expect("made");
    assert!(user.admin && user.email == "ada@example.com");
    assert!(!identity::needs_setup(&test.portal).await.expect("asked"));
    assert!(matches!(identity::set_up(&test.portal, &test.stranger(), &code, new()).await, Err(Error::Conflict(_))));
    assert_eq!(identity::prepare_setup(&test.portal).await.expect("prepared"), None);
    identity::sign_in(&test.portal, &test.stranger(), &user.email, PASSWORD).await.expect("signed in");
}

#[tokio::test]
async fn two_first_visitors_at_once_make_one_administrator() {
    let test = TestPortal::new().await;
    let code = identity::prepare_setup(&test.portal).await.expect("prepared").expect("a code");
    let stranger = test.stranger();
    let new = |name: &str| NewUser { email: email(name), name: name.into(), password: PASSWORD.into(), admin: true };
    let (one, two) = tokio::join!(
        identity::set_up(&test.portal, &stranger, &code, new("ada")),
        identity::set_up(&test.portal, &stranger, &code, new("eve"))
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(identity::list_users(&test.portal, &Caller::console()).await.expect("users").len(), 1);
}

#[tokio::test]
async fn guessing_the_code_is_slowed_down() {
    let test = TestPortal::new().await;
    identity::prepare_setup(&test.portal).await.expect("prepared");
    let new = || NewUser { email: email("eve"), name: "Eve".into(), password: PASSWORD.into(), admin: true };
    let mut slowed = false;
    for _ in 0..21 {
        slowed = matches!(identity::set_up(&test.portal, &test.stranger(), "AAAAA", new()).await, Err(Error::Throttled(_)));
    }
    assert!(slowed);
}

#[tokio::test]
async fn an_email_has_one_account() {
    let test = TestPortal::new().await;
    test.user("ada").await;
    let again = NewUser { email: "ADA@example.com".into(), name: String::new(), password: PASSWORD.into(), admin: false };
    assert!(matches!(identity::add_user(&test.portal, &Caller::console(), again).await, Err(Error::AlreadyExists(_))));
}

#[tokio::test]
async fn the_last_administrator_keeps_the_role_and_stays_enabled() {
    let test = TestPortal::new().await;
    let ada = test.admin("ada").await;
    let caller = test.caller("ada").await;
    assert!(matches!(identity::set_admin(&test.portal, &caller, &ada.id, false).await, Err(Error::Conflict(_))));
    assert!(matches!(identity::set_disabled(&test.portal, &caller, &ada.id, true).await, Err(Error::Conflict(_))));
    let grace = test.user("grace").await;
    identity::set_admin(&test.portal, &caller, &grace.id, true).await.expect("a second one");
    identity::set_disabled(&test.portal, &caller, &ada.id, true).await.expect("the first may go");
    assert!(matches!(identity::set_admin(&test.portal, &test.caller("grace").await, &grace.id, false).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn two_administrators_cannot_depose_each_other_at_once() {
    let test = TestPortal::new().await;
    let (ada, grace) = (test.admin("ada").await, test.admin("grace").await);
    let (first, second) = (test.caller("ada").await, test.caller("grace").await);
    let (one, two) = tokio::join!(
        identity::set_admin(&test.portal, &first, &grace.id, false),
        identity::set_admin(&test.portal, &second, &ada.id, false)
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test]
async fn only_a_portal_administrator_manages_accounts() {
    let test = TestPortal::new().await;
    let ada = test.user("ada").await;
    let caller = test.caller("ada").await;
    let new = NewUser { email: email("eve"), name: "Eve".into(), password: PASSWORD.into(), admin: true };
    assert!(matches!(identity::add_user(&test.portal, &caller, new.clone()).await, Err(Error::Forbidden(_))));
    assert!(matches!(identity::set_admin(&test.portal, &caller, &ada.id, true).await, Err(Error::Forbidden(_))));
    assert!(matches!(identity::reset_password(&test.portal, &caller, &ada.id, PASSWORD).await, Err(Error::Forbidden(_))));
    assert!(matches!(identity::list_users(&test.portal, &caller).await, Err(Error::Forbidden(_))));
    assert!(matches!(identity::add_user(&test.portal, &test.stranger(), new).await, Err(Error::Unauthenticated)));
}

#[tokio::test]
async fn a_changed_password_replaces_the_old_one_and_ends_the_other_sessions() {
    let test = TestPortal::new().await;
    let ada = test.user("ada").await;
    for handle in ["session-ada", "elsewhere"] {
        super::sessions::put(&test, handle, Some(&ada.id)).await;
    }
    let caller = test.caller("ada").await;
    let change = async |old: &str, new: &str| identity::change_password(&test.portal, &caller, old, new).await;
    assert_eq!(field(&change("wrong", "a brand new passphrase").await.expect_err("wrong")), "old");
    assert_eq!(field(&change(PASSWORD, "short").await.expect_err("short")), "new");
    change(PASSWORD, "a brand new passphrase").await.expect("changed");
    assert!(sessions::load(&test.portal, "session-ada").await.expect("read").is_some());
    assert!(sessions::load(&test.portal, "elsewhere").await.expect("read").is_none());
    assert!(identity::sign_in(&test.portal, &test.stranger(), &ada.email, PASSWORD).await.is_err());
    identity::sign_in(&test.portal, &test.stranger(), &ada.email, "a brand new passphrase").await.expect("signed in");
}

#[tokio::test]
async fn a_reset_password_or_a_disabled_account_ends_every_session_at_once() {
    let test = TestPortal::new().await;
    let ada = test.user("ada").await;
    super::sessions::put(&test, "one", Some(&ada.id)).await;
    identity::reset_password(&test.portal, &Caller::console(), &ada.id, "another long passphrase").await.expect("reset");
    assert!(sessions::load(&test.portal, "one").await.expect("read").is_none());
    super::sessions::put(&test, "two", Some(&ada.id)).await;
    identity::set_disabled(&test.portal, &Caller::console(), &ada.id, true).await.expect("disabled");
    assert!(sessions::load(&test.portal, "two").await.expect("read").is_none());
    assert!(identity::identify(&test.portal, &ada.id).await.expect("read").is_none());
    identity::set_disabled(&test.portal, &Caller::console(), &ada.id, false).await.expect("enabled");
    assert!(identity::identify(&test.portal, &ada.id).await.expect("read").is_some());
}

#[tokio::test]
async fn no_password_or_code_is_in_the_audit_trail() {
    let test = TestPortal::new().await;
    let code = identity::prepare_setup(&test.portal).await.expect("prepared").expect("a code");
    let new = NewUser { email: email("ada"), name: "Ada".into(), password: PASSWORD.into(), admin: true };
    let ada = identity::set_up(&test.portal, &test.stranger(), &code, new).await.expect("made");
    identity::reset_password(&test.portal, &Caller::console(), &ada.id, "another long passphrase").await.expect("reset");
    let csv = super::audit_trail::csv(&test, &AuditFilter::default()).await.concat();
    assert!(csv.contains("user.set_up") && csv.contains("user.reset_password"));
    for secret in [PASSWORD, "another long passphrase", code.as_str(), "argon2"] {
        assert!(!csv.contains(secret), "{secret}");
    }
}
