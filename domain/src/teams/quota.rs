//! What the notebooks of a team may hold at once.

use super::store;
use crate::{
    audit,
    caller::Caller,
    error::{Error, Result},
    events,
    model::{Capacity, Change, Permission, Quota, Share},
    portal::Portal,
};
use std::collections::{BTreeMap, HashMap};

/// Sets what the team's notebooks may hold at once. What runs goes on; what is over it waits until there is room, and fails where it never fits.
pub async fn set_quota(portal: &Portal, caller: &Caller, team: &str, quota: Quota) -> Result<()> {
    caller.require(Permission::ManageTeams)?;
    quota.validate()?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let (id, before) = store::quota(&mut tx, team).await?.ok_or(Error::NotFound("team"))?;
    if before == quota {
        return Ok(());
    }
    store::set_quota(&mut tx, &id, &quota).await?;
    let entry = audit::Entry {
        team: Some(team),
        action: "team.set_quota",
        object: id.as_str(),
        object_name: team,
        before: Some(before),
        after: Some(quota),
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, None, &Change::Capacity).await?;
    tx.commit().await?;
    portal.wishes.notify_one();
    Ok(())
}

/// The quota of one team.
pub(crate) async fn quota_of(portal: &Portal, team: &str) -> Result<Quota> {
    Ok(quotas(portal).await?.remove(team).unwrap_or_default())
}

/// The quota of every team that has one.
pub(super) async fn quotas(portal: &Portal) -> Result<BTreeMap<String, Quota>> {
    Ok(store::quotas(&portal.db).await?.into_iter().map(|(team, share)| (team, share.quota)).collect())
}

/// Every team that has a quota, with what it holds of it.
pub(crate) async fn shares(portal: &Portal) -> Result<HashMap<String, Share>> {
    held(portal, store::quotas(&portal.db).await?, None).await
}

async fn held(portal: &Portal, mut shares: HashMap<String, Share>, team: Option<&str>) -> Result<HashMap<String, Share>> {
    for (team, size) in store::held(&portal.db, team).await? {
        if let Some(share) = shares.get_mut(&team) {
            share.hold(&size);
        }
    }
    Ok(shares)
}

/// What one team holds of its quota, if it has one.
async fn share(portal: &Portal, team: &str) -> Result<Option<Share>> {
    let Some(share) = store::quotas(&portal.db).await?.remove(team) else { return Ok(None) };
    Ok(held(portal, HashMap::from([(team.to_owned(), share)]), Some(team)).await?.remove(team))
}

/// What there is, and what of it this team may have.
pub(crate) async fn capacity(portal: &Portal, team: &str) -> Result<Capacity> {
    let (capacity, share) = futures::try_join!(portal.compute.capacity(), share(portal, team))?;
    Ok(Capacity { share, ..capacity })
}
