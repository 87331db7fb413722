//! Groups of identity providers become roles in teams, by rules that administrators keep. What rules give is compared with what is there, and brought about;
//! doing so again changes nothing.

use super::{
    groups_store::{self as store, Gives},
    store as sso_store,
};
use crate::{
    audit,
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    events,
    model::{Change, GroupPreview, GroupRule, GroupRuleForm, Permission, ProviderGroups, RULES_MOST, Role, RoleChange, TeamId, UserId},
    notebooks,
    portal::Portal,
    random,
    teams::store::{self as members, Standing},
};
use std::collections::{BTreeMap, BTreeSet};

/// How often what changes meanwhile is looked at again.
const TRIES: usize = 8;

/// Rules of a provider, and whom it knows with which groups.
pub async fn groups(portal: &Portal, caller: &Caller, provider: &str) -> Result<ProviderGroups> {
    caller.require(Permission::ManageUsers)?;
    let row = sso_store::find(&portal.db, provider).await?;
    let mut tx = portal.db.begin_snapshot().await?;
    let all = store::rules(&mut tx).await?;
    let rules = all.into_iter().filter(|found| found.provider == row.id).map(|found| found.rule).collect();
    let people = store::people(&mut tx, &row.issuer).await?;
    Ok(ProviderGroups { name: row.name, claim: row.groups_claim, rules, people, teams: store::teams(&mut tx).await? })
}

/// Whose roles would change, and how, if there were this rule as well.
///
/// # Errors
/// `Invalid` by field.
pub async fn preview(portal: &Portal, caller: &Caller, provider: &str, form: &GroupRuleForm) -> Result<GroupPreview> {
    caller.require(Permission::ManageUsers)?;
    form.validate()?;
    let row = sso_store::find(&portal.db, provider).await?;
    let mut tx = portal.db.begin_snapshot().await?;
    let team_id = store::team(&mut tx, &form.team).await?.ok_or_else(no_team)?;
    let mut gives = store::gives(&mut tx, None).await?;
    let rule = GroupRule {
        id: String::new(),
        pattern: form.pattern.clone(),
        is_prefix: form.is_prefix,
        team: form.team.clone(),
        role: form.role,
        created_at: 0,
    };
    let people = store::people(&mut tx, &row.issuer).await?;
    let fits = people.iter().filter(|person| person.groups.iter().any(|group| rule.matches(group))).count();
    gives.rules.push(store::Found { provider: row.id, issuer: row.issuer, team_id, rule });
    Ok(GroupPreview { fits, known: people.len(), changes: seen(&gives) })
}

/// Whose roles would change, and how, without the rule of this id.
pub async fn preview_without(portal: &Portal, caller: &Caller, rule: &str) -> Result<GroupPreview> {
    caller.require(Permission::ManageUsers)?;
    let mut tx = portal.db.begin_snapshot().await?;
    let mut gives = store::gives(&mut tx, None).await?;
    let at = gives.rules.iter().position(|found| found.rule.id == rule).ok_or(Error::NotFound("rule"))?;
    let gone = gives.rules.remove(at);
    let people = store::people(&mut tx, &gone.issuer).await?;
    let fits = people.iter().filter(|person| person.groups.iter().any(|group| gone.rule.matches(group))).count();
    Ok(GroupPreview { fits, known: people.len(), changes: seen(&gives) })
}

fn no_team() -> Error {
    Error::invalid("team", "There is no such team.")
}

/// Adds a rule; those whom it fits have their role when this returns.
///
/// # Errors
/// `Invalid` by field.
pub async fn add_rule(portal: &Portal, caller: &Caller, provider: &str, form: GroupRuleForm) -> Result<GroupRule> {
    caller.require(Permission::ManageUsers)?;
    form.validate()?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let row = sso_store::find_tx(&mut tx, provider).await?;
    if store::count(&mut tx, provider).await? >= RULES_MOST {
        return Err(Error::Conflict(format!(
            "There are {RULES_MOST} rules already; remove one first, or use the beginning of several names."
        )));
    }
    let team_id = store::team(&mut tx, &form.team).await?.ok_or_else(no_team)?;
    let GroupRuleForm { pattern, is_prefix, team, role } = form;
    let rule = GroupRule { id: random::id(), pattern, is_prefix, team, role, created_at: now };
    store::insert(&mut tx, &row.id, &team_id, &rule).await?;
    record(&mut tx, portal, caller, "group_rule.add", None, Some(&rule)).await?;
    tx.commit().await?;
    settle(portal).await?;
    Ok(rule)
}

/// Removes a rule; what it alone gave is taken away when this returns.
pub async fn remove_rule(portal: &Portal, caller: &Caller, rule: &str) -> Result<()> {
    caller.require(Permission::ManageUsers)?;
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let before = store::rules(&mut tx).await?.into_iter().map(|found| found.rule).find(|found| found.id == rule);
    let before = before.ok_or(Error::NotFound("rule"))?;
    store::remove(&mut tx, rule).await?;
    record(&mut tx, portal, caller, "group_rule.remove", Some(&before), None).await?;
    tx.commit().await?;
    settle(portal).await
}

async fn record(
    tx: &mut Tx,
    portal: &Portal,
    caller: &Caller,
    action: &'static str,
    before: Option<&GroupRule>,
    after: Option<&GroupRule>,
) -> Result<()> {
    let rule = after.or(before);
    let (object, object_name) = (rule.map_or("", |rule| rule.id.as_str()), rule.map_or("", |rule| rule.pattern.as_str()));
    let team = rule.map(|rule| rule.team.as_str());
    audit::record(tx, caller, portal.clock.now(), audit::Entry { team, action, object, object_name, before, after }).await
}

/// A role by rule that is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Due {
    user: UserId,
    team: TeamId,
    team_name: String,
    before: Standing,
    after: Standing,
}

/// What differs between what rules give and what is there, by person and team.
fn due(gives: &Gives) -> Vec<Due> {
    let mut wanted: BTreeMap<(&UserId, &TeamId), (&str, Role)> = BTreeMap::new();
    for person in &gives.people {
        for found in gives.rules.iter().filter(|found| found.issuer == person.issuer) {
            if person.groups.iter().any(|group| found.rule.matches(group)) {
                let place = wanted.entry((&person.user, &found.team_id)).or_insert((&found.rule.team, found.rule.role));
                place.1 = place.1.max(found.rule.role);
            }
        }
    }
    let there: BTreeMap<_, _> = gives.members.iter().map(|member| ((&member.user, &member.team), member)).collect();
    let places: BTreeSet<_> = wanted.keys().chain(there.keys()).copied().collect();
    places
        .into_iter()
        .filter_map(|place| {
            let before = there.get(&place).map(|member| member.standing).unwrap_or_default();
            let after = Standing { by_rule: wanted.get(&place).map(|(_, role)| *role), ..before };
            let name = wanted.get(&place).map(|(name, _)| *name).or_else(|| there.get(&place).map(|member| member.team_name.as_str()));
            (before != after).then(|| Due {
                user: place.0.clone(),
                team: place.1.clone(),
                team_name: name.unwrap_or_default().to_owned(),
                before,
                after,
            })
        })
        .collect()
}

/// What people would see of it.
fn seen(gives: &Gives) -> Vec<RoleChange> {
    let people: BTreeMap<&UserId, _> = gives.people.iter().map(|person| (&person.user, person)).collect();
    let change = |due: Due| {
        let person = people.get(&due.user)?;
        let (before, after) = (due.before.role(), due.after.role());
        let (email, name) = (person.email.clone(), person.name.clone());
        (before != after).then_some(RoleChange { user: due.user, email, name, team: due.team_name, before, after })
    };
    let mut changes: Vec<RoleChange> = due(gives).into_iter().filter_map(change).collect();
    changes.sort_by(|a, b| (&a.email, &a.team).cmp(&(&b.email, &b.team)));
    changes
}

/// Whether a rule has a role for one of these groups.
pub(super) async fn fits(tx: &mut Tx, issuer: &str, groups: &[String]) -> Result<bool> {
    let rules = store::rules(tx).await?;
    Ok(rules.iter().filter(|found| found.issuer == issuer).any(|found| groups.iter().any(|group| found.rule.matches(group))))
}

/// Brings everybody's memberships to what rules give. Cheap where nothing differs.
pub async fn settle(portal: &Portal) -> Result<()> {
    let mut tx = portal.db.begin_snapshot().await?;
    let users: BTreeSet<UserId> = due(&store::gives(&mut tx, None).await?).into_iter().map(|due| due.user).collect();
    drop(tx);
    for user in users {
        settle_person(portal, &user).await?;
    }
    Ok(())
}

/// The same for one person: what they lose is lost, with running notebooks and tokens, when this returns.
pub(super) async fn settle_person(portal: &Portal, user: &UserId) -> Result<()> {
    for _ in 0..TRIES {
        let mut tx = portal.db.begin_snapshot().await?;
        let leaves = leaving(&due(&store::gives(&mut tx, Some(user)).await?));
        drop(tx);
        let (now, system) = (portal.clock.now(), Caller::system());
        let mut tx = portal.db.begin().await?;
        let mut stopped = Vec::new();
        for team in &leaves {
            stopped.extend(notebooks::owned::wish_stopped(&mut tx, user, Some(team)).await?);
            members::revoke_tokens(&mut tx, team, user, now).await?;
        }
        audit::lock(&mut tx).await?;
        let due = due(&store::gives(&mut tx, Some(user)).await?);
        if leaving(&due) != leaves {
            continue;
        }
        if due.is_empty() {
            return Ok(());
        }
        let account = crate::identity::store::get(&mut tx, user).await?;
        notebooks::owned::record(&mut tx, &system, now, &stopped, "its owner left the team's groups").await?;
        for due in due {
            members::put(&mut tx, &due.team, user, due.after, now).await?;
            let of = |standing: Standing| {
                standing.role().map(|role| serde_json::json!({ "role": role, "by_group": standing.by_rule, "by_hand": standing.by_hand }))
            };
            let entry = audit::Entry {
                team: Some(&due.team_name),
                action: if due.after.role().is_some() { "team.set_member" } else { "team.remove_member" },
                object: user.as_str(),
                object_name: &account.email,
                before: of(due.before),
                after: of(due.after),
            };
            audit::record(&mut tx, &system, now, entry).await?;
            events::publish(&mut tx, now, Some(&due.team_name), &Change::Team).await?;
        }
        tx.commit().await?;
        portal.known_tokens.forget();
        portal.wishes.notify_one();
        return Ok(());
    }
    Err(Error::Unavailable("Roles by groups change too often at this moment. Try again.".to_owned()))
}

fn leaving(due: &[Due]) -> BTreeSet<TeamId> {
    due.iter().filter(|due| due.after.role().is_none()).map(|due| due.team.clone()).collect()
}
