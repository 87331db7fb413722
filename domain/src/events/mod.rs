//! The live stream: what changed, in the order of the commits, resumable by sequence number.
//!
//! An event is a row written in the transaction of its change. One pump reads committed rows in order and hands them to every open
//! stream, so that no stream ever sees an event twice, out of order, or of a change that was rolled back.

use crate::{
    args,
    db::Tx,
    error::{Error, Result},
    model::{Change, Event, Millis, Phase},
    portal::Portal,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, broadcast},
    time::Instant,
};

/// How long a stream can be away and still resume, in milliseconds.
const KEPT: Millis = 60 * 60 * 1000;

/// The fan-out to open streams. A stream that falls 256 events behind is told to reload.
#[derive(Clone)]
pub struct Events {
    streams: broadcast::Sender<Arc<Event>>,
    /// Sequence number of the last event that was handed out.
    seen: Arc<AtomicI64>,
}

impl Default for Events {
    fn default() -> Self {
        Self { streams: broadcast::channel(256).0, seen: Arc::default() }
    }
}

impl Events {
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.streams.subscribe()
    }
    pub(crate) fn seen(&self) -> i64 {
        self.seen.load(Ordering::Relaxed)
    }
}

#[derive(sqlx::FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    team: Option<String>,
    change: String,
}

impl EventRow {
    fn event(self) -> Result<Event> {
        let change = serde_json::from_str(&self.change).map_err(|e| Error::internal("stored event", e))?;
        Ok(Event { seq: self.seq, at: self.at, team: self.team, change })
    }
}

/// Writes an event into the transaction of its change. `team` is a team's name.
pub async fn publish(tx: &mut Tx, at: Millis, team: Option<&str>, change: &Change) -> Result<()> {
    let seq = tx.next("event").await?;
    let change = serde_json::to_string(change).map_err(|e| Error::internal("event", e))?;
    tx.execute("INSERT INTO events (seq, at, team, change) VALUES ($1, $2, $3, $4)", args![seq, at, team, change]).await?;
    tx.has_published();
    Ok(())
}

/// The newest sequence number.
pub async fn latest(portal: &Portal) -> Result<i64> {
    let row: (i64,) = portal.db.fetch_one("SELECT value FROM counters WHERE name = 'event'", args![]).await?;
    Ok(row.0)
}

/// Bytes of events that are replayed to a stream; one that missed more reloads its data, which is less.
const REPLAYED: i64 = 1 << 20;

/// Events after `seq`, oldest first; `None` where some of them are no longer kept, or are more than 1000 or `REPLAYED` bytes.
pub async fn since(portal: &Portal, seq: i64) -> Result<Option<Vec<Event>>> {
    let missed = "SELECT COUNT(*), CAST(COALESCE(SUM(LENGTH(change)), 0) AS BIGINT) FROM events WHERE seq > $1";
    let (count, bytes): (i64, i64) = portal.db.fetch_one(missed, args![seq]).await?;
    if count > 1000 || bytes > REPLAYED {
        return Ok(None);
    }
    let rows: Vec<EventRow> =
        portal.db.fetch_all("SELECT seq, at, team, change FROM events WHERE seq > $1 ORDER BY seq LIMIT 1000", args![seq]).await?;
    let gapless = rows.first().map_or(seq == latest(portal).await?, |first| first.seq == seq + 1);
    if gapless { rows.into_iter().map(EventRow::event).collect::<Result<_>>().map(Some) } else { Ok(None) }
}

/// How often other processes are told of commits at most: `PostgreSQL` commits what tells others one by one.
const TELL_EVERY: Duration = Duration::from_millis(20);

/// Hands events that are committed after `seen` to the open streams until the process ends. Wakes on each commit of events here, when another process
/// on the same `PostgreSQL` tells of one, and looks once a second for those of whom nobody tells (the command line).
///
/// `seen` is asked for before the first stream can open: a stream that was told where it starts hears all that comes after.
pub async fn run(portal: Portal, seen: i64) {
    let heard = Notify::new();
    let hear = async {
        let mut others = portal.db.others();
        loop {
            others.heard().await;
            heard.notify_one();
        }
    };
    tokio::select! {
        () = hear => {}
        () = hand_out(&portal, seen, &heard) => {}
    }
}

async fn hand_out(portal: &Portal, mut seen: i64, heard: &Notify) {
    let (mut swept_at, mut told_at, mut untold) = (0, Instant::now(), false);
    loop {
        portal.events.seen.store(seen, Ordering::Relaxed);
        let wait = if untold { TELL_EVERY.saturating_sub(told_at.elapsed()) } else { Duration::from_secs(1) };
        tokio::select! {
            () = portal.db.committed() => untold = true,
            () = heard.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
        match pump(portal, seen).await {
            Ok(last) => seen = last,
            Err(error) => tracing::warn!(%error, "the event stream cannot read the database; trying again"),
        }
        if untold && told_at.elapsed() >= TELL_EVERY {
            (told_at, untold) = (Instant::now(), false);
            if let Err(error) = portal.db.tell_others().await {
                tracing::debug!(%error, "other processes could not be told of a commit; they look by themselves");
            }
        }
        let now = portal.clock.now();
        if now - swept_at > KEPT / 4 {
            swept_at = now;
            if let Err(error) = portal.db.execute("DELETE FROM events WHERE at < $1", args![now - KEPT]).await {
                tracing::warn!(%error, "old events could not be removed");
            }
        }
    }
}

/// Whether the supervisor has something to do now.
fn is_wish(change: &Change) -> bool {
    match change {
        Change::Notebook(notebook) => (notebook.phase == Phase::Queued && notebook.reason.is_none()) || notebook.phase == Phase::Stopping,
        Change::NotebookDeleted { .. } => true,
        _ => false,
    }
}

async fn pump(portal: &Portal, mut seen: i64) -> Result<i64> {
    loop {
        let rows: Vec<EventRow> =
            portal.db.fetch_all("SELECT seq, at, team, change FROM events WHERE seq > $1 ORDER BY seq LIMIT 50", args![seen]).await?;
        if rows.is_empty() {
            return Ok(seen);
        }
        for row in rows {
            seen = row.seq;
            match row.event() {
                Ok(event) => {
                    // Before whoever hears of it asks who they are now.
                    if matches!(event.change, Change::Team) {
                        portal.known_tokens.forget();
                    }
                    // It may be another process that has taken the wish.
                    if is_wish(&event.change) && portal.lease.is_held() {
                        portal.wishes.notify_one();
                    }
                    // No receiver is no fault: nobody is looking.
                    drop(portal.events.streams.send(Arc::new(event)));
                }
                Err(error) => tracing::error!(%error, "an event was skipped"),
            }
        }
    }
}
