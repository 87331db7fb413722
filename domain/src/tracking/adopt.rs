//! Experiments, runs and logged models that come from elsewhere: they keep their ids and their times.

use super::{
    experiment_store, experiments,
    logged_models::{self, distinct},
    logged_models_store as models,
    runs::named,
    store,
    writer::{Creation, Work, submit},
};
use crate::{
    args, audit,
    caller::Caller,
    error::{Error, Result},
    events,
    model::{
        Change, ExperimentId, LoggedModel, LoggedModelId, LoggedModelStatus, Millis, NewLoggedModel, NewRun, PARAM_LENGTH, Permission,
        RunId, Tag,
    },
    portal::Portal,
};

/// When something was made and last changed, where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// Makes an experiment that keeps its artifacts in the portal.
///
/// # Errors
/// As `experiments::create`.
pub async fn experiment(portal: &Portal, caller: &Caller, team: &str, name: &str, tags: &[Tag], dates: Dates) -> Result<ExperimentId> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    experiments::validate(name, None, tags)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let new = experiment_store::NewRow { team: &scope.team, name, artifact_location: None, by: &scope.user, at: dates.created_at };
    let id = experiment_store::insert(&mut tx, new).await?;
    experiment_store::put_tags(&mut tx, id, &experiments::last_of_each(tags)).await?;
    experiment_store::touch(&mut tx, id, dates.updated_at).await?;
    let public = store::public_id(id, 0);
    let entry = audit::Entry {
        team: Some(&scope.team_name),
        action: "experiment.import",
        object: public.as_str(),
        object_name: name,
        before: None::<()>,
        after: Some(serde_json::json!({ "created_at": dates.created_at })),
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(&scope.team_name), &Change::Experiments).await?;
    tx.commit().await?;
    Ok(public)
}

/// Makes a run of this id, which nobody has yet. It is running until it is updated.
///
/// # Errors
/// As `runs::create`.
pub async fn run(portal: &Portal, caller: &Caller, team: &str, id: &RunId, new: NewRun) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let (name, tags) = named(&new)?;
    let experiment = new.experiment.unwrap_or_else(|| ExperimentId("0".to_owned()));
    let row = store::experiment(&portal.db, &scope.team, &experiment).await?;
    let creation = Creation {
        id: id.clone(),
        experiment: row.id,
        name,
        user_id: new.user_id,
        start_time: new.start_time,
        notebook: None,
        tags: tags.into_iter().collect(),
    };
    submit(portal, scope, Work::Create(creation)).await
}

/// Makes a logged model of this id, which nobody has yet; PENDING until `finish_logged_model`.
///
/// # Errors
/// As `logged_models::create`.
pub async fn logged_model(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    id: &LoggedModelId,
    new: NewLoggedModel,
    created_at: Millis,
) -> Result<LoggedModel> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    new.validate()?;
    let params = distinct(&new.params, PARAM_LENGTH)?;
    let mut tx = portal.db.begin().await?;
    let experiment = store::experiment_tx(&mut tx, &scope.team, &new.experiment).await?;
    if experiment.deleted_at.is_some() {
        return Err(Error::invalid("experiment_id", format!("The experiment {} is deleted. Restore it first.", new.experiment)));
    }
    let source = match &new.source_run {
        Some(run) => Some((run, store::run_tx(&mut tx, &scope.team, run).await?.no)),
        None => None,
    };
    let name = new.name.as_deref().unwrap_or(id.as_str());
    let no = tx.next("logged_model").await?;
    let row = models::NewRow { no, id, experiment_id: experiment.id, name, model_type: &new.model_type, source, at: created_at };
    models::insert(&mut tx, &scope, row).await?;
    models::put_params(&mut tx, no, &params).await?;
    models::put_tags(&mut tx, no, &new.tags).await?;
    tx.commit().await?;
    logged_models::get(portal, caller, team, id, true).await
}

/// Says how the logging of a model ended, and when it was last changed.
pub async fn finish_logged_model(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    id: &LoggedModelId,
    status: LoggedModelStatus,
    updated_at: Millis,
) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    let no = models::live_tx(&mut tx, &scope.team, id).await?;
    let sql = "UPDATE logged_models SET status = $1, updated_at = $2 WHERE no = $3";
    tx.execute(sql, args![status.as_str(), updated_at, no]).await?;
    tx.commit().await
}
