//! Sessions: begun at sign-in only, never chosen by the browser, gone after sign-out, expiry, revocation and disabling.

use crate::house::{Answer, House};
use domain::{Caller, args, identity, testing::PASSWORD};

const HOUR: i64 = 60 * 60 * 1000;

async fn sign_in(house: &House, cookie: &str, next: &str) -> Answer {
    house.post("/api/identity/sign_in", cookie, &format!("email=amy@example.com&password={PASSWORD}&next={next}")).await
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").expect("a cookie").split(';').next().expect("its pair").to_owned()
}

async fn is_signed_in(house: &House, cookie: &str) -> bool {
    house.get("/account", &[("cookie", cookie)]).await.status == 200
}

#[tokio::test]
async fn a_visitor_gets_no_session_and_a_chosen_one_is_never_valid() {
    let house = House::new().await;
    house.test.user("amy").await;
    assert_eq!(house.get("/sign-in", &[]).await.header("set-cookie"), None);
    let chosen = "slipway=AAAAAAAAAAAAAAAAAAAAAA";
    assert!(!is_signed_in(&house, chosen).await);
    let given = cookie_of(&sign_in(&house, chosen, "/").await);
    assert_ne!(given, chosen);
    assert!(!is_signed_in(&house, chosen).await);
    assert!(is_signed_in(&house, &given).await);
    let (rows,): (i64,) = house.portal.db.fetch_one("SELECT COUNT(*) FROM sessions", args![]).await.expect("sessions");
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let house = House::new().await;
    house.test.user("amy").await;
    let first = cookie_of(&sign_in(&house, "", "/").await);
    let second = cookie_of(&sign_in(&house, &first, "/").await);
    assert_ne!(first, second);
    assert!(!is_signed_in(&house, &first).await);
    assert!(is_signed_in(&house, &second).await);
}

#[tokio::test]
async fn a_cookie_is_worthless_after_sign_out() {
    let house = House::new().await;
    house.test.user("amy").await;
    let cookie = cookie_of(&sign_in(&house, "", "/").await);
    let out = house.post("/api/identity/sign_out", &cookie, "").await;
    assert!(out.header("set-cookie").is_some_and(|c| c.starts_with("slipway=;") && c.contains("Max-Age=0")), "{out:?}");
    assert_eq!(out.header("clear-site-data"), Some("\"cache\""));
    assert!(!is_signed_in(&house, &cookie).await);
}

#[tokio::test]
async fn next_never_leads_away() {
    let house = House::new().await;
    house.test.user("amy").await;
    let bad = [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "/%2509/evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/nb/1/..//evil.example",
    ];
    for next in bad {
        let answer = sign_in(&house, "", next).await;
        assert_eq!(answer.header("location").or(Some("/")), Some("/"), "{next}");
    }
    let ada = house.session("ada").await;
    for next in bad {
        let next = next.replace('\\', "%5C");
        assert_eq!(house.get(&format!("/sign-in?next={next}"), &[("cookie", &ada)]).await.header("location"), Some("/"), "{next}");
    }
    assert_eq!(sign_in(&house, "", "/account/tokens").await.header("location"), Some("/account/tokens"));
    assert_eq!(house.get("/t/red/members?sort=role", &[]).await.header("location"), Some("/sign-in?next=/t/red/members%3Fsort%3Drole"));
    let back = house.get("/sign-in?next=/t/red/members%3Fsort%3Drole", &[("cookie", &ada)]).await;
    assert_eq!(back.header("location"), Some("/t/red/members?sort=role"));
}

#[tokio::test]
async fn sessions_end_idle_late_and_when_the_account_is_disabled() {
    let house = House::new().await;
    let idle = house.session("ada").await;
    house.portal.clock.advance(11 * HOUR);
    assert!(is_signed_in(&house, &idle).await, "in use");
    house.portal.clock.advance(11 * HOUR);
    assert!(is_signed_in(&house, &idle).await, "used 11 hours ago");
    house.portal.clock.advance(13 * HOUR);
    assert!(!is_signed_in(&house, &idle).await, "idle");

    let used = house.session("ada").await;
    for _ in 0..16 {
        assert!(is_signed_in(&house, &used).await);
        house.portal.clock.advance(10 * HOUR);
    }
    house.portal.clock.advance(9 * HOUR);
    assert!(!is_signed_in(&house, &used).await, "a week is the most, however much it is used");

    let disabled = house.session("vera").await;
    identity::set_disabled(&house.portal, &Caller::console(), &house.user_id("vera").await, true).await.expect("disabled");
    assert!(!is_signed_in(&house, &disabled).await);
}

#[tokio::test]
async fn using_a_session_writes_once_a_minute_at_most() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let seen = async || {
        let row: (i64,) = house.portal.db.fetch_one("SELECT last_seen_at FROM sessions", args![]).await.expect("a session");
        row.0
    };
    let start = seen().await;
    house.portal.clock.advance(59_000);
    assert_eq!(house.get("/account", &[("cookie", &ada)]).await.header("set-cookie"), None);
    assert_eq!(seen().await, start);
    house.portal.clock.advance(1_000);
    assert!(is_signed_in(&house, &ada).await);
    assert_eq!(seen().await, start + 60_000);
}

#[tokio::test]
async fn the_first_page_is_the_team_one_looked_at_last() {
    let house = House::new().await;
    domain::teams::set_member(&house.portal, &Caller::console(), "blue", "ada@example.com", domain::model::Role::Viewer)
        .await
        .expect("a member");
    let ada = house.session("ada").await;
    let home = async |cookie: &str| house.get("/", &[("cookie", cookie)]).await.header("location").map(str::to_owned);
    assert_eq!(home(&ada).await.as_deref(), Some("/t/blue"));
    let visited = house.get("/t/red/members", &[("cookie", &ada)]).await;
    let team = cookie_of(&visited);
    assert_eq!(team, "slipway-team=red");
    assert_eq!(home(&format!("{ada}; {team}")).await.as_deref(), Some("/t/red"));
    assert_eq!(home(&format!("{ada}; slipway-team=gone")).await.as_deref(), Some("/t/blue"));
    // Pages of no team lead back to it.
    let account = house.get("/account", &[("cookie", &format!("{ada}; {team}"))]).await;
    assert!(account.body.contains(r#"href="/t/red/notebooks""#), "{}", account.body);
    let newt = house.session("newt").await;
    assert_eq!(home(&newt).await.as_deref(), Some("/welcome"));
}

#[tokio::test]
async fn an_empty_portal_leads_to_the_first_administrator() {
    let house = House::new().await;
    for table in ["DELETE FROM memberships", "DELETE FROM identities", "DELETE FROM users"] {
        house.portal.db.execute(table, args![]).await.expect("nobody");
    }
    assert_eq!(house.get("/t/red", &[]).await.header("location"), Some("/setup"));
    assert_eq!(house.get("/setup", &[]).await.status, 200);
    let code = identity::prepare_setup(&house.portal).await.expect("prepared").expect("a code");
    let form = |code: &str| format!("code={code}&email=first@example.com&name=First&password={PASSWORD}");
    assert_eq!(house.post("/api/identity/set_up", "", &form("WRONG")).await.header("set-cookie"), None);
    let made = house.post("/api/identity/set_up", "", &form(&code)).await;
    let cookie = cookie_of(&made);
    assert!(is_signed_in(&house, &cookie).await);
    assert_eq!(house.post("/api/identity/set_up", "", &form(&code)).await.status, 409);
}

/// Boss signs in with a provider from now on.
async fn provider_for_boss(house: &House) {
    let sql = "INSERT INTO sso_providers (id, name, issuer, client_id, scopes, admits, enabled, created_at)
               VALUES ('corp', 'Corp', 'https://corp.example', 'c', 'openid', 1, 1, 0)";
    house.portal.db.execute(sql, args![]).await.expect("a provider");
    let sql = "UPDATE identities SET issuer = 'https://corp.example' WHERE subject = 'boss@example.com'";
    house.portal.db.execute(sql, args![]).await.expect("an identity");
}

#[tokio::test]
async fn while_local_accounts_are_off_the_door_takes_no_password_but_by_break_glass() {
    let house = House::new().await;
    house.test.admin("amy").await;
    provider_for_boss(&house).await;
    let door = async |query: &str| house.get(&format!("/sign-in{query}"), &[]).await.body;
    assert!(door("").await.contains("name=\"password\""));
    let amy = cookie_of(&sign_in(&house, "", "/").await);
    let refused = house.post("/api/identity/set_local", &amy, "on=false").await;
    assert!(refused.status == 409 && refused.body.contains("identity provider"), "{refused:?}");
    let boss = house.session("boss").await;
    assert!(is_signed_in(&house, &amy).await);
    assert_eq!(house.post("/api/identity/set_local", &boss, "on=false").await.status, 200);

    assert!(!is_signed_in(&house, &amy).await && is_signed_in(&house, &boss).await);
    let closed = door("").await;
    assert!(closed.contains("Sign in with Corp") && closed.contains("switched off") && !closed.contains("name=\"password\""), "{closed}");
    let refused = sign_in(&house, "", "/").await;
    assert!(refused.status == 400 && refused.header("set-cookie").is_none(), "{refused:?}");
    assert!(refused.body.contains("identity provider"), "{refused:?}");
    assert_eq!(house.post("/api/identity/add_user", &boss, &format!("email=x@example.com&name=x&password={PASSWORD}")).await.status, 409);
    let page = house.get("/admin/sign-in", &[("cookie", &boss)]).await.body;
    assert!(page.contains("Local accounts") && page.contains("Switch on") && !page.contains("Break-glass is open"), "{page}");

    identity::open_break_glass(&house.portal, &Caller::console(), "amy@example.com", "Corp is down", None).await.expect("open");
    assert!(door("?with=password").await.contains("name=\"password\""));
    let glass = cookie_of(&sign_in(&house, "", "/").await);
    let page = house.get("/admin/sign-in", &[("cookie", &glass)]).await.body;
    assert!(page.contains("Break-glass is open") && page.contains("amy@example.com") && page.contains("Corp is down"), "{page}");
    // However much it is used.
    for _ in 0..6 {
        assert!(is_signed_in(&house, &glass).await);
        house.portal.clock.advance(HOUR / 6);
    }
    assert!(!is_signed_in(&house, &glass).await);
    assert!(sign_in(&house, "", "/").await.header("set-cookie").is_none());
    assert_eq!(house.post("/api/identity/set_local", &boss, "on=true").await.status, 200);
    assert!(is_signed_in(&house, &cookie_of(&sign_in(&house, "", "/").await)).await);
}
