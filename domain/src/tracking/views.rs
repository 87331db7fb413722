//! Named views of an experiment's runs: a person's own, and those that the whole team sees.

use super::{store, view_store};
use crate::{
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    model::{ExperimentId, Permission, RunView, VIEW_NAME_LENGTH, VIEW_QUERY_LENGTH, VIEWS_MOST, validate_line},
    portal::Portal,
    random,
};

/// The team's views of an experiment and the caller's own, by name.
pub async fn list(portal: &Portal, caller: &Caller, team: &str, experiment: &ExperimentId) -> Result<Vec<RunView>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let row = store::experiment(&portal.db, &scope.team, experiment).await?;
    let most = i64::try_from(2 * VIEWS_MOST).unwrap_or(i64::MAX);
    view_store::all(&portal.db, row.id, &scope.user, most).await
}

/// Saves a view, for the caller or for the team; one of the same name is overwritten. What is the team's takes a member.
pub async fn save(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    experiment: &ExperimentId,
    name: &str,
    query: &str,
    shared: bool,
) -> Result<()> {
    let scope = allowed(caller, team, shared)?;
    let (name, query) = (named(name)?, query.strip_prefix('?').unwrap_or(query));
    let plain = query.len() <= VIEW_QUERY_LENGTH && query.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if !plain {
        return Err(Error::invalid("query", "What the table shows is too long to be saved. Show fewer columns."));
    }
    let (now, mut tx) = (portal.clock.now(), portal.db.begin().await?);
    let row = store::experiment_tx(&mut tx, &scope.team, experiment).await?;
    let owner = (!shared).then_some(&scope.user);
    if usize::try_from(view_store::count(&mut tx, row.id, owner).await?).unwrap_or(VIEWS_MOST) >= VIEWS_MOST {
        return Err(Error::invalid("name", format!("An experiment has at most {VIEWS_MOST} views. Delete one first.")));
    }
    let id = random::id::<String>();
    let new = view_store::NewView { id: &id, experiment: row.id, owner, name: &name, query, by: &scope.user, at: now };
    view_store::put(&mut tx, new).await?;
    tx.commit().await
}

/// Gives a view another name.
pub async fn rename(portal: &Portal, caller: &Caller, team: &str, experiment: &ExperimentId, id: &str, name: &str) -> Result<()> {
    let (mut tx, name) = (find(portal, caller, team, experiment, id).await?, named(name)?);
    view_store::rename(&mut tx, id, &name, portal.clock.now()).await?;
    tx.commit().await
}

/// Deletes a view.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, experiment: &ExperimentId, id: &str) -> Result<()> {
    let mut tx = find(portal, caller, team, experiment, id).await?;
    view_store::delete(&mut tx, id).await?;
    tx.commit().await
}

fn allowed(caller: &Caller, team: &str, shared: bool) -> Result<TeamScope> {
    let needed = if shared { Permission::WriteTracking } else { Permission::ReadTracking };
    caller.require_in(needed, team)
}

fn named(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid("name", "Give the view a name."));
    }
    validate_line(name, VIEW_NAME_LENGTH).map_err(|reason| Error::invalid("name", reason))?;
    Ok(name.to_owned())
}

/// A transaction in which the caller may change the view.
async fn find(portal: &Portal, caller: &Caller, team: &str, experiment: &ExperimentId, id: &str) -> Result<Tx> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let mut tx = portal.db.begin().await?;
    let row = store::experiment_tx(&mut tx, &scope.team, experiment).await?;
    let shared = view_store::is_shared(&mut tx, row.id, id, &scope.user).await?.ok_or(Error::NotFound("view"))?;
    allowed(caller, team, shared)?;
    Ok(tx)
}
