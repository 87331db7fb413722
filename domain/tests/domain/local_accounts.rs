//! Local accounts switched off: what ends, what is refused, who cannot lock everybody out, and the way in when nothing else works.

use super::{sessions::put, sso::provider::Op};
use domain::{
    Caller, Error, args, identity,
    model::{AuditFilter, AuditRecord, NewUser, ProviderForm},
    sessions, sso,
    testing::{PASSWORD, TestPortal, email},
};

const MINUTE: i64 = 60 * 1000;

/// A provider that is switched on.
pub async fn provider(test: &TestPortal, id: &str) {
    let sql = "INSERT INTO sso_providers (id, name, issuer, client_id, scopes, admits, enabled, created_at) VALUES ($1, $2, $3, 'c', 'openid', 1, 1, 0)";
    test.portal.db.execute(sql, args![id, id.to_uppercase(), format!("https://{id}.example")]).await.expect("a provider");
}

/// An account that signs in with this provider.
pub async fn external(test: &TestPortal, name: &str, provider: &str, admin: bool) -> Caller {
    let sql = "INSERT INTO users (id, email, name, admin, created_at) VALUES ($1, $2, $1, $3, $4)";
    test.portal.db.execute(sql, args![name, email(name), admin, test.portal.clock.now()]).await.expect("a user");
    let sql = "INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $2)";
    test.portal.db.execute(sql, args![format!("https://{provider}.example"), name]).await.expect("an identity");
    test.caller(name).await
}

/// A portal with ada, a local administrator, and eva, one by the provider `corp`; local accounts are switched off.
async fn switched_off() -> (TestPortal, Caller) {
    let test = TestPortal::new().await;
    test.admin("ada").await;
    provider(&test, "corp").await;
    let eva = external(&test, "eva", "corp", true).await;
    identity::set_local(&test.portal, &eva, false).await.expect("switched off");
    (test, eva)
}

async fn sign_in(test: &TestPortal, name: &str, password: &str) -> Result<(), Error> {
    identity::sign_in(&test.portal, &test.stranger(), &email(name), password).await.map(drop)
}

async fn records(test: &TestPortal, action: &str) -> Vec<AuditRecord> {
    let filter = AuditFilter { action: action.to_owned(), ..AuditFilter::default() };
    domain::audit::list(&test.portal, &Caller::console(), &filter).await.expect("records")
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, Error>, word: &str) -> bool {
    matches!(result, Err(Error::Conflict(reason)) if reason.contains(word))
}

#[tokio::test]
async fn local_accounts_are_switched_off_only_by_who_signs_in_otherwise() {
    let test = TestPortal::new().await;
    test.admin("ada").await;
    provider(&test, "corp").await;
    let eva = external(&test, "eva", "corp", true).await;
    let portal = &test.portal;
    let mallory = external(&test, "mallory", "corp", false).await;
    assert!(matches!(identity::set_local(portal, &mallory, false).await, Err(Error::Forbidden(_))));
    assert!(matches!(identity::local_accounts(portal, &mallory).await, Err(Error::Forbidden(_))));
    assert!(matches!(identity::set_local(portal, &test.stranger(), false).await, Err(Error::Unauthenticated)));
    let ada = test.caller("ada").await;
    assert!(is_conflict(&identity::set_local(portal, &ada, false).await, "lock yourself out"));
    assert!(is_conflict(&identity::set_local(portal, &Caller::console(), false).await, "lock yourself out"));
    // Their own provider is switched off meanwhile.
    sso::set_enabled(portal, &ada, "corp", false).await.expect("off");
    assert!(is_conflict(&identity::set_local(portal, &eva, false).await, "lock yourself out"));
    sso::set_enabled(portal, &ada, "corp", true).await.expect("on");
    // They are no administrator any more, a moment after they asked.
    identity::set_admin(portal, &ada, &"eva".into(), false).await.expect("demoted");
    assert!(is_conflict(&identity::set_local(portal, &eva, false).await, "no administrator could sign in"));
    assert!(identity::passwords_work(portal).await.expect("asked"));
    identity::set_admin(portal, &ada, &"eva".into(), true).await.expect("promoted");

    let state = identity::local_accounts(portal, &eva).await.expect("asked");
    assert_eq!((state.on, state.accounts, state.administrators, state.break_glass), (true, 1, 1, None));
    identity::set_local(portal, &eva, false).await.expect("switched off");
    identity::set_local(portal, &eva, false).await.expect("it is off already");
    assert!(!identity::passwords_work(portal).await.expect("asked"));
    identity::set_local(portal, &eva, true).await.expect("switched on");
    assert!(identity::passwords_work(portal).await.expect("asked"));
    sign_in(&test, "ada", PASSWORD).await.expect("signed in");
    let trail = records(&test, "identity.local_").await;
    assert_eq!(
        trail.iter().map(|r| (r.action.as_str(), r.actor.as_str())).collect::<Vec<_>>(),
        [("identity.local_on", "eva@example.com"), ("identity.local_off", "eva@example.com")]
    );
}

#[tokio::test]
async fn while_they_are_off_every_password_gets_one_answer_and_is_recorded_and_slowed_down() {
    let (test, _) = switched_off().await;
    let mut answers = Vec::new();
    for (who, password) in [("ada", PASSWORD), ("ada", "wrong horse battery"), ("nobody", PASSWORD), ("eva", PASSWORD)] {
        let refused = sign_in(&test, who, password).await.expect_err(who);
        assert!(matches!(&refused, Error::Invalid(fields) if fields[0].field == "password"), "{refused:?}");
        answers.push(refused.to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let trail = records(&test, "user.sign_in_refused").await;
    assert_eq!(trail.len(), 4);
    assert!(trail.iter().all(|record| record.after.as_deref().is_some_and(|after| after.contains("switched off"))), "{trail:?}");
    for _ in 0..3 {
        sign_in(&test, "ada", PASSWORD).await.expect_err("refused");
    }
    assert!(matches!(sign_in(&test, "ada", PASSWORD).await, Err(Error::Throttled(_))));
    assert!(records(&test, "user.sign_in").await.iter().all(|record| record.action != "user.sign_in"));
}

#[tokio::test]
async fn sessions_of_local_accounts_end_at_once_and_one_that_begins_meanwhile_is_worth_nothing() {
    let test = TestPortal::new().await;
    let ada = test.admin("ada").await;
    provider(&test, "corp").await;
    let eva = external(&test, "eva", "corp", true).await;
    let lives = async |handle: &str| sessions::load(&test.portal, handle).await.expect("read").is_some();
    put(&test, "of-ada", Some(&ada.id)).await;
    put(&test, "of-eva", Some(&"eva".into())).await;
    put(&test, "of-nobody", None).await;
    identity::set_local(&test.portal, &eva, false).await.expect("switched off");
    assert!(!lives("of-ada").await && lives("of-eva").await && lives("of-nobody").await);
    assert!(records(&test, "identity.local_off").await[0].after.as_deref().is_some_and(|after| after.contains("\"sessions_ended\":1")));
    // The password was right a moment before.
    put(&test, "late", Some(&ada.id)).await;
    assert!(!lives("late").await);
    identity::set_local(&test.portal, &eva, true).await.expect("switched on");
    assert!(!lives("of-ada").await);
}

#[tokio::test]
async fn while_they_are_off_no_password_is_set_and_no_account_added() {
    let (test, eva) = switched_off().await;
    let portal = &test.portal;
    let new = |name: &str| NewUser { email: email(name), name: name.into(), password: PASSWORD.into(), admin: false };
    assert!(is_conflict(&identity::add_user(portal, &eva, new("bob")).await, "Admin, Sign-in"));
    let ada = test.caller("ada").await;
    let id = ada.identity.as_ref().expect("ada").user.id.clone();
    assert!(is_conflict(&identity::reset_password(portal, &eva, &id, "another long passphrase").await, "Admin, Sign-in"));
    assert!(is_conflict(&identity::change_password(portal, &ada, PASSWORD, "another long passphrase").await, "Admin, Sign-in"));
    // Who has the machine may: break-glass needs somebody.
    identity::add_user(portal, &Caller::console(), new("bob")).await.expect("added");
    identity::set_local(portal, &eva, true).await.expect("switched on");
    sign_in(&test, "ada", PASSWORD).await.expect("the password is as it was");
}

#[tokio::test]
async fn while_they_are_off_the_last_administrator_who_can_sign_in_stays_and_so_does_their_provider() {
    let (test, eva) = switched_off().await;
    let portal = &test.portal;
    provider(&test, "other").await;
    let word = "no administrator could sign in";
    let refused = async || {
        assert!(is_conflict(&sso::set_enabled(portal, &eva, "corp", false).await, word));
        assert!(is_conflict(&sso::remove(portal, &eva, "corp").await, word));
        assert!(is_conflict(&identity::set_disabled(portal, &eva, &"eva".into(), true).await, word));
        assert!(is_conflict(&identity::set_admin(portal, &eva, &"eva".into(), false).await, word));
    };
    // Ada is an administrator, too, but signs in with a password.
    refused().await;
    assert!(sso::list(portal, &eva).await.expect("listed").iter().all(|provider| provider.enabled));
    external(&test, "olga", "other", false).await;
    refused().await;
    identity::set_admin(portal, &eva, &"olga".into(), true).await.expect("a second one");
    sso::set_enabled(portal, &eva, "corp", false).await.expect("the other one is left");
    assert!(is_conflict(&sso::remove(portal, &eva, "other").await, word));
    assert!(is_conflict(&identity::set_disabled(portal, &eva, &"olga".into(), true).await, word));
    sso::set_enabled(portal, &eva, "corp", true).await.expect("on again");
    identity::set_admin(portal, &eva, &"olga".into(), false).await.expect("eva is left");
    let ada = test.caller("ada").await.identity.expect("ada").user.id;
    identity::set_disabled(portal, &eva, &ada, true).await.expect("ada could not sign in anyway");
}

#[tokio::test]
async fn while_they_are_off_a_provider_keeps_the_issuer_of_the_last_administrator() {
    let test = TestPortal::new().await;
    test.admin("ada").await;
    let (op, other) = (Op::new().await, Op::new().await);
    let form = |op: &Op| ProviderForm { name: "Corp".into(), issuer: op.issuer(), client_id: "c".into(), ..ProviderForm::default() };
    let id = sso::save(&test.portal, &Caller::console(), None, form(&op)).await.expect("a provider").id;
    let sql = "INSERT INTO users (id, email, name, admin, created_at) VALUES ('eva', $1, 'eva', 1, 0)";
    test.portal.db.execute(sql, args![email("eva")]).await.expect("a user");
    let sql = "INSERT INTO identities (issuer, subject, user_id) VALUES ($1, 'eva', 'eva')";
    test.portal.db.execute(sql, args![op.issuer()]).await.expect("an identity");
    let eva = test.caller("eva").await;
    identity::set_local(&test.portal, &eva, false).await.expect("switched off");
    assert!(is_conflict(&sso::save(&test.portal, &eva, Some(&id), form(&other)).await, "no administrator could sign in"));
    assert_eq!(sso::list(&test.portal, &eva).await.expect("listed")[0].issuer, op.issuer());
    let renamed = ProviderForm { name: "Company".into(), ..form(&op) };
    sso::save(&test.portal, &eva, Some(&id), renamed).await.expect("another name");
}

#[tokio::test]
async fn two_who_would_leave_together_do_not() {
    let (test, eva) = switched_off().await;
    provider(&test, "other").await;
    external(&test, "olga", "other", true).await;
    let eva_id = "eva".into();
    let (one, two) =
        tokio::join!(sso::set_enabled(&test.portal, &eva, "other", false), identity::set_disabled(&test.portal, &eva, &eva_id, true));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test]
async fn an_empty_portal_is_set_up_with_a_password_whatever_was_decided_before() {
    let test = TestPortal::new().await;
    test.portal.db.execute("INSERT INTO settings (name, value) VALUES ('local_accounts', 'off')", args![]).await.expect("off");
    let code = identity::prepare_setup(&test.portal).await.expect("prepared").expect("a code");
    let new = NewUser { email: email("ada"), name: "Ada".into(), password: PASSWORD.into(), admin: true };
    identity::set_up(&test.portal, &test.stranger(), &code, new).await.expect("made");
    sign_in(&test, "ada", PASSWORD).await.expect("signed in");
}

#[tokio::test]
async fn break_glass_lets_one_administrator_in_for_a_quarter_of_an_hour() {
    let (test, eva) = switched_off().await;
    let (portal, console) = (&test.portal, Caller::console());
    test.admin("grace").await;
    let ada = test.caller("ada").await.identity.expect("ada").user.id;
    let window = identity::open_break_glass(portal, &console, "Ada@example.com", "the provider is down", None).await.expect("open");
    assert_eq!((window.email.as_str(), window.until - window.opened_at), ("ada@example.com", 15 * MINUTE));
    assert_eq!(identity::local_accounts(portal, &eva).await.expect("asked").break_glass, Some(window));
    sign_in(&test, "ada", PASSWORD).await.expect("let in");
    assert!(sign_in(&test, "ada", "wrong horse battery").await.is_err());
    assert!(sign_in(&test, "grace", PASSWORD).await.is_err(), "it is for one account");
    // Its session lives an hour, however much it is used and whatever is saved.
    put(&test, "glass", Some(&ada)).await;
    let read = async || sessions::load(portal, "glass").await.expect("read");
    let session = read().await.expect("alive");
    assert_eq!(session.expires_at, portal.clock.now() + 60 * MINUTE);
    portal.clock.advance(15 * MINUTE - 1);
    sign_in(&test, "ada", PASSWORD).await.expect("still open");
    portal.clock.advance(1);
    assert!(sign_in(&test, "ada", PASSWORD).await.is_err(), "closed by itself");
    assert_eq!(identity::local_accounts(portal, &eva).await.expect("asked").break_glass, None);
    let longer = sessions::SessionRecord { expires_at: session.expires_at + 600 * MINUTE, ..session };
    sessions::save(portal, &longer).await.expect("saved");
    portal.clock.advance(45 * MINUTE - 1);
    assert!(read().await.is_some());
    portal.clock.advance(1);
    assert!(read().await.is_none());
    assert_eq!(sessions::sweep(portal).await.expect("swept"), 1);

    let opened = &records(&test, "user.break_glass_open").await[0];
    assert_eq!((opened.actor.as_str(), opened.via.as_str(), opened.object_name.as_str()), ("console", "console", "ada@example.com"));
    let used: Vec<AuditRecord> = records(&test, "user.break_glass").await.into_iter().filter(|r| r.action == "user.break_glass").collect();
    assert_eq!(used.len(), 2);
    assert!(used.iter().all(|r| r.actor == "ada@example.com" && r.after.as_deref().is_some_and(|a| a.contains("the provider is down"))));
}

#[tokio::test]
async fn break_glass_sets_a_new_password_and_is_closed_with_its_sessions() {
    let (test, _) = switched_off().await;
    let (portal, console) = (&test.portal, Caller::console());
    let ada = test.caller("ada").await.identity.expect("ada").user.id;
    let open = async |password: Option<&str>| identity::open_break_glass(portal, &console, &email("ada"), "", password).await;
    assert!(matches!(open(Some("short")).await, Err(Error::Invalid(fields)) if fields[0].field == "password"));
    open(Some("another long passphrase")).await.expect("open");
    assert!(sign_in(&test, "ada", PASSWORD).await.is_err());
    sign_in(&test, "ada", "another long passphrase").await.expect("let in");
    put(&test, "glass", Some(&ada)).await;
    assert_eq!(identity::close_break_glass(portal, &console, &email("ada")).await.expect("closed"), 1);
    assert!(sessions::load(portal, "glass").await.expect("read").is_none());
    assert!(sign_in(&test, "ada", "another long passphrase").await.is_err());
    assert!(is_conflict(&identity::close_break_glass(portal, &console, &email("ada")).await, "No window is open"));
    let csv = super::audit_trail::csv(&test, &AuditFilter::default()).await.concat();
    assert!(csv.contains("user.break_glass_close") && !csv.contains("another long passphrase"));
}

#[tokio::test]
async fn break_glass_is_opened_on_the_portals_machine_for_a_local_administrator_and_only_while_it_is_needed() {
    let (test, eva) = switched_off().await;
    let (portal, console) = (&test.portal, Caller::console());
    let open = async |caller: &Caller, who: &str| identity::open_break_glass(portal, caller, &email(who), "", None).await;
    assert!(matches!(open(&eva, "ada").await, Err(Error::Forbidden(_))));
    assert!(matches!(identity::close_break_glass(portal, &eva, &email("ada")).await, Err(Error::Forbidden(_))));
    test.user("bob").await;
    assert!(is_conflict(&open(&console, "bob").await, "no portal administrator. Local administrators: ada@example.com"));
    assert!(is_conflict(&open(&console, "eva").await, "no local account"));
    open(&console, "ada").await.expect("open");
    assert!(is_conflict(&identity::close_break_glass(portal, &console, &email("bob")).await, "ada@example.com's"));
    // An administrator who is one no more is not let in by a window that is open.
    let ada = test.caller("ada").await.identity.expect("ada").user.id;
    identity::set_admin(portal, &eva, &ada, false).await.expect("demoted");
    assert!(sign_in(&test, "ada", PASSWORD).await.is_err());
    assert!(is_conflict(&open(&console, "ada").await, "slipway user add EMAIL --admin"));
    identity::set_local(portal, &eva, true).await.expect("switched on");
    assert_eq!(identity::local_accounts(portal, &eva).await.expect("asked").break_glass, None);
    assert!(is_conflict(&open(&console, "ada").await, "switched on"));
}

#[tokio::test]
async fn a_provider_that_is_down_for_two_hours_ends_no_session_and_the_glass_can_be_broken() {
    let test = TestPortal::new().await;
    test.admin("ada").await;
    let op = Op::new().await;
    let form = ProviderForm { name: "Corp".into(), issuer: op.issuer(), client_id: "c".into(), ..ProviderForm::default() };
    let (portal, console) = (&test.portal, Caller::console());
    let id = sso::save(portal, &console, None, form).await.expect("a provider").id;
    let sql = "INSERT INTO users (id, email, name, admin, created_at) VALUES ('eva', $1, 'eva', 1, 0)";
    portal.db.execute(sql, args![email("eva")]).await.expect("a user");
    let sql = "INSERT INTO identities (issuer, subject, user_id) VALUES ($1, 'eva', 'eva')";
    portal.db.execute(sql, args![op.issuer()]).await.expect("an identity");
    identity::set_local(portal, &test.caller("eva").await, false).await.expect("switched off");
    put(&test, "of-eva", Some(&"eva".into())).await;
    drop(op);
    portal.clock.advance(120 * MINUTE);
    assert!(matches!(sso::begin(portal, &console, &id, "/").await, Err(Error::Unavailable(_))));
    assert!(sessions::load(portal, "of-eva").await.expect("read").is_some());
    identity::open_break_glass(portal, &console, &email("ada"), "the provider is down", None).await.expect("open");
    sign_in(&test, "ada", PASSWORD).await.expect("let in");
}
