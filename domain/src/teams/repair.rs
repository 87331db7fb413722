//! What the engine keeps for a team, as it is and as it should be.

use super::{quota, store};
use crate::{
    audit,
    caller::Caller,
    error::{Error, Result},
    model::{Finding, Level, Manifest, Permission},
    portal::Portal,
};
use futures::{StreamExt, TryStreamExt};

/// A check asks the cluster some ten questions for each team.
const LOOKED_AT: usize = 100;
const AT_ONCE: usize = 8;

/// What the engine keeps for the team beside its notebooks, compared with what it should be. Empty where that is nothing.
pub async fn belongings(portal: &Portal, caller: &Caller, team: &str) -> Result<Vec<Manifest>> {
    caller.require(Permission::ManageTeams)?;
    store::find(&portal.db, team).await?.ok_or(Error::NotFound("team"))?;
    portal.compute.belongings(team, &quota::quota_of(portal, team).await?).await
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
    portal.wishes.notify_one();
    Ok(())
}

/// Which teams have something that is not as it should be; none where the engine keeps nothing for them.
pub(crate) async fn check(portal: &Portal) -> Result<Option<Finding>> {
    let (teams, quotas) = futures::try_join!(store::names(&portal.db), quota::quotas(portal))?;
    let count = teams.len();
    let looks = teams.into_iter().take(LOOKED_AT).map(|team| {
        let (portal, quota) = (portal.clone(), quotas.get(&team).copied().unwrap_or_default());
        async move {
            let all = portal.compute.belongings(&team, &quota).await?;
            Ok::<_, Error>((team, all))
        }
    });
    let all: Vec<_> = futures::stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
    let kept = all.iter().filter(|(_, all)| !all.is_empty()).count();
    if kept == 0 {
        return Ok(None);
    }
    let of_team = |(team, all): &(String, Vec<Manifest>)| {
        let names: Vec<String> = all.iter().filter(|m| !m.is_same()).map(|m| format!("{} {}", m.kind, m.name)).collect();
        (!names.is_empty()).then(|| format!("{team} ({})", names.join(", ")))
    };
    let differ: Vec<String> = all.iter().filter_map(of_team).collect();
    let (level, mut message, remedy) = if differ.is_empty() {
        (Level::Ok, format!("The namespaces of {kept} teams are as Slipway made them."), "")
    } else {
        let remedy = "Look at the difference under Admin, Teams, Namespace, and have it repaired there.";
        (Level::Warning, format!("Changed by somebody else: {}.", differ.join("; ")), remedy)
    };
    if count > LOOKED_AT {
        message = format!("{message} Only the first {LOOKED_AT} of {count} teams were looked at.");
    }
    Ok(Some(Finding { name: "namespaces".to_owned(), level, message, remedy: remedy.to_owned() }))
}

/// Does what was asked for. What the cluster refuses is not asked of it again: whoever looks sees that it still differs, and why.
pub(crate) async fn repair_wished(portal: &Portal) -> Result<()> {
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
        tx.commit().await?;
    }
    Ok(())
}
