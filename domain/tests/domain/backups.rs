//! Backup and restore: a copy that is whole, of one moment, and fits either database.

use super::{sessions, teams};
use domain::{
    Caller, Error, args, audit,
    backup::{backup, known_columns, restore},
    db::Db,
    environments, identity,
    model::{NewToken, Role},
    testing::{PASSWORD, TestDatabase, TestPortal, email},
    tokens,
};
use std::collections::BTreeMap;

async fn filled() -> TestPortal {
    let test = TestPortal::new().await;
    let team = test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member)]).await;
    test.admin("root").await;
    environments::ship_defaults(&test.portal).await.expect("shipped");
    let ada = test.caller("ada").await;
    let me = ada.identity().expect("signed in").user.id.clone();
    teams::notebook(&test, &team.id, &me, "churn").await;
    sessions::put(&test, "a-session", Some(&me)).await;
    let db = &test.portal.db;
    db.execute(
        "INSERT INTO notebook_phases (notebook_id, launch, position, phase, at, reason) VALUES ('nb-churn', 1, 0, 'ready', 5, $1)",
        args!["tab\t quote \" ü \u{2028} 😀 \\"],
    )
    .await
    .expect("a phase");
    db.execute("INSERT INTO notebook_secrets (notebook_id, name, sealed) VALUES ('nb-churn', 'TOKEN', 'sealed')", args![])
        .await
        .expect("a secret");
    db.execute("INSERT INTO notebook_volumes (notebook_id, volume_id, read_only) VALUES ('nb-churn', 'vol-churn', 1)", args![])
        .await
        .expect("a volume");
    let token = NewToken { name: "ci".into(), team: "vision".into(), role: Role::Viewer, days: 3 };
    tokens::create(&test.portal, &ada, token).await.expect("a token");
    test
}

async fn copy(db: &Db) -> String {
    let mut out = Vec::new();
    backup(db, &mut out).await.expect("copied");
    String::from_utf8(out).expect("text")
}

async fn restored(text: &str, database: &TestDatabase) -> Db {
    let db = Db::open(&database.url).await.expect("opened");
    restore(&db, text.as_bytes()).await.expect("restored");
    db
}

#[tokio::test]
async fn a_restored_copy_is_the_same_portal() {
    let test = filled().await;
    let text = copy(&test.portal.db).await;
    assert_eq!(text.lines().count(), 2 + usize::try_from(backup(&test.portal.db, std::io::sink()).await.expect("counted")).expect("few"));
    let other = TestPortal::new().await;
    environments::ship_defaults(&other.portal).await.expect("what a first start leaves is no obstacle");
    restore(&other.portal.db, text.as_bytes()).await.expect("restored");
    assert_eq!(copy(&other.portal.db).await, text);
    assert_eq!(audit::verify(&other.portal).await.expect("verified"), None);
    identity::sign_in(&other.portal, &other.stranger(), &email("ada"), PASSWORD).await.expect("the password fits");
    assert_eq!(audit::verify(&other.portal).await.expect("verified"), None, "the trail goes on where it was");
    let (count,): (i64,) = other.portal.db.fetch_one("SELECT COUNT(*) FROM sessions", args![]).await.expect("count");
    assert_eq!(count, 0, "a copy revives no session");
}

#[tokio::test]
async fn a_portal_moves_from_one_database_to_the_other_and_back() {
    let Some(server) = TestDatabase::server() else { return };
    let test = filled().await;
    let text = copy(&test.portal.db).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (lite, postgres) = (TestDatabase::sqlite(folder.path()), TestDatabase::postgres(&server).await);
    let lite = restored(&text, &lite).await;
    assert_eq!(copy(&lite).await, text);
    let back = restored(&copy(&lite).await, &postgres).await;
    assert_eq!(copy(&back).await, text);
}

#[tokio::test]
async fn a_portal_with_users_is_not_overwritten() {
    let test = filled().await;
    let text = copy(&test.portal.db).await;
    assert!(matches!(restore(&test.portal.db, text.as_bytes()).await, Err(Error::Conflict(_))));
    assert_eq!(copy(&test.portal.db).await, text);
}

#[tokio::test]
async fn a_damaged_copy_is_refused_with_its_line_and_leaves_nothing() {
    let test = filled().await;
    let text = copy(&test.portal.db).await;
    let lines: Vec<&str> = text.lines().collect();
    let damaged = [
        (String::new(), "This is not a Slipway backup."),
        ("hello\n".to_owned(), "Line 1"),
        (text.replacen("\"slipway_backup\":1", "\"slipway_backup\":9", 1), "format 9"),
        (text.replacen("\"schema\":", "\"schema\":99", 1), "schema 99"),
        (lines[..lines.len() - 1].join("\n"), "cut off"),
        (text[..text.len() / 2].to_owned(), "is not a line of a Slipway backup"),
        ([&lines[..4], &lines[5..]].concat().join("\n"), "cannot be restored"),
        (format!("{text}{}\n", lines[3]), "goes on after its end"),
        (text.replacen("\"table\":\"teams\"", "\"table\":\"users; DROP TABLE users\"", 1), "no such table"),
        (text.replacen("\"email\":", "\"email) SELECT 1 --\":", 1), "it has no email"),
    ];
    let empty = TestPortal::new().await;
    for (bad, expected) in damaged {
        let error = restore(&empty.portal.db, bad.as_bytes()).await.expect_err(expected);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    assert!(identity::list_users(&empty.portal, &Caller::console()).await.expect("users").is_empty());
    restore(&empty.portal.db, text.as_bytes()).await.expect("the whole one fits");
}

#[tokio::test]
async fn a_copy_is_of_one_moment_while_the_portal_goes_on() {
    let test = filled().await;
    let writing = async {
        for i in 0..20 {
            test.team(&format!("team-{i}"), &[]).await;
        }
    };
    let (text, ()) = tokio::join!(copy(&test.portal.db), writing);
    let other = TestPortal::new().await;
    restore(&other.portal.db, text.as_bytes()).await.expect("restored");
    assert_eq!(audit::verify(&other.portal).await.expect("verified"), None, "trail and counter are of the same moment");
}

#[tokio::test]
async fn the_copy_knows_every_table_and_column_of_the_schema() {
    let test = TestPortal::new().await;
    let sql = match test.portal.db.kind() {
        "sqlite" => {
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.cid"
        }
        _ => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
             WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        }
    };
    let rows: Vec<(String, String)> = test.portal.db.fetch_all(sql, args![]).await.expect("the schema");
    let mut schema: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in rows {
        schema.entry(table).or_default().push(column);
    }
    assert!(schema.remove("_sqlx_migrations").is_some());
    for (table, columns) in known_columns() {
        let real = schema.remove(table).unwrap_or_else(|| panic!("there is no table {table}"));
        if !columns.is_empty() {
            assert_eq!(columns, real, "{table}");
        }
    }
    assert!(schema.is_empty(), "tables that a backup forgets: {schema:?}");
}
