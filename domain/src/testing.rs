//! A portal for tests: the real verbs on a real database in a folder of its own, with a clock that tests move.

use crate::{
    Caller, Clock, Portal, Result, Settings,
    compute::{
        ComputeEngine,
        local::{LocalConfig, LocalEngine},
    },
    db::Db,
    identity,
    model::{Millis, NewUser, Role, Team, User},
    random, teams,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, postgres::PgConnectOptions};
use std::{path::Path, str::FromStr, sync::Arc};

/// Where the fixed clock starts: 2026-01-01T00:00:00Z.
pub const START: Millis = 1_767_225_600_000;
/// Every test person's password.
pub const PASSWORD: &str = "correct horse battery";
/// Set it to `postgres://…` to run on `PostgreSQL`, each portal in a schema of its own.
pub const DATABASE_URL: &str = "SLIPWAY_TEST_DATABASE_URL";

/// A database of its own, removed when dropped.
pub struct TestDatabase {
    pub url: String,
    schema: Option<(String, String)>,
}

impl TestDatabase {
    /// On `PostgreSQL` where `DATABASE_URL` says so, else a file in `folder`.
    pub async fn create(folder: &Path) -> Self {
        match Self::server() {
            Some(server) => Self::postgres(&server).await,
            None => Self::sqlite(folder),
        }
    }

    /// The `PostgreSQL` server to test on, if any.
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration; the environment says which database they run on")]
    pub fn server() -> Option<String> {
        std::env::var(DATABASE_URL).ok().filter(|url| !url.is_empty())
    }

    pub fn sqlite(folder: &Path) -> Self {
        Self { url: format!("sqlite:{}", folder.join("slipway.db").display()), schema: None }
    }

    /// A fresh schema on the server of this URL.
    pub async fn postgres(server: &str) -> Self {
        let schema = format!("t_{}", random::id::<String>());
        run_on(server, format!("CREATE SCHEMA {schema}")).await.expect("the test database answers");
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}application_name={schema}&options=-c%20search_path%3D{schema}");
        Self { url, schema: Some((server.to_owned(), schema)) }
    }
}

async fn run_on(server: &str, sql: String) -> std::result::Result<(), sqlx::Error> {
    let mut connection = PgConnectOptions::from_str(server)?.connect().await?;
    connection.execute(AssertSqlSafe(sql)).await.map(|_| ())
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, schema)) = self.schema.take() else { return };
        // A thread of its own, because the test's runtime must not be blocked from within.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            // A transaction that the test dropped rolls back only once its runtime goes on, which waits for this.
            let ending = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}'");
            runtime.block_on(run_on(&server, format!("{ending}; SET lock_timeout = '5s'; DROP SCHEMA {schema} CASCADE")))
        });
        if !std::thread::panicking() {
            dropping.join().expect("dropping").expect("the schema is dropped");
        }
    }
}

/// A portal with nobody in it.
pub struct TestPortal {
    pub portal: Portal,
    pub database: TestDatabase,
    /// Holds the data folder; removed when dropped.
    pub folder: tempfile::TempDir,
}

impl TestPortal {
    /// On the engine `local`, which looks at this machine but has nothing to start programs with.
    pub async fn new() -> Self {
        Self::with_clock(Clock::fixed(START)).await
    }

    /// The same, with a clock of the test's choice.
    pub async fn with_clock(clock: Clock) -> Self {
        let looks = async |data: &Path, clock| {
            LocalEngine::inspect(LocalConfig::new(data, "/nonexistent"), clock).map(|e| Arc::new(e) as Arc<dyn ComputeEngine>)
        };
        Self::with(clock, looks).await
    }

    /// On the engine `local` that starts programs through this binary of Slipway, in real time.
    pub async fn launching(slipway: &Path) -> Self {
        let starts = async |data: &Path, clock| {
            LocalEngine::start(LocalConfig::new(data, slipway), clock).await.map(|e| e as Arc<dyn ComputeEngine>)
        };
        Self::with(Clock::system(), starts).await
    }

    async fn with(clock: Clock, engine: impl AsyncFnOnce(&Path, Clock) -> Result<Arc<dyn ComputeEngine>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = TestDatabase::create(folder.path()).await;
        let db = Db::open(&database.url).await.expect("the database opens");
        let settings = Settings {
            data: folder.path().to_owned(),
            address: "http://localhost:3000".to_owned(),
            session_idle: 12 * 60 * 60 * 1000,
            session_absolute: 7 * 24 * 60 * 60 * 1000,
            artifact_quota: None,
            token_rate: None,
            purge_after_days: Some(30),
            program: None,
            secret_key: None,
            bucket: None,
        };
        let compute = engine(folder.path(), clock.clone()).await.expect("the engine answers");
        let portal = Portal::new(db, compute, clock, settings).expect("a portal");
        Self { portal, database, folder }
    }

    /// Adds an account with `PASSWORD`; its email is `<name>@example.com`.
    pub async fn user(&self, name: &str) -> User {
        self.add(name, false).await
    }

    /// Adds a portal administrator.
    pub async fn admin(&self, name: &str) -> User {
        self.add(name, true).await
    }

    async fn add(&self, name: &str, admin: bool) -> User {
        let new = NewUser { email: email(name), name: name.to_owned(), password: PASSWORD.to_owned(), admin };
        identity::add_user(&self.portal, &Caller::console(), new).await.expect("an account")
    }

    /// Makes a team with these members; their accounts are made where they do not exist.
    pub async fn team(&self, name: &str, members: &[(&str, Role)]) -> Team {
        let team = teams::create(&self.portal, &Caller::console(), name).await.expect("a team");
        let known = identity::list_users(&self.portal, &Caller::console()).await.expect("users");
        for (member, role) in members {
            if !known.iter().any(|u| u.email == email(member)) {
                self.user(member).await;
            }
            teams::set_member(&self.portal, &Caller::console(), name, &email(member), *role).await.expect("a member");
        }
        team
    }

    /// The person as they would call now, signed in with a session of the handle `session-<name>`.
    pub async fn caller(&self, name: &str) -> Caller {
        let users = identity::list_users(&self.portal, &Caller::console()).await.expect("users");
        let user = users.iter().find(|u| u.email == email(name)).expect("an account of this name");
        let mut identity = identity::identify(&self.portal, &user.id).await.expect("identified").expect("enabled");
        identity.session = Some(format!("session-{name}"));
        Caller::identified(identity, "test", "192.0.2.1")
    }

    /// Somebody who is not signed in.
    pub fn stranger(&self) -> Caller {
        Caller::anonymous("test", "192.0.2.9")
    }
}

/// The email of a test person.
pub fn email(name: &str) -> String {
    format!("{name}@example.com")
}
