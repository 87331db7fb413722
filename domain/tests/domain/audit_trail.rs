//! The audit trail: complete, of one piece, readable by those who may.

use domain::{
    Caller, Error, args, audit, identity,
    model::{AuditFilter, NewToken, NewUser, Role},
    teams,
    testing::{PASSWORD, TestPortal, email},
    tokens,
};
use futures::{StreamExt, TryStreamExt};

async fn trail(test: &TestPortal, filter: AuditFilter) -> Vec<String> {
    let records = audit::list(&test.portal, &Caller::console(), &filter).await.expect("records");
    records.into_iter().map(|r| format!("{} {} {}", r.actor, r.action, r.object_name)).collect()
}

/// The export, piece by piece.
pub async fn csv(test: &TestPortal, filter: &AuditFilter) -> Vec<String> {
    let pieces = audit::export_csv(&test.portal, &Caller::console(), filter).expect("an export");
    pieces.try_collect().await.expect("all of it")
}

/// Five records, of two teams.
async fn with_records() -> TestPortal {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin)]).await;
    teams::create(&test.portal, &test.caller("ada").await, "speech").await.expect("made");
    test
}

async fn tamper(test: &TestPortal, sql: &'static str) {
    assert!(test.portal.db.execute(sql, args![]).await.expect("changed") > 0);
}

#[tokio::test]
async fn an_untouched_trail_is_found_whole() {
    let test = with_records().await;
    assert_eq!(audit::verify(&test.portal).await.expect("verified"), None);
    let empty = TestPortal::new().await;
    assert_eq!(audit::verify(&empty.portal).await.expect("verified"), None);
}

#[tokio::test]
async fn an_edited_a_removed_a_swapped_and_a_cut_off_record_are_each_named() {
    for (sql, first_bad) in [
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 3", 3),
        ("UPDATE audit SET after = NULL WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq >= 4", 4),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET seq = CASE seq WHEN 2 THEN -3 WHEN 3 THEN -2 END WHERE seq IN (2, 3)", 2),
    ] {
        let test = with_records().await;
        tamper(&test, sql).await;
        test.portal.db.execute("UPDATE audit SET seq = -seq WHERE seq < 0", args![]).await.expect("swapped");
        assert_eq!(audit::verify(&test.portal).await.expect("verified"), Some(first_bad), "{sql}");
    }
}

#[tokio::test]
async fn a_record_that_was_added_by_hand_is_found() {
    let test = with_records().await;
    tamper(&test, "INSERT INTO audit SELECT seq + 1, at, actor, via, team, action, object, object_name, before, after, request_id, address, hash FROM audit WHERE seq = 4").await;
    assert_eq!(audit::verify(&test.portal).await.expect("verified"), Some(5));
}

#[tokio::test]
async fn nothing_changes_where_the_trail_cannot_be_written() {
    let test = with_records().await;
    let ada = test.caller("ada").await;
    let before: Vec<(String, i64)> =
        test.portal.db.fetch_all("SELECT name, value FROM counters ORDER BY name", args![]).await.expect("counters");
    test.portal.db.execute("ALTER TABLE audit RENAME TO audit_gone", args![]).await.expect("renamed");
    let new = NewUser { email: email("eve"), name: "Eve".into(), password: PASSWORD.into(), admin: false };
    assert!(matches!(identity::add_user(&test.portal, &Caller::console(), new).await, Err(Error::Unavailable(_))));
    assert!(matches!(teams::create(&test.portal, &ada, "third").await, Err(Error::Unavailable(_))));
    let me = ada.identity().expect("signed in").user.id.clone();
    assert!(matches!(identity::set_admin(&test.portal, &Caller::console(), &me, true).await, Err(Error::Unavailable(_))));
    assert!(matches!(identity::sign_in(&test.portal, &test.stranger(), &email("ada"), PASSWORD).await, Err(Error::Unavailable(_))));

    let users = identity::list_users(&test.portal, &Caller::console()).await.expect("reading works");
    assert_eq!(
        users.iter().map(|u| (u.email.as_str(), u.admin, u.last_sign_in_at)).collect::<Vec<_>>(),
        [("ada@example.com", false, None)]
    );
    assert_eq!(teams::list_all(&test.portal, &Caller::console()).await.expect("reading works").len(), 2);
    let after: Vec<(String, i64)> =
        test.portal.db.fetch_all("SELECT name, value FROM counters ORDER BY name", args![]).await.expect("counters");
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_filter_narrows_and_takes_wildcards_literally() {
    let test = with_records().await;
    let all = AuditFilter::default;
    assert_eq!(trail(&test, all()).await[0], "ada@example.com team.create speech", "newest first");
    assert_eq!(trail(&test, AuditFilter { action: "team".into(), ..all() }).await.len(), 3);
    assert_eq!(trail(&test, AuditFilter { action: "eam".into(), ..all() }).await.len(), 0, "a prefix");
    assert_eq!(trail(&test, AuditFilter { actor: "ADA@".into(), ..all() }).await, ["ada@example.com team.create speech"]);
    assert_eq!(trail(&test, AuditFilter { object: "peec".into(), ..all() }).await.len(), 1);
    assert_eq!(trail(&test, AuditFilter { team: "vision".into(), ..all() }).await.len(), 2);
    for wild in ["%", "_", "a%a", "\\", "' OR 1=1 --"] {
        assert_eq!(trail(&test, AuditFilter { actor: wild.into(), ..all() }).await.len(), 0, "{wild}");
        assert_eq!(trail(&test, AuditFilter { action: wild.into(), ..all() }).await.len(), 0, "{wild}");
    }
    let now = test.portal.clock.now();
    assert_eq!(trail(&test, AuditFilter { from: Some(now + 1), ..all() }).await.len(), 0);
    assert_eq!(trail(&test, AuditFilter { until: Some(now - 1), ..all() }).await.len(), 0);
    assert_eq!(trail(&test, AuditFilter { limit: 2, ..all() }).await.len(), 2);
    assert_eq!(trail(&test, AuditFilter { limit: 2, past_seq: Some(3), ..all() }).await.len(), 2);
    assert_eq!(trail(&test, AuditFilter { past_seq: Some(1), ..all() }).await.len(), 0);
}

#[tokio::test]
async fn the_oldest_come_first_where_that_is_asked_for_page_by_page() {
    let test = with_records().await;
    let mut newest = trail(&test, AuditFilter::default()).await;
    newest.reverse();
    let oldest = |past_seq, limit| AuditFilter { oldest_first: true, past_seq, limit, ..AuditFilter::default() };
    assert_eq!(trail(&test, oldest(None, 0)).await, newest);
    assert_eq!(trail(&test, oldest(None, 2)).await, newest[..2]);
    assert_eq!(trail(&test, oldest(Some(2), 2)).await, newest[2..4]);
}

#[tokio::test]
async fn a_team_admin_reads_the_trail_of_their_own_team_only() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member)]).await;
    test.team("speech", &[("sam", Role::Admin)]).await;
    test.admin("root").await;
    let read = async |who: &str, team: &str| {
        let filter = AuditFilter { team: team.to_owned(), ..AuditFilter::default() };
        audit::list(&test.portal, &test.caller(who).await, &filter).await
    };
    let own = read("ada", "vision").await.expect("hers");
    assert!(!own.is_empty() && own.iter().all(|r| r.team.as_deref() == Some("vision")));
    assert!(matches!(read("ada", "speech").await, Err(Error::NotFound("team"))));
    assert!(matches!(read("ada", "").await, Err(Error::Forbidden(_))));
    assert!(matches!(read("mel", "vision").await, Err(Error::Forbidden(_))));
    assert!(!read("root", "").await.expect("all").is_empty());
    assert!(!read("root", "vision").await.expect("any").is_empty());
    let csv = audit::export_csv(&test.portal, &test.caller("ada").await, &AuditFilter::default());
    assert!(matches!(csv.map(drop), Err(Error::Forbidden(_))), "the export asks the same question");
}

#[tokio::test]
async fn the_export_has_one_line_for_each_record_and_no_formula() {
    let test = TestPortal::new().await;
    for i in 0..501 {
        let (db, name) = (&test.portal.db, format!("=HYPERLINK(\"http://e\",\"x{i}\")"));
        let mut tx = db.begin().await.expect("begun");
        let entry =
            audit::Entry::<(), _> { team: None, action: "test.add", object: "@x", object_name: &name, before: None, after: Some("-1") };
        audit::record(&mut tx, &Caller::console(), test.portal.clock.now(), entry).await.expect("recorded");
        tx.commit().await.expect("committed");
    }
    let csv = csv(&test, &AuditFilter::default()).await.concat();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 502, "more than one page");
    assert_eq!(lines[0], "seq,at,actor,via,team,action,object,object_name,before,after,request_id,address");
    assert_eq!(
        lines[1],
        r#"501,"2026-01-01T00:00:00Z","console","console","","test.add","'@x","'=HYPERLINK(""http://e"",""x500"")","","'""-1""","console","""#
    );
    assert!(lines[501].starts_with("1,"));
    assert_eq!(audit::verify(&test.portal).await.expect("verified"), None);
}

/// Puts records into the trail without their hashes: for reading alone.
async fn fill(test: &TestPortal, records: i64) {
    let sql = "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT))
               INSERT INTO audit (seq, at, actor, via, team, action, object, object_name, request_id, address, hash)
               SELECT i, 0, 'ada@example.com', 'session', CASE i % 2 WHEN 0 THEN 'vision' END, 'test.add', 'x', 'x', '', '', '' FROM n";
    test.portal.db.execute(sql, args![records]).await.expect("filled");
}

#[tokio::test]
async fn the_export_comes_in_pieces_each_record_once_while_others_are_written() {
    let test = TestPortal::new().await;
    fill(&test, 1_200).await;
    let mut pieces = std::pin::pin!(audit::export_csv(&test.portal, &Caller::console(), &AuditFilter::default()).expect("an export"));
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece.expect("a piece");
        let lines: Vec<&str> = piece.split_terminator("\r\n").collect();
        sizes.push(lines.len());
        seen.extend(lines.iter().filter_map(|line| line.split(',').next().and_then(|seq| seq.parse::<i64>().ok())));
        test.portal.db.execute("INSERT INTO audit SELECT (SELECT MAX(seq) + 1 FROM audit), at, actor, via, team, action, object, object_name, before, after, request_id, address, hash FROM audit WHERE seq = 1", args![]).await.expect("a newer one");
    }
    // The one that was written before the first page was read is in it.
    assert_eq!((sizes, seen.len()), (vec![1, 500, 500, 201], 1_201));
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1] + 1), "newest first, none twice, none left out");
    let team = csv(&test, &AuditFilter { team: "vision".into(), ..AuditFilter::default() }).await;
    assert_eq!(team.concat().lines().count(), 601, "a team's own, and the head");
    assert_eq!(csv(&test, &AuditFilter { actor: "nobody".into(), ..AuditFilter::default() }).await.len(), 1, "the head alone");
}

#[tokio::test]
async fn changes_at_once_neither_trip_over_each_other_nor_break_the_chain() {
    let test = TestPortal::new().await;
    test.team("vision", &[("ada", Role::Admin), ("mel", Role::Member)]).await;
    test.admin("root").await;
    let (ada, mel, root) = (test.caller("ada").await, test.caller("mel").await, test.caller("root").await);
    let id = mel.identity().expect("signed in").user.id.clone();
    let (portal, stranger, address) = (&test.portal, test.stranger(), email("mel"));
    for round in 0..5 {
        super::sessions::put(&test, &format!("mel-{round}"), Some(&id)).await;
        let token = || NewToken { name: "ci".into(), team: "vision".into(), role: Role::Member, days: 1 };
        let (made, secret) = tokens::create(portal, &mel, token()).await.expect("a token");
        let name = format!("team-{round}");
        tokio::try_join!(
            async { identity::sign_in(portal, &stranger, &address, PASSWORD).await.map(drop) },
            async { identity::set_admin(portal, &root, &id, round % 2 == 0).await.map(drop) },
            async { domain::sessions::revoke_others(portal, &mel).await.map(drop) },
            async { identity::set_disabled(portal, &root, &id, false).await.map(drop) },
            async { teams::set_member(portal, &ada, "vision", &address, Role::Member).await.map(drop) },
            async { teams::create(portal, &mel, &name).await.map(drop) },
            async { tokens::create(portal, &mel, token()).await.map(drop) },
            async { tokens::authenticate(portal, &secret).await.map(drop) },
            async { tokens::revoke(portal, &mel, &made.id).await.map(drop) },
            async { domain::volumes::create(portal, &mel, "vision", &name).await.map(drop) },
        )
        .expect("each of them works");
        teams::remove_member(portal, &ada, "vision", &id).await.expect("removed");
        teams::set_member(portal, &ada, "vision", &address, Role::Member).await.expect("back");
    }
    assert_eq!(audit::verify(portal).await.expect("verified"), None);
}
