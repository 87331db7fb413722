//! Reclaims what no file needs: replaced and deleted objects, uploads that were given up, and what a crash left behind.

use super::{objects::Key, parts, store};
use crate::{error::Result, model::Millis, portal::Portal};
use futures::StreamExt;
use std::time::Duration;

/// An object that has had no row for so long will get none.
const ORPHANED: Millis = 60 * 60 * 1000;
/// An unfinished file that was last written so long ago will not be finished.
const GIVEN_UP: Millis = 45 * 60 * 1000;
/// How often `run` looks; for orphans, which it takes a listing to find, every sixth time.
const EVERY: Duration = Duration::from_mins(10);
/// Objects that are removed between two looks at the database.
const BATCH: i64 = 256;

/// What a sweep gave back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub objects: u64,
    pub bytes: u64,
}

impl Swept {
    fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

/// Reclaims everything at once; for Slipway itself, as the portal's schedule and its purge call it.
pub async fn sweep(portal: &Portal) -> Result<Swept> {
    let mut swept = reclaim(portal).await?;
    let orphans = orphans(portal).await?;
    swept.objects += orphans.objects;
    swept.bytes += orphans.bytes;
    Ok(swept)
}

/// Sweeps for as long as the portal runs.
pub async fn run(portal: Portal) {
    let mut ticks = tokio::time::interval(EVERY);
    for round in 0_u64.. {
        ticks.tick().await;
        let swept = if round % 6 == 0 { sweep(&portal).await } else { reclaim(&portal).await };
        match swept {
            Ok(swept) if swept.objects > 0 => {
                tracing::info!(objects = swept.objects, bytes = swept.bytes, "artifact objects were reclaimed");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "artifact objects could not be reclaimed; trying again later"),
        }
    }
}

/// What is known to be needed by nobody.
async fn reclaim(portal: &Portal) -> Result<Swept> {
    let now = portal.clock.now();
    parts::expire(portal).await?;
    let mut swept = collect(portal).await?;
    swept.objects += portal.artifacts.sweep_unfinished(now - GIVEN_UP).await?;
    Ok(swept)
}

/// Objects whose files are gone; also beside another process that writes to the same store.
pub(crate) async fn collect(portal: &Portal) -> Result<Swept> {
    let mut swept = Swept::default();
    loop {
        let garbage = store::garbage(&portal.db, BATCH).await?;
        if garbage.is_empty() {
            break;
        }
        for (object, team, size) in &garbage {
            portal.artifacts.remove(Key { team: team.as_str().into(), object: object.clone() }).await?;
            swept.add(u64::try_from(*size).unwrap_or(0));
        }
        store::forget_garbage(&portal.db, garbage.into_iter().map(|g| g.0).collect()).await?;
    }
    Ok(swept)
}

/// Objects that nothing names: a crash came between their last byte and their row.
async fn orphans(portal: &Portal) -> Result<Swept> {
    let until = portal.clock.now() - ORPHANED;
    let mut swept = Swept::default();
    let mut stored = portal.artifacts.list().await?;
    while let Some(some) = stored.next().await {
        let mut old = some?;
        old.retain(|s| s.written_at < until && !portal.artifacts.is_being_written(&s.key.object));
        let known = store::known(&portal.db, old.iter().map(|s| &s.key)).await?;
        for orphan in old.into_iter().filter(|s| !known.contains(&s.key.object)) {
            portal.artifacts.remove(orphan.key).await?;
            swept.add(orphan.size);
        }
    }
    Ok(swept)
}
