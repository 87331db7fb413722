//! Aliases: names that are moved from version to version.

use super::{
    changes::{self, Changed},
    models, store, version_store,
    versions::get_version,
};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{ModelVersion, Permission, validate_alias, validate_alias_shape},
    portal::Portal,
    promotion::{
        guard,
        holders::{self, How, Move},
    },
    webhooks::Happening,
};
use serde_json::json;

/// Points an alias to a version, wherever it pointed before.
pub async fn set_alias(portal: &Portal, caller: &Caller, team: &str, name: &str, alias: &str, version: i64) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_alias(alias).map_err(|reason| Error::invalid("alias", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, name).await?;
    version_store::find_tx(&mut tx, &model.id, version).await?;
    guard::set_alias(portal, &mut tx, &scope, name, alias, version).await?;
    let before = store::alias(&mut tx, &model.id, alias).await?;
    store::set_alias(&mut tx, &model.id, alias, version).await?;
    if before != Some(version) {
        let moved = Move { alias, to: Some(version), how: How::Set, reason: None, request: None };
        holders::record(&mut tx, &model.id, moved, &scope.user, now).await?;
    }
    let prompt = models::is_prompt_tx(&mut tx, &model.id).await?;
    let changed = Changed {
        action: "model.set_alias",
        model: (&model.id, name),
        before: before.map(|version| json!({ "alias": alias, "version": version })),
        after: Some(json!({ "alias": alias, "version": version })),
        told: Some(Happening {
            event: if prompt { "prompt_alias.created" } else { "model_version_alias.created" },
            data: json!({ "name": name, "alias": alias, "version": version.to_string() }),
        }),
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}

/// Takes an alias away; one that is not there is no error.
pub async fn delete_alias(portal: &Portal, caller: &Caller, team: &str, name: &str, alias: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_alias_shape(alias).map_err(|reason| Error::invalid("alias", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, name).await?;
    let Some(version) = store::alias(&mut tx, &model.id, alias).await? else { return Ok(()) };
    guard::remove_alias(portal, &mut tx, &scope, name, alias).await?;
    store::delete_alias(&mut tx, &model.id, alias).await?;
    let moved = Move { alias, to: None, how: How::Removed, reason: None, request: None };
    holders::record(&mut tx, &model.id, moved, &scope.user, now).await?;
    let prompt = models::is_prompt_tx(&mut tx, &model.id).await?;
    let changed = Changed {
        action: "model.delete_alias",
        model: (&model.id, name),
        before: Some(json!({ "alias": alias, "version": version })),
        after: None,
        told: Some(Happening {
            event: if prompt { "prompt_alias.deleted" } else { "model_version_alias.deleted" },
            data: json!({ "name": name, "alias": alias }),
        }),
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}

/// The version that an alias points to; `latest` is the newest.
///
/// # Errors
/// `Invalid` where the model has no such alias: MLflow's clients tell that apart from a model that is not there.
pub async fn version_by_alias(portal: &Portal, caller: &Caller, team: &str, name: &str, alias: &str) -> Result<ModelVersion> {
    caller.require_in(Permission::ReadRegistry, team)?;
    validate_alias_shape(alias).map_err(|reason| Error::invalid("alias", reason))?;
    let model = models::get(portal, caller, team, name).await?;
    let version = if alias.eq_ignore_ascii_case("latest") {
        model.latest_versions.iter().map(|v| v.version).max().ok_or(version_store::MISSING)?
    } else {
        let found = model.aliases.iter().find(|a| a.alias == alias).map(|a| a.version);
        found.ok_or_else(|| Error::invalid("alias", format!("Registered model alias {alias} not found.")))?
    };
    get_version(portal, caller, team, name, version).await
}
