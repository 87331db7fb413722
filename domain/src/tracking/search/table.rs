//! A table of runs: any part of a result by its place, and how much there is. The result is sorted once for each state of the experiment.

use super::{
    Answers, Found, Hit, TRIES, answers,
    columns::{Index, Key, Values},
    found_store::Place,
    index_store, is_complete, joined,
    orders::{Entry, Group, Sorted},
    query::{Attribute, Predicate, Query, Target, Test, TextTest},
    select::{self, run_number},
};
use crate::{
    caller::{Caller, TeamScope},
    error::{Error, Result},
    model::{
        COLUMNS_MOST, Comparator, IDS_MOST, OPEN_MOST, Permission, PlacedRun, RunField, RunGroup, RunId, RunTable, RunWindow, TAG_PARENT,
        TableColumn, TableRow, WINDOW_MOST, cut,
    },
    portal::Portal,
    random,
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
/// `NotFound` where the experiment is not the team's; `Invalid` where the filter or the order cannot be read, or runs cannot be grouped like this.
pub async fn runs_window(portal: &Portal, caller: &Caller, team: &str, ask: &RunTable, offset: usize, limit: usize) -> Result<RunWindow> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let limit = limit.min(WINDOW_MOST);
    let mut tries = TRIES;
    loop {
        tries -= 1;
        let (place, sorted) = sorted(portal, &scope, ask).await?;
        let layout = laid_out(portal, &scope, ask, &sorted).await?;
        let asked: Vec<Line> = layout.lines.iter().skip(offset).take(limit).copied().collect();
        let entries: Vec<Entry> = asked.iter().filter_map(Line::entry).map(|at| sorted.entries[at as usize]).collect();
        let groups = groups(portal, &place, ask, &sorted, &layout, &asked).await?;
        let wanted = entries.len();
        let mut runs = read(portal, place, entries).await?;
        // Some may have been removed for good, which the index is not told.
        if runs.len() < wanted && tries > 0 {
            continue;
        }
        let mut groups = groups.into_iter();
        let row = |line: &Line| match *line {
            Line::Group { .. } => groups.next().map(TableRow::Group),
            Line::Run { entry, depth, children, open } => {
                let run = runs.remove(&sorted.entries[entry as usize].no)?;
                Some(TableRow::Run(Box::new(PlacedRun { run, depth, children, open })))
            }
        };
        let rows = asked.iter().filter_map(row).collect();
        let (total, newest) = (layout.lines.len(), sorted.newest.clone());
        let (groups, runs) = match layout.members.iter().filter(|members| !members.is_empty()).count() {
            0 => (0, total),
            groups => (groups, layout.members.iter().map(Vec::len).sum()),
        };
        return Ok(RunWindow { total, runs, groups, newer: layout.newer, newest, rows });
    }
}

/// The ids of rows `offset` and on, at most `IDS_MOST` of them; of a grouped table those of all runs, group by group.
pub async fn run_ids(portal: &Portal, caller: &Caller, team: &str, ask: &RunTable, offset: usize, limit: usize) -> Result<Vec<RunId>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let (_, sorted) = sorted(portal, &scope, ask).await?;
    let layout = laid_out(portal, &scope, ask, &sorted).await?;
    let entries: Vec<u32> =
        if ask.group.is_some() { layout.members.concat() } else { layout.lines.iter().filter_map(Line::entry).collect() };
    let id = |at: &u32| run_id(sorted.entries[*at as usize].id);
    Ok(entries.iter().skip(offset).take(limit.min(IDS_MOST)).map(id).collect())
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
    let group = ask.group.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut parts = vec![view.as_str(), &status, &since, mine, if ask.nested { "nested" } else { "" }, &group, &ask.filter];
    parts.extend(ask.order_by.iter().map(String::as_str));
    joined(&parts)
}

/// None where the index was changed before it could be read.
async fn sort(portal: &Portal, scope: &TeamScope, place: &Place, ask: &RunTable, query: &Query) -> Result<Option<Sorted>> {
    let above = match &ask.group {
        Some(group) => grouping(group)?,
        None => ask.nested.then(|| Key::Tag(TAG_PARENT.to_owned())),
    };
    let mut keys = query.columns();
    keys.extend(above.as_ref().filter(|above| !query.columns().contains(above)));
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
    let mut groups = Vec::new();
    match (&above, &ask.group) {
        (Some(key), Some(group)) if index.is_too_large(key) => {
            return Err(Error::invalid("group", format!("The values of {} are too long to group runs by.", group.label())));
        }
        (Some(key), Some(_)) if index.column(key).is_none() => return Ok(None),
        (key, Some(_)) => groups = find_groups(&index, key.as_ref(), &found, &mut entries),
        (Some(parent), None) => find_parents(&index, parent, &found, &mut entries),
        (None, None) => {}
    }
    let newest = index.rows().last().map(|row| run_id(row.id));
    Ok(Some(Sorted { entries, groups, newest }))
}

/// The column whose values group runs; none for their status, which every row has.
fn grouping(column: &TableColumn) -> Result<Option<Key>> {
    match column {
        TableColumn::Param(key) => Ok(Some(Key::Param(key.clone()))),
        TableColumn::Tag(key) => Ok(Some(Key::Tag(key.clone()))),
        TableColumn::Field(RunField::User) => Ok(Some(Key::User)),
        TableColumn::Field(RunField::Status) => Ok(None),
        other => Err(Error::invalid(
            "group",
            format!("Runs cannot be grouped by {}: choose a param, a tag, the status or the user.", other.label()),
        )),
    }
}

/// Says of each entry which group it is of; the groups are in the order of their first runs.
fn find_groups(index: &Index, key: Option<&Key>, found: &[u32], entries: &mut [Entry]) -> Vec<Group> {
    let texts = key.and_then(|key| index.column(key)).and_then(|column| match &column.values {
        Values::Texts(texts) => Some(texts),
        Values::Numbers(_) => None,
    });
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Option<&str>, u32> = HashMap::new();
    for (entry, at) in entries.iter_mut().zip(found) {
        let value = match key {
            None => Some(index.rows()[*at as usize].status.as_str()),
            Some(_) => texts.and_then(|texts| texts.get(*at as usize)),
        };
        entry.parent = *places.entry(value).or_insert_with(|| {
            groups.push(Group { id: group_id(value), value: value.map(str::to_owned) });
            u32::try_from(groups.len()).unwrap_or(u32::MAX)
        });
    }
    groups
}

/// Short enough for an address whatever the value is, and no run's id.
fn group_id(value: Option<&str>) -> RunId {
    let digest = random::digest(&value.map_or("none".to_owned(), |value| format!("value {value}")));
    RunId(format!("g{}", cut(&digest, 16)))
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
enum Line {
    Run { entry: u32, depth: usize, children: usize, open: bool },
    Group { group: usize, open: bool },
}

impl Line {
    fn entry(&self) -> Option<u32> {
        match self {
            Self::Run { entry, .. } => Some(*entry),
            Self::Group { .. } => None,
        }
    }
}

/// The rows of a table.
struct Layout {
    lines: Vec<Line>,
    /// Runs that were made after the horizon.
    newer: usize,
    /// The runs of each group, where they are grouped.
    members: Vec<Vec<u32>>,
}

async fn laid_out(portal: &Portal, scope: &TeamScope, ask: &RunTable, sorted: &Sorted) -> Result<Layout> {
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
    let plain = |entry: u32, depth: usize| Line::Run { entry, depth, children: 0, open: false };
    if ask.group.is_some() {
        let mut members = vec![Vec::new(); sorted.groups.len()];
        for at in (0..count).filter(shown) {
            members[sorted.entries[at as usize].parent as usize - 1].push(at);
        }
        let open: HashSet<&RunId> = ask.open.iter().take(OPEN_MOST).collect();
        let mut lines = Vec::new();
        for (group, runs) in members.iter().enumerate().filter(|(_, runs)| !runs.is_empty()) {
            let open = open.contains(&sorted.groups[group].id);
            lines.push(Line::Group { group, open });
            if open {
                lines.extend(runs.iter().map(|entry| plain(*entry, 1)));
            }
        }
        return Ok(Layout { lines, newer, members });
    }
    if !ask.nested {
        return Ok(Layout { lines: (0..count).filter(shown).map(|entry| plain(entry, 0)).collect(), newer, members: Vec::new() });
    }
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for at in (0..count).filter(shown) {
        let parent = sorted.entries[at as usize].parent;
        // A parent that is not shown yet does not hide its children.
        let parent = if parent > 0 && shown(&(parent - 1)) { parent } else { 0 };
        children.entry(parent).or_default().push(at);
    }
    let open: HashSet<u128> = ask.open.iter().take(OPEN_MOST).filter_map(|id| run_number(id.as_str())).collect();
    let mut lines = Vec::new();
    // What is still to be laid out, the next last.
    let mut left: Vec<(u32, usize)> = children.get(&0).into_iter().flatten().rev().map(|at| (*at, 0)).collect();
    while let Some((entry, depth)) = left.pop() {
        let below = children.get(&(entry + 1)).map(Vec::as_slice).unwrap_or_default();
        let open = !below.is_empty() && open.contains(&sorted.entries[entry as usize].id);
        lines.push(Line::Run { entry, depth, children: below.len(), open });
        if open {
            left.extend(below.iter().rev().map(|at| (*at, depth + 1)));
        }
    }
    Ok(Layout { lines, newer, members: Vec::new() })
}

/// What the groups among these lines say, in their order.
async fn groups(portal: &Portal, place: &Place, ask: &RunTable, sorted: &Sorted, layout: &Layout, asked: &[Line]) -> Result<Vec<RunGroup>> {
    let lines: Vec<(usize, bool)> = asked
        .iter()
        .filter_map(|line| match line {
            Line::Group { group, open } => Some((*group, *open)),
            Line::Run { .. } => None,
        })
        .collect();
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<Key> = ask.means.iter().take(COLUMNS_MOST).map(|metric| Key::Metric(metric.clone())).collect();
    let shared = portal.indexes.at_version(&portal.db, place.id, place.version, &keys.iter().collect::<Vec<_>>()).await?;
    let index = shared.read();
    let said = |(group, open): (usize, bool)| {
        let members = &layout.members[group];
        let places: Vec<usize> = members.iter().filter_map(|at| index.place(sorted.entries[*at as usize].no)).collect();
        let means = keys.iter().map(|key| mean(&index, key, &places)).collect();
        let Group { id, value } = &sorted.groups[group];
        RunGroup { id: id.clone(), value: value.clone(), runs: members.len(), open, means }
    };
    Ok(lines.into_iter().map(said).collect())
}

#[expect(clippy::cast_precision_loss, reason = "a number of runs")]
fn mean(index: &Index, metric: &Key, places: &[usize]) -> Option<f64> {
    let Values::Numbers(numbers) = &index.column(metric)?.values else { return None };
    let finite: Vec<f64> = places.iter().filter_map(|at| numbers.get(*at)).filter(|value| value.is_finite()).collect();
    (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / finite.len() as f64)
}
