//! What the engine keeps for a team, as it is and as it should be.

use super::{quota, store};
use crate::{
    audit,
    caller::Caller,
    error::{Error, Result},
    events,
    model::{Change, Finding, Level, Manifest, Permission, Quota},
    portal::Portal,
};
use futures::StreamExt;
use std::time::Duration;
use tokio::time::timeout;

/// A check asks the cluster some ten questions for each team.
const LOOKED_AT: usize = 100;
const AT_ONCE: usize = 8;
/// People wait for a check.
const PATIENCE: Duration = Duration::from_secs(8);
/// How soon a change of a quota or a wish to repair reaches the cluster.
const EVERY: Duration = Duration::from_secs(1);

/// What the engine keeps for the team beside its notebooks, compared with what it should be. Empty where that is nothing.
pub async fn belongings(portal: &Portal, caller: &Caller, team: &str) -> Result<Vec<Manifest>> {
    caller.require(Permission::ManageTeams)?;
    store::find(&portal.db, team).await?.ok_or(Error::NotFound("team"))?;
    kept_for(portal, team, &quota::quota_of(portal, team).await?).await
}

/// Nothing for a team that has launched nothing yet: its first launch makes it.
async fn kept_for(portal: &Portal, team: &str, quota: &Quota) -> Result<Vec<Manifest>> {
    let all = portal.compute.belongings(team, quota).await?;
    let is_new = all.iter().all(|m| m.before.is_none()) && !store::has_launched(&portal.db, team).await?;
    Ok(if is_new { Vec::new() } else { all })
}

/// Asks that it be made as it should be; whichever process looks after notebooks does it.
pub async fn repair(portal: &Portal, caller: &Caller, team: &str) -> Result<()> {
    caller.require(Permission::ManageTeams)?;
    let differs: Vec<String> =
        belongings(portal, caller, team).await?.iter().filter(|m| !m.is_same()).map(|m| format!("{} {}", m.kind, m.name)).collect();
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let (id, _) = store::quota(&mut tx, team).await?.ok_or(Error::NotFound("team"))?;
    store::wish_repair(&mut tx, &id, now).await?;
    let entry = audit::Entry {
        team: Some(team),
        action: "team.repair",
        object: id.as_str(),
        object_name: team,
        before: Some(serde_json::json!({ "differs": differs })),
        after: None::<()>,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Which teams have something that is not as it should be; none where the engine keeps nothing for them.
pub(crate) async fn check(portal: &Portal) -> Result<Option<Finding>> {
    let (teams, quotas) = futures::try_join!(store::names(&portal.db), quota::quotas(portal))?;
    let count = teams.len();
    let looks = teams.into_iter().take(LOOKED_AT).map(|team| {
        let (portal, quota) = (portal.clone(), quotas.get(&team).copied().unwrap_or_default());
        async move {
            let all = kept_for(&portal, &team, &quota).await;
            (team, all)
        }
    });
    let looks = futures::stream::iter(looks).buffered(AT_ONCE).collect::<Vec<_>>();
    let Ok(all) = timeout(PATIENCE, looks).await else {
        let message = format!("The namespaces of {count} teams could not be looked at within {} s.", PATIENCE.as_secs());
        let remedy = "See whether the cluster is slow; a team's own page under Admin, Teams, Namespace looks at one.";
        return Ok(Some(Finding { name: "namespaces".to_owned(), level: Level::Warning, message, remedy: remedy.to_owned() }));
    };
    let kept = all.iter().filter(|(_, all)| all.as_ref().map_or(true, |all| !all.is_empty())).count();
    if kept == 0 {
        return Ok(None);
    }
    let of_team = |(team, all): &(String, Result<Vec<Manifest>>)| match all {
        Ok(all) => {
            let names: Vec<String> = all.iter().filter(|m| !m.is_same()).map(|m| format!("{} {}", m.kind, m.name)).collect();
            (!names.is_empty()).then(|| format!("{team} ({})", names.join(", ")))
        }
        Err(error) => Some(format!("{team} ({error})")),
    };
    let differ: Vec<String> = all.iter().filter_map(of_team).collect();
    let (level, mut message, remedy) = if differ.is_empty() {
        (Level::Ok, format!("What Slipway keeps in the namespaces of {kept} teams is as it should be."), "")
    } else {
        let remedy = "Look at the difference under Admin, Teams, Namespace, and have it repaired there.";
        (Level::Warning, format!("Not as Slipway made it: {}.", differ.join("; ")), remedy)
    };
    if count > LOOKED_AT {
        message = format!("{message} Only the first {LOOKED_AT} of {count} teams were looked at.");
    }
    Ok(Some(Finding { name: "namespaces".to_owned(), level, message, remedy: remedy.to_owned() }))
}

/// Keeps what the engine keeps for teams as it should be: their quotas, and what somebody asks to be repaired. A task of its own, so that no notebook waits
/// for it.
pub(crate) async fn run(portal: &Portal) {
    let mut next = tokio::time::interval(EVERY);
    next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        next.tick().await;
        let kept = async {
            portal.compute.keep_quotas(&quota::quotas(portal).await?).await;
            repair_wished(portal).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "what belongs to teams could not be looked after; trying again");
        }
    }
}

/// Does what was asked for. What the cluster refuses is not asked of it again: whoever looks sees that it still differs, and why.
async fn repair_wished(portal: &Portal) -> Result<()> {
    for (team, at) in store::repairs(&portal.db).await? {
        match portal.compute.repair(&team).await {
            Err(error @ Error::Unavailable(_)) => {
                tracing::warn!(team, %error, "what belongs to a team could not be repaired; trying again");
                return Ok(());
            }
            Err(error) => tracing::warn!(team, %error, "what belongs to a team could not be repaired"),
            Ok(()) => {}
        }
        let mut tx = portal.db.begin().await?;
        portal.lease.fence(&mut tx).await?;
        store::repaired(&mut tx, &team, at).await?;
        events::publish(&mut tx, portal.clock.now(), None, &Change::Capacity).await?;
        tx.commit().await?;
    }
    Ok(())
}
