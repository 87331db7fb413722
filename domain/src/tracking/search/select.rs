//! The runs of an index that fit a query, in its order, as many as are wanted.

use super::{
    columns::{Column, Index, Key, NEVER, Numbers, Row, Texts, Values, newness},
    query::{Attribute, By, Predicate, Query, Target, Test, TextTest},
    words::ABSENT,
};
use crate::model::{Comparator, View};
use std::{cell::RefCell, cmp::Ordering, collections::HashSet};

/// An experiment's index, and what the index does not say.
pub(super) struct Place<'a> {
    pub index: &'a Index,
    /// Where the experiment's artifacts are.
    pub location: &'a str,
    /// What the database has answered already.
    pub answers: &'a Answers,
}

/// Conditions that the database answers, because the index does not know or cannot keep what they are about.
#[derive(Default)]
pub(super) struct Answers {
    /// Which of the query's predicates.
    pub predicates: Vec<usize>,
    /// Runs by number, ordered: those that fit, for each condition.
    pub runs: Vec<Vec<i64>>,
}

/// Rows that fit, in the order of the query, the first `want` of them.
pub(super) fn select(place: &Place<'_>, query: &Query, view: View, want: usize) -> Vec<u32> {
    let index = place.index;
    let left = query.predicates.iter().enumerate().filter(|(i, _)| !place.answers.predicates.contains(i));
    let checks: Vec<Check<'_>> = left.map(|(_, p)| Check::new(place, p)).collect();
    let answered = |at: u32| {
        let no = index.rows()[at as usize].no;
        place.answers.runs.iter().all(|runs| runs.binary_search(&no).is_ok())
    };
    if query.order.is_empty() {
        let fits =
            |at: &u32| view.shows(index.is_deleted(*at as usize)) && answered(*at) && checks.iter().all(|check| check.holds(*at as usize));
        return index.newest().iter().copied().filter(fits).take(want).collect();
    }
    let all = 0..u32::try_from(index.rows().len()).unwrap_or(u32::MAX);
    let mut rows: Vec<u32> = all.filter(|at| view.shows(index.is_deleted(*at as usize))).collect();
    if !place.answers.runs.is_empty() {
        rows.retain(|at| answered(*at));
    }
    for check in &checks {
        check.keep(&mut rows);
    }
    let order: Vec<Sorter<'_>> = query.order.iter().map(|by| Sorter::new(place, by)).collect();
    first(index, &order, rows, want)
}

/// The first `want` of these rows.
fn first(index: &Index, order: &[Sorter<'_>], rows: Vec<u32>, want: usize) -> Vec<u32> {
    if want == 0 {
        return Vec::new();
    }
    // The key of the first sorter decides most comparisons, so it is worked out once.
    let compare = |a: &(u64, u32), b: &(u64, u32)| {
        let (x, y) = (a.1 as usize, b.1 as usize);
        let mut result = a.0.cmp(&b.0).then_with(|| order[0].settle(x, y));
        for sorter in &order[1..] {
            result = result.then_with(|| sorter.head(x).cmp(&sorter.head(y)).then_with(|| sorter.settle(x, y)));
        }
        result.then_with(|| index.rank(x).cmp(&index.rank(y)))
    };
    let mut best: Vec<(u64, u32)> = Vec::with_capacity(want.saturating_mul(2).min(rows.len()));
    let mut worst = LAST;
    for at in rows {
        let head = order[0].head(at as usize);
        if head > worst {
            continue;
        }
        best.push((head, at));
        if best.len() == want.saturating_mul(2) {
            // Whatever is beyond the last that is wanted is not looked at any more.
            best.select_nth_unstable_by(want - 1, compare);
            best.truncate(want);
            worst = best[want - 1].0;
        }
    }
    best.sort_unstable_by(compare);
    best.truncate(want);
    best.into_iter().map(|(_, at)| at).collect()
}

/// What one order goes by. Numbers that grow in its direction; what is missing comes last in either, and NaN just before it.
enum Sorter<'a> {
    Numbers(&'a Numbers, bool),
    Texts(&'a Texts, bool),
    Status(bool),
    Start(bool),
    End(bool),
    /// Within one experiment the artifacts' place is as the id.
    Id(bool),
    /// A column that nobody has: no run has what is asked for.
    Nothing,
    Rows(&'a [Row], Box<Sorter<'a>>),
}

const LAST: u64 = u64::MAX;

impl<'a> Sorter<'a> {
    fn new(place: &Place<'a>, by: &By) -> Self {
        let rows = |sorter| Self::Rows(place.index.rows(), Box::new(sorter));
        match &by.target {
            Target::Column(key) => match place.index.column(key).map(|column| &column.values) {
                Some(Values::Numbers(numbers)) => Self::Numbers(numbers, by.ascending),
                Some(Values::Texts(texts)) => Self::Texts(texts, by.ascending),
                None => Self::Nothing,
            },
            Target::Attribute(Attribute::Status) => rows(Self::Status(by.ascending)),
            Target::Attribute(Attribute::Start) => rows(Self::Start(by.ascending)),
            Target::Attribute(Attribute::End) => rows(Self::End(by.ascending)),
            Target::Attribute(Attribute::RunId | Attribute::ArtifactUri) => rows(Self::Id(by.ascending)),
        }
    }

    fn head(&self, at: usize) -> u64 {
        match self {
            Self::Numbers(numbers, ascending) => numbers.get(at).map_or(LAST, |value| number_key(value, *ascending)),
            Self::Texts(texts, ascending) => match texts.codes[at] {
                ABSENT => LAST,
                code => turned(texts.words.head(code), *ascending),
            },
            Self::Rows(rows, sorter) => sorter.row_key(&rows[at]),
            _ => 0,
        }
    }

    fn row_key(&self, row: &Row) -> u64 {
        match self {
            Self::Status(ascending) => turned(status_key(row), *ascending),
            Self::Start(ascending) => time_key(row.start, *ascending),
            Self::End(ascending) => time_key(row.end, *ascending),
            Self::Id(ascending) => turned((row.id >> 64) as u64, *ascending),
            _ => 0,
        }
    }

    /// Decides between equal keys.
    fn settle(&self, x: usize, y: usize) -> Ordering {
        let in_direction = |order: Ordering, ascending: bool| if ascending { order } else { order.reverse() };
        match self {
            Self::Texts(texts, ascending) => in_direction(texts.words.compare(texts.codes[x], texts.codes[y]), *ascending),
            Self::Rows(rows, sorter) => match sorter.as_ref() {
                Self::Id(ascending) => in_direction(rows[x].id.cmp(&rows[y].id), *ascending),
                _ => Ordering::Equal,
            },
            _ => Ordering::Equal,
        }
    }
}

/// Below `LAST`, growing in the direction.
fn turned(key: u64, ascending: bool) -> u64 {
    (if ascending { key } else { !key }).min(LAST - 1)
}

fn number_key(value: f64, ascending: bool) -> u64 {
    if value.is_nan() {
        return LAST - 1;
    }
    // Of equal zeros none is the smaller.
    let bits = (value + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    if ascending { ordered } else { !ordered }
}

fn time_key(time: i64, ascending: bool) -> u64 {
    if time == NEVER { LAST } else { turned(time.cast_unsigned() ^ (1 << 63), ascending) }
}

/// Alphabetical.
fn status_key(row: &Row) -> u64 {
    let mut head = [0; 8];
    for (to, from) in head.iter_mut().zip(row.status.as_str().bytes()) {
        *to = from;
    }
    u64::from_be_bytes(head)
}

/// A condition, ready to be asked of many rows.
enum Check<'a> {
    Number(&'a Numbers, Comparator, f64),
    Code(&'a [u32], u32),
    CodeIsNot(&'a [u32], u32),
    /// Answers by code, worked out when first needed: 0 unknown, 1 no, 2 yes.
    Text(&'a Texts, &'a TextTest, RefCell<Vec<u8>>),
    Present(&'a Texts),
    Absent(&'a Texts),
    Status(&'a [Row], &'a TextTest),
    Time(&'a [Row], fn(&Row) -> i64, Comparator, f64),
    Ids(&'a [Row], HashSet<u128>, bool),
    Id(&'a [Row], &'a TextTest),
    Uri(&'a [Row], &'a str, &'a TextTest),
    Constant(bool),
}

impl<'a> Check<'a> {
    fn new(place: &Place<'a>, predicate: &'a Predicate) -> Self {
        let rows = place.index.rows();
        match (&predicate.target, &predicate.test) {
            (Target::Column(key), test) => match place.index.column(key) {
                Some(column) => Self::of_column(column, test),
                None => Self::Constant(matches!(test, Test::Absent)),
            },
            (Target::Attribute(Attribute::Start), Test::Number(op, than)) => Self::Time(rows, |row| row.start, *op, *than),
            (Target::Attribute(Attribute::End), Test::Number(op, than)) => Self::Time(rows, |row| row.end, *op, *than),
            (Target::Attribute(Attribute::Status), Test::Text(test)) => Self::Status(rows, test),
            (Target::Attribute(Attribute::ArtifactUri), Test::Text(test)) => Self::Uri(rows, place.location, test),
            (Target::Attribute(Attribute::RunId), Test::Text(test)) => match test {
                TextTest::Is(id) => Self::Ids(rows, run_number(id).into_iter().collect(), true),
                TextTest::IsNot(id) => Self::Ids(rows, run_number(id).into_iter().collect(), false),
                TextTest::In(ids) => Self::Ids(rows, ids.iter().filter_map(|id| run_number(id)).collect(), true),
                TextTest::NotIn(ids) => Self::Ids(rows, ids.iter().filter_map(|id| run_number(id)).collect(), false),
                TextTest::Like(_) => Self::Id(rows, test),
            },
            (_, test) => Self::Constant(matches!(test, Test::Present)),
        }
    }

    fn of_column(column: &'a Column, test: &'a Test) -> Self {
        match (&column.values, test) {
            (Values::Numbers(numbers), Test::Number(op, than)) => Self::Number(numbers, *op, *than),
            (Values::Texts(texts), Test::Present) => Self::Present(texts),
            (Values::Texts(texts), Test::Absent) => Self::Absent(texts),
            (Values::Texts(texts), Test::Text(TextTest::Is(value))) => match texts.words.find(value) {
                Some(code) => Self::Code(&texts.codes, code),
                None => Self::Constant(false),
            },
            (Values::Texts(texts), Test::Text(TextTest::IsNot(value))) => match texts.words.find(value) {
                Some(code) => Self::CodeIsNot(&texts.codes, code),
                None => Self::Present(texts),
            },
            (Values::Texts(texts), Test::Text(test)) => Self::Text(texts, test, RefCell::new(vec![0; texts.words.len() + 1])),
            _ => Self::Constant(false),
        }
    }

    /// Keeps the rows for which it holds. The common kinds are chosen once and not for each row.
    fn keep(&self, rows: &mut Vec<u32>) {
        match self {
            Self::Number(numbers, op, than) => match op {
                Comparator::Gt => rows.retain(|at| numbers.get(*at as usize).is_some_and(|value| value > *than)),
                Comparator::Lt => rows.retain(|at| numbers.get(*at as usize).is_some_and(|value| value < *than)),
                _ => rows.retain(|at| self.holds(*at as usize)),
            },
            Self::Code(codes, code) => rows.retain(|at| codes[*at as usize] == *code),
            Self::CodeIsNot(codes, code) => rows.retain(|at| codes[*at as usize] != ABSENT && codes[*at as usize] != *code),
            _ => rows.retain(|at| self.holds(*at as usize)),
        }
    }

    fn holds(&self, at: usize) -> bool {
        match self {
            Self::Number(numbers, op, than) => numbers.get(at).is_some_and(|value| number_holds(value, *op, *than)),
            Self::Code(codes, code) => codes[at] == *code,
            Self::CodeIsNot(codes, code) => codes[at] != ABSENT && codes[at] != *code,
            Self::Text(texts, test, known) => {
                let code = texts.codes[at];
                let mut known = known.borrow_mut();
                let answer = &mut known[code as usize];
                if *answer == 0 {
                    *answer = if code != ABSENT && test.holds(texts.words.get(code)) { 2 } else { 1 };
                }
                *answer == 2
            }
            Self::Present(texts) => texts.codes[at] != ABSENT,
            Self::Absent(texts) => texts.codes[at] == ABSENT,
            Self::Status(rows, test) => test.holds(rows[at].status.as_str()),
            Self::Time(rows, time, op, than) => time_holds(time(&rows[at]), *op, *than),
            Self::Ids(rows, ids, is) => ids.contains(&rows[at].id) == *is,
            Self::Id(rows, test) => test.holds(&format!("{:032x}", rows[at].id)),
            Self::Uri(rows, location, test) => test.holds(&artifact_uri(location, rows[at].id)),
            Self::Constant(answer) => *answer,
        }
    }
}

#[expect(clippy::float_cmp, reason = "a filter asks for exactly this value")]
fn number_holds(value: f64, op: Comparator, than: f64) -> bool {
    match op {
        Comparator::Gt => value > than,
        Comparator::Ge => value >= than,
        Comparator::Lt => value < than,
        Comparator::Le => value <= than,
        Comparator::Ne => value != than,
        _ => value == than,
    }
}

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
pub(super) fn time_holds(time: i64, op: Comparator, than: f64) -> bool {
    time != NEVER && number_holds(time as f64, op, than)
}

/// The number of a run's id; none for what is no id.
pub(super) fn run_number(id: &str) -> Option<u128> {
    let plain = id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    if plain { u128::from_str_radix(id, 16).ok() } else { None }
}

fn artifact_uri(location: &str, id: u128) -> String {
    format!("{}/{id:032x}/artifacts", location.trim_end_matches('/'))
}

/// Which of two runs of different experiments comes first.
pub(super) fn compare(a: (&Place<'_>, u32), b: (&Place<'_>, u32), order: &[By]) -> Ordering {
    let row = |(place, at): (&Place<'_>, u32)| place.index.rows()[at as usize];
    let (x, y) = (row(a), row(b));
    let mut result = Ordering::Equal;
    for by in order {
        result = result.then_with(|| match &by.target {
            Target::Column(Key::Metric(_)) => number_of(a, by).cmp(&number_of(b, by)),
            Target::Column(_) => missing_last(text_of(a, by), text_of(b, by), by.ascending),
            Target::Attribute(Attribute::Start) => time_key(x.start, by.ascending).cmp(&time_key(y.start, by.ascending)),
            Target::Attribute(Attribute::End) => time_key(x.end, by.ascending).cmp(&time_key(y.end, by.ascending)),
            Target::Attribute(Attribute::Status) => missing_last(Some(x.status.as_str()), Some(y.status.as_str()), by.ascending),
            Target::Attribute(Attribute::RunId) => missing_last(Some(x.id), Some(y.id), by.ascending),
            Target::Attribute(Attribute::ArtifactUri) => {
                let uri = |place: &Place<'_>, row: Row| Some(artifact_uri(place.location, row.id));
                missing_last(uri(a.0, x), uri(b.0, y), by.ascending)
            }
        });
    }
    result.then_with(|| newness(&x).cmp(&newness(&y)))
}

fn number_of((place, at): (&Place<'_>, u32), by: &By) -> u64 {
    let Target::Column(key) = &by.target else { return LAST };
    match place.index.column(key).map(|column| &column.values) {
        Some(Values::Numbers(numbers)) => numbers.get(at as usize).map_or(LAST, |value| number_key(value, by.ascending)),
        _ => LAST,
    }
}

fn text_of<'a>((place, at): (&Place<'a>, u32), by: &By) -> Option<&'a str> {
    let Target::Column(key) = &by.target else { return None };
    match place.index.column(key).map(|column| &column.values) {
        Some(Values::Texts(texts)) => texts.get(at as usize),
        _ => None,
    }
}

pub(super) fn missing_last<T: Ord>(a: Option<T>, b: Option<T>, ascending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if ascending => a.cmp(&b),
        (Some(a), Some(b)) => b.cmp(&a),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}
