//! Experiments: made, named, tagged, deleted and taken back.

use super::{
    experiment_store::{self, NewRow},
    store::{self, ExperimentRow},
};
use crate::{
    audit,
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    events,
    model::{
        Change, Checks, EXPERIMENT_TAG_LENGTH, Experiment, ExperimentId, Millis, Permission, Tag, validate_experiment_name, validate_key,
        validate_unreserved, validate_value,
    },
    portal::Portal,
};

/// Most tags that an experiment is made with.
const TAGS: usize = 1000;
/// Longest label of a place for artifacts, in characters.
const LOCATION_LENGTH: usize = 2048;
/// Places that are not on this machine, so that no client is told to read or write its own files.
const SCHEMES: [&str; 17] = [
    "s3",
    "s3a",
    "r2",
    "b2",
    "gs",
    "wasb",
    "wasbs",
    "abfs",
    "abfss",
    "hdfs",
    "viewfs",
    "dbfs",
    "ftp",
    "sftp",
    "http",
    "https",
    "mlflow-artifacts",
];

/// Makes an experiment. Without a place of its own, clients keep artifacts in the portal.
pub async fn create(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    name: &str,
    artifact_location: Option<&str>,
    tags: &[Tag],
) -> Result<ExperimentId> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let artifact_location = artifact_location.filter(|l| !l.is_empty());
    validate(name, artifact_location, tags)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let id = experiment_store::insert(&mut tx, NewRow { team: &scope.team, name, artifact_location, by: &scope.user, at: now }).await?;
    experiment_store::put_tags(&mut tx, id, &last_of_each(tags)).await?;
    let public = store::public_id(id, 0);
    let after = serde_json::json!({ "artifact_location": artifact_location });
    record(&mut tx, caller, now, &scope, Entry { action: "experiment.create", id: &public, name, before: None, after: Some(after) })
        .await?;
    tx.commit().await?;
    Ok(public)
}

/// What an experiment may be made with.
pub(super) fn validate(name: &str, artifact_location: Option<&str>, tags: &[Tag]) -> Result<()> {
    let mut checks = Checks::new();
    checks.check("name", validate_experiment_name(name));
    checks.check("artifact_location", artifact_location.map_or(Ok(()), validate_location));
    checks.require(tags.len() <= TAGS, "tags", format!("An experiment is made with at most {TAGS} tags."));
    for (i, tag) in tags.iter().take(TAGS).enumerate() {
        checks.check(format!("tags[{i}]"), validate_tag(tag));
    }
    Ok(checks.finish()?)
}

/// Of tags with the same key the last counts.
pub(super) fn last_of_each(tags: &[Tag]) -> Vec<Tag> {
    let tags: std::collections::BTreeMap<_, _> = tags.iter().map(|t| (&t.key, &t.value)).collect();
    tags.into_iter().map(|(key, value)| Tag::new(key, value)).collect()
}

/// The experiment, deleted or not; "0" is the team's Default.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, id: &ExperimentId) -> Result<Experiment> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    experiment_store::full(&portal.db, &store::experiment(&portal.db, &scope.team, id).await?).await
}

/// The experiment of this name, deleted or not.
pub async fn get_by_name(portal: &Portal, caller: &Caller, team: &str, name: &str) -> Result<Experiment> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let id = experiment_store::named(&portal.db, &scope.team, name).await?.ok_or(Error::NotFound("experiment"))?;
    experiment_store::full(&portal.db, &store::experiment(&portal.db, &scope.team, &id).await?).await
}

/// Gives it another name.
pub async fn rename(portal: &Portal, caller: &Caller, team: &str, id: &ExperimentId, name: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_experiment_name(name).map_err(|reason| Error::invalid("new_name", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = active(&mut tx, &scope, id).await?;
    experiment_store::rename(&mut tx, row.id, name, now).await?;
    let (before, after) = (serde_json::json!({ "name": row.name }), serde_json::json!({ "name": name }));
    record(&mut tx, caller, now, &scope, Entry { action: "experiment.rename", id, name, before: Some(before), after: Some(after) }).await?;
    tx.commit().await
}

/// Sets a tag.
pub async fn set_tag(portal: &Portal, caller: &Caller, team: &str, id: &ExperimentId, tag: &Tag) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_tag(tag).map_err(|reason| Error::invalid("key", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = active(&mut tx, &scope, id).await?;
    experiment_store::put_tags(&mut tx, row.id, std::slice::from_ref(tag)).await?;
    tagged(tx, &scope, row.id, now).await
}

/// Removes a tag.
pub async fn delete_tag(portal: &Portal, caller: &Caller, team: &str, id: &ExperimentId, key: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = active(&mut tx, &scope, id).await?;
    if !experiment_store::delete_tag(&mut tx, row.id, key).await? {
        return Err(Error::NotFound("tag"));
    }
    tagged(tx, &scope, row.id, now).await
}

async fn tagged(mut tx: Tx, scope: &TeamScope, id: i64, now: Millis) -> Result<()> {
    experiment_store::touch(&mut tx, id, now).await?;
    events::publish(&mut tx, now, Some(&scope.team_name), &Change::Experiments).await?;
    tx.commit().await
}

/// Deletes it and its runs, to be restored or purged.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, id: &ExperimentId) -> Result<()> {
    set_deleted(portal, caller, team, id, true).await
}

/// Takes it back, with all its runs.
pub async fn restore(portal: &Portal, caller: &Caller, team: &str, id: &ExperimentId) -> Result<()> {
    set_deleted(portal, caller, team, id, false).await
}

async fn set_deleted(portal: &Portal, caller: &Caller, team: &str, id: &ExperimentId, deleted: bool) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::experiment_tx(&mut tx, &scope.team, id).await?;
    let version = experiment_store::next_version(&mut tx, row.id).await?;
    // Read again, now that nobody else changes it.
    let row = store::experiment_tx(&mut tx, &scope.team, id).await?;
    if row.deleted_at.is_some() == deleted {
        // For clients an active experiment is not among the deleted ones, and the other way round.
        return Err(Error::NotFound("experiment"));
    }
    experiment_store::set_deleted(&mut tx, row.id, deleted.then_some(now), version, now).await?;
    let action = if deleted { "experiment.delete" } else { "experiment.restore" };
    record(&mut tx, caller, now, &scope, Entry { action, id, name: &row.name, before: None, after: None }).await?;
    events::publish(&mut tx, now, Some(&scope.team_name), &Change::Runs { experiment: id.clone() }).await?;
    tx.commit().await
}

/// Locks the experiment and sees that it may be changed.
async fn active(tx: &mut Tx, scope: &TeamScope, id: &ExperimentId) -> Result<ExperimentRow> {
    let row = store::experiment_tx(tx, &scope.team, id).await?;
    experiment_store::next_version(tx, row.id).await?;
    let row = store::experiment_tx(tx, &scope.team, id).await?;
    if row.deleted_at.is_some() {
        return Err(Error::invalid("experiment_id", format!("The experiment {id} is deleted. Restore it first.")));
    }
    Ok(row)
}

struct Entry<'a> {
    action: &'static str,
    id: &'a ExperimentId,
    name: &'a str,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
}

async fn record(tx: &mut Tx, caller: &Caller, now: Millis, scope: &TeamScope, entry: Entry<'_>) -> Result<()> {
    let Entry { action, id, name, before, after } = entry;
    let entry = audit::Entry { team: Some(&scope.team_name), action, object: id.as_str(), object_name: name, before, after };
    audit::record(tx, caller, now, entry).await?;
    events::publish(tx, now, Some(&scope.team_name), &Change::Experiments).await
}

fn validate_tag(tag: &Tag) -> Result<(), String> {
    validate_key(&tag.key)?;
    validate_unreserved(&tag.key)?;
    if tag.value.chars().count() > EXPERIMENT_TAG_LENGTH {
        return Err(format!("A tag's value has at most {EXPERIMENT_TAG_LENGTH} characters."));
    }
    validate_value(&tag.value)
}

/// A place for artifacts is elsewhere, and says so without detours.
fn validate_location(location: &str) -> Result<(), String> {
    if location.chars().count() > LOCATION_LENGTH {
        return Err(format!("A place has at most {LOCATION_LENGTH} characters."));
    }
    let scheme = location.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    if !SCHEMES.contains(&scheme.as_str()) {
        return Err(format!("Artifacts are kept by the portal, or at a remote place: {}.", SCHEMES.join(", ")));
    }
    if location.contains(['#', '?', ';', '\\']) || location.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("A place has no fragment, query, parameters, backslashes or blanks.".to_owned());
    }
    // Also where it is written with percent signs, once or more often.
    let mut plain = location.to_ascii_lowercase();
    for _ in 0..3 {
        plain = plain.replace("%25", "%").replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    }
    let dots = plain.split('/').any(|part| matches!(part, "." | ".."));
    if dots || plain.contains(['#', '?']) || plain.contains("%23") || plain.contains("%3f") || plain.contains("%00") {
        return Err("A place has no dot segments and nothing hidden in it.".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_for_artifacts_is_remote_and_plain() {
        for good in
            ["s3://bucket/some/path", "gs://b", "mlflow-artifacts:/7", "dbfs:/x", "HTTPS://host/a", "wasbs://c@a.blob.core.windows.net/p"]
        {
            assert_eq!(validate_location(good), Ok(()), "{good}");
        }
        for bad in [
            "file:///etc",
            "/etc",
            "etc",
            "./x",
            "C:\\x",
            "",
            "file:relative",
            "s3://b/p#x",
            "s3://b/p?x=1",
            "s3://b/../p",
            "s3://b/%2e%2e/p",
            "s3://b/%252e%252e/p",
            "s3://b/.",
            "s3://b/a b",
            "s3://b\\p",
            "s3://b/%23x",
            "mlflow-artifacts:/../7",
            "javascript:alert(1)",
            "s3://b/\0",
        ] {
            assert!(validate_location(bad).is_err(), "{bad}");
        }
        assert!(validate_location(&format!("s3://{}", "a".repeat(2048))).is_err());
    }
}
