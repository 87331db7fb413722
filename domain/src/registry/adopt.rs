//! Registered models and versions that come from elsewhere: they keep their numbers and times, and nobody is told of them as if they were new.

use super::{
    changes::{self, Changed, shown, shown_tags},
    lineage, models, names, source, store,
    version_store::{self, NewRow},
};
use crate::{
    caller::Caller,
    error::{Error, Result},
    model::{
        Checks, Millis, NewModelVersion, Permission, Stage, Tag, check_tags, is_prompt, last_of_each, validate_alias, validate_description,
    },
    portal::Portal,
    promotion::{
        guard,
        holders::{self, How, Move},
    },
    random,
};
use serde_json::json;

/// A registered model as its source knows it.
#[derive(Clone, Debug, Default)]
pub struct AdoptedModel {
    pub name: String,
    pub description: String,
    pub tags: Vec<Tag>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// What a version is at its source beside what it is made of.
#[derive(Clone, Copy, Debug)]
pub struct AdoptedVersion {
    pub number: i64,
    pub stage: Stage,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    New,
    /// It was here, and something of it was not as the source says.
    Changed,
    AsItWas,
}

/// Makes a registered model, or brings one of the same name to what its source says; what it has beside that stays.
///
/// # Errors
/// `Invalid` where the name or a text cannot be, or where the team has a model whose name looks the same.
pub async fn model(portal: &Portal, caller: &Caller, team: &str, from: AdoptedModel) -> Result<Adopted> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let key = names::check("name", &from.name)?;
    let mut checks = Checks::new();
    checks.check("description", validate_description(&from.description));
    check_tags(&mut checks, &from.tags);
    checks.finish()?;
    let tags = last_of_each(from.tags);
    let description = Some(from.description.as_str()).filter(|d| !d.is_empty());
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let (id, mut done) = match store::by_key(&mut tx, &scope.team, &key).await? {
        Some((_, other)) if other != from.name => return Err(models::taken(&from.name, &other, false, false)),
        Some((id, _)) => (id, Adopted::AsItWas),
        None => {
            let id = random::id::<String>();
            let row = store::NewRow {
                id: &id,
                team: &scope.team,
                name: &from.name,
                key: &key,
                description,
                by: &scope.user,
                at: from.created_at,
            };
            store::insert(&mut tx, row).await?;
            store::touch(&mut tx, &id, from.updated_at).await?;
            (id, Adopted::New)
        }
    };
    let row = store::lock(&mut tx, &scope.team, &from.name).await?;
    let mut missing = Vec::new();
    for tag in tags {
        if store::tag(&mut tx, &id, &tag.key).await?.as_ref() != Some(&tag.value) {
            missing.push(tag);
        }
    }
    store::set_tags(&mut tx, &id, &missing).await?;
    let described = row.description.as_deref() != description && from.updated_at >= row.updated_at;
    if described {
        store::set_description(&mut tx, &id, description, from.updated_at).await?;
    }
    if done == Adopted::AsItWas && (described || !missing.is_empty()) {
        done = Adopted::Changed;
    }
    if done == Adopted::AsItWas {
        return Ok(done);
    }
    let changed = Changed {
        action: "model.import",
        model: (&id, &from.name),
        before: None,
        after: Some(json!({ "name": from.name, "description": shown(description.unwrap_or_default()), "tags": shown_tags(&missing) })),
        told: None,
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await?;
    Ok(done)
}

/// Makes the version of this number, with its files held as `create_version` does, or brings it to what its source says.
///
/// # Errors
/// `AlreadyExists` where a version of this number is another one; else as `create_version`.
pub async fn version(portal: &Portal, caller: &Caller, team: &str, new: NewModelVersion, as_there: AdoptedVersion) -> Result<Adopted> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    new.validate()?;
    let AdoptedVersion { number, stage, created_at, updated_at } = as_there;
    if number < 1 {
        return Err(Error::invalid("version", "A version's number is at least 1."));
    }
    let tags = last_of_each(new.tags.clone());
    let description = new.description.as_deref().filter(|d| !d.is_empty());
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, &new.name).await?;
    let this = (model.id.as_str(), number);
    // What is protected here is not brought in from elsewhere.
    let guarded = guard::is_guarded(&mut tx, &scope, stage).await?;
    let done = match version_store::find_tx(&mut tx, &model.id, number).await {
        Ok(row) if row.created_at != created_at => {
            return Err(Error::AlreadyExists(format!("Version {number} of {} is another one here.", new.name)));
        }
        Ok(row) => {
            let described = row.description.as_deref() != description && updated_at >= row.updated_at;
            let moved = row.stage != stage.as_str() && updated_at >= row.updated_at && !guarded;
            if described {
                version_store::set_description(&mut tx, this, description, updated_at).await?;
            }
            if moved {
                version_store::set_stage(&mut tx, this, stage, updated_at).await?;
            }
            if described || moved { Adopted::Changed } else { Adopted::AsItWas }
        }
        Err(Error::NotFound(_)) => {
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
                at: created_at,
            };
            version_store::insert_numbered(&mut tx, row, number).await?;
            if !guarded {
                version_store::set_stage(&mut tx, this, stage, updated_at).await?;
            }
            if let Some(root) = &origin.artifact_root
                && let Some(digest) = lineage::hold(&mut tx, &scope.team, this, root).await?
            {
                version_store::set_digest(&mut tx, this, &digest).await?;
            }
            Adopted::New
        }
        Err(error) => return Err(error),
    };
    let mut missing = Vec::new();
    for tag in tags {
        if version_store::tag(&mut tx, this, &tag.key).await?.as_ref() != Some(&tag.value) {
            missing.push(tag);
        }
    }
    version_store::set_tags(&mut tx, this, &missing).await?;
    if done == Adopted::AsItWas && missing.is_empty() {
        return Ok(done);
    }
    let after = json!({ "version": number, "source": new.source, "run": new.run, "stage": stage.as_str(),
                        "description": shown(description.unwrap_or_default()), "tags": shown_tags(&missing) });
    let changed = Changed { action: "model_version.import", model: (&model.id, &new.name), before: None, after: Some(after), told: None };
    changes::commit(portal, tx, (caller, &scope), now, changed).await?;
    Ok(if done == Adopted::AsItWas { Adopted::Changed } else { done })
}

/// Points an alias to a version, where it does not already.
pub async fn alias(portal: &Portal, caller: &Caller, team: &str, name: &str, alias: &str, number: i64) -> Result<Adopted> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_alias(alias).map_err(|reason| Error::invalid("alias", reason))?;
    let mut tx = portal.db.begin().await?;
    let model = store::lock(&mut tx, &scope.team, name).await?;
    version_store::find_tx(&mut tx, &model.id, number).await?;
    let before = store::alias(&mut tx, &model.id, alias).await?;
    if before == Some(number) {
        return Ok(Adopted::AsItWas);
    }
    guard::set_alias(portal, &mut tx, &scope, name, alias, number).await?;
    store::set_alias(&mut tx, &model.id, alias, number).await?;
    let moved = Move { alias, to: Some(number), how: How::Imported, reason: None, request: None };
    holders::record(&mut tx, &model.id, moved, &scope.user, portal.clock.now()).await?;
    let changed = Changed {
        action: "model.set_alias",
        model: (&model.id, name),
        before: before.map(|version| json!({ "alias": alias, "version": version })),
        after: Some(json!({ "alias": alias, "version": number })),
        told: None,
    };
    changes::commit(portal, tx, (caller, &scope), portal.clock.now(), changed).await?;
    Ok(if before.is_some() { Adopted::Changed } else { Adopted::New })
}
