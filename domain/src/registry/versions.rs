//! Versions: made of something that the team has, described, tagged, moved between stages, deleted.

use super::{
    changes::{self, Changed, shown, shown_tags, told_tags},
    lineage, models, source, store,
    version_store::{self, NewRow},
};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{
        Checks, ModelVersion, NewModelVersion, Permission, Stage, TAG_IS_PROMPT, TAG_PROMPT_TEXT, TAG_PROMPT_TYPE, Tag, is_prompt,
        last_of_each, validate_description, validate_key, validate_registry_value,
    },
    portal::Portal,
    promotion::guard,
    webhooks::Happening,
};
use serde_json::json;

/// Makes the next version of a registered model. Its files, if it has any, are held from now on: neither replaced nor deleted.
///
/// # Errors
/// `Invalid` where the source is nothing that the team can have, `NotFound` where it would be another team's.
pub async fn create_version(portal: &Portal, caller: &Caller, team: &str, new: NewModelVersion) -> Result<ModelVersion> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    new.validate()?;
    let tags = last_of_each(new.tags.clone());
    let description = new.description.as_deref().filter(|d| !d.is_empty());
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, &new.name).await?;
    let origin = source::resolve(&mut tx, &scope.team, &new, is_prompt(&tags)).await?;
    let row = NewRow {
        model: &model.id,
        description,
        source: &origin.source,
        download_uri: &origin.download_uri,
        run: origin.run.as_deref(),
        run_link: new.run_link.as_deref().filter(|l| !l.is_empty()),
        logged_model: origin.logged_model.as_deref(),
        artifact_root: origin.artifact_root.as_deref(),
        by: &scope.user,
        at: now,
    };
    let version = version_store::insert(&mut tx, row).await?;
    version_store::set_tags(&mut tx, (&model.id, version), &tags).await?;
    let digest = match &origin.artifact_root {
        Some(root) => lineage::hold(&mut tx, &scope.team, (&model.id, version), root).await?,
        None => None,
    };
    if let Some(digest) = &digest {
        version_store::set_digest(&mut tx, (&model.id, version), digest).await?;
    }
    let told = if is_prompt(&tags) {
        let text = tags.iter().find(|t| t.key == TAG_PROMPT_TEXT).map(|t| t.value.as_str());
        let told = told_tags(&tags, &[TAG_IS_PROMPT, TAG_PROMPT_TYPE, TAG_PROMPT_TEXT]);
        Happening {
            event: "prompt_version.created",
            data: json!({ "name": new.name, "version": version.to_string(), "template": text, "tags": told, "description": description }),
        }
    } else {
        let (told, run) = (told_tags(&tags, &[]), &origin.run);
        Happening {
            event: "model_version.created",
            data: json!({ "name": new.name, "version": version.to_string(), "source": origin.source, "run_id": run, "tags": told, "description": description }),
        }
    };
    let after = json!({
        "version": version, "source": origin.source, "run": origin.run, "logged_model": origin.logged_model, "digest": digest,
        "description": shown(description.unwrap_or_default()), "tags": shown_tags(&tags),
    });
    let changed =
        Changed { action: "model_version.create", model: (&model.id, &new.name), before: None, after: Some(after), told: Some(told) };
    changes::commit(portal, tx, (caller, &scope), now, changed).await?;
    get_version(portal, caller, team, &new.name, version).await
}

/// One version with its tags and aliases.
pub async fn get_version(portal: &Portal, caller: &Caller, team: &str, name: &str, version: i64) -> Result<ModelVersion> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    // A model that is not there has no versions, and clients are told of those.
    let model = store::find(&portal.db, &scope.team, name)
        .await
        .map_err(|e| if matches!(e, Error::NotFound(_)) { version_store::MISSING } else { e })?;
    let found = version_store::versions(&portal.db, &[(model.id.clone(), version)]).await?.pop();
    let mut found = found.ok_or(version_store::MISSING)?;
    let aliases = store::aliases_of(&portal.db, &[&model.id]).await?.remove(&model.id).unwrap_or_default();
    found.aliases = aliases.into_iter().filter(|a| a.version == version).map(|a| a.alias).collect();
    Ok(found)
}

/// Describes it anew; none or an empty description takes the old one away.
pub async fn update_version(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    (name, version): (&str, i64),
    description: Option<&str>,
) -> Result<ModelVersion> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_description(description.unwrap_or_default()).map_err(|reason| Error::invalid("description", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, name).await?;
    let row = version_store::find_tx(&mut tx, &model.id, version).await?;
    version_store::set_description(&mut tx, (&model.id, version), description.filter(|d| !d.is_empty()), now).await?;
    let changed = Changed {
        action: "model_version.update",
        model: (&model.id, name),
        before: Some(json!({ "version": version, "description": shown(row.description.as_deref().unwrap_or_default()) })),
        after: Some(json!({ "version": version, "description": shown(description.unwrap_or_default()) })),
        told: None,
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await?;
    get_version(portal, caller, team, name, version).await
}

/// Moves a version to a stage; with `archive_others`, every other version there is archived.
///
/// # Errors
/// `Invalid` where others are to be archived and the stage is neither Staging nor Production.
pub async fn set_stage(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    (name, version): (&str, i64),
    stage: Stage,
    archive_others: bool,
) -> Result<ModelVersion> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    if archive_others && !stage.is_active() {
        let reason = format!("Other versions are archived only for Staging and Production, not for {}.", stage.as_str());
        return Err(Error::invalid("archive_existing_versions", reason));
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, name).await?;
    let row = version_store::find_tx(&mut tx, &model.id, version).await?;
    let from = row.stage.parse().map_err(|e: String| Error::internal("model_versions.stage", e))?;
    guard::set_stage(portal, &mut tx, &scope, (name, version), (from, stage)).await?;
    let archived =
        if archive_others { version_store::archive_others(&mut tx, (&model.id, version), stage, now).await? } else { Vec::new() };
    version_store::set_stage(&mut tx, (&model.id, version), stage, now).await?;
    store::touch(&mut tx, &model.id, now).await?;
    let changed = Changed {
        action: "model_version.set_stage",
        model: (&model.id, name),
        before: Some(json!({ "version": version, "stage": row.stage })),
        after: Some(json!({ "version": version, "stage": stage.as_str(), "archived": archived })),
        told: None,
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await?;
    get_version(portal, caller, team, name, version).await
}

/// Deletes a version with its tags and the aliases that point to it. Its number is not used again, and its files are let go.
pub async fn delete_version(portal: &Portal, caller: &Caller, team: &str, (name, version): (&str, i64)) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, name).await?;
    let row = version_store::find_tx(&mut tx, &model.id, version).await?;
    guard::delete_version(portal, &mut tx, &scope, (&model.id, name), version, now).await?;
    lineage::release(&mut tx, &scope.team, (&model.id, version)).await?;
    version_store::delete(&mut tx, (&model.id, version)).await?;
    store::touch(&mut tx, &model.id, now).await?;
    let before = json!({
        "version": version, "source": row.source, "run": row.run_id, "logged_model": row.logged_model_id, "digest": row.digest,
        "stage": row.stage, "description": shown(row.description.as_deref().unwrap_or_default()),
    });
    let changed = Changed { action: "model_version.delete", model: (&model.id, name), before: Some(before), after: None, told: None };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}

/// Sets one tag of a version.
pub async fn set_version_tag(portal: &Portal, caller: &Caller, team: &str, (name, version): (&str, i64), tag: Tag) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let mut checks = Checks::new();
    checks.check("key", validate_key(&tag.key));
    checks.check("value", validate_registry_value(&tag.value));
    checks.finish()?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, name).await?;
    version_store::find_tx(&mut tx, &model.id, version).await?;
    let before = version_store::tag(&mut tx, (&model.id, version), &tag.key).await?;
    version_store::set_tags(&mut tx, (&model.id, version), std::slice::from_ref(&tag)).await?;
    let prompt = models::is_prompt_tx(&mut tx, &model.id).await?;
    let changed = Changed {
        action: "model_version.set_tag",
        model: (&model.id, name),
        before: before.map(|value| json!({ "version": version, "key": tag.key, "value": shown(&value) })),
        after: Some(json!({ "version": version, "key": tag.key, "value": shown(&tag.value) })),
        told: Some(Happening {
            event: if prompt { "prompt_version_tag.set" } else { "model_version_tag.set" },
            data: json!({ "name": name, "version": version.to_string(), "key": tag.key, "value": tag.value }),
        }),
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}

/// Takes one tag of a version away; one that is not there is no error.
pub async fn delete_version_tag(portal: &Portal, caller: &Caller, team: &str, (name, version): (&str, i64), key: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_key(key).map_err(|reason| Error::invalid("key", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, name).await?;
    version_store::find_tx(&mut tx, &model.id, version).await?;
    let Some(before) = version_store::tag(&mut tx, (&model.id, version), key).await? else { return Ok(()) };
    version_store::delete_tag(&mut tx, (&model.id, version), key).await?;
    let prompt = models::is_prompt_tx(&mut tx, &model.id).await?;
    let changed = Changed {
        action: "model_version.delete_tag",
        model: (&model.id, name),
        before: Some(json!({ "version": version, "key": key, "value": shown(&before) })),
        after: None,
        told: Some(Happening {
            event: if prompt { "prompt_version_tag.deleted" } else { "model_version_tag.deleted" },
            data: json!({ "name": name, "version": version.to_string(), "key": key }),
        }),
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}
