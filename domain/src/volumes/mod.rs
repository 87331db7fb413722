//! Volumes: named persistent folders of a team.

mod store;

use crate::{
    args, audit,
    caller::Caller,
    error::{Error, Result},
    events,
    model::{Change, Permission, Volume, VolumeId, validate_name},
    portal::Portal,
    random,
};
use futures::future::join_all;

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

/// Deletes a volume and all files in it. Refused while a notebook has it attached.
pub async fn remove(portal: &Portal, caller: &Caller, team: &str, name: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteVolumes, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row: Option<(String,)> =
        tx.fetch_optional("SELECT id FROM volumes WHERE team_id = $1 AND name = $2", args![&scope.team, name]).await?;
    let id = VolumeId(row.ok_or(Error::NotFound("volume"))?.0);
    let attached = store::attached_to(&mut tx, &id).await?;
    if !attached.is_empty() {
        return Err(Error::Conflict(format!("{name} is attached to {}. Delete that first.", attached.join(", "))));
    }
    tx.execute("DELETE FROM volumes WHERE id = $1", args![&id]).await?;
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
    portal.compute.delete_volume(&id).await
}
