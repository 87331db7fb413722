//! Volumes: named persistent folders of a team.
//!
//! A removal is a wish first: the row loses its name and is hidden, then the files go, then the row. Whatever interrupts that, `run`
//! drives it to its end, so that no files stay that nobody knows of.

mod store;

use crate::{
    audit,
    caller::Caller,
    error::{Error, Result},
    events,
    model::{Change, Permission, Volume, VolumeId, validate_name},
    portal::Portal,
    random,
};
use futures::future::join_all;
use std::time::Duration;

/// How often removals that could not be finished are tried again.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// The team's volumes, ordered by name.
pub async fn list(portal: &Portal, caller: &Caller, team: &str) -> Result<Vec<Volume>> {
    let scope = caller.require_in(Permission::ReadVolumes, team)?;
    let mut volumes = store::list(&portal.db, &scope).await?;
    let usage = join_all(volumes.iter().map(|v| portal.compute.volume_usage(&v.id))).await;
    for (volume, used) in volumes.iter_mut().zip(usage) {
        volume.used_bytes = used.and_then(|bytes| i64::try_from(bytes).ok());
    }
    Ok(volumes)
}

/// Makes an empty volume.
pub async fn create(portal: &Portal, caller: &Caller, team: &str, name: &str) -> Result<Volume> {
    let scope = caller.require_in(Permission::WriteVolumes, team)?;
    validate_name(name, 40).map_err(|reason| Error::invalid("name", reason))?;
    let volume = Volume {
        id: random::id(),
        name: name.to_owned(),
        team: scope.team_name.clone(),
        created_by: scope.email.clone(),
        created_at: portal.clock.now(),
        used_bytes: None,
        attached_to: Vec::new(),
    };
    let mut tx = portal.db.begin().await?;
    store::insert(&mut tx, &scope, &volume).await?;
    let entry = audit::Entry::<(), _> {
        team: Some(team),
        action: "volume.create",
        object: volume.id.as_str(),
        object_name: name,
        before: None,
        after: Some(serde_json::json!({ "name": name })),
    };
    audit::record(&mut tx, caller, volume.created_at, entry).await?;
    events::publish(&mut tx, volume.created_at, Some(team), &Change::Volumes).await?;
    tx.commit().await?;
    // The engine makes the folder at the first launch too, so a failure here costs nothing.
    if let Err(error) = portal.compute.create_volume(&volume.id).await {
        tracing::warn!(volume = %volume.id, %error, "the folder of a new volume will be made when it is first attached");
    }
    Ok(volume)
}

/// Deletes a volume and all files in it. Refused while a notebook has it attached. Its name is free at once; files that resist are deleted
/// later.
pub async fn remove(portal: &Portal, caller: &Caller, team: &str, name: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteVolumes, team)?;
    validate_name(name, 40).map_err(|_| Error::NotFound("volume"))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let id = store::locked(&mut tx, &scope.team, name).await?.ok_or(Error::NotFound("volume"))?;
    let attached = store::attached_to(&mut tx, &id).await?;
    if !attached.is_empty() {
        return Err(Error::Conflict(format!("{name} is attached to {}. Delete that first.", attached.join(", "))));
    }
    store::wish_removed(&mut tx, &id).await?;
    let entry = audit::Entry::<_, ()> {
        team: Some(team),
        action: "volume.remove",
        object: id.as_str(),
        object_name: name,
        before: Some(serde_json::json!({ "name": name })),
        after: None,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(team), &Change::Volumes).await?;
    tx.commit().await?;
    finish_removal(portal, &id).await;
    Ok(())
}

/// Files first, so that what goes wrong in between leaves a row that says so. The next sweep tries again.
async fn finish_removal(portal: &Portal, id: &VolumeId) {
    let finished = async {
        portal.compute.delete_volume(id).await?;
        store::forget(&portal.db, id).await
    };
    match finished.await {
        Ok(()) => {}
        // Of the process that looks after notebooks: it finishes what others begin.
        Err(Error::Unavailable(why)) if !portal.lease.is_held() => {
            tracing::debug!(volume = %id, why, "the files of a removed volume are deleted by another process");
        }
        Err(error) => tracing::warn!(volume = %id, %error, "the files of a removed volume could not be deleted; trying again"),
    }
}

/// Finishes every removal that was begun, once.
pub async fn sweep(portal: &Portal) {
    match store::removed(&portal.db).await {
        Ok(removed) => {
            for id in removed {
                finish_removal(portal, &id).await;
            }
        }
        Err(error) => tracing::warn!(%error, "removed volumes could not be looked up; trying again"),
    }
}

/// Finishes removals until the process ends: those of a portal that died first, then those that could not be finished at once.
pub async fn run(portal: &Portal) {
    loop {
        sweep(portal).await;
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}
