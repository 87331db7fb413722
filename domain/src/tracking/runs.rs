//! Runs: made, logged to, changed, deleted and taken back.

use super::{
    experiment_store::next_version,
    names::random_name,
    run_store,
    store::{self, RunRow},
    writer::{Creation, Work, submit},
};
use crate::{
    audit,
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    events,
    model::{
        Batch, Change, Checks, ExperimentId, KEY_LENGTH, Millis, NewRun, PARAM_LENGTH, Permission, Run, RunChange, RunId, RunStatus,
        TAG_LENGTH, TAG_NOTE, TAG_RUN_NAME, Tag, cut, validate_key, validate_line, validate_unreserved, validate_value,
    },
    portal::Portal,
    random,
};
use std::collections::BTreeMap;

/// Most tags that a run is made with.
const TAGS: usize = 1000;
/// Longest name of a run, in characters.
const NAME_LENGTH: usize = 500;

/// Makes a run that is running.
pub async fn create(portal: &Portal, caller: &Caller, team: &str, new: NewRun) -> Result<Run> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let notebook = caller.identity()?.token.as_ref().and_then(|token| token.notebook.clone());
    let (name, tags) = named(&new)?;
    let experiment = new.experiment.unwrap_or_else(|| ExperimentId("0".to_owned()));
    let row = store::experiment(&portal.db, &scope.team, &experiment).await?;
    let id = RunId(random::hex(&random::bytes::<16>()));
    let run = Run {
        id: id.clone(),
        experiment: row.public_id(),
        name: name.clone(),
        user_id: new.user_id.clone(),
        status: RunStatus::Running,
        start_time: new.start_time,
        end_time: None,
        artifact_uri: run_store::artifact_uri(&row.artifact_location, &id),
        created_by: scope.email.clone(),
        notebook: notebook.clone(),
        deleted_at: None,
        metrics: Vec::new(),
        params: Vec::new(),
        tags: tags.iter().map(|(key, value)| Tag::new(key, value)).collect(),
    };
    let creation = Creation {
        id,
        experiment: row.id,
        name,
        user_id: new.user_id,
        start_time: new.start_time,
        notebook: notebook.map(|n| n.0),
        tags: tags.into_iter().collect(),
    };
    submit(portal, scope, Work::Create(creation)).await?;
    Ok(run)
}

/// The name of a run and its tags, which say the name again.
pub(super) fn named(new: &NewRun) -> Result<(String, BTreeMap<String, String>)> {
    let mut checks = Checks::new();
    checks.check("run_name", validate_line(&new.name, NAME_LENGTH));
    checks.check("user_id", validate_line(&new.user_id, KEY_LENGTH));
    checks.require(new.start_time.is_none_or(|at| at >= 0), "start_time", "A time is not negative.");
    checks.require(new.tags.len() <= TAGS, "tags", format!("A run is made with at most {TAGS} tags."));
    for (i, tag) in new.tags.iter().take(TAGS).enumerate() {
        checks.check(format!("tags[{i}].key"), validate_key(&tag.key).and_then(|()| validate_unreserved(&tag.key)));
        checks.check(format!("tags[{i}].value"), validate_value(&tag.value));
    }
    checks.finish()?;
    let mut tags: BTreeMap<String, String> = new.tags.iter().map(|tag| (tag.key.clone(), cut(&tag.value, TAG_LENGTH).to_owned())).collect();
    let tagged = tags.get(TAG_RUN_NAME).filter(|name| !name.is_empty());
    if let Some(tagged) = tagged {
        validate_line(tagged, NAME_LENGTH).map_err(|reason| Error::invalid("tags", reason))?;
        if !new.name.is_empty() && new.name != *tagged {
            let reason = format!("The run is named '{}' and by its tag {TAG_RUN_NAME} '{}'. Give one name.", new.name, cut(tagged, 100));
            return Err(Error::invalid("run_name", reason));
        }
    }
    let name = tagged.cloned().or_else(|| Some(new.name.clone()).filter(|name| !name.is_empty())).unwrap_or_else(random_name);
    tags.insert(TAG_RUN_NAME.to_owned(), name.clone());
    Ok((name, tags))
}

/// Logs all of the batch or nothing. What was logged before may be logged again; a param does not change.
pub async fn log(portal: &Portal, caller: &Caller, team: &str, run: &RunId, mut batch: Batch) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    batch.validate()?;
    for (i, tag) in batch.tags.iter().enumerate().filter(|(_, tag)| tag.key == TAG_RUN_NAME) {
        validate_line(&tag.value, NAME_LENGTH).map_err(|reason| Error::invalid(format!("tags[{i}].value"), reason))?;
    }
    for (tags, most) in [(&mut batch.params, PARAM_LENGTH), (&mut batch.tags, TAG_LENGTH)] {
        for tag in tags.iter_mut().filter(|tag| tag.value.len() > most) {
            tag.value.truncate(cut(&tag.value, most).len());
        }
    }
    submit(portal, scope, Work::Log(run.clone(), batch)).await
}

/// Changes the run's note from `before`, which is what its writer saw; an empty one is removed.
///
/// # Errors
/// `Conflict` where somebody else has changed it meanwhile, `Invalid` where it is too long.
pub async fn set_note(portal: &Portal, caller: &Caller, team: &str, run: &RunId, before: &str, note: &str) -> Result<()> {
    caller.require_in(Permission::WriteTracking, team)?;
    if note.chars().count() > TAG_LENGTH {
        return Err(Error::invalid("note", format!("A note has at most {TAG_LENGTH} characters.")));
    }
    let tags = get(portal, caller, team, run).await?.tags;
    let now = tags.into_iter().find(|t| t.key == TAG_NOTE).map(|t| t.value);
    // Browsers may change the kind of line ends.
    if now.as_deref().unwrap_or_default().replace("\r\n", "\n") != before.replace("\r\n", "\n") {
        let words = "Somebody else changed the note while you were writing. What you typed is still here; save it again to put it in place of theirs.";
        return Err(Error::Conflict(words.to_owned()));
    }
    match now {
        None if note.is_empty() => Ok(()),
        Some(_) if note.is_empty() => delete_tag(portal, caller, team, run, TAG_NOTE).await,
        _ => log(portal, caller, team, run, Batch { tags: vec![Tag::new(TAG_NOTE, note)], ..Batch::default() }).await,
    }
}

/// Changes status, end or name; gives the run without what it logged.
pub async fn update(portal: &Portal, caller: &Caller, team: &str, run: &RunId, mut change: RunChange) -> Result<Run> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    change.name = change.name.filter(|name| !name.is_empty());
    let mut checks = Checks::new();
    checks.check("run_name", validate_line(change.name.as_deref().unwrap_or_default(), NAME_LENGTH));
    checks.require(change.end_time.is_none_or(|at| at >= 0), "end_time", "A time is not negative.");
    checks.finish()?;
    submit(portal, scope.clone(), Work::Update(run.clone(), change)).await?;
    run_store::full(&portal.db, &scope.team, run).await?.run()
}

/// The run with what it logged, deleted or not.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, run: &RunId) -> Result<Run> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let row = run_store::full(&portal.db, &scope.team, run).await?;
    let no = row.no;
    let mut run = row.run()?;
    run_store::logged(&portal.db, no, &mut run).await?;
    Ok(run)
}

/// Removes a tag.
pub async fn delete_tag(portal: &Portal, caller: &Caller, team: &str, run: &RunId, key: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_unreserved(key).map_err(|reason| Error::invalid("key", reason))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let (row, version) = lock(&mut tx, &scope, run).await?;
    if row.deleted_at.is_some() {
        return Err(Error::invalid("run_id", format!("The run {run} must be in the 'active' state; it is deleted. Restore it first.")));
    }
    if !run_store::delete_tag(&mut tx, &row, key, version).await? {
        return Err(Error::NotFound("tag"));
    }
    tell(&mut tx, &scope, &row, now).await?;
    tx.commit().await
}

/// Deletes the run, to be restored or purged.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, run: &RunId) -> Result<()> {
    set_deleted(portal, caller, team, run, true).await
}

/// Takes a deleted run back.
pub async fn restore(portal: &Portal, caller: &Caller, team: &str, run: &RunId) -> Result<()> {
    set_deleted(portal, caller, team, run, false).await
}

async fn set_deleted(portal: &Portal, caller: &Caller, team: &str, run: &RunId, deleted: bool) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let (row, version) = lock(&mut tx, &scope, run).await?;
    if row.deleted_at.is_some() == deleted {
        return Ok(());
    }
    run_store::set_deleted(&mut tx, &row, deleted.then_some(now), version).await?;
    let entry = audit::Entry::<(), ()> {
        team: Some(team),
        action: if deleted { "run.delete" } else { "run.restore" },
        object: run.as_str(),
        object_name: run.as_str(),
        before: None,
        after: None,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    tell(&mut tx, &scope, &row, now).await?;
    tx.commit().await
}

/// Locks the run's experiment; gives the run as it is then, and the version for its change.
async fn lock(tx: &mut Tx, scope: &TeamScope, run: &RunId) -> Result<(RunRow, i64)> {
    let row = store::run_tx(tx, &scope.team, run).await?;
    let version = next_version(tx, row.experiment_id).await?;
    Ok((store::run_tx(tx, &scope.team, run).await?, version))
}

async fn tell(tx: &mut Tx, scope: &TeamScope, row: &RunRow, now: Millis) -> Result<()> {
    let experiment = store::public_id_tx(tx, row.experiment_id).await?;
    events::publish(tx, now, Some(&scope.team_name), &Change::Runs { experiment }).await
}
