//! The table of an experiment's runs: what is asked of it, any part of it by its place, its columns, and named views of it.

use super::{ExperimentId, Millis, Run, RunId, RunStatus, View};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Most rows of one window.
pub const WINDOW_MOST: usize = 500;
/// Most ids that are given at once.
pub const IDS_MOST: usize = 10_000;
/// Most runs that one call changes.
pub const BULK_MOST: usize = 1000;
/// Most columns of a table.
pub const COLUMNS_MOST: usize = 200;
/// Most keys of one kind that a table offers.
pub const KEYS_MOST: usize = 2000;
/// Most runs that are unfolded at once.
pub const OPEN_MOST: usize = 50;
/// Longest name of a view, in characters.
pub const VIEW_NAME_LENGTH: usize = 80;
/// Longest query of a view, in bytes.
pub const VIEW_QUERY_LENGTH: usize = 6000;
/// Most views of one experiment that one person sees.
pub const VIEWS_MOST: usize = 200;

/// Which runs of an experiment, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTable {
    pub experiment: ExperimentId,
    /// MLflow's filter language; blank for all.
    pub filter: String,
    /// MLflow's ORDER BY; without any the newest start first.
    pub order_by: Vec<String>,
    pub view: View,
    pub status: Option<RunStatus>,
    /// Only those that the caller made.
    pub mine: bool,
    /// Only those that started then or later.
    pub since: Option<Millis>,
    /// Runs that have a parent in the table stand below it, where it is unfolded.
    pub nested: bool,
    /// Runs that have one value of this stand below it, where it is unfolded; then none is nested.
    pub group: Option<TableColumn>,
    /// Metrics of which a group says the mean.
    pub means: Vec<String>,
    /// The runs, or groups, that are unfolded, at most `OPEN_MOST`.
    pub open: Vec<RunId>,
    /// Runs that were made after this one are counted and not shown, so that a table stays as it is while it is read.
    pub horizon: Option<RunId>,
}

impl RunTable {
    /// All active runs of an experiment.
    pub fn of(experiment: ExperimentId) -> Self {
        Self {
            experiment,
            filter: String::new(),
            order_by: Vec::new(),
            view: View::Active,
            status: None,
            mine: false,
            since: None,
            nested: false,
            group: None,
            means: Vec::new(),
            open: Vec::new(),
            horizon: None,
        }
    }
}

/// Some rows of a table, and how many there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunWindow {
    /// Rows of the whole table.
    pub total: usize,
    /// Runs and groups among those rows; of a group also the runs that are folded.
    pub runs: usize,
    pub groups: usize,
    /// Runs that fit and were made after the horizon.
    pub newer: usize,
    /// The newest run of the experiment, to be the horizon of what is read next; none where there is none.
    pub newest: Option<RunId>,
    pub rows: Vec<TableRow>,
}

/// What stands in a row of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TableRow {
    Run(Box<PlacedRun>),
    Group(RunGroup),
}

/// A run where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlacedRun {
    pub run: Run,
    /// Parents, or its group, above it.
    pub depth: usize,
    /// Runs right below it that fit, shown or not.
    pub children: usize,
    pub open: bool,
}

/// Runs that have one value of what they are grouped by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunGroup {
    /// By which it is unfolded: letters and digits that are no run's id.
    pub id: RunId,
    /// None for the runs that have no value.
    pub value: Option<String>,
    pub runs: usize,
    pub open: bool,
    /// The mean over its runs of each metric that was asked for, of the values that are finite; none where there is none.
    pub means: Vec<Option<f64>>,
}

/// What runs of an experiment logged, by name; of each kind at most `KEYS_MOST`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunKeys {
    pub metrics: Vec<String>,
    pub params: Vec<String>,
    pub tags: Vec<String>,
}

/// What every run has that a column can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RunField {
    Name,
    Status,
    Started,
    Ended,
    Duration,
    By,
    User,
    Id,
}

impl RunField {
    /// With the word in an address, the words on a screen, and the attribute that sorts by it.
    const ALL: [(Self, &str, &str, &str); 8] = [
        (Self::Name, "name", "Run", "run_name"),
        (Self::Status, "status", "Status", "status"),
        (Self::Started, "started", "Started", "start_time"),
        (Self::Ended, "ended", "Ended", "end_time"),
        (Self::Duration, "duration", "Duration", ""),
        (Self::By, "by", "Made by", ""),
        (Self::User, "user", "User", "user_id"),
        (Self::Id, "id", "Run id", "run_id"),
    ];

    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().map(|(field, ..)| field)
    }

    fn line(self) -> (&'static str, &'static str, &'static str) {
        Self::ALL.iter().find(|(field, ..)| *field == self).map_or(("", "", ""), |(_, word, label, order)| (word, label, order))
    }

    pub fn label(self) -> &'static str {
        self.line().1
    }

    /// The attribute of MLflow's ORDER BY; none where runs cannot be sorted by it.
    pub fn order(self) -> Option<&'static str> {
        Some(self.line().2).filter(|order| !order.is_empty())
    }
}

/// A column: `a.status`, `m.loss`, `p.lr`, `t.team`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TableColumn {
    Field(RunField),
    Metric(String),
    Param(String),
    Tag(String),
}

impl TableColumn {
    /// The words at its head.
    pub fn label(&self) -> &str {
        match self {
            Self::Field(field) => field.label(),
            Self::Metric(key) | Self::Param(key) | Self::Tag(key) => key,
        }
    }

    /// What MLflow's ORDER BY calls it; none where runs cannot be sorted by it.
    pub fn order(&self) -> Option<String> {
        let quoted = |kind: &str, key: &str| Some(format!("{kind}.`{}`", key.replace('`', "")));
        match self {
            Self::Field(field) => field.order().map(|attribute| format!("attributes.{attribute}")),
            Self::Metric(key) => quoted("metrics", key),
            Self::Param(key) => quoted("params", key),
            Self::Tag(key) => quoted("tags", key),
        }
    }
}

impl fmt::Display for TableColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "a.{}", field.line().0),
            Self::Metric(key) => write!(f, "m.{key}"),
            Self::Param(key) => write!(f, "p.{key}"),
            Self::Tag(key) => write!(f, "t.{key}"),
        }
    }
}

impl FromStr for TableColumn {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, key) = text.split_once('.').filter(|(_, key)| !key.is_empty()).ok_or(())?;
        match kind {
            "a" => RunField::ALL.iter().find(|(_, word, ..)| *word == key).map(|(field, ..)| Self::Field(*field)).ok_or(()),
            "m" => Ok(Self::Metric(key.to_owned())),
            "p" => Ok(Self::Param(key.to_owned())),
            "t" => Ok(Self::Tag(key.to_owned())),
            _ => Err(()),
        }
    }
}

/// What was done to many runs, and to which it could not be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkDone {
    /// Those that are now as was asked, in the order they were given.
    pub done: Vec<RunId>,
    /// The others, each with why.
    pub failed: Vec<(RunId, String)>,
}

/// A named view of an experiment's runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    pub id: String,
    pub name: String,
    /// The query of the page's address.
    pub query: String,
    /// The team's; else the caller's own.
    pub shared: bool,
    pub created_by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read_as_it_is_written() {
        for text in ["a.status", "a.id", "m.val/loss", "p.a b.c", "t.mlflow.source.name"] {
            assert_eq!(text.parse::<TableColumn>().map(|c| c.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "m", "m.", "a.nothing", "x.y", ".m"] {
            assert!(text.parse::<TableColumn>().is_err(), "{text}");
        }
        assert_eq!(TableColumn::Metric("a` ASC; --".into()).order().as_deref(), Some("metrics.`a ASC; --`"));
        assert_eq!(TableColumn::Field(RunField::Duration).order(), None);
    }
}
