//! A team with demo data: made and marked as such for a newcomer to look around in, and taken away again without a trace but the audit trail's.

mod promotion;
mod store;

pub use promotion::ask_for_promotion;

use crate::{
    artifacts, audit, backup,
    caller::Caller,
    error::{Error, Result},
    events, identity,
    model::{Change, NewToken, NewUser, Permission, Role, Team, TeamId, UserId},
    portal::Portal,
    random, teams, tokens,
};
use serde_json::json;

/// Days that the tokens of the demo's people are good for: as long as it takes to fill the team.
const TOKEN_DAYS: u32 = 1;

/// The people of the demo: name, email, role.
const PEOPLE: [(&str, &str, Role); 3] = [
    ("Ada Demo", "ada.demo@example.com", Role::Admin),
    ("Ben Demo", "ben.demo@example.com", Role::Member),
    ("Cleo Demo", "cleo.demo@example.com", Role::Viewer),
];

/// A team that waits to be filled.
#[derive(Clone, Debug)]
pub struct Begun {
    pub team: Team,
    /// Email and password of its admin, who also administers the portal where that had nobody.
    pub admin: (String, String),
    /// Tokens of those who log: its admin's, its member's.
    pub tokens: [String; 2],
    /// Emails of the portal administrators who were made admins of the team.
    pub joined: Vec<String>,
}

/// What a removal takes away, or took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub team: String,
    pub experiments: i64,
    pub runs: i64,
    pub models: i64,
    pub traces: i64,
    pub files: i64,
    /// Emails of the demo's people.
    pub people: Vec<String>,
}

/// Makes the team, its people and their tokens, all marked as demo. From the console only.
///
/// # Errors
/// `Conflict` where there is a demo already, `AlreadyExists` where the team's or a person's name is taken.
pub async fn begin(portal: &Portal, caller: &Caller, team: &str) -> Result<Begun> {
    caller.require(Permission::ManageTeams)?;
    if let Some((_, name)) = store::team(&portal.db).await? {
        return Err(Error::Conflict(format!("There is demo data in the team {name} already. Remove it first: slipway demo --remove")));
    }
    let nobody = identity::needs_setup(portal).await?;
    let joined: Vec<String> = identity::list_users(portal, caller)
        .await?
        .into_iter()
        .filter(|user| user.admin && user.disabled_at.is_none())
        .map(|user| user.email)
        .collect();
    let made = teams::create(portal, caller, team).await?;
    // Marked at once, so that what comes of a failure can be removed, too.
    store::mark_team(&portal.db, &made.id).await?;
    let password = random::id::<String>();
    for (i, (name, email, role)) in PEOPLE.into_iter().enumerate() {
        let (first, secret) = (i == 0, if i == 0 { password.clone() } else { random::id::<String>() });
        let new = NewUser { email: email.to_owned(), name: name.to_owned(), password: secret, admin: first && nobody };
        let user = identity::add_user(portal, caller, new).await?;
        store::mark_user(&portal.db, &user.id).await?;
        teams::set_member(portal, caller, team, email, role).await?;
    }
    for email in &joined {
        teams::set_member(portal, caller, team, email, Role::Admin).await?;
    }
    let mut secrets = Vec::new();
    for (_, email, role) in PEOPLE.into_iter().take(2) {
        let new = NewToken { name: "demo data".to_owned(), team: team.to_owned(), role: role.min(Role::Member), days: TOKEN_DAYS };
        secrets.push(tokens::create_for(portal, caller, email, new).await?.1);
    }
    let tokens = <[String; 2]>::try_from(secrets).map_err(|_| Error::Internal("the demo has two tokens".to_owned()))?;
    Ok(Begun { team: made, admin: (PEOPLE[0].1.to_owned(), password), tokens, joined })
}

/// What there is of a demo; none where there is none.
pub async fn contents(portal: &Portal, caller: &Caller) -> Result<Option<Contents>> {
    caller.require(Permission::ManageTeams)?;
    let team = store::team(&portal.db).await?;
    let people = store::people(&portal.db).await?;
    let Some((id, name)) = team else {
        return Ok((!people.is_empty()).then(|| Contents { people: people.into_iter().map(|p| p.1).collect(), ..Contents::default() }));
    };
    let mut found = store::counts(&portal.db, &id).await?;
    found.team = name;
    found.people = people.into_iter().map(|p| p.1).collect();
    Ok(Some(found))
}

/// Removes the demo's team with everything in it, also what others added, and its people. An account that made something in another team is
/// disabled instead; the emails of those are told.
///
/// # Errors
/// `NotFound` where there is no demo; `Conflict` where notebooks or volumes of it would be lost, or the portal its last administrator.
pub async fn remove(portal: &Portal, caller: &Caller) -> Result<(Contents, Vec<String>)> {
    let found = contents(portal, caller).await?.ok_or(Error::NotFound("demo data"))?;
    if store::is_last_admin(&portal.db).await? {
        let reason = "The demo's admin is this portal's only administrator. Make somebody else an administrator first (Admin → Users).";
        return Err(Error::Conflict(reason.to_owned()));
    }
    if let Some((id, name)) = store::team(&portal.db).await? {
        remove_team(portal, caller, &id, &name, &found).await?;
    }
    let mut kept = Vec::new();
    for (id, email) in store::people(&portal.db).await? {
        if remove_person(portal, caller, &id, &email).await.is_err() {
            identity::set_disabled(portal, caller, &id, true).await?;
            store::unmark_user(&portal.db, &id).await?;
            kept.push(email);
        }
    }
    portal.known_tokens.forget();
    Ok((found, kept))
}

async fn remove_team(portal: &Portal, caller: &Caller, id: &TeamId, name: &str, found: &Contents) -> Result<()> {
    if store::has_folders(&portal.db, id).await? {
        return Err(Error::Conflict(format!(
            "Team {name} has notebooks or volumes, which somebody made since. Delete them first: Notebooks and Volumes of the team."
        )));
    }
    let mut tx = portal.db.begin().await?;
    store::let_go_of_files(&mut tx, id).await?;
    for table in backup::tables_with("team_id").into_iter().rev().filter(|table| *table != "artifact_garbage") {
        store::delete_of_team(&mut tx, table, id).await?;
    }
    tx.commit().await?;
    // Their objects are found by the team, whose row goes last.
    artifacts::sweep::collect(portal).await?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    store::delete_team(&mut tx, id).await?;
    let before = json!({ "experiments": found.experiments, "runs": found.runs, "models": found.models, "files": found.files });
    let entry = audit::Entry::<_, ()> {
        team: Some(name),
        action: "demo.remove",
        object: id.as_str(),
        object_name: name,
        before: Some(before),
        after: None,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(name), &Change::Team).await?;
    tx.commit().await
}

async fn remove_person(portal: &Portal, caller: &Caller, id: &UserId, email: &str) -> Result<()> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    // What runs call `user_id` is what their client says.
    for table in backup::tables_with("user_id").into_iter().rev().filter(|table| *table != "runs") {
        store::delete_of_person(&mut tx, table, id).await?;
    }
    store::delete_person(&mut tx, id).await?;
    let entry =
        audit::Entry::<(), ()> { team: None, action: "user.remove", object: id.as_str(), object_name: email, before: None, after: None };
    audit::record(&mut tx, caller, now, entry).await?;
    tx.commit().await
}
