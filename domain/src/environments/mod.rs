//! The catalogue of notebook environments.

mod defaults;
mod store;

use crate::{
    args, audit,
    caller::Caller,
    error::{Error, Result},
    events,
    model::{Change, Environment, EnvironmentChoice, EnvironmentVersion, NotebookSpec, Permission},
    portal::Portal,
    random,
};
use futures::future::join_all;

/// Under which the engine keeps the Python environment of a version: `<environment>-<version>-<digest of the packages>`, so that the same
/// key always has the same content. Safe as a folder name.
pub fn environment_key(environment: &str, version: &EnvironmentVersion) -> String {
    let slug: String =
        version.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' }).collect();
    let digest = random::digest(&version.packages.join("\n"));
    format!("{environment}-{}-{}", slug.trim_matches(['-', '.']), &digest[..12])
}

/// Puts the default catalogue into an empty portal. Called at each start; never overwrites.
pub async fn ship_defaults(portal: &Portal) -> Result<()> {
    if !store::is_untouched(&portal.db).await? {
        return Ok(());
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let shipped = defaults::catalogue(now);
    for environment in &shipped {
        store::put(&mut tx, environment).await?;
    }
    let names: Vec<&str> = shipped.iter().map(|e| e.name.as_str()).collect();
    let entry = audit::Entry::<(), _> {
        team: None,
        action: store::SHIPPED,
        object: "catalogue",
        object_name: "default environments",
        before: None,
        after: Some(names),
    };
    audit::record(&mut tx, &Caller::system(), now, entry).await?;
    tx.commit().await
}

/// What a member of the team may launch, with why some of it cannot be launched here.
pub async fn choices(portal: &Portal, caller: &Caller, team: &str) -> Result<Vec<EnvironmentChoice>> {
    caller.require_in(Permission::ReadNotebooks, team)?;
    let all = store::all(&portal.db).await?;
    let visible = |e: &Environment| e.enabled && (e.visible_to.is_empty() || e.visible_to.iter().any(|t| t == team));
    Ok(join_all(all.into_iter().filter(visible).map(|e| choice(portal, e))).await)
}

/// The whole catalogue, for administrators.
pub async fn list_all(portal: &Portal, caller: &Caller) -> Result<Vec<EnvironmentChoice>> {
    caller.require(Permission::ManageEnvironments)?;
    Ok(join_all(store::all(&portal.db).await?.into_iter().map(|e| choice(portal, e))).await)
}

async fn choice(portal: &Portal, environment: Environment) -> EnvironmentChoice {
    let cached = join_all(environment.versions.iter().map(|v| async {
        let cached = !v.packages.is_empty() && portal.compute.is_cached(&environment_key(&environment.name, v)).await;
        cached.then(|| v.name.clone())
    }));
    let (unavailable, cached) = futures::join!(portal.compute.unavailable(&environment), cached);
    EnvironmentChoice { cached_versions: cached.into_iter().flatten().collect(), unavailable, environment }
}

/// Adds an entry (`create`) or replaces the one of the same name.
pub async fn save(portal: &Portal, caller: &Caller, environment: Environment, create: bool) -> Result<Environment> {
    caller.require(Permission::ManageEnvironments)?;
    environment.validate()?;
    let now = portal.clock.now();
    let after = Environment { updated_at: now, ..environment };
    let mut tx = portal.db.begin().await?;
    for team in &after.visible_to {
        let known: Option<(String,)> = tx.fetch_optional("SELECT name FROM teams WHERE name = $1", args![team]).await?;
        known.ok_or_else(|| {
            Error::invalid("visible_to", format!("There is no team named {}.", team.chars().take(40).collect::<String>()))
        })?;
    }
    let before = store::get(&mut tx, &after.name).await?;
    match (&before, create) {
        (Some(_), true) => return Err(Error::AlreadyExists(format!("There is an environment named {} already.", after.name))),
        (None, false) => return Err(Error::NotFound("environment")),
        _ => store::put(&mut tx, &after).await?,
    }
    let action = if create { "environment.add" } else { "environment.change" };
    let entry =
        audit::Entry { team: None, action, object: &after.name, object_name: &after.title, before: before.as_ref(), after: Some(&after) };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, None, &Change::Environments).await?;
    tx.commit().await?;
    Ok(after)
}

/// Removes an entry that no notebook uses.
pub async fn remove(portal: &Portal, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::ManageEnvironments)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let before = store::get(&mut tx, name).await?.ok_or(Error::NotFound("environment"))?;
    let users = store::specs(&mut tx).await?.into_iter().filter(|spec: &NotebookSpec| spec.environment == name).count();
    if users > 0 {
        let notebooks = if users == 1 { "One notebook uses".to_owned() } else { format!("{users} notebooks use") };
        return Err(Error::Conflict(format!(
            "{notebooks} {name}. Delete them first, or disable the environment so that nobody can choose it."
        )));
    }
    tx.execute("DELETE FROM environments WHERE name = $1", args![name]).await?;
    let entry = audit::Entry::<_, ()> {
        team: None,
        action: "environment.remove",
        object: name,
        object_name: &before.title,
        before: Some(&before),
        after: None,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, None, &Change::Environments).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_content_and_is_safe_as_a_folder() {
        let version = |name: &str, packages: &[&str]| EnvironmentVersion {
            name: name.to_owned(),
            packages: packages.iter().map(|&p| p.to_owned()).collect(),
            image: None,
            deprecated: None,
        };
        let one = environment_key("jupyterlab", &version("4.4", &["jupyterlab>=4.4,<5"]));
        assert!(one.starts_with("jupyterlab-4.4-") && one.len() == "jupyterlab-4.4-".len() + 12, "{one}");
        assert_ne!(one, environment_key("jupyterlab", &version("4.4", &["jupyterlab>=4.4,<5", "numpy"])));
        let odd = environment_key("a", &version("../../Etc pass/wd", &[]));
        assert!(odd.starts_with("a-etc-pass-wd-") && !odd.contains('/'), "{odd}");
    }
}
