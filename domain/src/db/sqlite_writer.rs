//! The one connection that writes to an `SQLite` database, lent to one transaction after the other.
//!
//! A pool asks a connection whether it is still there before and after each use, which costs as much as a short statement does, and a
//! file that is open is there.

use sqlx::{
    ConnectOptions, Connection, Error, Executor, SqliteConnection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How long a transaction waits for those before it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Cheap to clone; all clones share the connection.
#[derive(Clone)]
pub(super) struct SqliteWriter {
    lane: Arc<Mutex<Lane>>,
    options: Arc<SqliteConnectOptions>,
}

struct Lane {
    /// None once it is closed.
    connection: Option<SqliteConnection>,
    /// A transaction was begun and has not ended yet.
    begun: bool,
}

impl Lane {
    async fn run(&mut self, sql: &'static str) -> Result<(), Error> {
        self.connection.as_mut().ok_or(Error::PoolClosed)?.execute(sql).await.map(|_| ())
    }

    /// Ends what was begun; where the database has done so by itself there is nothing to end.
    async fn roll_back(&mut self) {
        if let Err(error) = self.run("ROLLBACK").await {
            tracing::debug!(%error, "nothing was rolled back");
        }
        self.begun = false;
    }
}

impl SqliteWriter {
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, Error> {
        let connection = Some(options.connect().await?);
        Ok(Self { lane: Arc::new(Mutex::new(Lane { connection, begun: false })), options: Arc::new(options) })
    }

    pub(super) async fn migrate(&self, migrator: &Migrator) -> Result<(), MigrateError> {
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(SqliteConnectOptions::clone(&self.options)).await?;
        let migrated = migrator.run(&pool).await;
        pool.close().await;
        migrated
    }

    /// Begins a transaction once those before it have ended; it holds the database's write lock from its start.
    pub(super) async fn begin(&self) -> Result<Open, Error> {
        let lane = tokio::time::timeout(PATIENCE, self.lane.clone().lock_owned()).await.map_err(|_| Error::PoolTimedOut)?;
        let mut open = Open(Some(lane));
        let lane = open.lane()?;
        if lane.begun {
            lane.roll_back().await;
        }
        // Before it is so, since whoever waits for it may stop doing so meanwhile.
        lane.begun = true;
        match lane.run("BEGIN IMMEDIATE").await {
            Err(Error::WorkerCrashed) => {
                lane.connection = Some(self.options.connect().await?);
                lane.run("BEGIN IMMEDIATE").await?;
            }
            begun => begun?,
        }
        Ok(open)
    }

    pub(super) async fn close(&self) {
        if let Some(connection) = self.lane.lock().await.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed in order");
        }
    }
}

/// A transaction; dropped, it rolls back.
pub(super) struct Open(Option<OwnedMutexGuard<Lane>>);

impl Open {
    fn lane(&mut self) -> Result<&mut Lane, Error> {
        self.0.as_deref_mut().ok_or(Error::PoolClosed)
    }

    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, Error> {
        self.lane()?.connection.as_mut().ok_or(Error::PoolClosed)
    }

    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let lane = self.lane()?;
        lane.run("COMMIT").await?;
        lane.begun = false;
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(mut lane) = self.0.take() else { return };
        if !lane.begun {
            return;
        }
        // Now, and not with the next transaction: other processes wait for the lock too. Without a runtime the next one does it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { lane.roll_back().await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Row;

    async fn writer(folder: &tempfile::TempDir) -> SqliteWriter {
        let options = SqliteConnectOptions::new().filename(folder.path().join("db")).create_if_missing(true);
        let writer = SqliteWriter::open(options).await.expect("opened");
        let mut tx = writer.begin().await.expect("begun");
        tx.connection().expect("open").execute("CREATE TABLE t (n INTEGER)").await.expect("made");
        tx.commit().await.expect("committed");
        writer
    }

    async fn count(writer: &SqliteWriter) -> i64 {
        let mut tx = writer.begin().await.expect("begun");
        let row = tx.connection().expect("open").fetch_one("SELECT COUNT(*) FROM t").await.expect("counted");
        row.get(0)
    }

    #[tokio::test]
    async fn what_is_committed_stays_and_what_is_dropped_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = writer(&folder).await;
        for commit in [true, false, true] {
            let mut tx = writer.begin().await.expect("begun");
            tx.connection().expect("open").execute("INSERT INTO t VALUES (1)").await.expect("inserted");
            if commit {
                tx.commit().await.expect("committed");
            }
        }
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_dropped_transaction_lets_other_connections_write() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = writer(&folder).await;
        drop(writer.begin().await.expect("begun"));
        let other = SqliteConnectOptions::new().filename(folder.path().join("db")).busy_timeout(PATIENCE);
        other.connect().await.expect("opened").execute("INSERT INTO t VALUES (1)").await.expect("the lock is free");
        assert_eq!(count(&writer).await, 1);
    }

    #[tokio::test]
    async fn whoever_stops_waiting_leaves_nothing_begun() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = writer(&folder).await;
        for turns in 0..20 {
            let mut beginning = Box::pin(writer.begin());
            for _ in 0..turns {
                if futures::poll!(&mut beginning).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(beginning);
            assert_eq!(count(&writer).await, 0, "after {turns} turns");
        }
        writer.close().await;
        assert!(matches!(writer.begin().await, Err(Error::PoolClosed)));
    }
}
