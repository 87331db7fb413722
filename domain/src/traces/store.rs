//! SQL of traces, their tags and metadata.

use crate::{
    args,
    db::{Db, Tx, Value},
    error::{Error, Result},
    model::{Pairs, TRACE_ARTIFACT_LOCATION, TRACE_NAME, TeamId, TraceInfo},
    tracking::store::public_id,
};
use std::collections::HashMap;

/// A trace's own row, with what is needed of its experiment.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct TraceRow {
    pub no: i64,
    pub id: String,
    pub experiment_id: i64,
    pub request_time: i64,
    pub duration: Option<i64>,
    pub state: String,
    pub name: Option<String>,
    pub client_request_id: Option<String>,
    pub request_preview: Option<String>,
    pub response_preview: Option<String>,
    pub finished: i64,
    pub is_default: i64,
    pub artifact_location: String,
}

/// Columns of `TraceRow` of `traces t JOIN experiments e`.
pub(super) const COLUMNS: &str = "t.no, t.id, t.experiment_id, t.request_time, t.duration, t.state, t.name, t.client_request_id,
    t.request_preview, t.response_preview, t.finished, e.is_default, e.artifact_location";

const FIND: &str = "SELECT t.no, t.id, t.experiment_id, t.request_time, t.duration, t.state, t.name, t.client_request_id,
    t.request_preview, t.response_preview, t.finished, e.is_default, e.artifact_location
    FROM traces t JOIN experiments e ON e.id = t.experiment_id WHERE t.team_id = $1 AND t.id = $2";

/// Finds the team's trace.
///
/// # Errors
/// `NotFound`, also where it belongs to another team.
pub(super) async fn find(db: &Db, team: &TeamId, id: &str) -> Result<TraceRow> {
    db.fetch_optional(FIND, args![team, id]).await?.ok_or(Error::NotFound("trace"))
}

/// The same inside a transaction; nobody else changes the trace until its end.
pub(super) async fn lock(tx: &mut Tx, team: &TeamId, id: &str) -> Result<Option<TraceRow>> {
    tx.execute("UPDATE traces SET finished = finished WHERE team_id = $1 AND id = $2", args![team, id]).await?;
    tx.fetch_optional(FIND, args![team, id]).await
}

/// Those of these traces that the team has, in this order.
pub(super) async fn find_many(db: &Db, team: &TeamId, ids: &[String]) -> Result<Vec<TraceRow>> {
    let mut sql = format!("SELECT {COLUMNS} FROM traces t JOIN experiments e ON e.id = t.experiment_id WHERE t.team_id = $1 AND t.id IN ");
    let mut args = args![team];
    sql += &list(&mut args, ids);
    let mut rows: Vec<TraceRow> = db.fetch_all_assembled(sql, args).await?;
    let place: HashMap<&String, usize> = ids.iter().enumerate().map(|(i, id)| (id, i)).collect();
    rows.sort_by_key(|row| place.get(&row.id).copied());
    Ok(rows)
}

/// `($2, $3)`, and these values as arguments.
pub(super) fn list<T: Clone + Into<Value>>(args: &mut Vec<Value>, values: &[T]) -> String {
    let places: Vec<String> = values
        .iter()
        .map(|value| {
            args.push(value.clone().into());
            format!("${}", args.len())
        })
        .collect();
    format!("({})", places.join(", "))
}

/// Numbers for those of these traces that are not there yet, taken before any trace is locked: whoever waits for a number holds nothing
/// that somebody with a number waits for.
pub(super) async fn numbers(tx: &mut Tx, team: &TeamId, ids: &[String]) -> Result<Vec<i64>> {
    let mut missing = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    for ids in ids.chunks(1000) {
        let mut args = args![team];
        let sql = format!("SELECT no FROM traces WHERE team_id = $1 AND id IN {}", list(&mut args, ids));
        let rows: Vec<(i64,)> = tx.fetch_all_assembled(sql, args).await?;
        missing -= i64::try_from(rows.len()).unwrap_or_default();
    }
    if missing <= 0 {
        return Ok(Vec::new());
    }
    let first = tx.next_many("trace", missing).await?;
    Ok((first..first + missing).rev().collect())
}

/// Makes the trace, or locks the one that somebody else has just made.
pub(super) async fn insert(tx: &mut Tx, team: &TeamId, experiment: i64, no: i64, info: &TraceInfo) -> Result<TraceRow> {
    tx.execute(
        "INSERT INTO traces (no, team_id, id, experiment_id, request_time, state, finished) VALUES ($1, $2, $3, $4, $5, $6, 0)
         ON CONFLICT (team_id, id) DO NOTHING",
        args![no, team, &info.id, experiment, info.request_time, info.state.as_str()],
    )
    .await?;
    lock(tx, team, &info.id).await?.ok_or_else(|| Error::Internal("a trace that was just made is gone".to_owned()))
}

/// Writes everything of the row that can change.
pub(super) async fn update(tx: &mut Tx, row: &TraceRow) -> Result<()> {
    tx.execute(
        "UPDATE traces SET request_time = $2, duration = $3, state = $4, name = $5, client_request_id = $6, request_preview = $7,
         response_preview = $8, finished = $9 WHERE no = $1",
        args![
            row.no,
            row.request_time,
            row.duration,
            &row.state,
            row.name.as_deref(),
            row.client_request_id.as_deref(),
            row.request_preview.as_deref(),
            row.response_preview.as_deref(),
            row.finished,
        ],
    )
    .await?;
    Ok(())
}

/// Token counts of the whole trace, in MLflow's order: input, output, total, cache read, cache creation.
pub(super) async fn set_tokens(tx: &mut Tx, no: i64, tokens: [Option<i64>; 5]) -> Result<()> {
    let [input, output, total, read, creation] = tokens;
    tx.execute(
        "UPDATE traces SET input_tokens = $2, output_tokens = $3, total_tokens = $4, cache_read_tokens = $5, cache_creation_tokens = $6
         WHERE no = $1",
        args![no, input, output, total, read, creation],
    )
    .await?;
    Ok(())
}

/// Which table of pairs.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Tags,
    Metadata,
}

/// Writes pairs over what was there.
pub(super) async fn put(tx: &mut Tx, kind: Kind, no: i64, pairs: &Pairs) -> Result<()> {
    let rows = pairs.iter().map(|(key, value)| args![no, key, value]).collect();
    let (head, tail) = match kind {
        Kind::Tags => ("INSERT INTO trace_tags (trace_no, key, value)", "ON CONFLICT (trace_no, key) DO UPDATE SET value = excluded.value"),
        Kind::Metadata => {
            ("INSERT INTO trace_metadata (trace_no, key, value)", "ON CONFLICT (trace_no, key) DO UPDATE SET value = excluded.value")
        }
    };
    tx.insert_many(head, tail, rows).await?;
    Ok(())
}

/// The same where nothing was there.
pub(super) async fn put_missing(tx: &mut Tx, no: i64, metadata: &Pairs) -> Result<()> {
    let rows = metadata.iter().map(|(key, value)| args![no, key, value]).collect();
    tx.insert_many("INSERT INTO trace_metadata (trace_no, key, value)", "ON CONFLICT (trace_no, key) DO NOTHING", rows).await?;
    Ok(())
}

/// Whether the trace has this metadata.
pub(super) async fn has_metadata(tx: &mut Tx, no: i64, key: &str) -> Result<bool> {
    let row: Option<(i64,)> =
        tx.fetch_optional("SELECT trace_no FROM trace_metadata WHERE trace_no = $1 AND key = $2", args![no, key]).await?;
    Ok(row.is_some())
}

/// Takes a tag away. Says whether it was there.
pub(super) async fn delete_tag(tx: &mut Tx, no: i64, key: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM trace_tags WHERE trace_no = $1 AND key = $2", args![no, key]).await? > 0)
}

/// Pairs of these traces, by their number.
pub(super) async fn pairs(db: &Db, kind: Kind, nos: &[i64]) -> Result<HashMap<i64, Pairs>> {
    let mut all: HashMap<i64, Pairs> = HashMap::new();
    if nos.is_empty() {
        return Ok(all);
    }
    let table = match kind {
        Kind::Tags => "trace_tags",
        Kind::Metadata => "trace_metadata",
    };
    let mut args = Vec::new();
    let sql = format!("SELECT trace_no, key, value FROM {table} WHERE trace_no IN {}", list(&mut args, nos));
    let rows: Vec<(i64, String, String)> = db.fetch_all_assembled(sql, args).await?;
    for (no, key, value) in rows {
        all.entry(no).or_default().insert(key, value);
    }
    Ok(all)
}

/// The trace as clients see it, from its row, tags and metadata.
pub(super) fn info(row: &TraceRow, mut tags: Pairs, metadata: Pairs) -> Result<TraceInfo> {
    let state = row.state.parse().map_err(Error::Internal)?;
    if let Some(name) = &row.name {
        tags.insert(TRACE_NAME.to_owned(), name.clone());
    }
    let location = format!("{}/traces/{}/artifacts", row.artifact_location.trim_end_matches('/'), row.id);
    tags.insert(TRACE_ARTIFACT_LOCATION.to_owned(), location);
    Ok(TraceInfo {
        id: row.id.clone(),
        experiment: public_id(row.experiment_id, row.is_default),
        request_time: row.request_time,
        duration: row.duration,
        state,
        client_request_id: row.client_request_id.clone(),
        request_preview: row.request_preview.clone(),
        response_preview: row.response_preview.clone(),
        metadata,
        tags,
        assessments: Vec::new(),
    })
}
