//! Logged models: made by runs, finished or failed, found again; their artifacts lie under the experiment's.

pub use super::model_search::{ModelOrder, ModelSearch, search};
use super::{logged_models_store as rows, names::random_name, store};
use crate::{
    args, audit,
    caller::Caller,
    db::{Db, Tx},
    error::{Error, Result},
    model::{
        KEYS_OF_A_RUN, LoggedModel, LoggedModelId, LoggedModelStatus, ModelMetric, NewLoggedModel, PARAM_LENGTH, Permission, TAG_LENGTH,
        Tag, TeamId, cut, validate_pairs,
    },
    portal::Portal,
    random,
};
use std::collections::BTreeSet;

/// Most points of one model in its own answer: the newest.
const POINTS: i64 = 10_000;

/// Begins to log a model: it is PENDING until `finalize`.
///
/// # Errors
/// `NotFound` where the experiment or the source run is not the team's; `Invalid` by name, limits, or a deleted experiment.
pub async fn create(portal: &Portal, caller: &Caller, team: &str, new: NewLoggedModel) -> Result<LoggedModel> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    new.validate()?;
    let params = distinct(&new.params, PARAM_LENGTH)?;
    let tags: Vec<Tag> = new.tags.iter().map(|t| Tag::new(&t.key, cut(&t.value, TAG_LENGTH))).collect();
    let id = LoggedModelId(format!("m-{}", random::hex(&random::bytes::<16>())));
    let name = new.name.clone().unwrap_or_else(random_name);
    let mut tx = portal.db.begin().await?;
    let experiment = store::experiment_tx(&mut tx, &scope.team, &new.experiment).await?;
    if experiment.deleted_at.is_some() {
        return Err(Error::invalid("experiment_id", format!("The experiment {} is deleted. Restore it first.", new.experiment)));
    }
    let source = match &new.source_run {
        Some(run) => Some((run, store::run_tx(&mut tx, &scope.team, run).await?.no)),
        None => None,
    };
    let row = rows::NewRow {
        no: tx.next("logged_model").await?,
        id: &id,
        experiment_id: experiment.id,
        name: &name,
        model_type: &new.model_type,
        source,
        at: portal.clock.now(),
    };
    let no = row.no;
    rows::insert(&mut tx, &scope, row).await?;
    rows::put_params(&mut tx, no, &params).await?;
    rows::put_tags(&mut tx, no, &tags).await?;
    tx.commit().await?;
    whole(&portal.db, &scope.team, &id).await
}

/// One model; a deleted one only where `deleted_too`.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId, deleted_too: bool) -> Result<LoggedModel> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let model = whole(&portal.db, &scope.team, id).await?;
    if model.deleted_at.is_some() && !deleted_too { Err(Error::NotFound("logged model")) } else { Ok(model) }
}

async fn whole(db: &Db, team: &TeamId, id: &LoggedModelId) -> Result<LoggedModel> {
    let row = rows::find(db, team, id).await?;
    rows::complete(db, vec![row], POINTS).await?.pop().ok_or(Error::NotFound("logged model"))
}

/// Says how the logging of a model ended.
pub async fn finalize(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId, status: LoggedModelStatus) -> Result<LoggedModel> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    let no = rows::live_tx(&mut tx, &scope.team, id).await?;
    let sql = "UPDATE logged_models SET status = $1, updated_at = $2 WHERE no = $3";
    tx.execute(sql, args![status.as_str(), portal.clock.now(), no]).await?;
    tx.commit().await?;
    whole(&portal.db, &scope.team, id).await
}

/// Deletes a model; `restore` brings it back until it is purged.
pub async fn remove(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId) -> Result<()> {
    mark(portal, caller, team, id, true).await
}

/// Brings a deleted model back.
pub async fn restore(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId) -> Result<()> {
    mark(portal, caller, team, id, false).await
}

async fn mark(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId, deleted: bool) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let sql = "UPDATE logged_models SET deleted_at = $1, updated_at = $2 WHERE id = $3 AND team_id = $4 AND (deleted_at IS NULL) = ($5 = 1)
               RETURNING name";
    let changed: Option<(String,)> = tx.fetch_optional(sql, args![deleted.then_some(now), now, id, &scope.team, deleted]).await?;
    let (name,) = changed.ok_or(Error::NotFound("logged model"))?;
    let entry = audit::Entry::<(), ()> {
        team: Some(team),
        action: if deleted { "logged_model.delete" } else { "logged_model.restore" },
        object: id.as_str(),
        object_name: &name,
        before: None,
        after: None,
    };
    audit::record(&mut tx, caller, now, entry).await?;
    tx.commit().await
}

/// Adds params. One that is there already must have the same value.
pub async fn log_params(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId, params: &[Tag]) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_pairs("params", params)?;
    let params = distinct(params, PARAM_LENGTH)?;
    let mut tx = portal.db.begin().await?;
    let no = rows::live_tx(&mut tx, &scope.team, id).await?;
    rows::put_params(&mut tx, no, &params).await?;
    let there = rows::params_tx(&mut tx, no).await?;
    if let Some(other) = params.iter().find(|p| there.get(&p.key) != Some(&p.value)) {
        return Err(Error::invalid(
            "params",
            format!("The param \"{}\" has another value already; params do not change.", cut(&other.key, 80)),
        ));
    }
    full_at(there.len(), "params")?;
    touch(&mut tx, no, portal.clock.now()).await?;
    tx.commit().await
}

/// Sets tags.
pub async fn set_tags(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId, tags: &[Tag]) -> Result<LoggedModel> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_pairs("tags", tags)?;
    let tags: Vec<Tag> = tags.iter().map(|t| Tag::new(&t.key, cut(&t.value, TAG_LENGTH))).collect();
    let mut tx = portal.db.begin().await?;
    let no = rows::live_tx(&mut tx, &scope.team, id).await?;
    rows::put_tags(&mut tx, no, &tags).await?;
    let (count,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM logged_model_tags WHERE model_no = $1", args![no]).await?;
    full_at(usize::try_from(count).unwrap_or(usize::MAX), "tags")?;
    touch(&mut tx, no, portal.clock.now()).await?;
    tx.commit().await?;
    whole(&portal.db, &scope.team, id).await
}

/// Removes a tag.
///
/// # Errors
/// `NotFound` where the model or the tag is not there.
pub async fn remove_tag(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId, key: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    let no = rows::live_tx(&mut tx, &scope.team, id).await?;
    if tx.execute("DELETE FROM logged_model_tags WHERE model_no = $1 AND key = $2", args![no, key]).await? == 0 {
        return Err(Error::NotFound("tag"));
    }
    touch(&mut tx, no, portal.clock.now()).await?;
    tx.commit().await
}

async fn touch(tx: &mut Tx, no: i64, at: i64) -> Result<()> {
    tx.execute("UPDATE logged_models SET updated_at = $1 WHERE no = $2", args![at, no]).await.map(|_| ())
}

fn full_at(count: usize, what: &str) -> Result<()> {
    if i64::try_from(count).is_ok_and(|count| count <= KEYS_OF_A_RUN) {
        return Ok(());
    }
    Err(Error::QuotaExceeded(format!("A model has at most {KEYS_OF_A_RUN} {what}.")))
}

/// Each key once, its value cut to `most` characters.
pub(super) fn distinct(params: &[Tag], most: usize) -> Result<Vec<Tag>> {
    let params: Vec<Tag> = params.iter().map(|p| Tag::new(&p.key, cut(&p.value, most))).collect();
    let keys: BTreeSet<&str> = params.iter().map(|p| p.key.as_str()).collect();
    if keys.len() == params.len() { Ok(params) } else { Err(Error::invalid("params", "A param is said twice.")) }
}

/// Points that a run logs for models, each with its model's number; asked before anything of them is written.
///
/// # Errors
/// `NotFound` where a model is not the team's.
pub(super) async fn resolve<'a>(tx: &mut Tx, team: &TeamId, metrics: &'a [ModelMetric]) -> Result<Vec<(i64, &'a ModelMetric)>> {
    if metrics.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<LoggedModelId> = metrics.iter().map(|m| m.model.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let numbers = rows::numbers_tx(tx, team, &ids).await?;
    metrics.iter().map(|m| numbers.get(&m.model).map(|no| (*no, m)).ok_or(Error::NotFound("logged model"))).collect()
}

/// Where the artifacts of the team's model are, as its clients are told; also of a deleted one.
pub async fn artifact_uri(portal: &Portal, caller: &Caller, team: &str, id: &LoggedModelId) -> Result<String> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    rows::find(&portal.db, &scope.team, id).await.map(|row| row.artifact_uri())
}
