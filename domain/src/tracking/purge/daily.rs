//! The purge that happens by itself.

use super::{DAY, purge, store};
use crate::{caller::Caller, error::Result, model::Millis, portal::Portal};
use std::time::Duration;

/// A portal that starts has other things to do first.
const AFTER_START: Duration = Duration::from_mins(2);
/// How often it is looked whether a day has passed.
const EVERY: Duration = Duration::from_hours(1);

/// Purges for as long as the portal runs, unless the operator chose that nothing goes by itself.
pub async fn run(portal: Portal) {
    let mut daily = Daily::default();
    tokio::time::sleep(AFTER_START).await;
    loop {
        daily.look(&portal).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// Knows when all teams were purged last.
#[derive(Default)]
pub struct Daily {
    last: Option<Millis>,
}

impl Daily {
    /// Purges every team, if a day has passed since that went well, or never did.
    pub async fn look(&mut self, portal: &Portal) {
        let Some(days) = portal.settings.purge_after_days else { return };
        let now = portal.clock.now();
        if self.last.is_some_and(|last| now - last < DAY) {
            return;
        }
        match everybody(portal, days).await {
            Ok(()) => self.last = Some(now),
            Err(error) => tracing::warn!(%error, "what was deleted could not be purged; trying again later"),
        }
    }
}

/// One team that cannot be purged keeps no other from it.
async fn everybody(portal: &Portal, days: u32) -> Result<()> {
    let mut failed = Ok(());
    for team in store::teams(&portal.db).await? {
        if let Err(error) = purge(portal, &Caller::system(), &team, days, false).await {
            failed = Err(error);
        }
    }
    failed
}
