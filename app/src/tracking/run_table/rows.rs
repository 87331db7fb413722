//! The rows that are in the browser: those in sight and some around them, read as one scrolls and again when something has changed.

use super::{
    api::{PAGE, RunLine, RunRows, read_rows},
    ask::{Shown, TableAsk, written},
};
use crate::error::AppError;
use domain::model::{ExperimentId, RunId};
use leptos::{prelude::*, task::spawn_local};
use std::collections::{BTreeMap, BTreeSet};

/// Height of a row in pixels, as the style has it.
pub const ROW: usize = 36;
/// Rows beyond those in sight that are in the page.
const OVERSCAN: usize = 10;
/// Rows that a table can scroll through: browsers draw nothing beyond some height.
pub const ROWS_MOST: usize = 400_000;
/// Pages that are asked for at once, and pages that are kept beside those in sight.
const AT_ONCE: usize = 4;
const BESIDE: usize = 3;

/// How many runs a table has, and in how many groups; none where they are not grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub runs: usize,
    pub groups: usize,
}

/// The rows of one table.
#[derive(Clone, Copy)]
pub struct Rows {
    place: StoredValue<(String, ExperimentId)>,
    ask: Memo<TableAsk>,
    columns: Memo<Vec<Shown>>,
    /// Rows of the whole table, as far as it scrolls.
    pub total: RwSignal<usize>,
    /// Runs that fit, whether the table scrolls so far or not, and in how many groups they are.
    pub count: RwSignal<Count>,
    /// Runs that came since, and wait to be shown.
    pub newer: RwSignal<usize>,
    newest: StoredValue<Option<RunId>>,
    horizon: StoredValue<Option<RunId>>,
    pages: RwSignal<BTreeMap<usize, Vec<RunLine>>>,
    /// Pages that are as of now.
    fresh: StoredValue<BTreeSet<usize>>,
    /// Counts what makes all pages old.
    epoch: RwSignal<u32>,
    asking: StoredValue<bool>,
    /// Top and height of what is in sight, in pixels; none until the page is alive.
    pub sight: RwSignal<Option<(usize, usize)>>,
    /// The rows that are in the page.
    pub range: Memo<(usize, usize)>,
    pub refused: RwSignal<Option<String>>,
    pub failed: RwSignal<Option<AppError>>,
}

impl Rows {
    /// With the rows from `offset` on.
    pub fn new(
        place: (String, ExperimentId),
        ask: Memo<TableAsk>,
        columns: Memo<Vec<Shown>>,
        offset: usize,
        first: RunRows,
        refused: Option<String>,
    ) -> Self {
        let offset = offset / PAGE * PAGE;
        let (total, sight) = (RwSignal::new(first.total.min(ROWS_MOST)), RwSignal::new(None::<(usize, usize)>));
        let range = Memo::new(move |_| {
            let total = total.get();
            let (from, to) = match sight.get() {
                None => (offset, offset + PAGE),
                // In steps, so that not each pixel changes something.
                Some((top, height)) => {
                    let (first, last) = (top / ROW, (top + height).div_ceil(ROW));
                    (first.saturating_sub(OVERSCAN) / 10 * 10, (last + OVERSCAN).div_ceil(10) * 10)
                }
            };
            (from.min(total), to.min(total))
        });
        let rows = Self {
            place: StoredValue::new(place),
            ask,
            columns,
            total,
            count: RwSignal::new(Count { runs: first.runs, groups: first.groups }),
            newer: RwSignal::new(0),
            newest: StoredValue::new(first.newest.clone()),
            horizon: StoredValue::new(first.newest),
            pages: RwSignal::new(BTreeMap::from([(offset / PAGE, first.lines)])),
            fresh: StoredValue::new(BTreeSet::from([offset / PAGE])),
            epoch: RwSignal::new(0),
            asking: StoredValue::new(false),
            sight,
            range,
            refused: RwSignal::new(refused),
            failed: RwSignal::new(None),
        };
        Effect::new(move |_| {
            range.track();
            rows.epoch.track();
            rows.load();
        });
        rows
    }

    /// The row at this place, if it is here.
    pub fn line(self, at: usize) -> Option<RunLine> {
        self.pages.with(|pages| pages.get(&(at / PAGE)).and_then(|page| page.get(at % PAGE)).cloned())
    }

    /// The same, untracked.
    pub fn line_now(self, at: usize) -> Option<RunLine> {
        self.pages.with_untracked(|pages| pages.get(&(at / PAGE)).and_then(|page| page.get(at % PAGE)).cloned())
    }

    /// The first rows that are here: those of the table, unless it was opened further down.
    pub fn first(self, most: usize) -> Vec<RunLine> {
        self.pages.with(|pages| pages.values().next().map(|page| page.iter().take(most).cloned().collect()).unwrap_or_default())
    }

    /// Reads everything again; what is shown stays until it is there.
    pub fn refresh(self) {
        self.fresh.update_value(BTreeSet::clear);
        self.epoch.update(|n| *n += 1);
    }

    /// Shows the runs that came since.
    pub fn show_newer(self) {
        self.horizon.set_value(self.newest.get_value());
        self.refresh();
    }

    /// Begins another table: the runs that are there by now.
    pub fn restart(self) {
        self.horizon.set_value(None);
        self.refresh();
    }

    /// Asks for what is in sight and not here, one question at a time: while one scrolls fast, what has gone by is not asked for.
    fn load(self) {
        if self.asking.get_value() {
            return;
        }
        let (from, to) = self.range.get_untracked();
        let wanted = from / PAGE..to.max(from + 1).div_ceil(PAGE);
        let missing = |page: &usize| self.fresh.with_value(|fresh| !fresh.contains(page));
        let Some(first) = wanted.clone().find(missing) else { return };
        let pages = (first..wanted.end).take_while(missing).take(AT_ONCE).count();
        self.asking.set_value(true);
        let (epoch, (team, experiment)) = (self.epoch.get_untracked(), self.place.get_value());
        let horizon = self.horizon.get_value().map(|id| id.0).unwrap_or_default();
        let columns = self.columns.with_untracked(|columns| written(columns));
        let ask = TableAsk { columns, horizon, ..self.ask.get_untracked() };
        spawn_local(async move {
            let answer = read_rows(team, experiment, first * PAGE, pages * PAGE, ask).await;
            // The page may be gone by now.
            if self.asking.try_set_value(false).is_some() {
                return;
            }
            if self.epoch.try_get_untracked() == Some(epoch) {
                self.take(first, pages, answer);
            }
            self.load();
        });
    }

    fn take(self, first: usize, pages: usize, answer: Result<RunRows, AppError>) {
        // Also where it failed: it is asked for again when something changes.
        self.fresh.update_value(|fresh| fresh.extend(first..first + pages));
        let rows = match answer {
            Ok(rows) => rows,
            Err(error) if error.kind == crate::error::ErrorKind::Invalid => return self.refused.set(Some(error.message)),
            Err(error) => return self.failed.set(Some(error)),
        };
        let (from, to) = self.range.get_untracked();
        let near = (from / PAGE).saturating_sub(BESIDE)..=to / PAGE + BESIDE;
        let mut lines = rows.lines.into_iter();
        self.pages.update(|all| {
            for page in first..first + pages {
                all.insert(page, lines.by_ref().take(PAGE).collect());
            }
            // The chart is of the first rows, wherever one looks.
            all.retain(|page, _| *page == 0 || near.contains(page));
        });
        self.fresh.update_value(|fresh| fresh.retain(|page| *page == 0 || near.contains(page)));
        if self.horizon.with_value(Option::is_none) {
            self.horizon.set_value(rows.newest.clone());
        }
        self.newest.set_value(rows.newest);
        let count = Count { runs: rows.runs, groups: rows.groups };
        if self.count.get_untracked() != count {
            self.count.set(count);
        }
        for (signal, value) in [(self.total, rows.total.min(ROWS_MOST)), (self.newer, rows.newer)] {
            if signal.get_untracked() != value {
                signal.set(value);
            }
        }
        if self.refused.with_untracked(Option::is_some) {
            self.refused.set(None);
        }
        if self.failed.with_untracked(Option::is_some) {
            self.failed.set(None);
        }
    }
}
