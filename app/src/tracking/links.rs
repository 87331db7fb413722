//! Addresses that name no team, `/experiments/<id>` and `/runs/<id>`: where the links lead that MLflow's client prints.

use domain::{
    Caller, Error, Portal,
    model::{ExperimentId, RunId, UserId},
    tracking,
};

/// The team's own page of what `target` names; none where there is no such thing for the caller, or it is another address. The Default of every
/// team is `/experiments/0`: that of the team in the query, else of the team that was visited last, else of the first.
///
/// # Errors
/// Where the database cannot be asked.
pub async fn led(portal: &Portal, caller: &Caller, target: &str, last_team: Option<&str>) -> Result<Option<String>, Error> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let found = match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some(("runs", id)) => {
            let team = tracking::links::team_of_run(portal, caller, &RunId::from(id)).await;
            team.map(|team| format!("/t/{team}/runs/{id}"))
        }
        Some(("experiments", "0")) => {
            let mine = |team: &&str| caller.identity.iter().flat_map(|i| &i.memberships).any(|m| m.team_name == **team);
            let named = query.split('&').find_map(|pair| pair.strip_prefix("team="));
            let first = || caller.identity.as_ref()?.memberships.first().map(|m| m.team_name.as_str());
            let team = named.filter(mine).or(last_team.filter(mine)).or_else(first);
            team.map(|team| format!("/t/{team}/experiments/0")).ok_or(Error::NotFound("experiment"))
        }
        Some(("experiments", id)) => {
            let team = tracking::links::team_of_experiment(portal, caller, &ExperimentId::from(id)).await;
            team.map(|team| format!("/t/{team}/experiments/{id}"))
        }
        _ => return Ok(None),
    };
    match found {
        Ok(page) => Ok(Some(page)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where somebody goes who has just signed in, and was on the way to `next`.
pub async fn after_sign_in(portal: &Portal, visitor: &Caller, user: &UserId, next: &str) -> String {
    let led = async {
        let identity = domain::identity::identify(portal, user).await?.ok_or(Error::Unauthenticated)?;
        let caller = Caller::identified(identity, visitor.request_id.clone(), visitor.address.clone());
        led(portal, &caller, next, crate::components::frame::cookie(crate::components::TEAM_COOKIE).as_deref()).await
    };
    // What cannot be looked up leads to the address itself, which says why.
    led.await.ok().flatten().unwrap_or_else(|| next.to_owned())
}
