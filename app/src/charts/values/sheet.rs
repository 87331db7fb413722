//! What a chart shows, as a table.

use super::Values;

/// Rows of texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Of the columns after the first.
    pub heads: Vec<String>,
    /// What the first column names.
    pub first: &'static str,
    pub rows: Vec<SheetRow>,
}

/// A row, by a run or by what is named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SheetRow {
    pub name: String,
    /// The place of the run that it is about.
    pub run: Option<usize>,
    pub cells: Vec<String>,
}

impl Sheet {
    /// The values of these runs.
    pub fn of_runs(values: &Values, keys: &[&str], runs: impl Iterator<Item = usize>) -> Self {
        let fields: Vec<_> = keys.iter().filter_map(|key| values.field(key)).collect();
        let row = |run: usize| SheetRow {
            name: values.runs.get(run).map(|named| named.name.clone()).unwrap_or_default(),
            run: Some(run),
            cells: fields.iter().map(|field| exact(field, run)).collect(),
        };
        Self { heads: fields.iter().map(|field| field.key.clone()).collect(), first: "Run", rows: runs.map(row).collect() }
    }
}

/// A run's value with all its digits.
fn exact(field: &super::Field, run: usize) -> String {
    let value = field.of(run);
    if value.is_nan() {
        String::new()
    } else if field.is_text() {
        field.said(value)
    } else {
        value.to_string()
    }
}
