//! SQL of assessments.

use super::store::list;
use crate::{
    args,
    db::{Db, Tx},
    error::{Error, Result},
    model::{Assessment, Judgement, Pairs},
};
use serde_json::Value;
use std::collections::HashMap;

#[derive(sqlx::FromRow)]
struct AssessmentRow {
    trace_no: i64,
    trace_id: String,
    id: String,
    kind: String,
    name: String,
    span_id: Option<String>,
    source_type: String,
    source_id: String,
    value: String,
    error: Option<String>,
    rationale: Option<String>,
    metadata: Option<String>,
    overrides: Option<String>,
    valid: i64,
    created_at: i64,
    updated_at: i64,
}

const ONE: &str = "SELECT a.trace_no, t.id AS trace_id, a.id, a.kind, a.name, a.span_id, a.source_type, a.source_id, a.value, a.error,
    a.rationale, a.metadata, a.overrides, a.valid, a.created_at, a.updated_at
    FROM assessments a JOIN traces t ON t.no = a.trace_no WHERE a.trace_no = $1 AND a.id = $2";

/// One assessment of the trace.
pub(super) async fn find(db: &Db, trace: i64, id: &str) -> Result<Assessment> {
    let row: Option<AssessmentRow> = db.fetch_optional(ONE, args![trace, id]).await?;
    assessment(row.ok_or(Error::NotFound("assessment of this trace"))?)
}

/// The same inside a transaction.
pub(super) async fn find_tx(tx: &mut Tx, trace: i64, id: &str) -> Result<Option<Assessment>> {
    let row: Option<AssessmentRow> = tx.fetch_optional(ONE, args![trace, id]).await?;
    row.map(assessment).transpose()
}

/// Assessments of these traces, by the trace's number, oldest first.
pub(super) async fn all(db: &Db, nos: &[i64]) -> Result<HashMap<i64, Vec<Assessment>>> {
    let mut all: HashMap<i64, Vec<Assessment>> = HashMap::new();
    if nos.is_empty() {
        return Ok(all);
    }
    let mut args = Vec::new();
    let sql = format!(
        "SELECT a.trace_no, t.id AS trace_id, a.id, a.kind, a.name, a.span_id, a.source_type, a.source_id, a.value, a.error, a.rationale,
         a.metadata, a.overrides, a.valid, a.created_at, a.updated_at
         FROM assessments a JOIN traces t ON t.no = a.trace_no WHERE a.trace_no IN {} ORDER BY a.created_at, a.id",
        list(&mut args, nos)
    );
    let rows: Vec<AssessmentRow> = db.fetch_all_assembled(sql, args).await?;
    for row in rows {
        all.entry(row.trace_no).or_default().push(assessment(row)?);
    }
    Ok(all)
}

/// Writes an assessment, over the one of the same id.
pub(super) async fn put(tx: &mut Tx, trace: i64, said: &Assessment) -> Result<()> {
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    let json = |e: serde_json::Error| Error::internal("an assessment", e);
    let (value, error) = match &said.judgement {
        Judgement::Feedback { value, error } => (value.clone(), error.as_ref()),
        Judgement::Expectation { value } => (value.clone(), None),
        Judgement::Issue { name } => (Value::from(name.as_str()), None),
    };
    let error = error.map(serde_json::to_string).transpose().map_err(json)?;
    let metadata = if said.metadata.is_empty() { None } else { Some(serde_json::to_string(&said.metadata).map_err(json)?) };
    tx.execute(
        "INSERT INTO assessments (trace_no, id, kind, name, span_id, source_type, source_id, value, number, error, rationale, metadata,
         overrides, valid, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         ON CONFLICT (trace_no, id) DO UPDATE SET kind = excluded.kind, name = excluded.name, span_id = excluded.span_id,
         source_type = excluded.source_type, source_id = excluded.source_id, value = excluded.value, number = excluded.number,
         error = excluded.error, rationale = excluded.rationale, metadata = excluded.metadata, overrides = excluded.overrides,
         valid = excluded.valid, created_at = excluded.created_at, updated_at = excluded.updated_at",
        args![
            trace,
            &said.id,
            said.judgement.kind(),
            clean(&said.name),
            said.span.as_deref(),
            &said.source_type,
            clean(&said.source_id),
            value.to_string(),
            said.number(),
            error,
            said.rationale.as_deref().map(clean),
            metadata,
            said.overrides.as_deref(),
            said.valid,
            said.created_at,
            said.updated_at,
        ],
    )
    .await?;
    Ok(())
}

/// How many assessments the trace has.
pub(super) async fn count(tx: &mut Tx, trace: i64) -> Result<i64> {
    let (count,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM assessments WHERE trace_no = $1", args![trace]).await?;
    Ok(count)
}

/// Says whether an assessment of the trace is replaced. Whether it was there.
pub(super) async fn set_valid(tx: &mut Tx, trace: i64, id: &str, valid: bool) -> Result<bool> {
    Ok(tx.execute("UPDATE assessments SET valid = $3 WHERE trace_no = $1 AND id = $2", args![trace, id, valid]).await? > 0)
}

pub(super) async fn delete(tx: &mut Tx, trace: i64, id: &str) -> Result<()> {
    tx.execute("DELETE FROM assessments WHERE trace_no = $1 AND id = $2", args![trace, id]).await?;
    Ok(())
}

fn assessment(row: AssessmentRow) -> Result<Assessment> {
    let json = |e: serde_json::Error| Error::internal("a stored assessment", e);
    let value: Value = serde_json::from_str(&row.value).map_err(json)?;
    let error = row.error.as_deref().map(serde_json::from_str).transpose().map_err(json)?;
    let metadata: Pairs = row.metadata.as_deref().map(serde_json::from_str).transpose().map_err(json)?.unwrap_or_default();
    let judgement = match row.kind.as_str() {
        "expectation" => Judgement::Expectation { value },
        "issue" => Judgement::Issue { name: value.as_str().unwrap_or_default().to_owned() },
        _ => Judgement::Feedback { value, error },
    };
    Ok(Assessment {
        id: row.id,
        trace: row.trace_id,
        name: row.name,
        span: row.span_id,
        source_type: row.source_type,
        source_id: row.source_id,
        judgement,
        rationale: row.rationale,
        metadata,
        overrides: row.overrides,
        valid: row.valid != 0,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
