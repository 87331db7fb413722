//! A database that an older Slipway made is brought up to date with its rows as they were.

use domain::{
    Caller, args,
    db::{Db, schema_version},
    identity,
    model::{ExperimentId, NewRun},
    random,
    testing::{TestDatabase, TestPortal},
    tokens, tracking,
};

/// What the first release could hold, a row or more of each kind.
const FIRST: &[&str] = &[
    "INSERT INTO users (id, email, name, admin, created_at) VALUES ('u1', 'ada@example.com', 'Ada', 1, 5), ('u2', 'mel@example.com', 'Mel', 0, 6)",
    "INSERT INTO identities (issuer, subject, user_id) VALUES ('local', 'ada@example.com', 'u1'), ('local', 'mel@example.com', 'u2')",
    "INSERT INTO passwords (user_id, hash, changed_at) VALUES ('u1', 'hash', 5)",
    "INSERT INTO sessions (handle, user_id, data, created_at, last_seen_at, expires_at, user_agent, address) VALUES ('h', 'u1', '{}', 5, 5, 9, '', '')",
    "INSERT INTO teams (id, name, created_at) VALUES ('t1', 'vision', 7), ('t2', 'speech', 8)",
    "INSERT INTO memberships (team_id, user_id, role, created_at) VALUES ('t1', 'u1', 'admin', 7), ('t2', 'u2', 'viewer', 8)",
    "INSERT INTO audit (seq, at, actor, via, team, action, object, object_name, request_id, address, hash)
     VALUES (1, 5, 'console', 'console', 'vision', 'team.create', 't1', 'vision', 'r', '', 'x')",
    "INSERT INTO events (seq, at, team, change) VALUES (1, 5, 'vision', '{\"kind\":\"team\"}')",
    "UPDATE counters SET value = 1",
    "INSERT INTO environments (name, entry, updated_at) VALUES ('web', '{}', 5)",
    "INSERT INTO volumes (id, team_id, name, created_by, created_at) VALUES ('v1', 't1', 'data', 'u1', 5)",
    "INSERT INTO notebooks (id, team_id, owner, name, spec, home, idempotency_key, desired, launch, phase, phase_at, created_at)
     VALUES ('n1', 't1', 'u1', 'churn', '{}', 'v1', 'k', 'stopped', 1, 'stopped', 5, 5)",
    "INSERT INTO notebook_phases (notebook_id, launch, position, phase, at) VALUES ('n1', 1, 0, 'ready', 5)",
    "INSERT INTO notebook_secrets (notebook_id, name, sealed) VALUES ('n1', 'TOKEN', 'sealed')",
    "INSERT INTO notebook_volumes (notebook_id, volume_id, read_only) VALUES ('n1', 'v1', 1)",
    "INSERT INTO notebook_tickets (digest, notebook_id, user_id, session, redeemed, expires_at) VALUES ('d', 'n1', 'u1', 'h', 1, 9)",
];

/// Everything that the first release kept, as text: table by table, in the order of the rows.
const KEPT: &[&str] = &[
    "SELECT id || email || name || CAST(admin AS TEXT) || CAST(created_at AS TEXT) FROM users ORDER BY id",
    "SELECT issuer || subject || user_id FROM identities ORDER BY subject",
    "SELECT user_id || hash || CAST(changed_at AS TEXT) FROM passwords",
    "SELECT handle || user_id || data || CAST(expires_at AS TEXT) FROM sessions",
    "SELECT id || name || CAST(created_at AS TEXT) FROM teams ORDER BY id",
    "SELECT team_id || user_id || role || CAST(created_at AS TEXT) FROM memberships ORDER BY team_id",
    "SELECT id || user_id || team_id || role || name || prefix || digest || CAST(expires_at AS TEXT) FROM tokens",
    "SELECT CAST(seq AS TEXT) || actor || via || team || action || object || hash FROM audit",
    "SELECT CAST(seq AS TEXT) || team || change FROM events",
    "SELECT name || CAST(value AS TEXT) FROM counters WHERE name IN ('event', 'audit') ORDER BY name",
    "SELECT name || entry FROM environments",
    "SELECT id || team_id || name || created_by FROM volumes",
    "SELECT id || team_id || owner || name || spec || home || desired || phase || CAST(launch AS TEXT) FROM notebooks",
    "SELECT notebook_id || phase || CAST(at AS TEXT) FROM notebook_phases",
    "SELECT notebook_id || name || sealed FROM notebook_secrets",
    "SELECT notebook_id || volume_id || CAST(read_only AS TEXT) FROM notebook_volumes",
    "SELECT digest || notebook_id || session FROM notebook_tickets",
];

const SECRET: &str = "slw_an-old-token";
/// Beyond the clock of the tests.
const NEVER: i64 = i64::MAX;

async fn fill(db: &Db) {
    for sql in FIRST {
        db.execute(sql, args![]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let sql = "INSERT INTO tokens (id, user_id, team_id, role, name, prefix, digest, created_at, expires_at)
               VALUES ('k1', 'u1', 't1', 'member', 'ci', 'slw_an', $1, 5, $2)";
    db.execute(sql, args![random::digest(SECRET), NEVER]).await.expect("a token");
}

async fn rows(db: &Db) -> Vec<Vec<(String,)>> {
    let mut all = Vec::new();
    for sql in KEPT {
        let rows: Vec<(String,)> = db.fetch_all(sql, args![]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(!rows.is_empty(), "{sql}");
        all.push(rows);
    }
    all
}

#[tokio::test]
async fn a_database_of_the_first_release_is_brought_up_to_date_with_its_rows_intact() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::create(folder.path()).await;
    let old = Db::open_as_of(&database.url, 1).await.expect("the first release's");
    assert!(old.fetch_all::<(i64,)>("SELECT no FROM runs", args![]).await.is_err(), "it had no runs");
    fill(&old).await;
    let before = rows(&old).await;
    old.close().await;

    let mut test = TestPortal::new().await;
    test.portal.db = Db::open(&database.url).await.expect("brought up to date");
    let portal = &test.portal;
    assert_eq!(rows(&portal.db).await, before);
    // Roles of before groups were known were given by hand, and stay when roles by groups are looked at.
    let sql = "SELECT user_id FROM memberships WHERE by_hand IS NULL OR by_hand <> role OR by_rule IS NOT NULL";
    assert_eq!(portal.db.fetch_all::<(String,)>(sql, args![]).await.expect("memberships"), []);
    domain::sso::settle(portal).await.expect("settled");
    assert_eq!(rows(&portal.db).await, before);
    let identity = identity::identify(portal, &"u1".into()).await.expect("asked").expect("known");
    let ada = Caller::identified(identity, "test", "");
    for (team, expected) in [("vision", 1), ("speech", 2)] {
        let sql = "SELECT e.id FROM experiments e JOIN teams t ON t.id = e.team_id WHERE t.name = $1 AND e.is_default = 1";
        let (id,): (i64,) = portal.db.fetch_one(sql, args![team]).await.expect("each team has its Default");
        assert_eq!(id, expected);
    }
    let run = tracking::runs::create(portal, &ada, "vision", NewRun::default()).await.expect("a run in the Default");
    assert_eq!(run.experiment, ExperimentId::from("0"));
    let new = tracking::experiments::create(portal, &ada, "vision", "new", None, &[]).await.expect("an experiment");
    assert_eq!(new.as_str(), "3", "numbers go on after the Defaults");
    let token = tokens::authenticate(portal, SECRET).await.expect("asked").expect("an old token still speaks").token.expect("a token");
    assert_eq!(token.notebook, None);
    portal.db.close().await;
}

#[tokio::test]
async fn every_release_in_between_is_brought_up_to_date() {
    for last in 1..schema_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = TestDatabase::create(folder.path()).await;
        let old = Db::open_as_of(&database.url, last).await.expect("an older one");
        fill(&old).await;
        let before = rows(&old).await;
        old.close().await;
        let new = Db::open(&database.url).await.unwrap_or_else(|error| panic!("from {last}: {error}"));
        assert_eq!(rows(&new).await, before, "from {last}");
        assert!(Db::open_as_of(&database.url, last).await.is_err(), "an older Slipway refuses what a newer one wrote");
        new.close().await;
    }
}
