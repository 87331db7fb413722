//! Which of several processes on one database supervises: the holder of a row that counts its holders.
//!
//! No clock is compared with another. The holder counts its beats in the row; whoever sees no new one for `SILENT`, by a clock of its own that is never
//! set, takes the row over and counts the epoch up. The holder, by a clock of its own, stops `SILENT - VALID` before that may happen. A holder that was
//! stopped between a look at its clock and a write is fenced: what it writes into the database carries its epoch (`fence`), what it writes into a
//! cluster has a name that nothing else has (a pod's is its launch), so that its successor finds it and makes it what is wished.
//! After M. Kleppmann, "How to do distributed locking" (2016).

use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    random,
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// Without a beat for so long, the holder has died.
const SILENT: Duration = Duration::from_secs(10);
/// So long after it began to write its last beat, a holder does nothing more.
const VALID: Duration = Duration::from_secs(8);
/// How often the holder beats, and how often others look.
const BEAT: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_secs(1);
/// Longest wait for the database's answer to one beat.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// How long a holder's transaction may stand still, or wait for another's.
const HOLDS: Duration = Duration::from_secs(4);

const NAME: &str = "supervisor";

/// What this process knows of the lease.
pub struct Lease {
    /// Of this process, for people who look at the row.
    holder: String,
    held: Mutex<Held>,
    /// The epoch that is held, or 0; for those who wait.
    told: watch::Sender<i64>,
}

#[derive(Clone, Copy)]
struct Held {
    /// 0 where it is not held.
    epoch: i64,
    /// None where it never ends.
    until: Option<Instant>,
}

impl Default for Lease {
    fn default() -> Self {
        let host = rustix::system::uname();
        let holder = format!("{} {} {}", host.nodename().to_string_lossy(), std::process::id(), &random::secret()[..8]);
        Self { holder, held: Mutex::new(Held { epoch: 0, until: None }), told: watch::channel(0).0 }
    }
}

#[derive(sqlx::FromRow, Clone, PartialEq, Eq)]
struct Row {
    epoch: i64,
    beat: i64,
    holder: String,
}

async fn read(db: &Db) -> Result<Row> {
    db.fetch_one("SELECT epoch, beat, holder FROM leases WHERE name = $1", args![NAME]).await
}

impl Lease {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, held: Held) {
        *self.lock() = held;
        self.told.send_if_modified(|told| std::mem::replace(told, held.epoch) != held.epoch);
    }

    /// A lease of nobody's that never ends, for an engine without a portal.
    #[cfg(feature = "testing")]
    pub fn for_ever() -> Self {
        let lease = Self::default();
        lease.set(Held { epoch: 1, until: None });
        lease
    }

    /// The epoch that this process holds now; none where it does not, or has not been sure of it for too long.
    pub fn epoch(&self) -> Option<i64> {
        let held = *self.lock();
        (held.epoch > 0 && held.until.is_none_or(|until| Instant::now() < until)).then_some(held.epoch)
    }

    /// Whether this process holds it now.
    pub fn is_held(&self) -> bool {
        self.epoch().is_some()
    }

    /// Until this process holds it; the epoch.
    pub async fn held(&self) -> i64 {
        let mut told = self.told.subscribe();
        loop {
            let epoch = *told.borrow_and_update();
            if epoch > 0 {
                return epoch;
            }
            // It cannot fail: the sender lives as long as this.
            let _ = told.changed().await;
        }
    }

    /// Until this process holds this epoch no more.
    pub async fn lost(&self, epoch: i64) {
        let mut told = self.told.subscribe();
        while *told.borrow_and_update() == epoch {
            let _ = told.changed().await;
        }
    }

    /// Makes this transaction one of the epoch that is held: with another holder it fails, and until its end there can be none.
    ///
    /// # Errors
    /// `Unavailable` where this process does not hold the lease.
    pub async fn fence(&self, tx: &mut Tx) -> Result<()> {
        let stale = || Error::Unavailable("Another process of this portal looks after notebooks now.".to_owned());
        let epoch = self.epoch().ok_or_else(stale)?;
        // The row is the next holder's way in: nobody may keep it locked who is frozen, cut off, or waits for something else.
        tx.must_end_soon(HOLDS).await?;
        // Writing takes the row's lock on PostgreSQL.
        let sql = "UPDATE leases SET epoch = epoch WHERE name = $1 AND epoch = $2";
        if tx.execute(sql, args![NAME, epoch]).await? == 1 { Ok(()) } else { Err(stale()) }
    }

    /// Takes it over from whoever holds it, if the row is still as it was seen.
    async fn take(&self, db: &Db, seen: &Row) -> Result<bool> {
        let begun = Instant::now();
        let sql = "UPDATE leases SET epoch = epoch + 1, beat = 0, holder = $4 WHERE name = $1 AND epoch = $2 AND beat = $3";
        let taken = db.execute(sql, args![NAME, seen.epoch, seen.beat, &self.holder]).await? == 1;
        if taken {
            self.set(Held { epoch: seen.epoch + 1, until: Some(begun + VALID) });
            tracing::info!(epoch = seen.epoch + 1, before = seen.holder, "this process looks after notebooks");
        }
        Ok(taken)
    }

    /// Takes it over at once, for the only process of a database and for one look.
    pub async fn seize(&self, db: &Db) -> Result<()> {
        while !self.is_held() {
            self.take(db, &read(db).await?).await?;
        }
        Ok(())
    }

    /// Keeps it while it can, and takes it over where its holder is silent, for as long as the process runs.
    pub async fn run(&self, db: &Db) {
        // An embedded database has one process, and whoever was killed is not waited for.
        if db.kind() == "sqlite"
            && let Err(error) = self.seize(db).await
        {
            tracing::warn!(%error, "the lease could not be taken; trying again");
        }
        let mut seen: Option<(Row, Instant)> = None;
        loop {
            let held = *self.lock();
            if held.epoch > 0 {
                seen = None;
                self.beat(db, held).await;
            } else {
                match timeout(ANSWER_TIME, self.look(db, &mut seen)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(%error, "the lease cannot be looked at"),
                    Err(_) => tracing::debug!("the lease cannot be looked at: no answer"),
                }
                sleep(LOOK).await;
            }
        }
    }

    /// One beat, and the wait until the next.
    async fn beat(&self, db: &Db, held: Held) {
        let begun = Instant::now();
        let sql = "UPDATE leases SET beat = beat + 1 WHERE name = $1 AND epoch = $2";
        let ended = |why: &str| {
            tracing::warn!(epoch = held.epoch, why, "this process no longer looks after notebooks");
            self.set(Held { epoch: 0, until: None });
        };
        // Late, as after a sleep of the machine: nothing is done before it is known to be the holder still.
        match timeout(ANSWER_TIME, db.execute(sql, args![NAME, held.epoch])).await {
            Ok(Ok(1)) => {
                self.set(Held { until: Some(begun + VALID), ..held });
                sleep(BEAT).await;
            }
            Ok(Ok(_)) => ended("another took it over"),
            Ok(Err(_)) | Err(_) if held.until.is_none_or(|until| Instant::now() < until) => sleep(BEAT / 4).await,
            Ok(Err(error)) => ended(&error.to_string()),
            Err(_) => ended("the database does not answer"),
        }
    }

    /// One look of somebody who does not hold it: takes what is free, or whose holder was silent.
    async fn look(&self, db: &Db, seen: &mut Option<(Row, Instant)>) -> Result<()> {
        let now = read(db).await?;
        let since = match seen {
            Some((before, since)) if *before == now => *since,
            _ => {
                let since = Instant::now();
                *seen = Some((now.clone(), since));
                since
            }
        };
        // Its own beats of before, it need not wait for.
        if now.holder.is_empty() || now.holder == self.holder || since.elapsed() >= SILENT {
            self.take(db, &now).await?;
        }
        Ok(())
    }

    /// Gives it up, so that another need not wait.
    pub async fn release(&self, db: &Db) {
        let held = *self.lock();
        self.set(Held { epoch: 0, until: None });
        if held.epoch > 0 {
            let sql = "UPDATE leases SET holder = '' WHERE name = $1 AND epoch = $2";
            let _ = timeout(ANSWER_TIME, db.execute(sql, args![NAME, held.epoch])).await;
        }
    }
}
