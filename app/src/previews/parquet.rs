//! Apache Parquet as a table. Its pages unpack to whatever they like, so they are read by a process of their own, which has little memory, little
//! time, and nothing else of the machine.

use super::{Content, Table, separated};
use crate::components::iso_time;
use domain::{
    Portal,
    artifacts::Readable,
    compute::local::{apart, confine},
};
use parquet::{
    basic::{LogicalType, TimeUnit},
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row},
    schema::types::{Type, TypePtr},
};
use std::{
    collections::VecDeque,
    io::{Read, Write},
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The hidden command of the program that reads a file from its standard input and writes the table as JSON.
pub const COMMAND: &str = "read-parquet";
/// Largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;
/// What the process may take: memory in bytes, and time on a processor in seconds.
const MEMORY: u64 = 1024 * 1024 * 1024;
const SECONDS: u64 = 10;
/// Longest wait for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest answer of it that is read, in bytes.
const ANSWER: u64 = 4 * 1024 * 1024;
/// Rows and columns that are shown.
const ROWS: usize = 1000;
const COLUMNS: usize = 50;

/// Answers that are kept, by the digest of the file, and the longest of them: a page asks again whenever its run logs something.
const KEPT: usize = 4;
const KEPT_SIZE: usize = 1024 * 1024;

fn kept() -> MutexGuard<'static, VecDeque<(String, Arc<[u8]>)>> {
    static ANSWERS: Mutex<VecDeque<(String, Arc<[u8]>)>> = Mutex::new(VecDeque::new());
    ANSWERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first rows of the file, or why they are not shown.
pub(super) async fn content(portal: &Portal, file: &Readable) -> domain::Result<Content> {
    let nothing = |why: &str| Ok(Content::Nothing(why.to_owned()));
    if file.artifact.size > LARGEST {
        return nothing("The Parquet file is too large to be shown here. Download it.");
    }
    let Some(program) = &portal.settings.program else {
        return nothing("This portal has no program to read Parquet with. Download the file.");
    };
    let answer = answer(portal, file, program).await?;
    let table = answer.and_then(|answer| serde_json::from_slice::<Table>(&answer).ok());
    Ok(table.map_or_else(
        || Content::Nothing("This Parquet file cannot be shown: it is damaged, encrypted, or unpacks to too much. Download it.".to_owned()),
        Content::Table,
    ))
}

/// The table as JSON; none where the file cannot be read.
async fn answer(portal: &Portal, file: &Readable, program: &Path) -> domain::Result<Option<Arc<[u8]>>> {
    let known = kept().iter().find(|(sha256, _)| *sha256 == file.artifact.sha256).map(|(_, answer)| answer.clone());
    if known.is_some() {
        return Ok(known);
    }
    let bytes = file.read(portal, 0, file.artifact.size).await?;
    let answer = apart::run(program, COMMAND, bytes, PATIENCE, ANSWER).await?.map(Arc::<[u8]>::from);
    if let Some(answer) = answer.as_ref().filter(|answer| answer.len() <= KEPT_SIZE) {
        let mut kept = kept();
        kept.truncate(KEPT - 1);
        kept.push_front((file.artifact.sha256.clone(), answer.clone()));
    }
    Ok(answer)
}

/// `slipway read-parquet`: reads a file from standard input, and writes its first rows as JSON to standard output.
pub fn main() -> ExitCode {
    confine::shut_off(MEMORY, SECONDS);
    let mut bytes = Vec::new();
    if std::io::stdin().take(LARGEST).read_to_end(&mut bytes).is_err() {
        return ExitCode::from(2);
    }
    let Ok(table) = table(bytes.into()) else { return ExitCode::FAILURE };
    match serde_json::to_vec(&table).map(|text| std::io::stdout().write_all(&text)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn table(bytes: bytes::Bytes) -> parquet::errors::Result<Table> {
    let file = SerializedFileReader::new(bytes)?;
    let about = file.metadata().file_metadata();
    let (rows, fields) = (usize::try_from(about.num_rows()).unwrap_or_default(), about.schema().get_fields().to_vec());
    let names: Vec<String> = fields.iter().take(COLUMNS).map(|field| separated::cell(field.name())).collect();
    let shown =
        Type::group_type_builder(about.schema().name()).with_fields(fields.iter().take(COLUMNS).map(Arc::clone).collect()).build()?;
    let mut cells = vec![names];
    for row in file.get_row_iter(Some(shown))?.take(ROWS) {
        cells.push(texts(&row?, &fields));
    }
    let mut table = separated::of_rows(cells.into_iter(), true).unwrap_or_default();
    (table.counted, table.more_columns) = (rows, fields.len().saturating_sub(COLUMNS));
    Ok(table)
}

fn texts(row: &Row, fields: &[TypePtr]) -> Vec<String> {
    let text = |field: &Field, logical: Option<&LogicalType>| match field {
        Field::Null => String::new(),
        Field::Str(text) => separated::cell(text),
        Field::Bytes(bytes) => format!("{} bytes", bytes.len()),
        other => moment(other, logical).unwrap_or_else(|| separated::cell(&other.to_string())),
    };
    row.get_column_iter().zip(fields).map(|((_, field), of)| text(field, of.get_basic_info().logical_type_ref())).collect()
}

/// A time to the second; one in nanoseconds is a number to the reader. Without a zone it is as it was where it was written.
fn moment(field: &Field, logical: Option<&LogicalType>) -> Option<String> {
    let (kind, in_utc) = match logical {
        Some(LogicalType::Timestamp(kind)) => (Some(kind), kind.is_adjusted_to_u_t_c),
        _ => (None, true),
    };
    let millis = match field {
        Field::TimestampMillis(at) => *at,
        Field::TimestampMicros(at) => at.div_euclid(1000),
        Field::Long(at) if kind.is_some_and(|kind| kind.unit == TimeUnit::NANOS) => at.div_euclid(1_000_000),
        _ => return None,
    };
    let text = iso_time(millis).replace('T', " ");
    Some(if in_utc { text.replace('Z', " UTC") } else { text.replace('Z', "") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::{
        data_type::{ByteArrayType, DoubleType},
        file::writer::SerializedFileWriter,
        schema::parser::parse_message_type,
    };

    fn file() -> Vec<u8> {
        let schema = parse_message_type("message m { required binary name (STRING); optional double score; }").expect("a schema");
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).expect("a file");
        let mut group = writer.next_row_group().expect("a group");
        let mut column = group.next_column().expect("a column").expect("a column");
        column.typed::<ByteArrayType>().write_batch(&["a".into(), "<b>".into()], None, None).expect("written");
        column.close().expect("closed");
        let mut column = group.next_column().expect("a column").expect("a column");
        column.typed::<DoubleType>().write_batch(&[0.5], Some(&[1, 0]), None).expect("written");
        column.close().expect("closed");
        group.close().expect("closed");
        writer.into_inner().expect("a file")
    }

    #[test]
    fn the_rows_of_a_file_are_a_table() {
        let found = table(file().into()).expect("a table");
        assert_eq!((found.columns, found.numeric), (vec!["name".to_owned(), "score".to_owned()], vec![false, true]));
        assert_eq!(found.rows, [["a", "0.5"], ["<b>", ""]]);
        assert_eq!((found.counted, found.complete, found.more_columns), (2, true, 0));
    }

    #[test]
    fn times_are_times_whatever_they_are_counted_in() {
        let zone = |is_adjusted_to_u_t_c, unit| LogicalType::timestamp(is_adjusted_to_u_t_c, unit);
        let at = 1_777_593_600_000;
        let said = |field, logical: Option<LogicalType>| moment(&field, logical.as_ref());
        assert_eq!(said(Field::Long(at * 1_000_000), Some(zone(false, TimeUnit::NANOS))).as_deref(), Some("2026-05-01 00:00:00"));
        assert_eq!(said(Field::TimestampMicros(at * 1000), Some(zone(true, TimeUnit::MICROS))).as_deref(), Some("2026-05-01 00:00:00 UTC"));
        assert_eq!(said(Field::TimestampMillis(at), None).as_deref(), Some("2026-05-01 00:00:00 UTC"));
        assert_eq!(said(Field::Long(at), None), None);
        assert!(said(Field::Long(i64::MIN), Some(zone(true, TimeUnit::NANOS))).is_some());
    }

    #[test]
    fn what_is_no_parquet_is_refused() {
        let whole = file();
        for bad in [Vec::new(), b"PAR1".to_vec(), b"PAR1PAR1".to_vec(), whole[..whole.len() - 9].to_vec(), whole[4..].to_vec()] {
            assert!(table(bad.into()).is_err());
        }
    }
}
