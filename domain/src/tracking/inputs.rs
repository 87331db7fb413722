//! What runs read and made: datasets, models they used and models they logged.

use super::{experiment_store::next_version, logged_models_store as models, store};
use crate::{
    args,
    caller::Caller,
    db::{Tx, Value},
    error::{Error, Result},
    model::{
        DatasetInput, DatasetSummary, ExperimentId, LINKS_OF_A_CALL, LINKS_OF_A_RUN, LoggedModelId, ModelOutput, Permission, RunId,
        TAG_DATASET_CONTEXT, TeamId,
    },
    portal::Portal,
};
use serde_json::{Map, Value as Json};
use std::collections::HashSet;

/// Kinds of links in `run_links`.
pub(crate) const READ_DATASET: i64 = 0;
pub(crate) const READ_MODEL: i64 = 1;
pub(crate) const MADE_MODEL: i64 = 2;

/// Most experiments, and most answers, of a search for datasets: as MLflow.
const SEARCH_EXPERIMENTS: usize = 20;
const SEARCH_RESULTS: i64 = 1000;
/// The tag that keeps what older clients log as models, and its longest value, in characters.
const TAG_MODELS: &str = "mlflow.log-model.history";
const MODELS_LENGTH: usize = 256 * 1024;

/// Notes the datasets that a run reads and the models it uses. What is noted already stays as it is.
///
/// # Errors
/// `NotFound` where the run or a model is not the team's; `Invalid` by limits, or where the run is deleted.
pub async fn log_inputs(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    run: &RunId,
    datasets: &[DatasetInput],
    used: &[LoggedModelId],
) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    few(datasets.len(), "datasets")?;
    few(used.len(), "models")?;
    for (i, input) in datasets.iter().enumerate() {
        input.validate(i)?;
    }
    let mut tx = portal.db.begin().await?;
    let (run_no, experiment) = change(&mut tx, &scope.team, run).await?;
    let mut seen = HashSet::new();
    for input in datasets {
        if seen.insert((&input.dataset.name, &input.dataset.digest)) {
            link_dataset(&mut tx, run_no, experiment, input).await?;
        }
    }
    let numbers = numbers(&mut tx, &scope.team, used).await?;
    let rows = numbers.into_iter().map(|no| args![run_no, READ_MODEL, no, 0_i64]).collect();
    tx.insert_many("INSERT INTO run_links (run_no, kind, other, step)", "ON CONFLICT (run_no, kind, other) DO NOTHING", rows).await?;
    full(&mut tx, run_no).await?;
    tx.commit().await
}

/// Notes the models that a run made.
///
/// # Errors
/// As `log_inputs`.
pub async fn log_outputs(portal: &Portal, caller: &Caller, team: &str, run: &RunId, made: &[ModelOutput]) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    few(made.len(), "models")?;
    let mut tx = portal.db.begin().await?;
    let (run_no, _) = change(&mut tx, &scope.team, run).await?;
    let ids: Vec<LoggedModelId> = made.iter().map(|m| m.model.clone()).collect();
    let numbers = numbers(&mut tx, &scope.team, &ids).await?;
    // Said twice in one call, the last step counts.
    let last: std::collections::BTreeMap<i64, i64> = numbers.into_iter().zip(made).map(|(no, m)| (no, m.step)).collect();
    let rows = last.into_iter().map(|(no, step)| args![run_no, MADE_MODEL, no, step]).collect();
    let tail = "ON CONFLICT (run_no, kind, other) DO UPDATE SET step = excluded.step";
    tx.insert_many("INSERT INTO run_links (run_no, kind, other, step)", tail, rows).await?;
    full(&mut tx, run_no).await?;
    tx.commit().await
}

fn few(count: usize, field: &str) -> Result<()> {
    if count <= LINKS_OF_A_CALL {
        Ok(())
    } else {
        Err(Error::invalid(field, format!("At most {LINKS_OF_A_CALL} of them are taken at once.")))
    }
}

/// Begins a change of a run that is not deleted: its number and its experiment's. Nobody else changes runs of the experiment until the end.
async fn change(tx: &mut Tx, team: &TeamId, id: &RunId) -> Result<(i64, i64)> {
    let run = store::run_tx(tx, team, id).await?;
    let version = next_version(tx, run.experiment_id).await?;
    let sql = "UPDATE runs SET version = $2 WHERE no = $1 AND deleted_at IS NULL";
    if tx.execute(sql, args![run.no, version]).await? == 0 {
        return Err(Error::invalid("run_id", format!("The run {id} must be in the 'active' state; it is deleted. Restore it first.")));
    }
    Ok((run.no, run.experiment_id))
}

/// Numbers of these models, in their order.
async fn numbers(tx: &mut Tx, team: &TeamId, ids: &[LoggedModelId]) -> Result<Vec<i64>> {
    let found = models::numbers_tx(tx, team, ids).await?;
    ids.iter().map(|id| found.get(id).copied().ok_or(Error::NotFound("logged model"))).collect()
}

async fn link_dataset(tx: &mut Tx, run_no: i64, experiment: i64, input: &DatasetInput) -> Result<()> {
    let data = &input.dataset;
    let sql = "SELECT no FROM datasets WHERE experiment_id = $1 AND name = $2 AND digest = $3";
    let known: Option<(i64,)> = tx.fetch_optional(sql, args![experiment, &data.name, &data.digest]).await?;
    let no = if let Some((no,)) = known {
        no
    } else {
        let no = tx.next("dataset").await?;
        tx.execute(
            "INSERT INTO datasets (no, experiment_id, name, digest, source_type, source, schema, profile) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            args![no, experiment, &data.name, &data.digest, &data.source_type, &data.source, data.schema.as_ref(), data.profile.as_ref()],
        )
        .await?;
        no
    };
    let sql = "INSERT INTO run_links (run_no, kind, other, step) VALUES ($1, $2, $3, 0) ON CONFLICT (run_no, kind, other) DO NOTHING";
    if tx.execute(sql, args![run_no, READ_DATASET, no]).await? == 0 {
        return Ok(());
    }
    let last: std::collections::BTreeMap<&str, &str> = input.tags.iter().map(|t| (t.key.as_str(), t.value.as_str())).collect();
    let rows: Vec<Vec<Value>> = last.into_iter().map(|(key, value)| args![run_no, no, key, value]).collect();
    tx.insert_many("INSERT INTO run_dataset_tags (run_no, dataset_no, key, value)", "", rows).await?;
    Ok(())
}

async fn full(tx: &mut Tx, run_no: i64) -> Result<()> {
    let (count,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM run_links WHERE run_no = $1", args![run_no]).await?;
    if count <= LINKS_OF_A_RUN {
        return Ok(());
    }
    Err(Error::QuotaExceeded(format!("A run is linked with at most {LINKS_OF_A_RUN} datasets and models.")))
}

/// Keeps what an older client says of a model it logged: an `MLmodel` file as JSON, shortened, in the run's tag `mlflow.log-model.history`.
///
/// # Errors
/// `Invalid` where it is no such JSON, or the history gets too long.
pub async fn log_model(portal: &Portal, caller: &Caller, team: &str, run: &RunId, model_json: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let refused = |reason: String| Error::invalid("model_json", reason);
    let model: Json = serde_json::from_str(model_json).map_err(|_| refused("Malformed model info: it is not a valid JSON.".to_owned()))?;
    let Json::Object(model) = model else { return Err(refused("Malformed model info: it is no object.".to_owned())) };
    let needed = ["artifact_path", "flavors", "utc_time_created", "run_id"];
    let missing: Vec<&str> = needed.into_iter().filter(|name| !model.contains_key(*name)).collect();
    if !missing.is_empty() {
        return Err(refused(format!("Model json is missing mandatory fields: {}", missing.join(", "))));
    }
    let mut tx = portal.db.begin().await?;
    let (run_no, _) = change(&mut tx, &scope.team, run).await?;
    let before: Option<(String,)> =
        tx.fetch_optional("SELECT value FROM tags WHERE run_no = $1 AND key = $2", args![run_no, TAG_MODELS]).await?;
    let mut history: Vec<Json> = before.and_then(|(text,)| serde_json::from_str(&text).ok()).unwrap_or_default();
    history.push(shortened(model));
    let text = Json::Array(history).to_string();
    if text.len() > MODELS_LENGTH {
        return Err(refused(format!("The history of the run's models would be longer than {MODELS_LENGTH} characters.")));
    }
    let sql = "INSERT INTO tags (run_no, key, value) VALUES ($1, $2, $3) ON CONFLICT (run_no, key) DO UPDATE SET value = excluded.value";
    tx.execute(sql, args![run_no, TAG_MODELS, text]).await?;
    tx.commit().await
}

/// What the tag keeps of an `MLmodel`: where, when, which run, and its flavours without their configuration.
fn shortened(model: Map<String, Json>) -> Json {
    let keep = |(key, mut value): (String, Json)| match key.as_str() {
        "run_id" | "utc_time_created" | "artifact_path" | "model_uuid" => Some((key, value)),
        "flavors" => {
            for flavour in value.as_object_mut().into_iter().flat_map(Map::values_mut) {
                if let Json::Object(flavour) = flavour {
                    flavour.remove("config");
                }
            }
            Some((key, value))
        }
        _ => None,
    };
    Json::Object(model.into_iter().filter_map(keep).collect())
}

/// Datasets that runs of these experiments read, each once for every use; at most 1000.
///
/// # Errors
/// `Invalid` for no experiment or more than 20. Experiments that are not the team's have no datasets.
pub async fn search_datasets(portal: &Portal, caller: &Caller, team: &str, experiments: &[ExperimentId]) -> Result<Vec<DatasetSummary>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    if experiments.is_empty() || experiments.len() > SEARCH_EXPERIMENTS {
        let reason = format!("A search for datasets names 1 to {SEARCH_EXPERIMENTS} experiments; this one names {}.", experiments.len());
        return Err(Error::invalid("experiment_ids", reason));
    }
    let known = models::experiments(&portal.db, &scope.team, experiments).await?;
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let list = models::padded(&known.iter().map(|(no, _)| *no).collect::<Vec<_>>());
    let sql = format!(
        "SELECT DISTINCT d.experiment_id, d.name, d.digest, t.value FROM datasets d JOIN run_links l ON l.kind = 0 AND l.other = d.no
           LEFT JOIN run_dataset_tags t ON t.run_no = l.run_no AND t.dataset_no = d.no AND t.key = $1
          WHERE d.experiment_id IN ({}) ORDER BY d.experiment_id, d.name, d.digest, t.value LIMIT $2",
        models::places(3, list.len())
    );
    let args = args![TAG_DATASET_CONTEXT, SEARCH_RESULTS].into_iter().chain(list.into_iter().map(Value::from)).collect();
    let rows: Vec<(i64, String, String, Option<String>)> = portal.db.fetch_all_assembled(sql, args).await?;
    let summary = |(no, name, digest, context): (i64, String, String, Option<String>)| {
        let experiment = known.iter().find(|(known, _)| *known == no).map(|(_, id)| id.clone())?;
        Some(DatasetSummary { experiment, name, digest, context })
    };
    Ok(rows.into_iter().filter_map(summary).collect())
}
