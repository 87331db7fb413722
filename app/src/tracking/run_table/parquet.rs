//! A table of runs as Apache Parquet, written group by group: of however many runs, those of one group are in memory.
//!
//! Columns have the names and types of the data frame that MLflow's `search_runs` answers: `run_id`, `start_time`, `metrics.loss`, `params.lr`,
//! `tags.team`.

use domain::{
    Error,
    model::{Millis, Run, RunField, TableColumn, Tag},
};
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};
use std::sync::Arc;

/// Runs of a row group.
const GROUP: usize = 4096;

/// A file that is being written.
pub struct RunsFile {
    writer: SerializedFileWriter<Vec<u8>>,
    columns: Vec<TableColumn>,
    /// Not yet a group.
    waiting: Vec<Run>,
}

impl RunsFile {
    /// An empty file of these columns, each of them once.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn begin(columns: Vec<TableColumn>) -> domain::Result<Self> {
        let writer = writer(&columns).map_err(failed)?;
        Ok(Self { writer, columns, waiting: Vec::new() })
    }

    /// Takes in runs, and returns what of the file is ready.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn push(&mut self, runs: Vec<Run>) -> domain::Result<Vec<u8>> {
        let needed: Vec<Run> = runs.into_iter().map(|run| self.needed(run)).collect();
        self.waiting.extend(needed);
        if self.waiting.len() >= GROUP {
            self.write_group().map_err(failed)?;
        }
        // What is taken out here the writer counts as written: places in its footer are of the whole.
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    /// The run without what no column shows: it may have logged a thousand things.
    fn needed(&self, mut run: Run) -> Run {
        let shown = |column: fn(&str) -> TableColumn, key: &str| self.columns.contains(&column(key));
        run.metrics.retain(|metric| shown(|key| TableColumn::Metric(key.to_owned()), &metric.key));
        run.params.retain(|param| shown(|key| TableColumn::Param(key.to_owned()), &param.key));
        run.tags.retain(|tag| shown(|key| TableColumn::Tag(key.to_owned()), &tag.key));
        run
    }

    /// The rest of the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(mut self) -> domain::Result<Vec<u8>> {
        if !self.waiting.is_empty() {
            self.write_group().map_err(failed)?;
        }
        self.writer.into_inner().map_err(failed)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let runs = std::mem::take(&mut self.waiting);
        let mut group = self.writer.next_row_group()?;
        for column in &self.columns {
            let Some(mut into) = group.next_column()? else { break };
            match column {
                TableColumn::Metric(key) => {
                    let of = |run: &Run| run.metrics.iter().find(|metric| metric.key == *key).map(|metric| metric.value);
                    put::<DoubleType>(&mut into, runs.iter().map(of))?;
                }
                TableColumn::Field(RunField::Duration) => put::<DoubleType>(&mut into, runs.iter().map(seconds))?,
                TableColumn::Field(RunField::Started) => put::<Int64Type>(&mut into, runs.iter().map(|run| run.start_time))?,
                TableColumn::Field(RunField::Ended) => put::<Int64Type>(&mut into, runs.iter().map(|run| run.end_time))?,
                TableColumn::Field(_) | TableColumn::Param(_) | TableColumn::Tag(_) => {
                    put::<ByteArrayType>(&mut into, runs.iter().map(|run| text(run, column).map(ByteArray::from)))?;
                }
            }
            into.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn failed(error: ParquetError) -> Error {
    Error::internal("the writing of Parquet", error)
}

fn writer(columns: &[TableColumn]) -> Result<SerializedFileWriter<Vec<u8>>, ParquetError> {
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("runs").with_fields(fields).build()?;
    // Which every reader knows.
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))
}

fn put<T: DataType>(into: &mut SerializedColumnWriter<'_>, cells: impl Iterator<Item = Option<T::T>>) -> Result<(), ParquetError> {
    let (mut values, mut there) = (Vec::new(), Vec::new());
    for cell in cells {
        there.push(i16::from(cell.is_some()));
        values.extend(cell);
    }
    into.typed::<T>().write_batch(&values, Some(&there), None)?;
    Ok(())
}

fn field(column: &TableColumn) -> Result<TypePtr, ParquetError> {
    let name = match column {
        TableColumn::Field(field) => match field {
            RunField::Name => "run_name",
            RunField::Status => "status",
            RunField::Started => "start_time",
            RunField::Ended => "end_time",
            RunField::Duration => "duration",
            RunField::By => "created_by",
            RunField::User => "user_id",
            RunField::Id => "run_id",
        }
        .to_owned(),
        TableColumn::Metric(key) => format!("metrics.{key}"),
        TableColumn::Param(key) => format!("params.{key}"),
        TableColumn::Tag(key) => format!("tags.{key}"),
    };
    let (physical, logical) = match column {
        TableColumn::Metric(_) | TableColumn::Field(RunField::Duration) => (Physical::DOUBLE, None),
        TableColumn::Field(RunField::Started | RunField::Ended) => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        _ => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let builder = Type::primitive_type_builder(&name, physical).with_logical_type(logical).with_repetition(Repetition::OPTIONAL);
    builder.build().map(Arc::new)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run fit in 53 bits")]
fn seconds(run: &Run) -> Option<f64> {
    let millis: Millis = run.end_time?.saturating_sub(run.start_time?);
    Some(millis as f64 / 1000.0)
}

fn text<'a>(run: &'a Run, column: &TableColumn) -> Option<&'a str> {
    let of = |pairs: &'a [Tag], key: &str| pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str());
    match column {
        TableColumn::Field(RunField::Name) => Some(&run.name),
        TableColumn::Field(RunField::Status) => Some(run.status.as_str()),
        TableColumn::Field(RunField::By) => Some(&run.created_by),
        TableColumn::Field(RunField::User) => Some(&run.user_id),
        TableColumn::Field(RunField::Id) => Some(run.id.as_str()),
        TableColumn::Param(key) => of(&run.params, key),
        TableColumn::Tag(key) => of(&run.tags, key),
        TableColumn::Field(RunField::Started | RunField::Ended | RunField::Duration) | TableColumn::Metric(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::model::{Metric, RunId, RunStatus};
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };

    fn run(i: i64) -> Run {
        let metrics = vec![Metric { key: "loss".to_owned(), value: if i == 1 { f64::NAN } else { 0.5 }, timestamp: 0, step: 0 }];
        Run {
            id: RunId(format!("r{i}")),
            experiment: "1".into(),
            name: "=1+1".to_owned(),
            user_id: "eva".to_owned(),
            status: RunStatus::Finished,
            start_time: Some(1_700_000_000_000 + i),
            end_time: (i > 0).then_some(1_700_000_001_500 + i),
            artifact_uri: String::new(),
            created_by: "eva@example.com".to_owned(),
            notebook: None,
            deleted_at: None,
            metrics: if i == 2 { Vec::new() } else { metrics },
            params: vec![Tag::new("lr", "0.1")],
            tags: if i == 0 { vec![Tag::new("lr", "")] } else { Vec::new() },
        }
    }

    fn read(file: Vec<u8>) -> (usize, Vec<Vec<(String, Field)>>) {
        let file = SerializedFileReader::new(bytes::Bytes::from(file)).expect("Parquet");
        let row = |row: parquet::record::Row| row.get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect();
        (file.num_row_groups(), file.get_row_iter(None).expect("rows").map(|found| row(found.expect("a row"))).collect())
    }

    #[test]
    fn runs_are_rows_with_the_names_and_types_of_mlflows_data_frame() {
        let words = ["a.id", "a.name", "a.started", "a.duration", "m.loss", "p.lr", "t.lr"];
        let mut file = RunsFile::begin(words.map(|word| word.parse().expect("a column")).into()).expect("begun");
        let mut bytes = file.push(vec![run(0), run(1)]).expect("taken in");
        bytes.extend(file.push(vec![run(2)]).expect("taken in"));
        bytes.extend(file.finish().expect("ended"));
        let (_, rows) = read(bytes);
        let names: Vec<&str> = rows[0].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["run_id", "run_name", "start_time", "duration", "metrics.loss", "params.lr", "tags.lr"]);
        let cells = |row: usize| rows[row].iter().map(|(_, field)| field.clone()).collect::<Vec<_>>();
        let text = |text: &str| Field::Str(text.to_owned());
        let (start, half) = (Field::TimestampMillis(1_700_000_000_000), Field::Double(0.5));
        assert_eq!(cells(0), [text("r0"), text("=1+1"), start, Field::Null, half, text("0.1"), text("")]);
        let Field::Double(nan) = cells(1)[4] else { panic!("a number: {:?}", cells(1)) };
        assert!(nan.is_nan(), "not a number is a value, not a missing one");
        assert_eq!(cells(2)[3..], [Field::Double(1.5), Field::Null, text("0.1"), Field::Null]);
    }

    #[test]
    fn many_runs_are_several_groups_of_which_one_is_held() {
        let mut file = RunsFile::begin(vec![TableColumn::Field(RunField::Id)]).expect("begun");
        let mut bytes = Vec::new();
        for i in 0..40 {
            bytes.extend(file.push((0..256).map(|j| run(i * 256 + j)).collect()).expect("taken in"));
            assert!(file.waiting.len() < GROUP && file.writer.inner().is_empty());
        }
        bytes.extend(file.finish().expect("ended"));
        let (groups, rows) = read(bytes);
        assert_eq!((groups, rows.len(), &rows[9999][0].1), (3, 10_240, &Field::Str("r9999".to_owned())));
        let (groups, rows) = read(RunsFile::begin(vec![TableColumn::Field(RunField::Id)]).expect("begun").finish().expect("ended"));
        assert_eq!((groups, rows.len()), (0, 0));
    }
}
