//! What is kept in memory of an experiment's runs: a row for each run, and a column for each thing that somebody has searched by.
//!
//! A cache of the database and never the truth: each part says up to which version of the experiment it is.

use super::words::{ABSENT, Words};
use crate::model::RunStatus;
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicU64, Ordering},
};

/// What a column is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Metric(String),
    Param(String),
    Tag(String),
    Name,
    User,
}

/// The time of a run that has none.
pub(super) const NEVER: i64 = i64::MIN;
/// The bits of a metric that a run does not have: a NaN that arithmetic does not make.
const NONE: u64 = 0x7ff8_dead_0000_0001;

/// A run as the database says it is now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    /// Its number, which grows with each run of the portal.
    pub no: i64,
    /// Its id, 32 hexadecimal digits.
    pub id: u128,
    pub status: RunStatus,
    pub start: i64,
    pub end: i64,
    pub deleted: bool,
    /// The experiment's version at its last change.
    pub version: i64,
}

/// The values of one metric, one for each run.
#[derive(Default)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    /// None where the run does not have it.
    pub fn get(&self, at: usize) -> Option<f64> {
        let bits = self.0[at];
        (bits != NONE).then_some(f64::from_bits(bits))
    }
    pub fn set(&mut self, at: usize, value: Option<f64>) {
        self.0[at] = value.map_or(NONE, |v| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() });
    }
}

/// The texts of one param, tag or attribute, one for each run.
#[derive(Default)]
pub(super) struct Texts {
    pub codes: Vec<u32>,
    pub words: Words,
}

impl Texts {
    /// None where the run does not have it.
    pub fn get(&self, at: usize) -> Option<&str> {
        let code = self.codes[at];
        (code != ABSENT).then(|| self.words.get(code))
    }
    /// False where there is no room for more.
    pub fn set(&mut self, at: usize, value: Option<&str>) -> bool {
        let code = value.map_or(Some(ABSENT), |value| self.words.code(value));
        self.codes[at] = code.unwrap_or(ABSENT);
        code.is_some()
    }
}

pub(super) enum Values {
    Numbers(Numbers),
    Texts(Texts),
}

/// One column.
pub(super) struct Column {
    pub values: Values,
    /// It is what the database said at this version of the experiment, or later.
    pub version: i64,
    /// When it was last asked for, by the clock of the cache.
    pub used: AtomicU64,
}

impl Column {
    /// With nothing in it, for so many runs.
    pub fn new(key: &Key, rows: usize) -> Self {
        let values = match key {
            Key::Metric(_) => Values::Numbers(Numbers(vec![NONE; rows])),
            _ => Values::Texts(Texts { codes: vec![ABSENT; rows], words: Words::default() }),
        };
        Self { values, version: -1, used: AtomicU64::new(0) }
    }

    /// Memory, about.
    pub fn bytes(&self) -> usize {
        match &self.values {
            Values::Numbers(numbers) => numbers.0.capacity() * 8,
            Values::Texts(texts) => texts.codes.capacity() * 4 + texts.words.bytes(),
        }
    }

    fn resize(&mut self, rows: usize) {
        match &mut self.values {
            Values::Numbers(numbers) => numbers.0.resize(rows, NONE),
            Values::Texts(texts) => texts.codes.resize(rows, ABSENT),
        }
    }

    /// Whether most of its texts belong to no run any more.
    pub fn is_stale(&self) -> bool {
        match &self.values {
            Values::Numbers(_) => false,
            Values::Texts(texts) => texts.words.len() > 1024 + 2 * texts.codes.len(),
        }
    }
}

/// The runs of one experiment, ordered by number.
#[derive(Default)]
pub(super) struct Index {
    rows: Vec<Row>,
    /// Whether each is deleted, close together: every search asks.
    deleted: Vec<bool>,
    /// Places of rows, the newest start first: the order that runs have where nobody asks for another.
    newest: Vec<u32>,
    /// The other way round: which place each row has in `newest`.
    rank: Vec<u32>,
    /// The rows are what the database said at this version of the experiment, or later; none before the first reading.
    pub version: Option<i64>,
    columns: HashMap<Key, Column>,
    /// Columns that nobody should try to keep.
    too_large: HashSet<Key>,
}

impl Index {
    pub fn is_too_large(&self, key: &Key) -> bool {
        self.too_large.contains(key)
    }
    pub fn give_up(&mut self, key: &Key) {
        self.columns.remove(key);
        self.too_large.insert(key.clone());
    }
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
    pub fn is_deleted(&self, at: usize) -> bool {
        self.deleted[at]
    }
    pub fn newest(&self) -> &[u32] {
        &self.newest
    }
    pub fn rank(&self, at: usize) -> u32 {
        self.rank[at]
    }
    /// Where the run of this number is.
    pub fn place(&self, no: i64) -> Option<usize> {
        self.rows.binary_search_by_key(&no, |row| row.no).ok()
    }

    pub fn column(&self, key: &Key) -> Option<&Column> {
        self.columns.get(key)
    }
    pub fn column_mut(&mut self, key: &Key) -> Option<&mut Column> {
        self.columns.get_mut(key)
    }
    pub fn insert_column(&mut self, key: Key, mut column: Column) {
        column.resize(self.rows.len());
        self.columns.insert(key, column);
    }
    pub fn take_column(&mut self, key: &Key) -> Option<Column> {
        self.columns.remove(key)
    }
    pub fn drop_column(&mut self, key: &Key) {
        self.columns.remove(key);
    }
    /// The column whose last use is longest ago, except those used at `now`.
    pub fn idlest(&self, now: u64) -> Option<Key> {
        let used = |column: &Column| column.used.load(Ordering::Relaxed);
        let idle = self.columns.iter().filter(|(_, column)| used(column) < now);
        idle.min_by_key(|(_, column)| used(column)).map(|(key, _)| key.clone())
    }

    /// Memory, about.
    pub fn bytes(&self) -> usize {
        let columns: usize = self.columns.values().map(|column| column.bytes() + 256).sum();
        self.rows.capacity() * size_of::<Row>()
            + (self.newest.capacity() + self.rank.capacity()) * 4
            + self.deleted.capacity()
            + columns
            + 512
    }

    /// Takes in rows that are new or have changed.
    pub fn merge(&mut self, mut changes: Vec<Row>) {
        // Of a run that is in it twice the later state counts.
        changes.reverse();
        changes.sort_by_key(|row| row.no);
        changes.dedup_by_key(|row| row.no);
        let (mut moved, mut new) = (Vec::new(), Vec::new());
        for row in changes {
            match self.place(row.no) {
                Some(at) => {
                    if self.rows[at].start != row.start {
                        moved.push(at);
                    }
                    self.rows[at] = row;
                }
                None => new.push(row),
            }
        }
        if let (Some(last), Some(first)) = (self.rows.last(), new.first())
            && first.no < last.no
        {
            // Numbers grow with the commits, so this does not happen; if it does, columns are read anew.
            self.columns.clear();
            self.rows.append(&mut new);
            self.rows.sort_by_key(|row| row.no);
            (self.newest, moved) = (Vec::new(), (0..self.rows.len()).collect());
        } else {
            moved.extend(self.rows.len()..self.rows.len() + new.len());
            self.rows.append(&mut new);
        }
        self.deleted = self.rows.iter().map(|row| row.deleted).collect();
        for column in self.columns.values_mut() {
            column.resize(self.rows.len());
        }
        if !moved.is_empty() {
            self.order(&moved);
        }
    }

    /// Puts these places where they belong in `newest`.
    fn order(&mut self, moved: &[usize]) {
        let rows = &self.rows;
        let mut is_moved = vec![false; rows.len()];
        for at in moved {
            is_moved[*at] = true;
        }
        let key = |at: &u32| newness(&rows[*at as usize]);
        let mut arriving: Vec<u32> = moved.iter().filter_map(|at| u32::try_from(*at).ok()).collect();
        arriving.sort_unstable_by_key(key);
        let mut arriving = arriving.into_iter().peekable();
        let mut merged = Vec::with_capacity(rows.len());
        for at in self.newest.iter().copied().filter(|at| !is_moved[*at as usize]) {
            while let Some(next) = arriving.next_if(|next| key(next) < key(&at)) {
                merged.push(next);
            }
            merged.push(at);
        }
        merged.extend(arriving);
        self.rank = vec![0; rows.len()];
        for (place, at) in (0..).zip(&merged) {
            self.rank[*at as usize] = place;
        }
        self.newest = merged;
    }
}

/// The newest start first, runs without one last, and then by id.
pub(super) fn newness(row: &Row) -> (Reverse<i64>, u128) {
    (Reverse(row.start), row.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(no: i64, start: i64) -> Row {
        Row { no, id: no.unsigned_abs().into(), status: RunStatus::Running, start, end: NEVER, deleted: false, version: 0 }
    }

    #[test]
    fn rows_are_found_by_number_and_ordered_by_start() {
        let mut index = Index::default();
        index.merge(vec![row(3, 30), row(1, 10), row(2, NEVER)]);
        let numbers = |index: &Index| index.newest().iter().map(|at| index.rows()[*at as usize].no).collect::<Vec<_>>();
        assert_eq!(numbers(&index), [3, 1, 2]);
        index.insert_column(Key::Name, Column::new(&Key::Name, 0));
        index.merge(vec![row(2, 30), row(5, 20), row(4, 40)]);
        assert_eq!(numbers(&index), [4, 2, 3, 5, 1]);
        assert_eq!((index.place(4), index.place(9)), (Some(3), None));
        assert!((0..5).all(|at| index.newest()[index.rank(at) as usize] as usize == at));
        assert!(matches!(&index.column(&Key::Name).expect("there").values, Values::Texts(texts) if texts.codes.len() == 5));
        index.merge(vec![row(0, 35)]);
        assert_eq!(numbers(&index), [4, 0, 2, 3, 5, 1]);
        assert!(index.column(&Key::Name).is_none(), "columns are read anew");
    }

    #[test]
    fn missing_and_nan_are_two_things() {
        let mut numbers = Numbers(vec![NONE; 3]);
        numbers.set(0, Some(f64::NAN));
        numbers.set(1, Some(-0.0));
        assert!(numbers.get(0).expect("there").is_nan());
        assert_eq!((numbers.get(1).map(f64::to_bits), numbers.get(2)), (Some((-0.0_f64).to_bits()), None));
        numbers.set(1, None);
        assert_eq!(numbers.get(1), None);
    }
}
