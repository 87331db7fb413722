//! Lineage: from runs to the data and models they read and made, and from models back to runs.

use super::{
    inputs::{READ_DATASET, READ_MODEL},
    logged_models_store::{padded, places},
    store,
};
use crate::{
    args,
    caller::Caller,
    db::{Db, Value},
    error::Result,
    model::{Dataset, DatasetInput, LoggedModelId, ModelOutput, Permission, RunId, RunLineage, RunLinks, Tag, TeamId},
    portal::Portal,
};
use std::collections::{BTreeSet, HashMap};

/// Longest schema and profile in an answer about many runs, in characters; a run of its own shows them whole.
const BRIEF: i64 = 64 * 1024;
const WHOLE: i64 = i64::MAX;

/// What these runs read and made; a run that did neither is not in it. One statement where none did.
pub(crate) async fn of_runs(db: &Db, runs: &[i64]) -> Result<HashMap<i64, RunLinks>> {
    let mut all = HashMap::new();
    for some in runs.chunks(1024) {
        let list = padded(some);
        let sql = format!(
            "SELECT run_no, kind, other, step FROM run_links WHERE run_no IN ({}) ORDER BY run_no, kind, other",
            places(1, list.len())
        );
        let links: Vec<(i64, i64, i64, i64)> = db.fetch_all_assembled(sql, list.into_iter().map(Value::from).collect()).await?;
        if !links.is_empty() {
            fill(db, &mut all, links, if runs.len() == 1 { WHOLE } else { BRIEF }).await?;
        }
    }
    Ok(all)
}

async fn fill(db: &Db, all: &mut HashMap<i64, RunLinks>, links: Vec<(i64, i64, i64, i64)>, longest: i64) -> Result<()> {
    let others = |datasets: bool| -> Vec<i64> {
        let of_kind = links.iter().filter(|l| (l.1 == READ_DATASET) == datasets).map(|l| l.2);
        of_kind.collect::<BTreeSet<_>>().into_iter().collect()
    };
    let datasets = datasets(db, &others(true), longest).await?;
    let mut tags = dataset_tags(db, &links).await?;
    let models = models(db, &others(false)).await?;
    for (run, kind, other, step) in links {
        let entry = all.entry(run).or_default();
        if kind == READ_DATASET {
            if let Some(dataset) = datasets.get(&other) {
                entry.datasets.push(DatasetInput { dataset: dataset.clone(), tags: tags.remove(&(run, other)).unwrap_or_default() });
            }
        } else if let Some(model) = models.get(&other) {
            if kind == READ_MODEL {
                entry.inputs.push(model.clone());
            } else {
                entry.outputs.push(ModelOutput { model: model.clone(), step });
            }
        }
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct DatasetRow {
    no: i64,
    name: String,
    digest: String,
    source_type: String,
    source: String,
    schema: Option<String>,
    profile: Option<String>,
}

async fn datasets(db: &Db, numbers: &[i64], longest: i64) -> Result<HashMap<i64, Dataset>> {
    let mut found = HashMap::new();
    for some in numbers.chunks(1024) {
        let list = padded(some);
        let sql = format!(
            "SELECT no, name, digest, source_type, source, CASE WHEN length(schema) <= $1 THEN schema END AS schema,
                    CASE WHEN length(profile) <= $1 THEN profile END AS profile FROM datasets WHERE no IN ({})",
            places(2, list.len())
        );
        let args = args![longest].into_iter().chain(list.into_iter().map(Value::from)).collect();
        let rows: Vec<DatasetRow> = db.fetch_all_assembled(sql, args).await?;
        found.extend(rows.into_iter().map(|r| {
            let dataset = Dataset {
                name: r.name,
                digest: r.digest,
                source_type: r.source_type,
                source: r.source,
                schema: r.schema,
                profile: r.profile,
            };
            (r.no, dataset)
        }));
    }
    Ok(found)
}

/// Tags by run and dataset.
async fn dataset_tags(db: &Db, links: &[(i64, i64, i64, i64)]) -> Result<HashMap<(i64, i64), Vec<Tag>>> {
    let runs: BTreeSet<i64> = links.iter().filter(|l| l.1 == READ_DATASET).map(|l| l.0).collect();
    let mut tags: HashMap<(i64, i64), Vec<Tag>> = HashMap::new();
    if runs.is_empty() {
        return Ok(tags);
    }
    let list = padded(&runs.into_iter().collect::<Vec<_>>());
    let sql = format!(
        "SELECT run_no, dataset_no, key, value FROM run_dataset_tags WHERE run_no IN ({}) ORDER BY run_no, dataset_no, key",
        places(1, list.len())
    );
    let rows: Vec<(i64, i64, String, String)> = db.fetch_all_assembled(sql, list.into_iter().map(Value::from).collect()).await?;
    for (run, dataset, key, value) in rows {
        tags.entry((run, dataset)).or_default().push(Tag { key, value });
    }
    Ok(tags)
}

async fn models(db: &Db, numbers: &[i64]) -> Result<HashMap<i64, LoggedModelId>> {
    let mut found = HashMap::new();
    for some in numbers.chunks(1024) {
        let list = padded(some);
        let sql = format!("SELECT no, id FROM logged_models WHERE no IN ({})", places(1, list.len()));
        let rows: Vec<(i64, String)> = db.fetch_all_assembled(sql, list.into_iter().map(Value::from).collect()).await?;
        found.extend(rows.into_iter().map(|(no, id)| (no, LoggedModelId(id))));
    }
    Ok(found)
}

/// Where a run comes from and what came of it.
pub async fn of_run(portal: &Portal, caller: &Caller, team: &str, run: &RunId) -> Result<RunLineage> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let row = store::run(&portal.db, &scope.team, run).await?;
    trace(&portal.db, row.no).await
}

/// The same for a run that is known by its number.
pub(crate) async fn trace(db: &Db, run_no: i64) -> Result<RunLineage> {
    let links = of_runs(db, &[run_no]).await?.remove(&run_no).unwrap_or_default();
    let sql = "SELECT id FROM logged_models WHERE source_run_no = $1 AND deleted_at IS NULL ORDER BY no";
    let named: Vec<(String,)> = db.fetch_all(sql, args![run_no]).await?;
    let mut made: Vec<LoggedModelId> = links.outputs.iter().map(|o| o.model.clone()).collect();
    for (id,) in named {
        let id = LoggedModelId(id);
        if !made.contains(&id) {
            made.push(id);
        }
    }
    let sql = "SELECT value FROM tags WHERE run_no = $1 AND key = 'mlflow.source.git.commit'";
    let commit: Option<(String,)> = db.fetch_optional(sql, args![run_no]).await?;
    Ok(RunLineage { links, models: made, git_commit: commit.map(|(commit,)| commit) })
}

/// The run that made the team's model: what the model names as its source, else the first run that says it made it.
///
/// # Errors
/// `NotFound` where the model is not the team's.
pub(crate) async fn run_of_model(db: &Db, team: &TeamId, model: &LoggedModelId) -> Result<Option<RunId>> {
    let row = super::logged_models_store::find(db, team, model).await?;
    if !row.source_run.is_empty() {
        return Ok(Some(RunId(row.source_run)));
    }
    let sql = "SELECT r.id FROM run_links l JOIN runs r ON r.no = l.run_no WHERE l.kind = 2 AND l.other = $1 ORDER BY l.run_no LIMIT 1";
    let made: Option<(String,)> = db.fetch_optional(sql, args![row.no]).await?;
    Ok(made.map(|(id,)| RunId(id)))
}

/// What these runs of the team read and made, by their id; a run that did neither, or is not the team's, is not in it.
pub async fn of_run_ids(portal: &Portal, caller: &Caller, team: &str, runs: &[RunId]) -> Result<HashMap<RunId, RunLinks>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let mut ids: HashMap<i64, RunId> = HashMap::new();
    for some in runs.chunks(1024) {
        let list = padded(some);
        // Only runs that have links.
        let sql = format!(
            "SELECT r.no, r.id FROM runs r WHERE r.team_id = $1 AND r.id IN ({}) AND EXISTS (SELECT 1 FROM run_links l WHERE l.run_no = r.no)",
            places(2, list.len())
        );
        let args = args![&scope.team].into_iter().chain(list.iter().map(Value::from)).collect();
        let rows: Vec<(i64, String)> = portal.db.fetch_all_assembled(sql, args).await?;
        ids.extend(rows.into_iter().map(|(no, id)| (no, RunId(id))));
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let numbers: Vec<i64> = ids.keys().copied().collect();
    let links = of_runs(&portal.db, &numbers).await?;
    Ok(links.into_iter().filter_map(|(no, links)| ids.remove(&no).map(|id| (id, links))).collect())
}
