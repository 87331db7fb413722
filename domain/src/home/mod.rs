//! What the first page after sign-in shows.

use crate::{
    audit,
    caller::Caller,
    error::Result,
    model::{Capacity, Home, Permission},
    notebooks,
    portal::Portal,
    teams,
};

/// What runs in the team now, what is free, and what happened last.
pub async fn summary(portal: &Portal, caller: &Caller, team: &str) -> Result<Home> {
    let scope = caller.require_in(Permission::ReadNotebooks, team)?;
    let (mut notebooks, capacity, activity) =
        futures::try_join!(notebooks::running(portal, caller, team), teams::capacity(portal, team), audit::recent(portal, team, 10))?;
    // Stable: within mine and others' the order stays newest first.
    notebooks.sort_by_key(|n| n.owner != scope.user);
    Ok(Home { notebooks, capacity, activity })
}

/// What the machine has, what is promised, and what of it the team may have. For everyone who is signed in and in a team.
pub async fn capacity(portal: &Portal, caller: &Caller, team: &str) -> Result<Capacity> {
    caller.require_in(Permission::ReadNotebooks, team)?;
    teams::capacity(portal, team).await
}
