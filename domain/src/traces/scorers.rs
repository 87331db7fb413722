//! Scorers: how clients judge what applications answer, kept in versions. Slipway never runs one.

use crate::{
    args, audit,
    caller::{Caller, TeamScope},
    db::{Db, Value},
    error::{Error, Result},
    model::{ExperimentId, Permission, SCORER_LENGTH, SCORERS, ScorerVersion, validate_evaluation_name},
    portal::Portal,
    random,
    tracking::{
        logged_models_store::{experiments, padded, places},
        store::{self, public_id},
    },
};

/// Most experiments in one call.
const EXPERIMENTS: usize = 1000;

#[derive(sqlx::FromRow)]
struct Row {
    scorer_id: String,
    experiment_id: i64,
    is_default: i64,
    name: String,
    version: i64,
    serialized: String,
    created_at: i64,
}

const SELECT: &str = "SELECT v.scorer_id, s.experiment_id, e.is_default, s.name, v.version, v.serialized, v.created_at
  FROM scorer_versions v JOIN scorers s ON s.id = v.scorer_id JOIN experiments e ON e.id = s.experiment_id";

fn version(row: Row) -> ScorerVersion {
    ScorerVersion {
        experiment: public_id(row.experiment_id, row.is_default),
        scorer_id: row.scorer_id,
        name: row.name,
        version: row.version,
        serialized: row.serialized,
        created_at: row.created_at,
    }
}

/// Adds a version of the experiment's scorer of this name.
///
/// # Errors
/// `NotFound` where the experiment is not the team's; `Invalid` by name and limits, where it is no JSON, or the experiment is deleted.
pub async fn register(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    experiment: &ExperimentId,
    name: &str,
    serialized: &str,
) -> Result<ScorerVersion> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_evaluation_name(name).map_err(|reason| Error::invalid("name", reason))?;
    if serialized.len() > SCORER_LENGTH {
        return Err(Error::invalid("serialized_scorer", format!("A scorer has at most {SCORER_LENGTH} bytes.")));
    }
    if serialized.contains('\0') || serde_json::from_str::<serde::de::IgnoredAny>(serialized).is_err() {
        return Err(Error::invalid("serialized_scorer", "serialized_scorer must be valid JSON"));
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let experiment = store::experiment_tx(&mut tx, &scope.team, experiment).await?;
    active(&experiment)?;
    let (id, number): (String, i64) = tx
        .fetch_one(
            "INSERT INTO scorers (id, experiment_id, name, last_version, created_at) VALUES ($1, $2, $3, 1, $4)
             ON CONFLICT (experiment_id, name) DO UPDATE SET last_version = scorers.last_version + 1 RETURNING id, last_version",
            args![random::hex(&random::bytes::<16>()), experiment.id, name, now],
        )
        .await?;
    let sql = "INSERT INTO scorer_versions (scorer_id, version, serialized, created_by, created_at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, args![&id, number, serialized, &scope.user, now]).await?;
    let sql = "SELECT (SELECT COUNT(*) FROM scorers WHERE experiment_id = $1), (SELECT COUNT(*) FROM scorer_versions WHERE scorer_id = $2)";
    let (scorers, versions): (i64, i64) = tx.fetch_one(sql, args![experiment.id, &id]).await?;
    if scorers.max(versions) > SCORERS {
        return Err(Error::QuotaExceeded(format!("An experiment has at most {SCORERS} scorers, and a scorer at most {SCORERS} versions.")));
    }
    tx.commit().await?;
    Ok(ScorerVersion {
        scorer_id: id,
        experiment: experiment.public_id(),
        name: name.to_owned(),
        version: number,
        serialized: serialized.to_owned(),
        created_at: now,
    })
}

fn active(experiment: &store::ExperimentRow) -> Result<()> {
    if experiment.deleted_at.is_none() {
        return Ok(());
    }
    Err(Error::invalid("experiment_id", format!("The experiment {} is deleted. Restore it first.", experiment.public_id())))
}

/// The newest version of each scorer: of one experiment, of several, or of all of the team that are not deleted.
///
/// # Errors
/// `NotFound` where the one experiment is not the team's. Of several, those that are not the team's have no scorers.
pub async fn list(portal: &Portal, caller: &Caller, team: &str, of: Of<'_>) -> Result<Vec<ScorerVersion>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let newest = "AND v.version = (SELECT MAX(n.version) FROM scorer_versions n WHERE n.scorer_id = s.id) AND e.deleted_at IS NULL";
    let numbers = match of {
        Of::Team => {
            let sql = format!("{SELECT} WHERE e.team_id = $1 {newest} ORDER BY s.experiment_id, s.name");
            let rows: Vec<Row> = portal.db.fetch_all_assembled(sql, args![&scope.team]).await?;
            return Ok(rows.into_iter().map(version).collect());
        }
        Of::One(id) => {
            let experiment = store::experiment(&portal.db, &scope.team, id).await?;
            active(&experiment)?;
            vec![experiment.id]
        }
        Of::Several(ids) if ids.len() > EXPERIMENTS => {
            return Err(Error::invalid("experiment_ids", format!("At most {EXPERIMENTS} of them are taken at once.")));
        }
        Of::Several(ids) => experiments(&portal.db, &scope.team, ids).await?.into_iter().map(|(no, _)| no).collect(),
    };
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let list = padded(&numbers);
    let sql = format!("{SELECT} WHERE s.experiment_id IN ({}) {newest} ORDER BY s.experiment_id, s.name", places(1, list.len()));
    let rows: Vec<Row> = portal.db.fetch_all_assembled(sql, list.into_iter().map(Value::from).collect()).await?;
    Ok(rows.into_iter().map(version).collect())
}

/// Whose scorers are listed.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    One(&'a ExperimentId),
    Several(&'a [ExperimentId]),
    Team,
}

/// All versions of a scorer, oldest first.
///
/// # Errors
/// `NotFound` where the experiment is not the team's, or has no such scorer.
pub async fn versions(portal: &Portal, caller: &Caller, team: &str, experiment: &ExperimentId, name: &str) -> Result<Vec<ScorerVersion>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    find(&portal.db, &scope, experiment, name).await
}

async fn find(db: &Db, scope: &TeamScope, experiment: &ExperimentId, name: &str) -> Result<Vec<ScorerVersion>> {
    let experiment = store::experiment(db, &scope.team, experiment).await?;
    active(&experiment)?;
    let sql = format!("{SELECT} WHERE s.experiment_id = $1 AND s.name = $2 ORDER BY v.version");
    let rows: Vec<Row> = db.fetch_all_assembled(sql, args![experiment.id, name]).await?;
    if rows.is_empty() { Err(Error::NotFound("scorer")) } else { Ok(rows.into_iter().map(version).collect()) }
}

/// One version of a scorer, or its newest.
pub async fn get(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    experiment: &ExperimentId,
    name: &str,
    number: Option<i64>,
) -> Result<ScorerVersion> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let mut versions = find(&portal.db, &scope, experiment, name).await?;
    let newest = versions.pop();
    match number {
        None => newest,
        Some(number) => versions.into_iter().chain(newest).find(|v| v.version == number),
    }
    .ok_or(Error::NotFound("scorer"))
}

/// Deletes one version of a scorer, or the whole scorer.
///
/// # Errors
/// `NotFound` where there is no such scorer or version.
pub async fn remove(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    experiment: &ExperimentId,
    name: &str,
    number: Option<i64>,
) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    let experiment = store::experiment_tx(&mut tx, &scope.team, experiment).await?;
    active(&experiment)?;
    let removed = match number {
        None => tx.execute("DELETE FROM scorers WHERE experiment_id = $1 AND name = $2", args![experiment.id, name]).await?,
        Some(number) => {
            let sql = "DELETE FROM scorer_versions WHERE version = $3 AND scorer_id IN (SELECT id FROM scorers WHERE experiment_id = $1 AND name = $2)";
            tx.execute(sql, args![experiment.id, name, number]).await?
        }
    };
    if removed == 0 {
        return Err(Error::NotFound("scorer"));
    }
    let entry = audit::Entry::<_, ()> {
        team: Some(team),
        action: "scorer.delete",
        object: name,
        object_name: name,
        before: Some(serde_json::json!({ "experiment": experiment.public_id(), "version": number })),
        after: None,
    };
    audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    tx.commit().await
}
