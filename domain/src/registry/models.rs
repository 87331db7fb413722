//! Registered models: made, described, renamed, tagged, deleted.

use super::{
    changes::{self, Changed, shown, shown_tags, told_tags},
    lineage, names,
    store::{self, ModelRow, NewRow},
    version_store,
};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{
        Checks, ModelVersion, Permission, RegisteredModel, Stage, TAG_IS_PROMPT, TAG_PROMPT_TYPE, Tag, check_tags, is_prompt, last_of_each,
        validate_description, validate_key, validate_registry_value,
    },
    portal::Portal,
    promotion::guard,
    random,
    webhooks::Happening,
};
use serde_json::json;
use std::collections::HashMap;

/// Makes a registered model without versions; with the tag that says so, a prompt.
///
/// # Errors
/// `AlreadyExists` where the team has one of this name, `Invalid` where it has one whose name looks the same.
pub async fn create(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    name: &str,
    description: Option<&str>,
    tags: Vec<Tag>,
) -> Result<RegisteredModel> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let key = names::check("name", name)?;
    let mut checks = Checks::new();
    checks.check("description", description.map_or(Ok(()), validate_description));
    check_tags(&mut checks, &tags);
    checks.finish()?;
    let description = description.filter(|d| !d.is_empty());
    let tags = last_of_each(tags);
    let (id, now) = (random::id::<String>(), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    if let Some((other, existing)) = store::by_key(&mut tx, &scope.team, &key).await? {
        let was_prompt = store::tag(&mut tx, &other, TAG_IS_PROMPT).await?.is_some_and(|v| v.eq_ignore_ascii_case("true"));
        return Err(taken(name, &existing, was_prompt, is_prompt(&tags)));
    }
    store::insert(&mut tx, NewRow { id: &id, team: &scope.team, name, key: &key, description, by: &scope.user, at: now }).await?;
    store::set_tags(&mut tx, &id, &tags).await?;
    let told = if is_prompt(&tags) {
        Happening {
            event: "prompt.created",
            data: json!({ "name": name, "tags": told_tags(&tags, &[TAG_IS_PROMPT, TAG_PROMPT_TYPE]), "description": description.unwrap_or_default() }),
        }
    } else {
        Happening {
            event: "registered_model.created",
            data: json!({ "name": name, "tags": told_tags(&tags, &[]), "description": description.unwrap_or_default() }),
        }
    };
    let changed = Changed {
        action: "model.create",
        model: (&id, name),
        before: None,
        after: Some(json!({ "name": name, "description": shown(description.unwrap_or_default()), "tags": shown_tags(&tags) })),
        told: Some(told),
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await?;
    Ok(RegisteredModel {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        created_by: scope.email,
        created_at: now,
        updated_at: now,
        tags,
        aliases: Vec::new(),
        latest_versions: Vec::new(),
    })
}

pub(super) fn taken(name: &str, existing: &str, was_prompt: bool, prompt: bool) -> Error {
    let kind = |prompt: bool| if prompt { "Prompt" } else { "Registered Model" };
    if name != existing {
        return Error::invalid(
            "name",
            format!("The team has a model named \"{existing}\", which looks the same. Use that name, or another."),
        );
    }
    if was_prompt == prompt {
        return Error::AlreadyExists(format!("{} (name={name}) already exists.", kind(prompt)));
    }
    Error::AlreadyExists(format!("The name \"{name}\" is taken by a {}.", kind(was_prompt).to_lowercase()))
}

/// One registered model.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, name: &str) -> Result<RegisteredModel> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let row = store::find(&portal.db, &scope.team, name).await?;
    whole(portal, vec![row]).await?.pop().ok_or(store::MISSING)
}

/// These with their tags, aliases and latest versions, in the same order.
pub(super) async fn whole(portal: &Portal, rows: Vec<ModelRow>) -> Result<Vec<RegisteredModel>> {
    let ids: Vec<&str> = rows.iter().map(|r| r.id.as_str()).collect();
    let mut tags = store::tags_of(&portal.db, &ids).await?;
    let mut aliases = store::aliases_of(&portal.db, &ids).await?;
    let latest = store::latest_of(&portal.db, &ids).await?;
    let by_name: HashMap<&str, &str> = rows.iter().map(|r| (r.name.as_str(), r.id.as_str())).collect();
    let mut versions: HashMap<String, Vec<ModelVersion>> = HashMap::new();
    for version in version_store::versions(&portal.db, &latest).await? {
        if let Some(id) = by_name.get(version.name.as_str()) {
            versions.entry((*id).to_owned()).or_default().push(version);
        }
    }
    let model = |row: ModelRow| RegisteredModel {
        tags: tags.remove(&row.id).unwrap_or_default(),
        aliases: aliases.remove(&row.id).unwrap_or_default(),
        latest_versions: versions.remove(&row.id).unwrap_or_default(),
        name: row.name,
        description: row.description,
        created_by: row.created_by,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    Ok(rows.into_iter().map(model).collect())
}

/// Describes it anew; an empty description takes the old one away.
pub async fn update(portal: &Portal, caller: &Caller, team: &str, name: &str, description: &str) -> Result<RegisteredModel> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_description(description).map_err(|reason| Error::invalid("description", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, name).await?;
    store::set_description(&mut tx, &row.id, Some(description).filter(|d| !d.is_empty()), now).await?;
    let changed = Changed {
        action: "model.update",
        model: (&row.id, name),
        before: Some(json!({ "description": shown(row.description.as_deref().unwrap_or_default()) })),
        after: Some(json!({ "description": shown(description) })),
        told: None,
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await?;
    get(portal, caller, team, name).await
}

/// Gives it another name. Versions, tags and aliases stay.
pub async fn rename(portal: &Portal, caller: &Caller, team: &str, name: &str, new_name: &str) -> Result<RegisteredModel> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let key = names::check("new_name", new_name)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, name).await?;
    guard::change_model(portal, &mut tx, &scope, (&row.id, name)).await?;
    if let Some((other, existing)) = store::by_key(&mut tx, &scope.team, &key).await?
        && other != row.id
    {
        return Err(if existing == new_name { store::taken(new_name) } else { taken(new_name, &existing, false, false) });
    }
    store::rename(&mut tx, &row.id, (new_name, &key), now).await?;
    let changed = Changed {
        action: "model.rename",
        model: (&row.id, new_name),
        before: Some(json!({ "name": name })),
        after: Some(json!({ "name": new_name })),
        told: None,
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await?;
    get(portal, caller, team, new_name).await
}

/// Deletes it with its versions, tags and aliases. The files that versions came from stay where they are.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, name: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, name).await?;
    guard::change_model(portal, &mut tx, &scope, (&row.id, name)).await?;
    let versions = version_store::numbers(&mut tx, &row.id).await?;
    for version in version_store::holding(&mut tx, &row.id).await? {
        lineage::release(&mut tx, &scope.team, (&row.id, version)).await?;
    }
    store::delete(&mut tx, &row.id).await?;
    let changed = Changed {
        action: "model.delete",
        model: (&row.id, name),
        before: Some(
            json!({ "name": name, "description": shown(row.description.as_deref().unwrap_or_default()), "versions": versions.len() }),
        ),
        after: None,
        told: None,
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}

/// Sets one tag.
pub async fn set_tag(portal: &Portal, caller: &Caller, team: &str, name: &str, tag: Tag) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let mut checks = Checks::new();
    checks.check("key", validate_key(&tag.key));
    checks.check("value", validate_registry_value(&tag.value));
    checks.finish()?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, name).await?;
    let before = store::tag(&mut tx, &row.id, &tag.key).await?;
    store::set_tags(&mut tx, &row.id, std::slice::from_ref(&tag)).await?;
    let data = json!({ "name": name, "key": tag.key, "value": tag.value });
    let told = is_prompt_tx(&mut tx, &row.id).await?.then_some(Happening { event: "prompt_tag.set", data });
    let changed = Changed {
        action: "model.set_tag",
        model: (&row.id, name),
        before: before.map(|value| json!({ "key": tag.key, "value": shown(&value) })),
        after: Some(json!({ "key": tag.key, "value": shown(&tag.value) })),
        told,
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}

/// Takes one tag away; one that is not there is no error.
pub async fn delete_tag(portal: &Portal, caller: &Caller, team: &str, name: &str, key: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_key(key).map_err(|reason| Error::invalid("key", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, name).await?;
    let Some(before) = store::tag(&mut tx, &row.id, key).await? else { return Ok(()) };
    store::delete_tag(&mut tx, &row.id, key).await?;
    let data = json!({ "name": name, "key": key });
    let told = is_prompt_tx(&mut tx, &row.id).await?.then_some(Happening { event: "prompt_tag.deleted", data });
    let changed = Changed {
        action: "model.delete_tag",
        model: (&row.id, name),
        before: Some(json!({ "key": key, "value": shown(&before) })),
        after: None,
        told,
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}

/// Whether the model is a prompt now.
pub(super) async fn is_prompt_tx(tx: &mut crate::db::Tx, id: &str) -> Result<bool> {
    Ok(store::tag(tx, id, TAG_IS_PROMPT).await?.is_some_and(|v| v.eq_ignore_ascii_case("true")))
}

/// The newest version in each of these stages, or in each stage there is, with aliases.
pub async fn latest_versions(portal: &Portal, caller: &Caller, team: &str, name: &str, stages: &[Stage]) -> Result<Vec<ModelVersion>> {
    let mut model = get(portal, caller, team, name).await?;
    model.latest_versions.retain(|v| stages.is_empty() || stages.contains(&v.stage));
    for version in &mut model.latest_versions {
        version.aliases = model.aliases.iter().filter(|a| a.version == version.version).map(|a| a.alias.clone()).collect();
    }
    Ok(model.latest_versions)
}
