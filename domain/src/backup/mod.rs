//! A portable copy of the database: JSON, one row a line, from one moment, readable by either database.
//!
//! Left out is what no copy may revive or no copy needs: sessions, tickets, events, and the lease. Files of volumes and the key that secrets are sealed
//! with lie in the data folder and are copied apart from this.

mod tables;

use crate::{
    args,
    db::{self, Cells, Db, Tx, Value},
    error::{Error, Result},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::io::{BufRead, Write};
use tables::{LEFT_OUT, tables};

/// Of the lines' shape. A change of it needs a new number.
const FORMAT: u32 = 1;
/// Rows read at a time.
const PAGE: i64 = 2000;

#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Header {
        slipway_backup: u32,
        schema: i64,
    },
    Row {
        table: String,
        row: Map<String, Json>,
    },
    /// The last line, so that a file that was cut off is known.
    End {
        rows: u64,
    },
}

/// Writes a copy of the database as of one moment, while it goes on serving; how many rows.
///
/// # Errors
/// `Unavailable` where `out` cannot be written.
pub async fn backup(db: &Db, mut out: impl Write + Send) -> Result<u64> {
    let mut tx = db.begin_snapshot().await?;
    write_line(&mut out, &Line::Header { slipway_backup: FORMAT, schema: db::schema_version() })?;
    let mut rows = 0;
    for table in tables() {
        let columns = table.columns.join(", ");
        let sql = format!("SELECT {columns} FROM {} ORDER BY {} LIMIT $1 OFFSET $2", table.name, table.columns[..table.key].join(", "));
        let mut offset = 0;
        loop {
            let page: Vec<Cells> = tx.fetch_all_assembled(sql.clone(), args![PAGE, offset]).await?;
            for Cells(cells) in &page {
                let row = table.columns.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), json(cell))).collect();
                write_line(&mut out, &Line::Row { table: table.name.to_owned(), row })?;
                rows += 1;
            }
            offset += PAGE;
            if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
        }
    }
    write_line(&mut out, &Line::End { rows })?;
    out.flush().map_err(|e| unwritable(&e))?;
    Ok(rows)
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::Unavailable(format!("The backup cannot be written: {error}"))
}

fn write_line(out: &mut impl Write, line: &Line) -> Result<()> {
    let mut text = serde_json::to_string(line).map_err(|e| Error::internal("backup", e))?;
    text.push('\n');
    out.write_all(text.as_bytes()).map_err(|e| unwritable(&e))
}

fn json(cell: &Value) -> Json {
    match cell {
        Value::Text(v) => v.as_deref().into(),
        Value::Int(v) => (*v).into(),
        Value::Real(v) => (*v).into(),
        // An object, which no other cell is.
        Value::Bytes(v) => v.as_ref().map(|bytes| serde_json::json!({ "base64": STANDARD.encode(bytes) })).into(),
    }
}

/// Fills an empty portal with what `backup` wrote; how many rows. All of it or nothing.
///
/// # Errors
/// `Conflict` where the portal has users; `Invalid` on `file` where it is not a whole backup that this version understands.
pub async fn restore(db: &Db, input: impl BufRead + Send) -> Result<u64> {
    let mut tx = db.begin().await?;
    let (users,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM users", args![]).await?;
    if users > 0 {
        return Err(Error::Conflict("This portal has users. Restore into an empty database.".to_owned()));
    }
    let mut lines = input.lines().enumerate();
    check_header(next_line(&mut lines)?)?;
    for name in LEFT_OUT.iter().copied().chain(tables().rev().map(|t| t.name)) {
        tx.execute_assembled(format!("DELETE FROM {name}"), args![]).await?;
    }
    let mut rows = 0;
    loop {
        match next_line(&mut lines)? {
            Some((number, Line::Row { table, row })) => {
                insert(&mut tx, &table, row).await.map_err(|e| bad(number, &e.to_string()))?;
                rows += 1;
            }
            Some((_, Line::End { rows: expected })) if expected == rows => break,
            Some((number, _)) => return Err(bad(number, "it does not fit the lines before it")),
            None => return Err(Error::invalid("file", "The backup ends too early: it was cut off.")),
        }
    }
    if next_line(&mut lines)?.is_some() {
        return Err(Error::invalid("file", "The backup goes on after its end."));
    }
    tx.commit().await?;
    Ok(rows)
}

fn bad(number: usize, reason: &str) -> Error {
    Error::invalid("file", format!("Line {number} of the backup cannot be restored: {reason}"))
}

fn next_line(lines: &mut impl Iterator<Item = (usize, std::io::Result<String>)>) -> Result<Option<(usize, Line)>> {
    let Some((index, line)) = lines.next() else { return Ok(None) };
    let line = line.map_err(|e| Error::Unavailable(format!("The backup cannot be read: {e}")))?;
    let parsed = serde_json::from_str(&line).map_err(|_| bad(index + 1, "it is not a line of a Slipway backup"))?;
    Ok(Some((index + 1, parsed)))
}

fn check_header(first: Option<(usize, Line)>) -> Result<()> {
    let Some((_, Line::Header { slipway_backup, schema })) = first else {
        return Err(Error::invalid("file", "This is not a Slipway backup."));
    };
    if slipway_backup != FORMAT {
        return Err(Error::invalid("file", format!("The backup has format {slipway_backup}; this Slipway reads format {FORMAT}.")));
    }
    let ours = db::schema_version();
    if schema != ours {
        let message = format!(
            "The backup has schema {schema}, this Slipway {ours}. Restore it with the Slipway that wrote it, then start this one on it."
        );
        return Err(Error::invalid("file", message));
    }
    Ok(())
}

async fn insert(tx: &mut Tx, name: &str, mut row: Map<String, Json>) -> Result<()> {
    let table = tables().find(|t| t.name == name).ok_or_else(|| Error::Internal("there is no such table".to_owned()))?;
    let mut values = Vec::with_capacity(table.columns.len());
    for column in table.columns {
        let cell = row.remove(*column).ok_or_else(|| Error::Internal(format!("it has no {column}")))?;
        values.push((*column, cell));
    }
    if !row.is_empty() {
        return Err(Error::Internal("it has a column that is not known".to_owned()));
    }
    // What is null is left to the column's default, so that its type need not be known here.
    values.retain(|(_, cell)| !cell.is_null());
    let columns: Vec<&str> = values.iter().map(|(column, _)| *column).collect();
    let places: Vec<String> = (1..=values.len()).map(|i| format!("${i}")).collect();
    let sql = format!("INSERT INTO {name} ({}) VALUES ({})", columns.join(", "), places.join(", "), name = table.name);
    let values = values.into_iter().map(|(column, cell)| value(column, cell)).collect::<Result<_>>()?;
    tx.execute_assembled(sql, values).await.map(|_| ())
}

fn value(column: &str, cell: Json) -> Result<Value> {
    match cell {
        Json::String(text) => Ok(text.into()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(whole.into()),
            (None, Some(real)) => Ok(real.into()),
            (None, None) => Err(Error::Internal(format!("{column} is not a number"))),
        },
        Json::Object(object) => {
            let bytes = object.get("base64").and_then(Json::as_str).and_then(|text| STANDARD.decode(text).ok());
            bytes.map(Value::from).ok_or_else(|| Error::Internal(format!("{column} holds no bytes")))
        }
        _ => Err(Error::Internal(format!("{column} is neither text, a number nor bytes"))),
    }
}

/// Tables that have this column, in an order in which every reference points backwards.
pub(crate) fn tables_with(column: &str) -> Vec<&'static str> {
    tables().filter(|t| t.columns.contains(&column)).map(|t| t.name).collect()
}

/// Tables and columns that the copy knows, for the test that compares them with the schema. Those left out have no columns here.
#[cfg(feature = "testing")]
pub fn known_columns() -> Vec<(&'static str, &'static [&'static str])> {
    tables().map(|t| (t.name, t.columns)).chain(LEFT_OUT.iter().map(|name| (*name, &[][..]))).collect()
}
