//! The only file that knows which database it is. The same SQL text runs on both: `$1` parameters, `ON CONFLICT`, `RETURNING`, CTEs.

mod others;
mod sqlite_writer;

use crate::{
    error::{Error, Result},
    random,
    vitals::{Connections, Queue},
};
use sqlite_writer::SqliteWriter;
use sqlx::{
    AssertSqlSafe, Connection, Postgres, Row as _, SqlSafeStr as _, Sqlite, Transaction, TypeInfo, ValueRef,
    postgres::{PgPool, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{fmt::Write as _, str::FromStr, sync::Arc, time::Duration};
use tokio::sync::Notify;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Number of the newest migration.
pub fn schema_version() -> i64 {
    MIGRATOR.iter().map(|m| m.version).max().unwrap_or_default()
}

/// The migrations up to number `last`.
fn migrator(last: i64) -> sqlx::migrate::Migrator {
    sqlx::migrate::Migrator::with_migrations(MIGRATOR.iter().filter(|m| m.version <= last).cloned().collect())
}

/// The same for `SQLite`, which keeps rows in the order of their primary key only where it is told to: `/* clustered */`.
fn sqlite_migrator(last: i64) -> sqlx::migrate::Migrator {
    let clustered = |migration: &sqlx::migrate::Migration| {
        let sql = migration.sql.as_str().replace("/* clustered */", "WITHOUT ROWID");
        // The checksum stays that of the file.
        sqlx::migrate::Migration { sql: AssertSqlSafe(sql).into_sql_str(), ..migration.clone() }
    };
    sqlx::migrate::Migrator::with_migrations(migrator(last).iter().map(clustered).collect())
}

/// A bound parameter: text, 64-bit integer, double or bytes, each nullable. Nothing else is stored (ARCHITECTURE.md, databases).
#[derive(Clone, Debug)]
pub enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Real(Option<f64>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident($convert:expr);)*) => {$(
        impl From<$from> for Value { fn from(v: $from) -> Self { Self::$variant(Some($convert(v))) } }
        impl From<Option<$from>> for Value { fn from(v: Option<$from>) -> Self { Self::$variant(v.map($convert)) } }
    )*};
}
value_from! {
    String => Text(|v| v);
    &str => Text(|v: &str| v.to_owned());
    &String => Text(|v: &String| v.clone());
    i64 => Int(|v| v);
    i32 => Int(i64::from);
    u32 => Int(i64::from);
    bool => Int(i64::from);
    f64 => Real(|v| v);
    Vec<u8> => Bytes(|v| v);
    crate::model::UserId => Text(|v: crate::model::UserId| v.0);
    crate::model::TeamId => Text(|v: crate::model::TeamId| v.0);
    crate::model::NotebookId => Text(|v: crate::model::NotebookId| v.0);
    crate::model::VolumeId => Text(|v: crate::model::VolumeId| v.0);
    crate::model::TokenId => Text(|v: crate::model::TokenId| v.0);
    crate::model::ExperimentId => Text(|v: crate::model::ExperimentId| v.0);
    &crate::model::ExperimentId => Text(|v: &crate::model::ExperimentId| v.0.clone());
    crate::model::RunId => Text(|v: crate::model::RunId| v.0);
    &crate::model::RunId => Text(|v: &crate::model::RunId| v.0.clone());
    crate::model::LoggedModelId => Text(|v: crate::model::LoggedModelId| v.0);
    &crate::model::LoggedModelId => Text(|v: &crate::model::LoggedModelId| v.0.clone());
    &crate::model::UserId => Text(|v: &crate::model::UserId| v.0.clone());
    &crate::model::TeamId => Text(|v: &crate::model::TeamId| v.0.clone());
    &crate::model::NotebookId => Text(|v: &crate::model::NotebookId| v.0.clone());
    &crate::model::VolumeId => Text(|v: &crate::model::VolumeId| v.0.clone());
    &crate::model::TokenId => Text(|v: &crate::model::TokenId| v.0.clone());
}

/// The parameters of one statement: `args![id, name, at]`.
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => { vec![$($crate::db::Value::from($arg)),*] };
}

/// A row that can be read from either database; implemented for everything that derives `sqlx::FromRow`.
pub trait Row: for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin {}

/// A row of whatever columns a statement selects, for a backup.
pub struct Cells(pub Vec<Value>);

macro_rules! cells_from {
    ($row:ty) => {
        impl<'r> sqlx::FromRow<'r, $row> for Cells {
            fn from_row(row: &'r $row) -> std::result::Result<Self, sqlx::Error> {
                let cell = |i| match row.try_get_raw(i)?.type_info().name() {
                    "INTEGER" | "INT8" => row.try_get(i).map(Value::Int),
                    "REAL" | "FLOAT8" => row.try_get(i).map(Value::Real),
                    "BLOB" | "BYTEA" => row.try_get(i).map(Value::Bytes),
                    _ => row.try_get(i).map(Value::Text),
                };
                (0..row.len()).map(cell).collect::<std::result::Result<_, _>>().map(Self)
            }
        }
    };
}
cells_from!(SqliteRow);
cells_from!(PgRow);

#[derive(Clone)]
enum Pools {
    /// One writer, so that nobody ever waits inside `SQLite` for a lock; readers see the last commit (WAL).
    Sqlite {
        read: SqlitePool,
        write: SqliteWriter,
    },
    Postgres(PgPool),
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
    committed: Arc<Notify>,
    /// Who waits to begin a write transaction.
    beginning: Arc<Queue>,
    /// By which other processes know this one.
    name: Arc<str>,
}

/// A write transaction. Dropped without `commit`, it rolls back.
pub struct Tx {
    inner: TxInner,
    committed: Arc<Notify>,
    /// Whether the event stream has something new to read after the commit.
    published: bool,
}

enum TxInner {
    Sqlite(sqlite_writer::Open),
    SqliteSnapshot(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

macro_rules! bind {
    ($query:expr, $args:expr) => {{
        let mut query = $query;
        for arg in $args {
            query = match arg {
                Value::Text(v) => query.bind(v),
                Value::Int(v) => query.bind(v),
                Value::Real(v) => query.bind(v),
                Value::Bytes(v) => query.bind(v),
            };
        }
        query
    }};
}

/// Runs one body on the reading pool of either database.
macro_rules! with_pool {
    ($db:expr, $pool:ident => $body:expr) => {
        match &$db.pools {
            Pools::Sqlite { read: $pool, .. } => $body,
            Pools::Postgres($pool) => $body,
        }
    };
}

macro_rules! with_tx {
    ($tx:expr, $connection:ident => $body:expr) => {
        match &mut $tx.inner {
            TxInner::Sqlite(tx) => {
                let $connection = tx.connection()?;
                $body
            }
            TxInner::SqliteSnapshot(tx) => {
                let $connection = &mut **tx;
                $body
            }
            TxInner::Postgres(tx) => {
                let $connection = &mut **tx;
                $body
            }
        }
    };
}

impl Db {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its schema up to date.
    ///
    /// # Errors
    /// `Unavailable` with what to check, where it cannot be opened or its schema is newer than this program.
    pub async fn open(url: &str) -> Result<Self> {
        let db = Self::connect(url).await.map_err(|e| Error::Unavailable(format!("The database cannot be opened: {e}")))?;
        db.migrate(schema_version()).await?;
        Ok(db)
    }

    /// Opens it with the schema of an older Slipway, whose last migration had this number.
    #[cfg(feature = "testing")]
    pub async fn open_as_of(url: &str, last: i64) -> Result<Self> {
        let db = Self::connect(url).await.map_err(|e| Error::Unavailable(format!("The database cannot be opened: {e}")))?;
        db.migrate(last).await?;
        Ok(db)
    }

    async fn connect(url: &str) -> std::result::Result<Self, sqlx::Error> {
        let (committed, beginning, name) = (Arc::new(Notify::new()), Arc::default(), Arc::from(random::secret()));
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            // As long as SQLite's: a busy machine may take seconds to give a connection, and that is no reason to refuse anybody.
            let options = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(10)).test_before_acquire(false);
            // One that was used a moment ago is there still; a question to each before its use is half of the work of a short query.
            let options = options.before_acquire(|connection, use_of| {
                Box::pin(async move {
                    if use_of.idle_for > Duration::from_millis(500) {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            });
            let pool = options.connect(url).await?;
            return Ok(Self { pools: Pools::Postgres(pool), committed, beginning, name });
        }
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // A connection is a thread, which hands rows over one by one and waits where so many are waiting: the default of 50 has the two threads
            // take turns all the time.
            .row_buffer_size(1024)
            .busy_timeout(Duration::from_secs(30));
        let write = SqliteWriter::open(options.clone()).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(10))
            // Nothing can have gone wrong with a file that is open.
            .test_before_acquire(false)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { pools: Pools::Sqlite { read, write }, committed, beginning, name })
    }

    async fn migrate(&self, last: i64) -> Result<()> {
        let result = match &self.pools {
            Pools::Sqlite { write, .. } => write.migrate(&sqlite_migrator(last)).await,
            Pools::Postgres(pool) => migrator(last).run(pool).await,
        };
        result.map_err(|e| match e {
            sqlx::migrate::MigrateError::VersionMissing(v) => Error::Unavailable(format!(
                "The database was written by a newer Slipway (schema {v}). Start that version, or restore a backup made by this one."
            )),
            other => Error::Unavailable(format!("The database schema could not be brought up to date: {other}")),
        })
    }

    /// `sqlite` or `postgres`, for people.
    pub fn kind(&self) -> &'static str {
        match self.pools {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres(_) => "postgres",
        }
    }

    /// Begins a write transaction. On `SQLite` it holds the one write lock from its start: keep it short.
    pub async fn begin(&self) -> Result<Tx> {
        let _waiting = self.beginning.wait();
        let inner = match &self.pools {
            Pools::Sqlite { write, .. } => TxInner::Sqlite(write.begin().await?),
            Pools::Postgres(pool) => TxInner::Postgres(pool.begin().await?),
        };
        Ok(Tx { inner, committed: self.committed.clone(), published: false })
    }

    /// Who waits to begin a write transaction, and how long those before waited.
    pub fn beginning(&self) -> &Queue {
        &self.beginning
    }

    /// Connections for reading and, on `PostgreSQL`, for writing.
    pub fn connections(&self) -> Connections {
        with_pool!(self, pool => {
            let (open, idle) = (u64::from(pool.size()), u64::try_from(pool.num_idle()).unwrap_or_default());
            Connections { used: open.saturating_sub(idle), idle, most: u64::from(pool.options().get_max_connections()) }
        })
    }

    /// A read-only view of one moment, for a backup.
    pub async fn begin_snapshot(&self) -> Result<Tx> {
        let inner = match &self.pools {
            Pools::Sqlite { read, .. } => TxInner::SqliteSnapshot(read.begin().await?),
            Pools::Postgres(pool) => TxInner::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?),
        };
        Ok(Tx { inner, committed: self.committed.clone(), published: false })
    }

    /// Until a transaction of this process has committed events.
    pub async fn committed(&self) {
        self.committed.notified().await;
    }

    pub async fn fetch_all<T: Row>(&self, sql: &'static str, args: Vec<Value>) -> Result<Vec<T>> {
        with_pool!(self, pool => Ok(bind!(sqlx::query_as::<_, T>(sql), args).fetch_all(pool).await?))
    }

    pub async fn fetch_optional<T: Row>(&self, sql: &'static str, args: Vec<Value>) -> Result<Option<T>> {
        with_pool!(self, pool => Ok(bind!(sqlx::query_as::<_, T>(sql), args).fetch_optional(pool).await?))
    }

    pub async fn fetch_one<T: Row>(&self, sql: &'static str, args: Vec<Value>) -> Result<T> {
        with_pool!(self, pool => Ok(bind!(sqlx::query_as::<_, T>(sql), args).fetch_one(pool).await?))
    }

    /// For SQL that is assembled from fixed fragments, in the one file that does so. Never from input.
    pub async fn fetch_all_assembled<T: Row>(&self, sql: String, args: Vec<Value>) -> Result<Vec<T>> {
        with_pool!(self, pool => Ok(bind!(sqlx::query_as::<_, T>(AssertSqlSafe(sql)), args).fetch_all(pool).await?))
    }

    /// Runs `head (numbers) tail`, where `head` ends with `IN`. The list is the parameter `$1`, so that its length changes nothing of the statement;
    /// `more` are those from `$2` on. Both texts are fixed fragments.
    pub async fn fetch_listed<T: Row>(&self, head: &str, tail: &str, numbers: &[i64], more: Vec<Value>) -> Result<Vec<T>> {
        let listed = match self.pools {
            Pools::Sqlite { .. } => LISTED_SQLITE,
            Pools::Postgres(_) => LISTED_POSTGRES,
        };
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        self.fetch_all_assembled(format!("{head} {listed} {tail}"), with_list(numbers, more)).await
    }

    /// SQL that makes of rows with `key` and `value` one JSON text: `[{"key":…,"value":…}, …]`, or none where there are no rows.
    pub fn json_of_pairs(&self) -> &'static str {
        match self.pools {
            Pools::Sqlite { .. } => "json_group_array(json_object('key', key, 'value', value))",
            Pools::Postgres(_) => "json_agg(json_build_object('key', key, 'value', value) ORDER BY key COLLATE \"C\")::text",
        }
    }

    /// One statement in a transaction of its own. For changes that need no audit (last seen, last used).
    pub async fn execute(&self, sql: &'static str, args: Vec<Value>) -> Result<u64> {
        let mut tx = self.begin().await?;
        let rows = tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Closes every connection, so that the files can be moved or removed.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Parameters of one statement that both databases take (SQLite's default limit; `PostgreSQL` takes twice as many).
const PARAMETERS: usize = 32_766;

/// The numbers of the text `$1`, which are parted by commas.
const LISTED_SQLITE: &str = "(SELECT value FROM json_each('[' || $1 || ']'))";
const LISTED_POSTGRES: &str = "(SELECT unnest(string_to_array($1, ',')::bigint[]))";

fn with_list(numbers: &[i64], more: Vec<Value>) -> Vec<Value> {
    let mut list = String::with_capacity(numbers.len() * 7);
    for number in numbers {
        _ = write!(list, "{}{number}", if list.is_empty() { "" } else { "," });
    }
    std::iter::once(Value::Text(Some(list))).chain(more).collect()
}

impl Tx {
    /// `($1, $2), ($3, $4)` for two rows of width two. SQLite gets question marks: it looks numbered parameters up one by one as they are bound.
    fn places(&self, rows: usize, width: usize) -> String {
        let numbered = matches!(self.inner, TxInner::Postgres(_));
        let place = |at: usize| if numbered { format!("${at}") } else { "?".to_owned() };
        let row = |r: usize| format!("({})", (1..=width).map(|column| place(r * width + column)).collect::<Vec<_>>().join(", "));
        (0..rows).map(row).collect::<Vec<_>>().join(", ")
    }

    /// As the reading pool's.
    pub async fn fetch_listed<T: Row>(&mut self, head: &str, tail: &str, numbers: &[i64], more: Vec<Value>) -> Result<Vec<T>> {
        let listed = if matches!(self.inner, TxInner::Postgres(_)) { LISTED_POSTGRES } else { LISTED_SQLITE };
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        self.fetch_all_assembled(format!("{head} {listed} {tail}"), with_list(numbers, more)).await
    }

    /// Rows affected.
    pub async fn execute(&mut self, sql: &'static str, args: Vec<Value>) -> Result<u64> {
        with_tx!(self, connection => Ok(bind!(sqlx::query(sql), args).execute(connection).await?.rows_affected()))
    }

    /// For SQL that is assembled from fixed fragments, in the one file that copies tables. Never from input.
    pub(crate) async fn execute_assembled(&mut self, sql: String, args: Vec<Value>) -> Result<u64> {
        with_tx!(self, connection => Ok(bind!(sqlx::query(AssertSqlSafe(sql)), args).execute(connection).await?.rows_affected()))
    }

    /// Like `execute_assembled`.
    pub(crate) async fn fetch_all_assembled<T: Row>(&mut self, sql: String, args: Vec<Value>) -> Result<Vec<T>> {
        with_tx!(self, connection => Ok(bind!(sqlx::query_as::<_, T>(AssertSqlSafe(sql)), args).fetch_all(connection).await?))
    }

    /// Like `execute`, but a broken uniqueness rule becomes the error that `taken` makes.
    pub async fn insert(&mut self, sql: &'static str, args: Vec<Value>, taken: impl FnOnce() -> Error) -> Result<()> {
        let result = with_tx!(self, connection => bind!(sqlx::query(sql), args).execute(connection).await.map(|_| ()));
        match result {
            Err(sqlx::Error::Database(e)) if e.is_unique_violation() => Err(taken()),
            other => Ok(other?),
        }
    }

    /// Runs `head VALUES (…), (…) tail` for rows of equal width, as few statements as it takes. Rows go in powers of four, so that the
    /// databases see a handful of different texts and keep them prepared. `head` and `tail` are fixed text.
    pub async fn insert_many(&mut self, head: &'static str, tail: &'static str, rows: Vec<Vec<Value>>) -> Result<u64> {
        let Some(width) = rows.first().map(Vec::len) else { return Ok(0) };
        let most = [256, 64, 16, 4, 1].into_iter().find(|size| size * width <= PARAMETERS).unwrap_or(1);
        let (mut left, mut affected) = (rows.len(), 0);
        let mut rows = rows.into_iter();
        while left > 0 {
            let size = [256, 64, 16, 4, 1].into_iter().find(|size| *size <= left.min(most)).unwrap_or(1);
            let args = rows.by_ref().take(size).flatten().collect();
            let sql = format!("{head} VALUES {} {tail}", self.places(size, width));
            affected += self.execute_assembled(sql, args).await?;
            left -= size;
        }
        Ok(affected)
    }

    /// Runs `head VALUES (…), (…) tail` for rows of equal width, as `insert_many` does, and gives what comes back. Statements are filled up by
    /// repeating a row, so `tail` must bear rows that are there twice, and the caller answers that are.
    pub async fn fetch_many<T: Row>(&mut self, head: &'static str, tail: &'static str, rows: Vec<Vec<Value>>) -> Result<Vec<T>> {
        let Some(width) = rows.first().map(Vec::len) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for part in rows.chunks(256) {
            let size = [1, 4, 16, 64, 256].into_iter().find(|size| *size >= part.len()).unwrap_or(256);
            let filled = part.iter().chain(std::iter::repeat(&part[0])).take(size).flatten().cloned().collect();
            let sql = format!("{head} VALUES {} {tail}", self.places(size, width));
            found.extend(self.fetch_all_assembled(sql, filled).await?);
        }
        Ok(found)
    }

    pub async fn fetch_all<T: Row>(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Vec<T>> {
        with_tx!(self, connection => Ok(bind!(sqlx::query_as::<_, T>(sql), args).fetch_all(connection).await?))
    }

    pub async fn fetch_optional<T: Row>(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Option<T>> {
        with_tx!(self, connection => Ok(bind!(sqlx::query_as::<_, T>(sql), args).fetch_optional(connection).await?))
    }

    pub async fn fetch_one<T: Row>(&mut self, sql: &'static str, args: Vec<Value>) -> Result<T> {
        with_tx!(self, connection => Ok(bind!(sqlx::query_as::<_, T>(sql), args).fetch_one(connection).await?))
    }

    /// The next value of a gapless counter. Holds the counter's row until the end of the transaction, so that values and commits have one order.
    pub async fn next(&mut self, counter: &'static str) -> Result<i64> {
        let row: (i64,) = self.fetch_one("UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value", args![counter]).await?;
        Ok(row.0)
    }

    /// The next `count` values of a gapless counter; returns the first.
    pub async fn next_many(&mut self, counter: &'static str, count: i64) -> Result<i64> {
        let sql = "UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value";
        let row: (i64,) = self.fetch_one(sql, args![count, counter]).await?;
        Ok(row.0 - count + 1)
    }

    /// The event stream will be woken by the commit.
    pub(crate) fn has_published(&mut self) {
        self.published = true;
    }

    /// Durable once this returns.
    pub async fn commit(self) -> Result<()> {
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::SqliteSnapshot(tx) => tx.commit().await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        if self.published {
            self.committed.notify_waiters();
            self.committed.notify_one();
        }
        Ok(())
    }
}
