//! A chart as a file: a picture that needs no style sheet, or a table of all of its points.

use super::{
    api::Comparison,
    line::Line,
    picture::picture,
    query::Kind,
    values::{Look, Sheet, SheetRow, scene},
};
use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DoubleType},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::Type,
};
use std::{fmt::Write as _, sync::Arc};

/// Pixels of an exported picture.
pub const WIDTH: u32 = 960;
const HEIGHT: u32 = 420;

/// What the portal's style sheet says of charts, in its light theme.
const STYLE: &str = "<style>svg{background:#fff}text{fill:#5a6069;font:22px sans-serif}polyline{fill:none;stroke-width:3.2;stroke-linecap:round;stroke-linejoin:round}\
.grid{stroke:#dcdfe4;stroke-width:2}.axis{stroke:#9aa0a8;stroke-width:2}.dot{stroke-width:14}.faint{stroke-opacity:.3;stroke-width:2}.band{fill-opacity:.16}\
.line.s0{stroke:#0072b2}.line.s1{stroke:#b8520a}.line.s2{stroke:#00785a}.line.s3{stroke:#a8467f}.line.s4{stroke:#7a6a00}\
.line.s5{stroke:#2f7fb8}.line.s6{stroke:#825}.line.s7{stroke:#44528f}.line.s8{stroke:#6b6b6b}.line.s9{stroke:#a3272c}\
.band.s0{fill:#0072b2}.band.s1{fill:#b8520a}.band.s2{fill:#00785a}.band.s3{fill:#a8467f}.band.s4{fill:#7a6a00}\
.band.s5{fill:#2f7fb8}.band.s6{fill:#825}.band.s7{fill:#44528f}.band.s8{fill:#6b6b6b}.band.s9{fill:#a3272c}\
path.line{fill:none;stroke-width:3.2}.path{fill:none;stroke-width:2.4;stroke-opacity:.75}.dots{fill:none;stroke-width:14;stroke-linecap:round;stroke-opacity:.85}.area{fill-opacity:.85;stroke:none}.area.layer{fill-opacity:1}.contour{fill:none;stroke:#fff;stroke-opacity:.7;stroke-width:2}.dots.halo{stroke:#fff;stroke-opacity:1;stroke-width:20}.off{stroke:#c9ccd1;stroke-opacity:.45}.front{fill:none;stroke:#1d2026;stroke-width:3;stroke-dasharray:10 6}.over{fill:none;stroke:#1d2026;stroke-width:3}.h0{stroke:#b6d7e8}.area.h0{fill:#b6d7e8}.h1{stroke:#9ccbe3}.area.h1{fill:#9ccbe3}.h2{stroke:#7fbddc}.area.h2{fill:#7fbddc}.h3{stroke:#62acd4}.area.h3{fill:#62acd4}.h4{stroke:#489acb}.area.h4{fill:#489acb}.h5{stroke:#3686c0}.area.h5{fill:#3686c0}.h6{stroke:#2b72b4}.area.h6{fill:#2b72b4}.h7{stroke:#2a5da4}.area.h7{fill:#2a5da4}.h8{stroke:#2f4891}.area.h8{fill:#2f4891}.h9{stroke:#34337a}.area.h9{fill:#34337a}.h10{stroke:#341f60}.area.h10{fill:#341f60}.h11{stroke:#2c0f45}.area.h11{fill:#2c0f45}.s0{stroke:#0072b2}.area.s0{fill:#0072b2}.s1{stroke:#b8520a}.area.s1{fill:#b8520a}.s2{stroke:#00785a}.area.s2{fill:#00785a}.s3{stroke:#a8467f}.area.s3{fill:#a8467f}.s4{stroke:#7a6a00}.area.s4{fill:#7a6a00}.s5{stroke:#2f7fb8}.area.s5{fill:#2f7fb8}.s6{stroke:#825}.area.s6{fill:#825}.s7{stroke:#44528f}.area.s7{fill:#44528f}.s8{stroke:#6b6b6b}.area.s8{fill:#6b6b6b}.s9{stroke:#a3272c}.area.s9{fill:#a3272c}\
.d1{stroke-dasharray:14 8}.d2{stroke-dasharray:4 8}.d3{stroke-dasharray:18 6 4 6}</style>";

/// What a chart is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Svg,
    Csv,
    Parquet,
}

impl Format {
    const ALL: [Self; 3] = [Self::Svg, Self::Csv, Self::Parquet];

    /// The format that a file's ending names.
    pub fn of(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.extension() == extension)
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// Its media type, as IANA lists it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Whether it has every point.
    pub fn is_whole(self) -> bool {
        self != Self::Svg
    }

    /// The file; lines without a number in `shown` are left out.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn write(self, found: &Comparison, look: &Look, shown: impl Fn(usize) -> bool) -> Result<Vec<u8>, String> {
        match self {
            Self::Svg => Ok(svg(found, look, shown).into_bytes()),
            Self::Csv => Ok(Table::of(found, look, shown).csv().into_bytes()),
            Self::Parquet => Table::of(found, look, shown).parquet().map_err(|e| e.to_string()),
        }
    }
}

/// The chart as an SVG file; lines without a number in `shown` are left out.
fn svg(found: &Comparison, look: &Look, shown: impl Fn(usize) -> bool) -> String {
    let drawn = if found.query.chart == Kind::Line {
        picture(&found.lines, &found.query, HEIGHT, shown)
    } else {
        scene(&found.values, &found.query, look, HEIGHT).svg()
    };
    match drawn.split_once('>') {
        Some((head, rest)) => format!("{head} width=\"{}\" height=\"{HEIGHT}\">{STYLE}{rest}", found.query.width),
        None => drawn,
    }
}

/// A field of CSV. What a table program would take for a formula is a text there; a number stays one.
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// What a file of values has: columns of one length, with their names.
struct Table(Vec<(String, Column)>);

/// A column; a number may be missing.
enum Column {
    /// Each with how many rows in a row have it.
    Texts(Vec<(String, usize)>),
    Numbers(Vec<Option<f64>>),
    /// No row has anything.
    Nothing(usize),
}

impl Column {
    fn of_texts(texts: impl IntoIterator<Item = String>) -> Self {
        Self::Texts(texts.into_iter().map(|text| (text, 1)).collect())
    }
}

impl Table {
    /// Every point of the lines, a gap as a missing value; the lines are to be whole, not reduced. Or the values that a chart of them shows.
    /// Lines without a number in `shown` are left out.
    fn of(found: &Comparison, look: &Look, shown: impl Fn(usize) -> bool) -> Self {
        if found.query.chart != Kind::Line {
            return Self::of_values(found, scene(&found.values, &found.query, look, HEIGHT).sheet);
        }
        let lines: Vec<&Line> = found.lines.iter().enumerate().filter(|(i, _)| shown(*i)).map(|(_, line)| line).collect();
        let rows = |line: &Line| line.raw.iter().count();
        let all = lines.iter().map(|line| rows(line)).sum();
        let texts = |of: fn(&Line) -> &str| Column::Texts(lines.iter().map(|line| (of(line).to_owned(), rows(line))).collect());
        let numbers = |of: fn(&Line, usize, (f64, f64)) -> Option<f64>| {
            let of_line = |line: &&Line| {
                let points = line.raw.iter().enumerate();
                points.map(|(i, point)| of(line, i, point).filter(|v| v.is_finite())).collect::<Vec<_>>()
            };
            Column::Numbers(lines.iter().flat_map(of_line).collect())
        };
        let some = |has: fn(&Line) -> bool, of: fn(&Line, usize, (f64, f64)) -> Option<f64>| {
            if lines.iter().any(|line| has(line)) { numbers(of) } else { Column::Nothing(all) }
        };
        let columns = [
            ("name", texts(|line| &line.name)),
            ("run", texts(|line| line.run.as_str())),
            ("x", numbers(|_, _, (x, _)| Some(x))),
            ("value", numbers(|_, _, (_, value)| Some(value))),
            ("smoothed", some(|line| line.smooth.is_some(), |line, i, _| line.smooth.as_ref()?.y.get(i).copied())),
            ("low", some(|line| line.band.is_some(), |line, i, _| line.band.as_ref()?.0.y.get(i).copied())),
            ("high", some(|line| line.band.is_some(), |line, i, _| line.band.as_ref()?.1.y.get(i).copied())),
        ];
        Self(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect())
    }

    fn of_values(found: &Comparison, sheet: Sheet) -> Self {
        let id = |row: &SheetRow| row.run.and_then(|run| found.values.runs.get(run)).map(|named| named.id.to_string()).unwrap_or_default();
        let mut columns = vec![
            (sheet.first.to_lowercase(), Column::of_texts(sheet.rows.iter().map(|row| row.name.clone()))),
            ("id".to_owned(), Column::of_texts(sheet.rows.iter().map(id))),
        ];
        for (i, head) in sheet.heads.into_iter().enumerate() {
            let cell = |row: &SheetRow| row.cells.get(i).cloned().unwrap_or_default();
            let texts: Vec<String> = sheet.rows.iter().map(cell).collect();
            let number = |text: &String| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
            let column = texts.iter().map(number).collect::<Option<_>>().map_or_else(|| Column::of_texts(texts.clone()), Column::Numbers);
            // A file has each name once.
            let same = columns.iter().filter(|(name, _)| *name == head || name.starts_with(&format!("{head} ("))).count();
            columns.push((if same == 0 { head } else { format!("{head} ({})", same + 1) }, column));
        }
        Self(columns)
    }

    /// As CSV, a missing number as an empty field.
    fn csv(&self) -> String {
        /// What is left of a column.
        enum Left<'a> {
            Texts { text: String, rows: usize, next: std::slice::Iter<'a, (String, usize)> },
            Numbers(std::slice::Iter<'a, Option<f64>>),
            Nothing(usize),
        }
        let mut columns: Vec<Left<'_>> = self
            .0
            .iter()
            .map(|(_, column)| match column {
                Column::Texts(texts) => Left::Texts { text: String::new(), rows: 0, next: texts.iter() },
                Column::Numbers(numbers) => Left::Numbers(numbers.iter()),
                Column::Nothing(rows) => Left::Nothing(*rows),
            })
            .collect();
        let mut out = self.0.iter().map(|(name, _)| field(name)).collect::<Vec<_>>().join(",") + "\n";
        loop {
            let (from, mut some) = (out.len(), false);
            for (i, column) in columns.iter_mut().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                match column {
                    Left::Texts { text, rows, next } => {
                        while *rows == 0 {
                            let Some((following, many)) = next.next() else { break };
                            (*text, *rows) = (field(following), *many);
                        }
                        if *rows > 0 {
                            some = true;
                            *rows -= 1;
                            out.push_str(text);
                        }
                    }
                    Left::Numbers(numbers) => {
                        if let Some(number) = numbers.next() {
                            some = true;
                            if let Some(number) = number {
                                _ = write!(out, "{number}");
                            }
                        }
                    }
                    Left::Nothing(rows) => {
                        some |= *rows > 0;
                        *rows = rows.saturating_sub(1);
                    }
                }
            }
            if !some {
                out.truncate(from);
                return out;
            }
            out.push('\n');
        }
    }

    /// As Apache Parquet: texts as UTF-8 strings, numbers as doubles that may be null; packed with Snappy, which every reader knows.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let kind = |(name, column): &(String, Column)| {
            let builder = match column {
                Column::Texts(_) => Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                    .with_logical_type(Some(LogicalType::String))
                    .with_repetition(Repetition::REQUIRED),
                Column::Numbers(_) | Column::Nothing(_) => {
                    Type::primitive_type_builder(name, Physical::DOUBLE).with_repetition(Repetition::OPTIONAL)
                }
            };
            builder.build().map(Arc::new)
        };
        let fields = self.0.iter().map(kind).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("chart").with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
        let mut group = writer.next_row_group()?;
        let mut columns = self.0.iter();
        while let Some(mut into) = group.next_column()? {
            match columns.next().map(|(_, column)| column) {
                Some(Column::Texts(texts)) => {
                    for (text, rows) in texts {
                        let value = ByteArray::from(text.as_str());
                        into.typed::<ByteArrayType>().write_batch(&vec![value; *rows], None, None)?;
                    }
                }
                Some(Column::Nothing(rows)) => {
                    into.typed::<DoubleType>().write_batch(&[], Some(&vec![0; *rows]), None)?;
                }
                Some(Column::Numbers(numbers)) => {
                    let (values, there): (Vec<f64>, Vec<i16>) =
                        (numbers.iter().flatten().copied().collect(), numbers.iter().map(|v| i16::from(v.is_some())).collect());
                    into.typed::<DoubleType>().write_batch(&values, Some(&there), None)?;
                }
                None => {}
            }
            into.close()?;
        }
        group.close()?;
        writer.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Table, field};
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };

    fn table() -> Table {
        Table(vec![
            ("name".to_owned(), Column::Texts(vec![("a,b".to_owned(), 2), ("x".to_owned(), 0), ("=1".to_owned(), 1)])),
            ("params.lr".to_owned(), Column::Numbers(vec![Some(0.1), None, Some(-3.0)])),
            ("low".to_owned(), Column::Nothing(3)),
        ])
    }

    #[test]
    fn a_table_is_csv() {
        assert_eq!(table().csv(), "name,params.lr,low\n\"a,b\",0.1,\n\"a,b\",,\n'=1,-3,\n");
    }

    #[test]
    fn a_table_is_parquet_that_reads_the_same() {
        let file = SerializedFileReader::new(bytes::Bytes::from(table().parquet().expect("a file"))).expect("Parquet");
        let rows: Vec<Vec<Field>> = file
            .get_row_iter(None)
            .expect("rows")
            .map(|row| row.expect("a row").get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        let text = |text: &str| Field::Str(text.to_owned());
        let expected = [
            [text("a,b"), Field::Double(0.1), Field::Null],
            [text("a,b"), Field::Null, Field::Null],
            [text("=1"), Field::Double(-3.0), Field::Null],
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn fields_are_quoted_and_no_formulas() {
        for (text, written) in
            [("a", "a"), ("a,b", "\"a,b\""), ("say \"a\"", "\"say \"\"a\"\"\""), ("=1+1", "'=1+1"), ("-1", "-1"), ("-x", "'-x")]
        {
            assert_eq!(field(text), written);
        }
    }
}
