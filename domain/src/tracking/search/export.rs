//! A table of runs as a file, whole, however long it is.

use super::{orders::Entry, table};
use crate::{
    audit::csv::{self, Cell},
    caller::Caller,
    error::Result,
    model::{COLUMNS_MOST, Millis, Permission, Run, RunField, RunTable, TableColumn},
    portal::Portal,
};
use futures::{Stream, stream};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Runs of one piece of the text.
const PIECE: usize = 256;

/// All runs that fit, in order, and the columns that a file of them has: these, with the run's name and id before them. Runs come in pieces, each
/// read when it is asked for; one that is removed for good meanwhile is left out.
///
/// # Errors
/// As of a window of the table.
pub async fn export_runs(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    ask: &RunTable,
    columns: &[TableColumn],
) -> Result<(Vec<TableColumn>, impl Stream<Item = Result<Vec<Run>>> + Send + use<>)> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let mut columns: Vec<TableColumn> = columns.iter().take(COLUMNS_MOST).cloned().collect();
    for first in [TableColumn::Field(RunField::Id), TableColumn::Field(RunField::Name)] {
        columns.retain(|column| *column != first);
        columns.insert(0, first);
    }
    let (place, sorted) = table::sorted(portal, &scope, ask).await?;
    let portal = portal.clone();
    let pieces = stream::try_unfold(0, move |from: usize| {
        let (portal, place, sorted) = (portal.clone(), place.clone(), sorted.clone());
        async move {
            let part: Vec<Entry> = sorted.entries.iter().skip(from).take(PIECE).copied().collect();
            if part.is_empty() {
                return Ok(None);
            }
            let (next, mut piece) = (from + part.len(), Vec::with_capacity(part.len()));
            let (mut found, _) = table::found(place, part);
            while let Some(runs) = found.next(&portal).await? {
                for run in runs {
                    piece.push(run.complete()?);
                }
            }
            Ok(Some((piece, next)))
        }
    });
    Ok((columns, pieces))
}

/// The first line of a table of runs as CSV.
pub fn csv_head(columns: &[TableColumn]) -> String {
    let mut head = String::new();
    csv::push(&mut head, &columns.iter().map(|column| Cell::Text(column.label())).collect::<Vec<_>>());
    head
}

/// Its further lines. Text that a spreadsheet would take for a formula is made harmless.
pub fn csv_lines(runs: &[Run], columns: &[TableColumn]) -> String {
    let mut text = String::new();
    for run in runs {
        push(&mut text, run, columns);
    }
    text
}

fn push(out: &mut String, run: &Run, columns: &[TableColumn]) {
    let texts: Vec<(String, bool)> = columns.iter().map(|column| text(run, column)).collect();
    let cells: Vec<Cell<'_>> = texts.iter().map(|(text, plain)| if *plain { Cell::Plain(text) } else { Cell::Text(text) }).collect();
    csv::push(out, &cells);
}

/// What a cell says, and whether that is a number or a time and no text of somebody's.
fn text(run: &Run, column: &TableColumn) -> (String, bool) {
    let time = |at: Option<Millis>| (at.map(rfc3339).unwrap_or_default(), true);
    let value = |all: &[crate::model::Tag], key: &str| {
        let found = all.iter().find(|tag| tag.key == key);
        (found.map(|tag| tag.value.clone()).unwrap_or_default(), found.is_none())
    };
    match column {
        TableColumn::Field(RunField::Name) => (run.name.clone(), false),
        TableColumn::Field(RunField::Status) => (run.status.as_str().to_owned(), true),
        TableColumn::Field(RunField::Started) => time(run.start_time),
        TableColumn::Field(RunField::Ended) => time(run.end_time),
        TableColumn::Field(RunField::Duration) => match (run.start_time, run.end_time) {
            (Some(start), Some(end)) => (millis(end - start), true),
            _ => (String::new(), true),
        },
        TableColumn::Field(RunField::By) => (run.created_by.clone(), false),
        TableColumn::Field(RunField::User) => (run.user_id.clone(), false),
        TableColumn::Field(RunField::Id) => (run.id.0.clone(), true),
        TableColumn::Metric(key) => {
            let found = run.metrics.iter().find(|metric| metric.key == *key);
            (found.map(|metric| metric.value.to_string()).unwrap_or_default(), true)
        }
        TableColumn::Param(key) => value(&run.params, key),
        TableColumn::Tag(key) => value(&run.tags, key),
    }
}

/// In seconds.
fn millis(millis: Millis) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000)
}

fn rfc3339(at: Millis) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
}
