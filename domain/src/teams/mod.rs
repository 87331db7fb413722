//! Teams and who is in them. Everything a person makes belongs to a team.

mod quota;
mod repair;
pub(crate) mod store;

pub use quota::set_quota;
pub(crate) use quota::{capacity, quota_of, shares};
pub use repair::{belongings, repair};
pub(crate) use repair::{check, run};

use crate::{
    audit,
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    events, identity,
    model::{Change, Member, Permission, Role, Team, TeamId, TeamSummary, UserId, validate_team_name},
    notebooks,
    portal::Portal,
    random, tracking,
};
use store::Standing;

/// Makes a team with the caller as its admin (from the console: without members).
pub async fn create(portal: &Portal, caller: &Caller, name: &str) -> Result<Team> {
    caller.require(Permission::CreateTeam)?;
    validate_team_name(name)?;
    let team = Team { id: random::id(), name: name.to_owned(), created_at: portal.clock.now() };
    let mut tx = portal.db.begin().await?;
    store::insert(&mut tx, &team).await?;
    tracking::add_default(&mut tx, &team).await?;
    if let Some(identity) = &caller.identity {
        let standing = Standing { by_hand: Some(Role::Admin), by_rule: None };
        store::put(&mut tx, &team.id, &identity.user.id, standing, team.created_at).await?;
    }
    let entry = audit::Entry::<(), _> {
        team: Some(name),
        action: "team.create",
        object: team.id.as_str(),
        object_name: name,
        before: None,
        after: Some(&team),
    };
    audit::record(&mut tx, caller, team.created_at, entry).await?;
    events::publish(&mut tx, team.created_at, Some(name), &Change::Team).await?;
    tx.commit().await?;
    portal.known_tokens.forget();
    Ok(team)
}

/// Every team, for portal administrators.
pub async fn list_all(portal: &Portal, caller: &Caller) -> Result<Vec<TeamSummary>> {
    caller.require(Permission::ManageTeams)?;
    let (mut teams, mut shares) = futures::try_join!(store::summaries(&portal.db), quota::shares(portal))?;
    for team in &mut teams {
        if let Some(share) = shares.remove(&team.team.name) {
            team.share = share;
        }
        team.namespace = portal.compute.namespace(&team.team.name);
    }
    Ok(teams)
}

/// Who is in the team, ordered by email. For its members and portal administrators.
pub async fn members(portal: &Portal, caller: &Caller, team: &str) -> Result<Vec<Member>> {
    let team = allowed(portal, caller, Permission::ReadTeam, team).await?;
    store::members(&portal.db, &team).await
}

/// Adds an existing user, or changes their role. For team admins and portal administrators. The last admin of a team stays one. What a group of an identity
/// provider gives stays: the higher role counts.
pub async fn set_member(portal: &Portal, caller: &Caller, team: &str, email: &str, role: Role) -> Result<Member> {
    let id = allowed(portal, caller, Permission::ManageMembers, team).await?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let user = identity::store::find(&mut tx, email)
        .await?
        .ok_or_else(|| Error::invalid("email", "Nobody has an account with this email. A portal administrator can add one."))?;
    let standing = store::standing(&mut tx, &id, &user.id).await?;
    let before = standing.role();
    if before.is_none() && user.disabled_at.is_some() {
        return Err(Error::invalid("email", "This account is disabled."));
    }
    let after = Standing { by_hand: Some(role), ..standing };
    // The same role by hand would outlive the group unseen.
    if let Some(by_rule) = standing.by_rule.filter(|by_rule| *by_rule >= role) {
        let reason = format!("A group of their identity provider makes them {} here already.", by_rule.as_str());
        return Err(Error::invalid("role", reason));
    }
    if before == Some(Role::Admin) && role != Role::Admin {
        keep_one_admin(&mut tx, &id, &user.id, team).await?;
    }
    let since = store::put(&mut tx, &id, &user.id, after, now).await?;
    let entry = audit::Entry {
        team: Some(team),
        action: "team.set_member",
        object: user.id.as_str(),
        object_name: &user.email,
        before: before.map(|role| serde_json::json!({ "role": role })),
        after: Some(serde_json::json!({ "role": role, "by_group": standing.by_rule })),
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(team), &Change::Team).await?;
    tx.commit().await?;
    portal.known_tokens.forget();
    Ok(Member { user: user.id, email: user.email, name: user.name, role, by_rule: standing.by_rule, since })
}

/// Removes a member (an admin does, or oneself). Their notebooks in the team are stopped and their tokens for it revoked.
pub async fn remove_member(portal: &Portal, caller: &Caller, team: &str, user: &UserId) -> Result<()> {
    let id = if caller.identity.as_ref().is_some_and(|i| i.user.id == *user) {
        caller.require(Permission::ManageOwnAccount)?;
        caller.require_in(Permission::ReadTeam, team)?.team
    } else {
        allowed(portal, caller, Permission::ManageMembers, team).await?
    };
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let stopped = notebooks::owned::wish_stopped(&mut tx, user, Some(&id)).await?;
    store::revoke_tokens(&mut tx, &id, user, now).await?;
    audit::lock(&mut tx).await?;
    let standing = store::standing(&mut tx, &id, user).await?;
    let role = standing.role().ok_or(Error::NotFound("member"))?;
    if standing.by_rule.is_some() && standing.by_hand.is_none() {
        let reason = "A group of an identity provider gives this membership. Take the person out of the group there, or ask a portal administrator to \
                      change the group's rule (Admin, Sign-in)";
        return Err(Error::Conflict(format!("{reason}.")));
    }
    let account = identity::store::get(&mut tx, user).await?;
    // What a group gives beside it stays.
    let after = Standing { by_hand: None, ..standing };
    if role == Role::Admin && after.role() != Some(Role::Admin) {
        keep_one_admin(&mut tx, &id, user, team).await?;
    }
    notebooks::owned::record(&mut tx, caller, now, &stopped, "its owner left the team").await?;
    store::put(&mut tx, &id, user, after, now).await?;
    let entry = audit::Entry {
        team: Some(team),
        action: "team.remove_member",
        object: user.as_str(),
        object_name: &account.email,
        before: Some(serde_json::json!({ "role": role })),
        after: after.role().map(|role| serde_json::json!({ "role": role, "by_group": after.by_rule })),
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(team), &Change::Team).await?;
    tx.commit().await?;
    portal.known_tokens.forget();
    portal.wishes.notify_one();
    Ok(())
}

/// The team, if the caller has the permission in it or manages all teams.
async fn allowed(portal: &Portal, caller: &Caller, permission: Permission, team: &str) -> Result<TeamId> {
    match caller.require_in(permission, team) {
        Ok(scope) => Ok(scope.team),
        Err(_) if caller.require(Permission::ManageTeams).is_ok() => store::find(&portal.db, team).await?.ok_or(Error::NotFound("team")),
        Err(refused) => Err(refused),
    }
}

async fn keep_one_admin(tx: &mut Tx, team: &TeamId, user: &UserId, name: &str) -> Result<()> {
    if store::other_admins(tx, team, user).await? == 0 {
        return Err(Error::Conflict(format!("This is the last admin of team {name}. Make somebody else an admin of it first.")));
    }
    Ok(())
}
