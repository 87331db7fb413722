//! Other processes on the same `PostgreSQL`: told of this one's commits of events, heard of theirs, and not kept waiting.

use super::{Db, Pools, Tx, TxInner};
use crate::{args, error::Result};
use sqlx::postgres::PgListener;
use std::time::Duration;

/// Hears what other processes commit; on `SQLite` there are none to hear.
pub struct Others {
    db: Db,
    listener: Option<PgListener>,
}

impl Db {
    /// Begins to listen with the first `heard`.
    pub fn others(&self) -> Others {
        Others { db: self.clone(), listener: None }
    }

    /// Tells them that there are new events.
    pub async fn tell_others(&self) -> Result<()> {
        if let Pools::Postgres(_) = self.pools {
            self.fetch_one::<(i32,)>("SELECT 1 FROM (SELECT pg_notify('slipway_events', $1)) AS told", args![self.name.to_string()])
                .await?;
        }
        Ok(())
    }
}

impl Tx {
    /// Lets the database end it where it stands still, or waits for another's lock, for so long. On `SQLite` nobody else can wait for it.
    pub(crate) async fn must_end_soon(&mut self, within: Duration) -> Result<()> {
        if let TxInner::Postgres(_) = self.inner {
            let sql = "SELECT set_config('idle_in_transaction_session_timeout', $1, true), set_config('lock_timeout', $1, true)";
            self.fetch_one::<(String, String)>(sql, args![within.as_millis().to_string()]).await?;
        }
        Ok(())
    }
}

impl Others {
    /// Until another process has committed events, or may have.
    pub async fn heard(&mut self) {
        let Pools::Postgres(pool) = &self.db.pools else { return std::future::pending().await };
        let Some(listener) = &mut self.listener else {
            let listening = async {
                let mut listener = PgListener::connect_with(pool).await?;
                listener.listen("slipway_events").await?;
                Ok::<_, sqlx::Error>(listener)
            };
            match listening.await {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => {
                    tracing::debug!(%error, "other processes cannot be listened to; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            // What was told before is not heard any more.
            return;
        };
        loop {
            match listener.try_recv().await {
                Ok(Some(told)) if told.payload() == &*self.db.name => {}
                Ok(Some(_) | None) => return,
                Err(error) => {
                    tracing::debug!(%error, "other processes cannot be listened to; trying again");
                    self.listener = None;
                    return tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}
