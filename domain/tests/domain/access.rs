//! Who has access to what: a row for each person in each team and each in none, its filters, its pages and its CSV, and who may see it.

use super::local_accounts::{external, provider};
use domain::{
    Caller, Error, access, args, identity,
    model::{AccessFilter, AccessRow, AccessState, NewToken, NewUser, Role},
    teams,
    testing::{PASSWORD, START, TestPortal, email},
    tokens,
};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn filter(change: impl FnOnce(&mut AccessFilter)) -> AccessFilter {
    let mut filter = AccessFilter::default();
    change(&mut filter);
    filter
}

async fn rows(test: &TestPortal, change: impl FnOnce(&mut AccessFilter)) -> Vec<AccessRow> {
    access::list(&test.portal, &Caller::console(), &filter(change)).await.expect("listed").rows
}

/// `ada vision member`, without the domain of the email.
fn told(rows: &[AccessRow]) -> Vec<String> {
    let said = |row: &AccessRow| {
        let name = row.email.split('@').next().unwrap_or_default();
        [Some(name), row.team.as_deref(), row.role.map(Role::as_str)].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    rows.iter().map(said).collect()
}

/// Vision with ada (admin) and bob (member), speech with ada (viewer); eva by the provider corp, waiting; boss, a portal administrator in no team;
/// gone, who was disabled.
async fn house() -> TestPortal {
    let test = TestPortal::new().await;
    test.admin("boss").await;
    test.team("vision", &[("ada", Role::Admin), ("bob", Role::Member)]).await;
    test.portal.clock.advance(DAY);
    test.team("speech", &[("ada", Role::Viewer)]).await;
    let gone = test.user("gone").await;
    provider(&test, "corp").await;
    external(&test, "eva", "corp", false).await;
    let sql = "UPDATE users SET disabled_at = created_at WHERE id = 'eva'";
    test.portal.db.execute(sql, args![]).await.expect("waiting");
    test.portal.clock.advance(DAY);
    identity::set_disabled(&test.portal, &Caller::console(), &gone.id, true).await.expect("disabled");
    identity::sign_in(&test.portal, &test.stranger(), &email("bob"), PASSWORD).await.expect("signed in");
    test
}

#[tokio::test]
async fn everybody_has_a_row_for_each_team_and_one_without_any() {
    let test = house().await;
    let all = rows(&test, |_| {}).await;
    assert_eq!(told(&all), ["ada speech viewer", "ada vision admin", "bob vision member", "boss", "eva", "gone"]);
    let of = |name: &str| all.iter().find(|row| row.email == email(name)).expect("a row");
    let [speech, vision] = [&all[0], &all[1]];
    assert_eq!((vision.since, speech.since, vision.last_sign_in_at), (START, START + DAY, None));
    assert_eq!(vision.source.map(domain::model::AccessSource::words), Some("by hand"));
    assert_eq!((of("bob").signs_in.as_str(), of("bob").last_sign_in_at), ("password", Some(START + 2 * DAY)));
    assert_eq!((of("boss").admin, of("boss").since, of("boss").source, of("boss").state), (true, START, None, AccessState::On));
    assert_eq!((of("eva").signs_in.as_str(), of("eva").state), ("CORP", AccessState::Waits));
    assert_eq!((of("gone").state, of("ada").admin), (AccessState::Disabled, false));
    // Of a provider that is removed its issuer is left; and passwords may be switched off.
    test.portal.db.execute("DELETE FROM sso_providers", args![]).await.expect("removed");
    test.portal.db.execute("INSERT INTO settings (name, value) VALUES ('local_accounts', 'off')", args![]).await.expect("off");
    let all = rows(&test, |_| {}).await;
    assert_eq!((all[4].signs_in.as_str(), all[3].signs_in.as_str()), ("https://corp.example", "password (switched off)"));
}

#[tokio::test]
async fn an_account_that_waits_is_told_from_one_that_was_disabled() {
    let test = house().await;
    let console = Caller::console();
    let eva = "eva".into();
    identity::set_disabled(&test.portal, &console, &eva, false).await.expect("let in");
    assert_eq!(rows(&test, |f| f.q = "eva".into()).await[0].state, AccessState::On);
    identity::set_disabled(&test.portal, &console, &eva, true).await.expect("disabled");
    assert_eq!(rows(&test, |f| f.q = "eva".into()).await[0].state, AccessState::Disabled);
}

#[tokio::test]
async fn tokens_count_where_they_work() {
    let test = house().await;
    let (portal, console) = (&test.portal, Caller::console());
    let make = async |team: &str, days: u32| {
        let new = NewToken { name: "t".into(), team: team.into(), role: Role::Viewer, days };
        tokens::create_for(portal, &console, &email("ada"), new).await.expect("a token").0
    };
    let (_short, long) = (make("vision", 1).await, make("vision", 30).await);
    make("speech", 7).await;
    let now = portal.clock.now();
    let seen = async || {
        let all = rows(&test, |f| f.q = "ada@".into()).await;
        all.iter().map(|row| (row.tokens, row.tokens_until.map(|at| (at - now) / DAY))).collect::<Vec<_>>()
    };
    assert_eq!(seen().await, [(1, Some(7)), (2, Some(30))]);
    portal.clock.advance(DAY);
    assert_eq!(seen().await, [(1, Some(7)), (1, Some(30))], "expired");
    tokens::revoke(portal, &test.caller("ada").await, &long.id).await.expect("revoked");
    assert_eq!(seen().await, [(1, Some(7)), (0, None)]);
    let ada = test.caller("ada").await.identity.expect("ada").user.id;
    identity::set_disabled(portal, &console, &ada, true).await.expect("disabled");
    assert_eq!(seen().await, [(0, None), (0, None)], "tokens of who is disabled are refused");
}

#[tokio::test]
async fn it_is_filtered_by_person_team_role_and_state_and_ordered() {
    let test = house().await;
    let told_of = async |change: &dyn Fn(&mut AccessFilter)| told(&rows(&test, change).await);
    assert_eq!(told_of(&|f| f.q = " BOB@".into()).await, ["bob vision member"]);
    assert_eq!(told_of(&|f| f.q = "o".into()).await.len(), 6, "of their emails");
    assert!(told_of(&|f| f.q = "b_b".into()).await.is_empty(), "nothing in it is a pattern");
    assert!(told_of(&|f| f.q = "%".into()).await.is_empty());
    assert_eq!(told_of(&|f| f.team = "vision".into()).await, ["ada vision admin", "bob vision member"]);
    assert_eq!(told_of(&|f| f.team = "-".into()).await, ["boss", "eva", "gone"]);
    assert_eq!(told_of(&|f| f.role = "viewer".into()).await, ["ada speech viewer"]);
    assert_eq!(told_of(&|f| f.role = "portal".into()).await, ["boss"]);
    assert_eq!(told_of(&|f| f.state = "waits".into()).await, ["eva"]);
    assert_eq!(told_of(&|f| f.state = "disabled".into()).await, ["gone"]);
    assert_eq!(told_of(&|f| (f.team, f.state) = ("-".into(), "on".into())).await, ["boss"]);
    assert!(told_of(&|f| f.team = "nowhere".into()).await.is_empty());
    assert_eq!(told_of(&|f| f.sort = "-person".into()).await.first().map(String::as_str), Some("gone"));
    assert_eq!(told_of(&|f| f.sort = "-role".into()).await[..3], ["ada vision admin", "bob vision member", "ada speech viewer"]);
    assert_eq!(told_of(&|f| f.sort = "-last".into()).await.first().map(String::as_str), Some("bob vision member"));
    assert_eq!(
        told_of(&|f| f.sort = "team".into()).await,
        ["boss", "eva", "gone", "ada speech viewer", "ada vision admin", "bob vision member"]
    );
    assert_eq!(told_of(&|f| f.sort = "since".into()).await[..3], ["ada vision admin", "bob vision member", "boss"]);
}

#[tokio::test]
async fn ten_thousand_rows_come_in_pages_and_as_one_file() {
    let test = house().await;
    let sql = "WITH RECURSIVE n (i) AS (SELECT CAST(10001 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
               INSERT INTO users (id, email, name, admin, created_at) SELECT 'u' || i, 'u' || i || '@many.example', '', 0, 0 FROM n";
    test.portal.db.execute(sql, args![]).await.expect("users");
    let sql = "INSERT INTO identities (issuer, subject, user_id) SELECT 'local', email, id FROM users WHERE email LIKE '%@many.example'";
    test.portal.db.execute(sql, args![]).await.expect("identities");
    let page = async |page: &str| {
        let asked = filter(|f| (f.q, f.page) = ("many.example".into(), page.into()));
        access::list(&test.portal, &Caller::console(), &asked).await.expect("listed")
    };
    let first = page("").await;
    assert_eq!((first.rows.len(), first.page, first.pages(), first.found), (100, 1, 100, 10_000));
    assert_eq!((first.rows[0].email.as_str(), first.teams), ("u10001@many.example", vec!["speech".to_owned(), "vision".to_owned()]));
    assert_eq!(page("2").await.rows[0].email, "u10101@many.example");
    let last = page("7000").await;
    assert_eq!((last.page, last.rows.last().map(|row| row.email.as_str())), (100, Some("u20000@many.example")));
    assert_eq!(page("nonsense").await.page, 1);
    let asked = filter(|f| (f.q, f.page) = ("many.example".into(), "3".into()));
    let csv = access::export_csv(&test.portal, &Caller::console(), &asked).await.expect("exported");
    assert_eq!((csv.len(), csv.concat().matches("\r\n").count()), (21, 10_001), "all pages, in pieces");
}

#[tokio::test]
async fn the_csv_holds_what_is_filtered_and_no_formula() {
    let test = house().await;
    let new = NewUser { email: "=cmd@evil.example".into(), name: "@SUM(1)".into(), password: PASSWORD.into(), admin: false };
    identity::add_user(&test.portal, &Caller::console(), new).await.expect("added");
    let csv = async |change: &dyn Fn(&mut AccessFilter)| {
        access::export_csv(&test.portal, &Caller::console(), &filter(change)).await.expect("exported").concat()
    };
    let head = "person,name,signs_in_with,portal_administrator,state,team,role,role_given,since,last_sign_in,tokens,tokens_until\r\n";
    let evil = csv(&|f| f.q = "evil".into()).await;
    assert_eq!(evil, format!("{head}\"'=cmd@evil.example\",\"'@SUM(1)\",\"password\",no,on,\"\",,,2026-01-03T00:00:00Z,,0,\r\n"));
    let bob = csv(&|f| f.role = "member".into()).await;
    assert_eq!(
        bob,
        format!(
            "{head}\"bob@example.com\",\"bob\",\"password\",no,on,\"vision\",member,by hand,2026-01-01T00:00:00Z,2026-01-03T00:00:00Z,0,\r\n"
        )
    );
}

#[tokio::test]
async fn only_a_portal_administrator_sees_it() {
    let test = house().await;
    let boss = test.caller("boss").await;
    let everything = AccessFilter::default();
    assert_eq!(access::list(&test.portal, &boss, &everything).await.expect("listed").found, 6);
    access::export_csv(&test.portal, &boss, &everything).await.expect("exported");
    for who in ["bob", "ada"] {
        let caller = test.caller(who).await;
        assert!(matches!(access::list(&test.portal, &caller, &everything).await, Err(Error::Forbidden(_))), "{who}");
        // Not even of their own team.
        let own = filter(|f| f.team = "vision".into());
        assert!(matches!(access::export_csv(&test.portal, &caller, &own).await, Err(Error::Forbidden(_))), "{who}");
    }
    assert!(matches!(access::list(&test.portal, &test.stranger(), &everything).await, Err(Error::Unauthenticated)));
    // A token of an administrator does not, either.
    teams::set_member(&test.portal, &Caller::console(), "vision", &email("boss"), Role::Admin).await.expect("a member");
    let new = NewToken { name: "t".into(), team: "vision".into(), role: Role::Admin, days: 1 };
    let (_, secret) = tokens::create_for(&test.portal, &Caller::console(), &email("boss"), new).await.expect("a token");
    let identity = tokens::authenticate(&test.portal, &secret).await.expect("asked").expect("boss");
    let caller = Caller::identified(identity, "test", "192.0.2.1");
    assert!(matches!(access::list(&test.portal, &caller, &everything).await, Err(Error::Forbidden(_))));
}
