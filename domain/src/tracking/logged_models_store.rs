//! SQL of logged models: rows, and what hangs on them for many at once.

use crate::{
    args,
    caller::TeamScope,
    db::{Db, Tx, Value},
    error::{Error, Result},
    model::{ExperimentId, LoggedModel, LoggedModelId, LoggedModelStatus, Millis, ModelMetric, Registration, RunId, Tag, TeamId},
    tracking::store::public_id,
};
use std::collections::HashMap;

/// A logged model without what hangs on it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ModelRow {
    /// Its number, for joins.
    pub no: i64,
    pub id: String,
    pub experiment_id: i64,
    pub is_default: i64,
    pub artifact_location: String,
    pub name: String,
    pub model_type: String,
    pub source_run: String,
    pub status: String,
    pub created_by: String,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub deleted_at: Option<Millis>,
}

impl ModelRow {
    /// Where its artifacts are, as clients are told.
    pub fn artifact_uri(&self) -> String {
        format!("{}/models/{}/artifacts", self.artifact_location.trim_end_matches('/'), self.id)
    }
}

/// Everything of `ModelRow`; goes on with WHERE.
const SELECT: &str = "SELECT m.no, m.id, m.experiment_id, e.is_default, e.artifact_location, m.name, m.model_type, m.source_run, m.status,
       u.email AS created_by, m.created_at, m.updated_at, m.deleted_at
  FROM logged_models m JOIN experiments e ON e.id = m.experiment_id JOIN users u ON u.id = m.created_by";

/// `$3, $4, $5` for three values of which the first is the third of the statement.
pub(crate) fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ")
}

/// The same list with its last value repeated up to a power of four, so that the databases see few different texts.
pub(crate) fn padded<T: Clone>(list: &[T]) -> Vec<T> {
    let Some(last) = list.last() else { return Vec::new() };
    let mut size = 1;
    while size < list.len() {
        size *= 4;
    }
    list.iter().chain(std::iter::repeat(last)).take(size.max(list.len())).cloned().collect()
}

/// The team's model, deleted or not.
///
/// # Errors
/// `NotFound`, also where it belongs to another team.
pub(crate) async fn find(db: &Db, team: &TeamId, id: &LoggedModelId) -> Result<ModelRow> {
    let sql = format!("{SELECT} WHERE m.id = $1 AND m.team_id = $2");
    let rows = db.fetch_all_assembled(sql, args![id, team]).await?;
    rows.into_iter().next().ok_or(Error::NotFound("logged model"))
}

/// The number of the team's model that is not deleted, inside a transaction.
///
/// # Errors
/// `NotFound`, also where it is deleted or belongs to another team.
pub(super) async fn live_tx(tx: &mut Tx, team: &TeamId, id: &LoggedModelId) -> Result<i64> {
    let sql = "SELECT no FROM logged_models WHERE id = $1 AND team_id = $2 AND deleted_at IS NULL";
    let row: Option<(i64,)> = tx.fetch_optional(sql, args![id, team]).await?;
    row.map(|r| r.0).ok_or(Error::NotFound("logged model"))
}

/// Numbers of the team's models, also of deleted ones, by id. Those that do not exist are not in it.
pub(crate) async fn numbers_tx(tx: &mut Tx, team: &TeamId, ids: &[LoggedModelId]) -> Result<HashMap<LoggedModelId, i64>> {
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(1024) {
        let list = padded(some);
        let sql = format!("SELECT id, no FROM logged_models WHERE team_id = $1 AND id IN ({})", places(2, list.len()));
        let args = args![team].into_iter().chain(list.iter().map(Value::from)).collect();
        let rows: Vec<(String, i64)> = tx.fetch_all_assembled(sql, args).await?;
        found.extend(rows.into_iter().map(|(id, no)| (LoggedModelId(id), no)));
    }
    Ok(found)
}

/// The team's experiments among these, deleted or not, by their number. Others are not there.
pub(crate) async fn experiments(db: &Db, team: &TeamId, ids: &[ExperimentId]) -> Result<Vec<(i64, ExperimentId)>> {
    let numbers: Vec<i64> = ids.iter().filter_map(|id| id.0.parse().ok().filter(|n: &i64| *n != 0 && n.to_string() == id.0)).collect();
    let default = ids.iter().any(|id| id.as_str() == "0");
    let mut found = Vec::new();
    for some in numbers.chunks(1024) {
        let list = padded(some);
        let sql = format!("SELECT id FROM experiments WHERE team_id = $1 AND is_default = 0 AND id IN ({})", places(2, list.len()));
        let args = args![team].into_iter().chain(list.into_iter().map(Value::from)).collect();
        let rows: Vec<(i64,)> = db.fetch_all_assembled(sql, args).await?;
        found.extend(rows.into_iter().map(|(id,)| (id, public_id(id, 0))));
    }
    if default {
        let row: Option<(i64,)> =
            db.fetch_optional("SELECT id FROM experiments WHERE team_id = $1 AND is_default = 1", args![team]).await?;
        found.extend(row.map(|(id,)| (id, public_id(id, 1))));
    }
    Ok(found)
}

pub(super) struct NewRow<'a> {
    pub no: i64,
    pub id: &'a LoggedModelId,
    pub experiment_id: i64,
    pub name: &'a str,
    pub model_type: &'a str,
    pub source: Option<(&'a RunId, i64)>,
    pub at: Millis,
}

pub(super) async fn insert(tx: &mut Tx, scope: &TeamScope, new: NewRow<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO logged_models (no, id, experiment_id, team_id, name, model_type, source_run, source_run_no, status, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'PENDING', $9, $10, $10)",
        args![
            new.no,
            new.id,
            new.experiment_id,
            &scope.team,
            new.name,
            new.model_type,
            new.source.map_or("", |(id, _)| id.as_str()),
            new.source.map(|(_, no)| no),
            &scope.user,
            new.at
        ],
    )
    .await
    .map(|_| ())
}

/// Writes tags; the last of a key stays.
pub(super) async fn put_tags(tx: &mut Tx, model: i64, tags: &[Tag]) -> Result<()> {
    let last: std::collections::BTreeMap<&str, &str> = tags.iter().map(|t| (t.key.as_str(), t.value.as_str())).collect();
    let rows = last.into_iter().map(|(key, value)| args![model, key, value]).collect();
    let head = "INSERT INTO logged_model_tags (model_no, key, value)";
    tx.insert_many(head, "ON CONFLICT (model_no, key) DO UPDATE SET value = excluded.value", rows).await?;
    Ok(())
}

/// Adds params; those that are there stay as they are.
pub(super) async fn put_params(tx: &mut Tx, model: i64, params: &[Tag]) -> Result<()> {
    let rows = params.iter().map(|p| args![model, &p.key, &p.value]).collect();
    let head = "INSERT INTO logged_model_params (model_no, key, value)";
    tx.insert_many(head, "ON CONFLICT (model_no, key) DO NOTHING", rows).await?;
    Ok(())
}

pub(super) async fn params_tx(tx: &mut Tx, model: i64) -> Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> = tx.fetch_all("SELECT key, value FROM logged_model_params WHERE model_no = $1", args![model]).await?;
    Ok(rows.into_iter().collect())
}

/// Writes points; one that is there is replaced.
pub(super) async fn put_metrics(tx: &mut Tx, run_no: i64, points: &[(i64, &ModelMetric)]) -> Result<()> {
    // One row cannot be written twice by one statement; and in one order, so that no two transactions wait for each other.
    let mut last = std::collections::BTreeMap::new();
    for (model, m) in points {
        last.insert((*model, m.key.as_str(), m.step, m.timestamp, m.dataset_name.as_str(), m.dataset_digest.as_str()), m.value);
    }
    let row = |((model, key, step, at, name, digest), value): (_, f64)| {
        args![model, key, step, at, run_no, name, digest, Some(value).filter(|v| !v.is_nan())]
    };
    tx.insert_many(
        "INSERT INTO logged_model_metrics (model_no, key, step, timestamp, run_no, dataset_name, dataset_digest, value)",
        "ON CONFLICT (model_no, key, step, timestamp, run_no, dataset_name, dataset_digest) DO UPDATE SET value = excluded.value",
        last.into_iter().map(row).collect(),
    )
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct MetricRow {
    model_no: i64,
    key: String,
    value: Option<f64>,
    timestamp: i64,
    step: i64,
    run: String,
    dataset_name: String,
    dataset_digest: String,
}

/// The rows of these numbers, in their order.
pub(super) async fn rows(db: &Db, numbers: &[i64]) -> Result<Vec<ModelRow>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let list = padded(numbers);
    let sql = format!("{SELECT} WHERE m.no IN ({})", places(1, list.len()));
    let rows: Vec<ModelRow> = db.fetch_all_assembled(sql, list.into_iter().map(Value::from).collect()).await?;
    let mut by_no: HashMap<i64, ModelRow> = rows.into_iter().map(|r| (r.no, r)).collect();
    Ok(numbers.iter().filter_map(|no| by_no.remove(no)).collect())
}

/// Versions of the team's registered models that come from these models, by their ids.
async fn registrations(db: &Db, rows: &[ModelRow]) -> Result<HashMap<String, Vec<Registration>>> {
    let list = padded(&rows.iter().map(|r| r.id.as_str()).collect::<Vec<_>>());
    let sql = format!(
        "SELECT v.logged_model_id, m.name, v.version, v.digest FROM model_versions v JOIN registered_models m ON m.id = v.model_id
          WHERE v.logged_model_id IN ({}) ORDER BY m.name, v.version",
        places(1, list.len())
    );
    let args = list.into_iter().map(Value::from).collect();
    let found: Vec<(String, String, i64, Option<String>)> = db.fetch_all_assembled(sql, args).await?;
    let mut registrations: HashMap<String, Vec<Registration>> = HashMap::new();
    for (model, name, version, digest) in found {
        registrations.entry(model).or_default().push(Registration { name, version, digest });
    }
    Ok(registrations)
}

/// Makes them whole, with at most `points` of the newest points of each.
pub(super) async fn complete(db: &Db, rows: Vec<ModelRow>, points: i64) -> Result<Vec<LoggedModel>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let list = padded(&rows.iter().map(|r| r.no).collect::<Vec<_>>());
    let numbers = || list.iter().copied().map(Value::from).collect::<Vec<_>>();
    let pairs = async |table: &'static str| -> Result<HashMap<i64, Vec<Tag>>> {
        let sql = format!("SELECT model_no, key, value FROM {table} WHERE model_no IN ({}) ORDER BY model_no, key", places(1, list.len()));
        let rows: Vec<(i64, String, String)> = db.fetch_all_assembled(sql, numbers()).await?;
        let mut pairs: HashMap<i64, Vec<Tag>> = HashMap::new();
        for (no, key, value) in rows {
            pairs.entry(no).or_default().push(Tag { key, value });
        }
        Ok(pairs)
    };
    let (mut params, mut tags) = (pairs("logged_model_params").await?, pairs("logged_model_tags").await?);
    let sql = format!(
        "SELECT x.model_no, x.key, x.value, x.timestamp, x.step, r.id AS run, x.dataset_name, x.dataset_digest
           FROM (SELECT p.*, ROW_NUMBER() OVER (PARTITION BY p.model_no ORDER BY p.step DESC, p.timestamp DESC) AS place
                   FROM logged_model_metrics p WHERE p.model_no IN ({})) x
           JOIN runs r ON r.no = x.run_no
          WHERE x.place <= ${} ORDER BY x.model_no, x.key, x.step, x.timestamp, r.id",
        places(1, list.len()),
        list.len() + 1
    );
    let found: Vec<MetricRow> = db.fetch_all_assembled(sql, numbers().into_iter().chain(args![points]).collect()).await?;
    let mut metrics: HashMap<i64, Vec<MetricRow>> = HashMap::new();
    for metric in found {
        metrics.entry(metric.model_no).or_default().push(metric);
    }
    let mut registrations = registrations(db, &rows).await?;
    let whole = |row: ModelRow| {
        let id = LoggedModelId(row.id.clone());
        let point = |m: MetricRow| ModelMetric {
            model: id.clone(),
            key: m.key,
            value: m.value.unwrap_or(f64::NAN),
            timestamp: m.timestamp,
            step: m.step,
            run: Some(RunId(m.run)),
            dataset_name: m.dataset_name,
            dataset_digest: m.dataset_digest,
        };
        Ok(LoggedModel {
            experiment: public_id(row.experiment_id, row.is_default),
            artifact_uri: row.artifact_uri(),
            status: row.status.parse::<LoggedModelStatus>().map_err(|e| Error::internal("logged_models.status", e))?,
            source_run: Some(row.source_run).filter(|id| !id.is_empty()).map(RunId),
            name: row.name,
            model_type: row.model_type,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            params: params.remove(&row.no).unwrap_or_default(),
            tags: tags.remove(&row.no).unwrap_or_default(),
            metrics: metrics.remove(&row.no).unwrap_or_default().into_iter().map(point).collect(),
            registrations: registrations.remove(id.as_str()).unwrap_or_default(),
            id,
        })
    };
    rows.into_iter().map(whole).collect()
}
