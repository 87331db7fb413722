//! The indexes of experiments that somebody searches in: built at the first search, brought up to date before each, dropped when memory is needed.
//!
//! A search reads the experiment's version first. Whatever was committed before is then either in the index or read from the database,
//! whichever process wrote it.

use super::{
    columns::{Column, Index, Key, Values},
    found_cache::FoundRuns,
    index_store::{self as store, After, Cells},
    keys::KnownKeys,
    orders::Orders,
};
use crate::{db::Db, error::Result};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// Most memory of all indexes together, in bytes.
const BUDGET: usize = 40 * 1024 * 1024;
/// Most memory of one column; a larger one is read at each search that asks for it, and not kept.
const COLUMN: usize = 16 * 1024 * 1024;

/// The indexes of a process.
pub struct Indexes {
    known: Mutex<HashMap<i64, Arc<Shared>>>,
    /// Counts the searches.
    clock: AtomicU64,
    found: FoundRuns,
    orders: Orders,
    keys: KnownKeys,
    budget: usize,
    column: usize,
}

impl Default for Indexes {
    fn default() -> Self {
        Self::within(BUDGET, COLUMN)
    }
}

/// An index, and who may change it.
pub(super) struct Shared {
    index: RwLock<Index>,
    /// Held by the one who reads from the database what the index lacks.
    turn: tokio::sync::Mutex<()>,
    used: AtomicU64,
    bytes: AtomicUsize,
}

impl Shared {
    /// Not to be held while something is awaited.
    pub fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Indexes {
    /// With so many bytes for all, and for one column.
    pub fn within(budget: usize, column: usize) -> Self {
        Self {
            known: Mutex::default(),
            clock: AtomicU64::new(1),
            found: FoundRuns::default(),
            orders: Orders::default(),
            keys: KnownKeys::default(),
            budget,
            column,
        }
    }

    /// Memory of all indexes, in bytes, about.
    pub fn bytes(&self) -> usize {
        self.lock().values().map(|shared| shared.bytes.load(Ordering::Relaxed)).sum()
    }

    /// Runs that were found a moment ago.
    pub(super) fn found(&self) -> &FoundRuns {
        &self.found
    }

    /// Whole results that were sorted a moment ago.
    pub(super) fn orders(&self) -> &Orders {
        &self.orders
    }

    /// What runs logged, by name.
    pub(super) fn keys(&self) -> &KnownKeys {
        &self.keys
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Arc<Shared>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The experiment's index, with these columns, as of this version or later. Columns too large to keep are not in it.
    pub(super) async fn at_version(&self, db: &Db, experiment: i64, version: i64, keys: &[&Key]) -> Result<Arc<Shared>> {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let shared = self.lock().entry(experiment).or_insert_with(|| Arc::new(Shared::new())).clone();
        shared.used.store(now, Ordering::Relaxed);
        if is_fresh(&shared.read(), version, keys, now) {
            return Ok(shared);
        }
        {
            let _turn = shared.turn.lock().await;
            if !is_fresh(&shared.read(), version, keys, now) {
                self.refresh(db, &shared, experiment, version, keys, now).await?;
            }
        }
        self.trim(experiment, now);
        Ok(shared)
    }

    /// Forgets an experiment: the index has runs that the database has not.
    pub(super) fn forget(&self, experiment: i64) {
        self.lock().remove(&experiment);
        self.orders.forget(experiment);
    }

    async fn refresh(&self, db: &Db, shared: &Shared, experiment: i64, version: i64, keys: &[&Key], now: u64) -> Result<()> {
        let have = shared.read().version;
        if have.is_none_or(|have| have < version) {
            let mut changes = Vec::new();
            let mut after = Some(After::version(have));
            while let Some(from) = after {
                let (page, next) = store::rows(db, experiment, from).await?;
                changes.extend(page);
                after = next;
            }
            let mut index = shared.write();
            index.merge(changes);
            index.version = Some(version);
        }
        for key in keys {
            self.refresh_column(db, shared, experiment, version, key, now).await?;
        }
        shared.bytes.store(shared.read().bytes(), Ordering::Relaxed);
        Ok(())
    }

    async fn refresh_column(&self, db: &Db, shared: &Shared, experiment: i64, version: i64, key: &Key, now: u64) -> Result<()> {
        let (have, rows, hopeless) = {
            let index = shared.read();
            let column = index.column(key).filter(|column| !column.is_stale());
            (column.map(|column| column.version), index.rows().len(), index.is_too_large(key))
        };
        if hopeless || have.is_some_and(|have| have >= version) {
            return Ok(());
        }
        // A new column is filled before anybody sees it.
        let mut new = have.is_none().then(|| Column::new(key, rows));
        let mut after = Some(After::version(have));
        while let Some(from) = after {
            let (cells, next) = store::cells(db, experiment, key, from).await?;
            after = next;
            let mut index = shared.write();
            let fits = match &mut new {
                Some(column) => fill(&index, column, cells, self.column),
                None => match index.take_column(key) {
                    Some(mut column) => {
                        let fits = fill(&index, &mut column, cells, self.column);
                        index.insert_column((*key).clone(), column);
                        fits
                    }
                    // Dropped meanwhile, to make room; the search sees that and comes again.
                    None => return Ok(()),
                },
            };
            if !fits {
                index.give_up(key);
                return Ok(());
            }
        }
        let mut index = shared.write();
        if let Some(column) = new {
            index.insert_column(key.clone(), column);
        }
        if let Some(column) = index.column_mut(key) {
            column.version = version;
            column.used.store(now, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Drops what was used longest ago until the rest fits; never what this search needs.
    fn trim(&self, experiment: i64, now: u64) {
        loop {
            let mut known = self.lock();
            let total: usize = known.values().map(|shared| shared.bytes.load(Ordering::Relaxed)).sum();
            if total <= self.budget {
                return;
            }
            let others = known.iter().filter(|(id, _)| **id != experiment);
            if let Some(idlest) = others.min_by_key(|(_, shared)| shared.used.load(Ordering::Relaxed)).map(|(id, _)| *id) {
                known.remove(&idlest);
                continue;
            }
            let Some(shared) = known.get(&experiment).cloned() else { return };
            drop(known);
            let mut index = shared.write();
            let Some(key) = index.idlest(now) else { return };
            index.drop_column(&key);
            shared.bytes.store(index.bytes(), Ordering::Relaxed);
        }
    }
}

impl Shared {
    fn new() -> Self {
        let (turn, used, bytes) = (tokio::sync::Mutex::new(()), AtomicU64::new(0), AtomicUsize::new(0));
        Self { index: RwLock::default(), turn, used, bytes }
    }
}

/// Whether the index can answer without asking the database.
fn is_fresh(index: &Index, version: i64, keys: &[&Key], now: u64) -> bool {
    let column = |key: &&Key| {
        index.is_too_large(key)
            || index.column(key).is_some_and(|column| {
                column.used.store(now, Ordering::Relaxed);
                column.version >= version && !column.is_stale()
            })
    };
    index.version.is_some_and(|have| have >= version) && keys.iter().all(column)
}

/// Puts cells where they belong; false where the column grows too large.
fn fill(index: &Index, column: &mut Column, cells: Cells, most: usize) -> bool {
    match (cells, &mut column.values) {
        (Cells::Numbers(cells), Values::Numbers(numbers)) => {
            for (no, value) in cells {
                // A run that came after the rows were read is read again with its version.
                if let Some(at) = index.place(no) {
                    numbers.set(at, value);
                }
            }
            true
        }
        (Cells::Texts(cells), Values::Texts(texts)) => {
            let mut fits = true;
            for (no, value) in cells {
                if let Some(at) = index.place(no) {
                    fits &= texts.set(at, value.as_deref());
                }
            }
            fits && column.bytes() <= most
        }
        _ => true,
    }
}
