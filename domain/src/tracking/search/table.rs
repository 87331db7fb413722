//! A table of runs: any part of a result by its place, and how much there is. The result is sorted once for each state of the experiment.

use super::{
    Answers, Found, Hit, TRIES, answers,
    columns::{Index, Key, Values},
    found_store::Place,
    index_store, is_complete, joined,
    orders::{Entry, Sorted},
    query::{Attribute, Predicate, Query, Target, Test, TextTest},
    select::{self, run_number},
};
use crate::{
    caller::{Caller, TeamScope},
    error::{Error, Result},
    model::{Comparator, IDS_MOST, OPEN_MOST, Permission, RunId, RunTable, RunWindow, TAG_PARENT, TableRow, WINDOW_MOST},
    portal::Portal,
    tracking::store,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Parents above a run; one that has more stands by itself, as one does that is its own ancestor.
const DEPTH: usize = 16;

/// Rows `offset` and on, at most `limit` of them.
///
/// # Errors
/// `NotFound` where the experiment is not the team's; `Invalid` where the filter or the order cannot be read.
pub async fn runs_window(portal: &Portal, caller: &Caller, team: &str, ask: &RunTable, offset: usize, limit: usize) -> Result<RunWindow> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let limit = limit.min(WINDOW_MOST);
    let mut tries = TRIES;
    loop {
        tries -= 1;
        let (place, sorted) = sorted(portal, &scope, ask).await?;
        let (places, newer) = laid_out(portal, &scope, ask, &sorted).await?;
        let asked: Vec<Line> = places.iter().skip(offset).take(limit).copied().collect();
        let runs = read(portal, place, asked.iter().map(|at| sorted.entries[at.entry as usize]).collect()).await?;
        // Some may have been removed for good, which the index is not told.
        if runs.len() < asked.len() && tries > 0 {
            continue;
        }
        let row = |at: &Line| {
            let run = runs.get(&sorted.entries[at.entry as usize].no)?.clone();
            Some(TableRow { run, depth: at.depth, children: at.children, open: at.open })
        };
        return Ok(RunWindow { total: places.len(), newer, newest: sorted.newest.clone(), rows: asked.iter().filter_map(row).collect() });
    }
}

/// The ids of rows `offset` and on, at most `IDS_MOST` of them.
pub async fn run_ids(portal: &Portal, caller: &Caller, team: &str, ask: &RunTable, offset: usize, limit: usize) -> Result<Vec<RunId>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let (_, sorted) = sorted(portal, &scope, ask).await?;
    let (places, _) = laid_out(portal, &scope, ask, &sorted).await?;
    let id = |at: &Line| run_id(sorted.entries[at.entry as usize].id);
    Ok(places.iter().skip(offset).take(limit.min(IDS_MOST)).map(id).collect())
}

fn run_id(id: u128) -> RunId {
    RunId(format!("{id:032x}"))
}

/// The runs of these entries, by number; those that are gone are left out.
async fn read(portal: &Portal, place: Place, entries: Vec<Entry>) -> Result<HashMap<i64, crate::model::Run>> {
    let mut found = found(place, entries);
    let mut runs = HashMap::new();
    // The parts say which run is which by id only.
    let numbers: HashMap<RunId, i64> = found.1;
    while let Some(part) = found.0.next(portal).await? {
        for run in part {
            if let Some(no) = numbers.get(&run.run.id) {
                runs.insert(*no, run.complete()?);
            }
        }
    }
    Ok(runs)
}

/// What reads these entries, part by part; and their numbers by id.
pub(super) fn found(place: Place, entries: Vec<Entry>) -> (Found, HashMap<RunId, i64>) {
    let numbers = entries.iter().map(|entry| (run_id(entry.id), entry.no)).collect();
    let hits = entries.into_iter().map(|entry| Hit { experiment: place.id, no: entry.no, version: entry.version }).collect();
    (Found { places: vec![place], hits, read: 0, first: None, next_page_token: None }, numbers)
}

/// The experiment, and all of its runs that fit, in order.
pub(super) async fn sorted(portal: &Portal, scope: &TeamScope, ask: &RunTable) -> Result<(Place, Arc<Sorted>)> {
    let query = read_query(ask)?;
    let mut tries = TRIES;
    loop {
        tries -= 1;
        let row = store::experiment(&portal.db, &scope.team, &ask.experiment).await?;
        let place = Place { id: row.id, is_default: row.is_default, artifact_location: row.artifact_location, version: row.version };
        let question = question(scope, ask);
        if let Some(sorted) = portal.indexes.orders().get(place.id, place.version, &question) {
            return Ok((place, sorted));
        }
        if let Some(sorted) = sort(portal, scope, &place, ask, &query).await? {
            let sorted = Arc::new(sorted);
            portal.indexes.orders().put(place.id, place.version, question, sorted.clone());
            return Ok((place, sorted));
        }
        if tries == 0 {
            return Err(Error::Unavailable("The search was disturbed. Try again in a moment.".to_owned()));
        }
    }
}

fn read_query(ask: &RunTable) -> Result<Query> {
    let mut query = Query::read(&ask.filter, &ask.order_by)?;
    if let Some(status) = ask.status {
        let test = Test::Text(TextTest::Is(status.as_str().to_owned()));
        query.predicates.push(Predicate { target: Target::Attribute(Attribute::Status), test });
    }
    if let Some(since) = ask.since {
        #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
        let test = Test::Number(Comparator::Ge, since as f64);
        query.predicates.push(Predicate { target: Target::Attribute(Attribute::Start), test });
    }
    Ok(query)
}

/// Everything that decides which runs are in a result, and their order.
fn question(scope: &TeamScope, ask: &RunTable) -> String {
    let (view, status, since) = (format!("{:?}", ask.view), format!("{:?}", ask.status), format!("{:?}", ask.since));
    let mine = if ask.mine { scope.user.as_str() } else { "" };
    let mut parts = vec![view.as_str(), &status, &since, mine, if ask.nested { "nested" } else { "" }, &ask.filter];
    parts.extend(ask.order_by.iter().map(String::as_str));
    joined(&parts)
}

/// None where the index was changed before it could be read.
async fn sort(portal: &Portal, scope: &TeamScope, place: &Place, ask: &RunTable, query: &Query) -> Result<Option<Sorted>> {
    let parent = Key::Tag(TAG_PARENT.to_owned());
    let mut keys = query.columns();
    if ask.nested && !keys.contains(&&parent) {
        keys.push(&parent);
    }
    let shared = portal.indexes.at_version(&portal.db, place.id, place.version, &keys).await?;
    let mut answers: Answers = answers(portal, place, &shared, query).await?;
    if ask.mine {
        answers.runs.push(index_store::made_by(&portal.db, place.id, &scope.user).await?);
    }
    let index = shared.read();
    if !is_complete(&index, query, &answers) {
        return Ok(None);
    }
    let found = select::select(
        &select::Place { index: &index, location: &place.artifact_location, answers: &answers },
        query,
        ask.view,
        usize::MAX,
    );
    let entry = |at: &u32| {
        let row = index.rows()[*at as usize];
        Entry { no: row.no, version: row.version, id: row.id, parent: 0 }
    };
    let mut entries: Vec<Entry> = found.iter().map(entry).collect();
    if ask.nested {
        find_parents(&index, &parent, &found, &mut entries);
    }
    let newest = index.rows().last().map(|row| run_id(row.id));
    Ok(Some(Sorted { entries, newest }))
}

/// Says of each entry which other one is its parent.
fn find_parents(index: &Index, key: &Key, found: &[u32], entries: &mut [Entry]) {
    let Some(Values::Texts(texts)) = index.column(key).map(|column| &column.values) else { return };
    let places: HashMap<u128, u32> = entries.iter().zip(1..).map(|(entry, place)| (entry.id, place)).collect();
    for (entry, at) in entries.iter_mut().zip(found) {
        let parent = texts.get(*at as usize).and_then(run_number).and_then(|id| places.get(&id));
        entry.parent = parent.copied().unwrap_or_default();
    }
    let parents: Vec<u32> = entries.iter().map(|entry| entry.parent).collect();
    for entry in entries {
        let above = std::iter::successors(Some(entry.parent), |place| parents.get((*place as usize).wrapping_sub(1)).copied());
        if above.take(DEPTH).all(|place| place != 0) {
            entry.parent = 0;
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy)]
struct Line {
    entry: u32,
    depth: usize,
    children: usize,
    open: bool,
}

/// The rows of the table, and how many runs were made after the horizon.
async fn laid_out(portal: &Portal, scope: &TeamScope, ask: &RunTable, sorted: &Sorted) -> Result<(Vec<Line>, usize)> {
    let last = match &ask.horizon {
        None => i64::MAX,
        Some(id) => match store::run(&portal.db, &scope.team, id).await {
            Ok(row) => row.no,
            Err(Error::NotFound(_)) => i64::MAX,
            Err(error) => return Err(error),
        },
    };
    let count = u32::try_from(sorted.entries.len()).unwrap_or(u32::MAX);
    let shown = |at: &u32| sorted.entries[*at as usize].no <= last;
    let newer = (0..count).filter(|at| !shown(at)).count();
    if !ask.nested {
        let plain = |entry: u32| Line { entry, depth: 0, children: 0, open: false };
        return Ok(((0..count).filter(shown).map(plain).collect(), newer));
    }
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for at in (0..count).filter(shown) {
        let parent = sorted.entries[at as usize].parent;
        // A parent that is not shown yet does not hide its children.
        let parent = if parent > 0 && shown(&(parent - 1)) { parent } else { 0 };
        children.entry(parent).or_default().push(at);
    }
    let open: HashSet<u128> = ask.open.iter().take(OPEN_MOST).filter_map(|id| run_number(id.as_str())).collect();
    let mut rows = Vec::new();
    // What is still to be laid out, the next last.
    let mut left: Vec<(u32, usize)> = children.get(&0).into_iter().flatten().rev().map(|at| (*at, 0)).collect();
    while let Some((entry, depth)) = left.pop() {
        let below = children.get(&(entry + 1)).map(Vec::as_slice).unwrap_or_default();
        let open = !below.is_empty() && open.contains(&sorted.entries[entry as usize].id);
        rows.push(Line { entry, depth, children: below.len(), open });
        if open {
            left.extend(below.iter().rev().map(|at| (*at, depth + 1)));
        }
    }
    Ok((rows, newer))
}
