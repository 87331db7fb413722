//! SQL of evaluation datasets.

use crate::{
    args,
    db::{Db, Tx, Value},
    error::{Error, Result},
    model::{EvaluationDataset, EvaluationRecord, Millis, Tag, TeamId},
    tracking::{
        logged_models_store::{padded, places},
        store::public_id,
    },
};
use serde_json::Value as Json;
use std::collections::HashMap;

/// A dataset without tags and experiments.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct DatasetRow {
    pub id: String,
    pub name: String,
    pub digest: String,
    pub schema: Option<String>,
    pub records: i64,
    pub created_by: String,
    pub updated_by: String,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// Everything of `DatasetRow`; goes on with WHERE.
const SELECT: &str =
    "SELECT d.id, d.name, d.digest, d.schema, d.records, c.email AS created_by, u.email AS updated_by, d.created_at, d.updated_at
  FROM evaluation_datasets d JOIN users c ON c.id = d.created_by JOIN users u ON u.id = d.updated_by";

/// All of a team; or those of any of these experiments.
pub(super) async fn of_team(db: &Db, team: &TeamId, experiments: Option<&[i64]>) -> Result<Vec<DatasetRow>> {
    let Some(experiments) = experiments else {
        return db.fetch_all_assembled(format!("{SELECT} WHERE d.team_id = $1"), args![team]).await;
    };
    if experiments.is_empty() {
        return Ok(Vec::new());
    }
    let list = padded(experiments);
    let sql = format!(
        "{SELECT} WHERE d.team_id = $1 AND d.id IN (SELECT x.dataset_id FROM evaluation_dataset_experiments x WHERE x.experiment_id IN ({}))",
        places(2, list.len())
    );
    db.fetch_all_assembled(sql, args![team].into_iter().chain(list.into_iter().map(Value::from)).collect()).await
}

pub(super) async fn find(db: &Db, team: &TeamId, id: &str) -> Result<DatasetRow> {
    let rows = db.fetch_all_assembled(format!("{SELECT} WHERE d.id = $1 AND d.team_id = $2"), args![id, team]).await?;
    rows.into_iter().next().ok_or(Error::NotFound("evaluation dataset"))
}

#[derive(sqlx::FromRow)]
pub(super) struct LockedRow {
    pub name: String,
    pub schema: Option<String>,
    pub records: i64,
    pub next_seq: i64,
}

/// The team's dataset, which nobody else changes until the end of the transaction.
///
/// # Errors
/// `NotFound`, also where it belongs to another team.
pub(super) async fn lock(tx: &mut Tx, team: &TeamId, id: &str) -> Result<LockedRow> {
    let sql = "UPDATE evaluation_datasets SET next_seq = next_seq WHERE id = $1 AND team_id = $2 RETURNING name, schema, records, next_seq";
    tx.fetch_optional(sql, args![id, team]).await?.ok_or(Error::NotFound("evaluation dataset"))
}

/// Tags of many datasets.
pub(super) async fn tags(db: &Db, ids: &[String]) -> Result<HashMap<String, Vec<Tag>>> {
    let mut tags: HashMap<String, Vec<Tag>> = HashMap::new();
    for some in ids.chunks(1024) {
        let list = padded(some);
        let sql = format!(
            "SELECT dataset_id, key, value FROM evaluation_dataset_tags WHERE dataset_id IN ({}) ORDER BY dataset_id, key",
            places(1, list.len())
        );
        let rows: Vec<(String, String, String)> = db.fetch_all_assembled(sql, list.into_iter().map(Value::from).collect()).await?;
        for (id, key, value) in rows {
            tags.entry(id).or_default().push(Tag { key, value });
        }
    }
    Ok(tags)
}

/// Makes them whole.
pub(super) async fn complete(db: &Db, rows: Vec<DatasetRow>) -> Result<Vec<EvaluationDataset>> {
    let ids: Vec<String> = rows.iter().map(|r| r.id.clone()).collect();
    let mut tags = tags(db, &ids).await?;
    let mut experiments: HashMap<String, Vec<_>> = HashMap::new();
    for some in ids.chunks(1024) {
        let list = padded(some);
        let sql = format!(
            "SELECT x.dataset_id, e.id, e.is_default FROM evaluation_dataset_experiments x JOIN experiments e ON e.id = x.experiment_id
              WHERE x.dataset_id IN ({}) ORDER BY x.dataset_id, e.id",
            places(1, list.len())
        );
        let rows: Vec<(String, i64, i64)> = db.fetch_all_assembled(sql, list.into_iter().map(Value::from).collect()).await?;
        for (id, experiment, is_default) in rows {
            experiments.entry(id).or_default().push(public_id(experiment, is_default));
        }
    }
    let whole = |row: DatasetRow| EvaluationDataset {
        tags: tags.remove(&row.id).unwrap_or_default(),
        experiments: experiments.remove(&row.id).unwrap_or_default(),
        id: row.id,
        name: row.name,
        digest: row.digest,
        schema: row.schema,
        records: row.records,
        created_by: row.created_by,
        updated_by: row.updated_by,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    Ok(rows.into_iter().map(whole).collect())
}

pub(super) async fn put_tags(tx: &mut Tx, id: &str, tags: &[Tag]) -> Result<()> {
    let last: std::collections::BTreeMap<&str, &str> = tags.iter().map(|t| (t.key.as_str(), t.value.as_str())).collect();
    let rows = last.into_iter().map(|(key, value)| args![id, key, value]).collect();
    let head = "INSERT INTO evaluation_dataset_tags (dataset_id, key, value)";
    tx.insert_many(head, "ON CONFLICT (dataset_id, key) DO UPDATE SET value = excluded.value", rows).await?;
    Ok(())
}

pub(super) async fn put_experiments(tx: &mut Tx, id: &str, experiments: &[i64]) -> Result<()> {
    let distinct: std::collections::BTreeSet<i64> = experiments.iter().copied().collect();
    let rows = distinct.into_iter().map(|experiment| args![id, experiment]).collect();
    tx.insert_many(
        "INSERT INTO evaluation_dataset_experiments (dataset_id, experiment_id)",
        "ON CONFLICT (dataset_id, experiment_id) DO NOTHING",
        rows,
    )
    .await?;
    Ok(())
}

/// A record as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct RecordRow {
    pub seq: i64,
    pub id: String,
    pub input_hash: String,
    pub inputs: String,
    pub outputs: Option<String>,
    pub expectations: Option<String>,
    pub tags: Option<String>,
    pub source: Option<String>,
    pub created_by: String,
    pub updated_by: String,
    pub created_at: Millis,
    pub updated_at: Millis,
}

impl RecordRow {
    pub fn record(self) -> Result<EvaluationRecord> {
        let json = |text: Option<String>| -> Result<Option<Json>> {
            text.map(|t| serde_json::from_str(&t)).transpose().map_err(|e| Error::internal("evaluation_records", e))
        };
        Ok(EvaluationRecord {
            id: self.id,
            inputs: json(Some(self.inputs))?.unwrap_or_default(),
            outputs: json(self.outputs)?,
            expectations: json(self.expectations)?,
            tags: json(self.tags)?.unwrap_or_else(|| Json::Object(serde_json::Map::new())),
            source: json(self.source)?,
            created_by: self.created_by,
            updated_by: self.updated_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Records after `after`, in the order they were added.
pub(super) async fn records(db: &Db, id: &str, after: i64, limit: i64) -> Result<Vec<RecordRow>> {
    let sql = "SELECT r.seq, r.id, r.input_hash, r.inputs, r.outputs, r.expectations, r.tags, r.source, c.email AS created_by, u.email AS updated_by,
                      r.created_at, r.updated_at
                 FROM evaluation_records r JOIN users c ON c.id = r.created_by JOIN users u ON u.id = r.updated_by
                WHERE r.dataset_id = $1 AND r.seq > $2 ORDER BY r.seq LIMIT $3";
    db.fetch_all(sql, args![id, after, limit]).await
}

/// Stored records with these inputs, by their hash; people by id.
pub(super) async fn same_inputs(tx: &mut Tx, id: &str, hashes: &[String]) -> Result<HashMap<String, RecordRow>> {
    let mut found = HashMap::new();
    for some in hashes.chunks(1024) {
        let list = padded(some);
        let sql = format!(
            "SELECT seq, id, input_hash, inputs, outputs, expectations, tags, source, created_by, updated_by, created_at, updated_at
               FROM evaluation_records WHERE dataset_id = $1 AND input_hash IN ({})",
            places(2, list.len())
        );
        let args = args![id].into_iter().chain(list.into_iter().map(Value::from)).collect();
        let rows: Vec<RecordRow> = tx.fetch_all_assembled(sql, args).await?;
        found.extend(rows.into_iter().map(|r| (r.input_hash.clone(), r)));
    }
    Ok(found)
}

/// Writes records, new and changed ones.
pub(super) async fn put_records(tx: &mut Tx, dataset: &str, rows: Vec<RecordRow>) -> Result<()> {
    let row = |r: RecordRow| {
        args![
            dataset,
            r.seq,
            r.id,
            r.input_hash,
            r.inputs,
            r.outputs,
            r.expectations,
            r.tags,
            r.source,
            r.created_by,
            r.updated_by,
            r.created_at,
            r.updated_at
        ]
    };
    tx.insert_many(
        "INSERT INTO evaluation_records (dataset_id, seq, id, input_hash, inputs, outputs, expectations, tags, source, created_by, updated_by,
                                         created_at, updated_at)",
        "ON CONFLICT (dataset_id, seq) DO UPDATE SET outputs = excluded.outputs, expectations = excluded.expectations, tags = excluded.tags,
            updated_by = excluded.updated_by, updated_at = excluded.updated_at",
        rows.into_iter().map(row).collect(),
    )
    .await?;
    Ok(())
}

/// How many of these it deleted.
pub(super) async fn remove_records(tx: &mut Tx, dataset: &str, ids: &[String]) -> Result<i64> {
    let mut removed = 0;
    for some in ids.chunks(1024) {
        let list = padded(some);
        let sql = format!("DELETE FROM evaluation_records WHERE dataset_id = $1 AND id IN ({})", places(2, list.len()));
        let args = args![dataset].into_iter().chain(list.into_iter().map(Value::from)).collect();
        removed += i64::try_from(tx.execute_assembled(sql, args).await?).unwrap_or(i64::MAX);
    }
    Ok(removed)
}
