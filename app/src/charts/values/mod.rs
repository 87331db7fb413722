//! Charts of what runs ended with: a place for each run by its params and latest metrics, not a line by its steps. Each kind lays a `Scene`
//! out of shapes; one drawing makes SVG of it, on the server and in the browser.

mod bars;
mod boxes;
mod colour;
mod contour;
mod heat;
mod histogram;
mod importance;
mod key_axis;
mod look;
mod parallel;
#[cfg(feature = "ssr")]
pub mod read;
mod scatter;
mod scene;
mod sheet;
pub mod statistics;
#[cfg(test)]
mod tests;

pub use key_axis::KeyAxis;
pub use look::{Front, Look, Range, turned};
pub use scene::{Scene, scene};
pub use sheet::{Sheet, SheetRow};

use super::{columns::Doubles, ticks::number};
use domain::model::RunId;
use serde::{Deserialize, Serialize};

/// The key of the seconds from a run's start to its end.
pub const DURATION: &str = "duration";

/// What runs logged of some keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// In the order of each field's values.
    pub runs: Vec<Named>,
    pub fields: Vec<Field>,
}

/// A run, and what people call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub id: RunId,
    pub name: String,
}

/// What each run has of one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// `metrics.loss`, `params.lr`, `tags.owner`, `experiment`, `status` or `duration` (in seconds).
    pub key: String,
    /// Where not all values are numbers: the texts, in order.
    pub labels: Vec<String>,
    /// One for each run: a number, or the place of its text among the labels; NaN where the run has none.
    pub values: Doubles,
}

impl Field {
    pub fn is_text(&self) -> bool {
        !self.labels.is_empty()
    }

    /// The run's value as people read it; a dash where it has none.
    pub fn text(&self, run: usize) -> String {
        self.said(self.of(run))
    }

    /// A value of this field as people read it.
    pub fn said(&self, value: f64) -> String {
        match place(value) {
            _ if value.is_nan() => "–".to_owned(),
            Some(place) if self.is_text() => self.labels.get(place).cloned().unwrap_or_default(),
            _ => number(value),
        }
    }

    pub fn of(&self, run: usize) -> f64 {
        self.values.0.get(run).copied().unwrap_or(f64::NAN)
    }
}

/// A value as a place in a list.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a place")]
fn place(value: f64) -> Option<usize> {
    (0.0..1e9).contains(&value).then_some(value as usize)
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "at most 10,000 runs")]
fn real(count: usize) -> f64 {
    count as f64
}

impl Values {
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The runs by their value of `key`: the value's text and the runs' places, in the order of the values. All as one, without a name, where
    /// the key is empty. Numbers that are told apart are told apart here.
    pub fn groups(&self, key: &str) -> Vec<(String, Vec<usize>)> {
        let all = 0..self.runs.len();
        let Some(field) = self.field(key) else { return vec![("all runs".to_owned(), all.collect())] };
        let mut places: Vec<usize> = all.collect();
        // NaN comes last.
        places.sort_by(|a, b| field.of(*a).total_cmp(&field.of(*b)));
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for group in places.chunk_by(|a, b| field.of(*a).to_bits() == field.of(*b).to_bits()) {
            let value = field.of(group[0]);
            let name = if value.is_nan() {
                "(none)".to_owned()
            } else if field.is_text() {
                field.said(value)
            } else {
                value.to_string()
            };
            groups.push((name, group.to_vec()));
        }
        groups
    }
}

/// `params.lr` as a heading shows it.
pub fn short(key: &str) -> &str {
    key.split_once('.').filter(|(kind, _)| matches!(*kind, "metrics" | "params" | "tags")).map_or(key, |(_, name)| name)
}
