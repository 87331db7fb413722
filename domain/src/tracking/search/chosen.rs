//! Runs that are compared: which they are, and of what they logged only the columns that are asked for.
//!
//! What a search finds is read from the index that the search needed anyway; what is named, or too long for the index, from the database.

use super::{
    Hit, TRIES,
    columns::{Index, Key, Values},
    found_store, hits, keys,
    query::Query,
};
use crate::{
    args,
    caller::{Caller, TeamScope},
    db::Db,
    error::{Error, Result},
    model::{ExperimentId, KEYS_MOST, Millis, Permission, Point, Run, RunId, RunKeys, RunStatus, View},
    portal::Portal,
    tracking::{curves, group_store, store},
};
use found_store::Place;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A column of the index is read where one in so many of its runs is chosen.
const WORTH: usize = 8;

/// A run that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenRun {
    no: i64,
    pub id: RunId,
    pub experiment: ExperimentId,
    pub status: RunStatus,
    pub start_time: Option<Millis>,
    pub end_time: Option<Millis>,
}

/// A text that runs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunText<'a> {
    Name,
    Param(&'a str),
    Tag(&'a str),
}

/// What runs have of one text: each different one once, and which of them each run has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunTexts {
    pub words: Vec<String>,
    /// One for each run, in their order: the place of its text among the words; none where it has none.
    pub places: Vec<Option<usize>>,
}

impl RunTexts {
    /// The text of run number `run`.
    pub fn get(&self, run: usize) -> Option<&str> {
        self.places.get(run).copied().flatten().and_then(|place| self.words.get(place)).map(String::as_str)
    }
}

/// Runs, each once, in the order that they were chosen in.
pub struct ChosenRuns {
    scope: TeamScope,
    runs: Vec<ChosenRun>,
    /// The first so many were named.
    named: usize,
    /// Where the others were found.
    place: Option<Place>,
    /// The others are all runs of their experiment.
    all: bool,
    more: bool,
}

/// The team's runs of these ids, deleted or not, and then, at most `most` altogether, those of an experiment that fit a filter.
///
/// # Errors
/// `NotFound` where a run or the experiment is not the team's, `Invalid` where the filter cannot be read.
pub async fn choose_runs(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    ids: &[RunId],
    search: Option<(&ExperimentId, &str)>,
    most: usize,
) -> Result<ChosenRuns> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let mut runs = named(&portal.db, &scope, ids).await?;
    let named = runs.len();
    let (mut place, mut all, mut more) = (None, false, false);
    if let Some((experiment, filter)) = search {
        let (found_in, found) = found(portal, &scope, experiment, filter, most.saturating_add(1)).await?;
        let known: HashSet<i64> = runs.iter().map(|run| run.no).collect();
        all = named == 0 && filter.trim().is_empty();
        runs.extend(found.into_iter().filter(|run| !known.contains(&run.no)));
        more = runs.len() > most.max(named);
        runs.truncate(most.max(named));
        place = Some(found_in);
    }
    Ok(ChosenRuns { scope, runs, named, place, all, more })
}

#[derive(sqlx::FromRow)]
struct NamedRow {
    no: i64,
    id: String,
    experiment_id: i64,
    is_default: i64,
    status: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
}

async fn named(db: &Db, scope: &TeamScope, ids: &[RunId]) -> Result<Vec<ChosenRun>> {
    let mut seen = HashSet::new();
    let ids: Vec<&RunId> = ids.iter().filter(|id| seen.insert(id.as_str())).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.begin_snapshot().await?;
    let places = group_store::places(&mut tx, &ids).await?;
    let numbers: HashMap<&str, i64> =
        places.iter().filter(|place| place.team_id == scope.team.as_str()).map(|place| (place.id.as_str(), place.no)).collect();
    let numbers: Vec<i64> = ids.iter().map(|id| numbers.get(id.as_str()).copied()).collect::<Option<_>>().ok_or(Error::NotFound("run"))?;
    let head = "SELECT r.no, r.id, r.experiment_id, e.is_default, r.status, r.start_time, r.end_time
                FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.no IN";
    let rows: Vec<NamedRow> = tx.fetch_listed(head, "", &numbers, Vec::new()).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let status = row.status.parse().map_err(|e| Error::internal("stored run", e))?;
        let (id, experiment) = (RunId(row.id), store::public_id(row.experiment_id, row.is_default));
        found.insert(row.no, ChosenRun { no: row.no, id, experiment, status, start_time: row.start_time, end_time: row.end_time });
    }
    numbers.iter().map(|no| found.remove(no).ok_or(Error::NotFound("run"))).collect()
}

/// The newest runs of an experiment that fit, at most `want`.
async fn found(
    portal: &Portal,
    scope: &TeamScope,
    experiment: &ExperimentId,
    filter: &str,
    want: usize,
) -> Result<(Place, Vec<ChosenRun>)> {
    let query = Query::read(filter, &[])?;
    for _ in 0..TRIES {
        let row = store::experiment(&portal.db, &scope.team, experiment).await?;
        let mut place = Place { id: row.id, is_default: row.is_default, artifact_location: row.artifact_location, version: row.version };
        let Some(hits) = hits(portal, std::slice::from_ref(&place), &query, View::Active, want).await? else { continue };
        let numbers: Vec<i64> = hits.iter().map(|hit| hit.no).collect();
        // Some may have been removed for good; the database does not tell the index of that.
        let there: Vec<(i64,)> = portal.db.fetch_listed("SELECT COUNT(*) FROM runs WHERE no IN", "", &numbers, Vec::new()).await?;
        if !hits.is_empty() && there.first().is_none_or(|(count,)| usize::try_from(*count) != Ok(hits.len())) {
            portal.indexes.forget(place.id);
            continue;
        }
        let shared = portal.indexes.at_version(&portal.db, place.id, place.version, &[]).await?;
        let index = shared.read();
        if let Some(runs) = hits.iter().map(|hit| of_index(&index, hit, experiment)).collect::<Option<Vec<_>>>() {
            // What is read of them later is no older than they are.
            place.version = index.version.unwrap_or_default().max(place.version);
            return Ok((place, runs));
        }
    }
    Err(Error::Unavailable("The search was disturbed. Try again in a moment.".to_owned()))
}

fn of_index(index: &Index, hit: &Hit, experiment: &ExperimentId) -> Option<ChosenRun> {
    let row = &index.rows()[index.place(hit.no)?];
    let time = |at: i64| (at != super::columns::NEVER).then_some(at);
    let (id, experiment) = (RunId(format!("{:032x}", row.id)), experiment.clone());
    Some(ChosenRun { no: row.no, id, experiment, status: row.status, start_time: time(row.start), end_time: time(row.end) })
}

impl ChosenRuns {
    pub fn as_slice(&self) -> &[ChosenRun] {
        &self.runs
    }

    /// Whether more runs fit than were to be chosen.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// The first `most` of them with all that they logged.
    pub async fn whole(&self, portal: &Portal, most: usize) -> Result<Vec<Run>> {
        let numbers: Vec<i64> = self.runs.iter().take(most).map(|run| run.no).collect();
        let places = found_store::places(&portal.db, &self.scope.team).await?;
        let mut found: HashMap<i64, _> = found_store::runs(&portal.db, &numbers, &places).await?.into_iter().collect();
        // One that went in between is left out.
        numbers.iter().filter_map(|no| found.remove(no)).map(|run| run.complete()).collect()
    }

    /// What they logged, by name, ordered. Of a whole experiment what any of its runs did, also one that is deleted by now.
    pub async fn keys(&self, portal: &Portal) -> Result<RunKeys> {
        if let Some(place) = self.place.as_ref().filter(|_| self.all) {
            let keys = keys::known(portal, place.id, place.version).await?;
            if [&keys.metrics, &keys.params, &keys.tags].iter().all(|keys| keys.len() < KEYS_MOST) {
                return Ok(keys);
            }
        }
        let numbers = self.all_numbers();
        let keys = async |head| {
            let found: Vec<(String,)> = portal.db.fetch_listed(head, "", &numbers, Vec::new()).await?;
            // Databases have orders of their own.
            Ok::<_, Error>(found.into_iter().map(|(key,)| key).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
        };
        Ok(RunKeys {
            metrics: keys("SELECT DISTINCT key FROM latest_metrics WHERE run_no IN").await?,
            params: keys("SELECT DISTINCT key FROM params WHERE run_no IN").await?,
            tags: keys("SELECT DISTINCT key FROM tags WHERE run_no IN").await?,
        })
    }

    /// The params of which at least two of them have different values, ordered.
    pub async fn varying(&self, portal: &Portal) -> Result<Vec<String>> {
        let (head, tail) = ("SELECT key FROM params WHERE run_no IN", "GROUP BY key HAVING MIN(value) <> MAX(value)");
        let found: Vec<(String,)> = portal.db.fetch_listed(head, tail, &self.all_numbers(), Vec::new()).await?;
        Ok(found.into_iter().map(|(key,)| key).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The latest value that each logged of a metric, in their order.
    pub async fn latest(&self, portal: &Portal, metric: &str) -> Result<Vec<Option<f64>>> {
        let key = Key::Metric(metric.to_owned());
        let mut latest = vec![None; self.runs.len()];
        let unread = self.indexed(portal, &key, |run, at, values| {
            if let Values::Numbers(numbers) = values {
                latest[run] = numbers.get(at);
            }
        });
        let (unread, numbers) = self.numbers(unread.await?);
        let head = "SELECT run_no, value FROM latest_metrics WHERE key = $2 AND run_no IN";
        let found: Vec<(i64, Option<f64>)> = portal.db.fetch_listed(head, "", &numbers, args![metric]).await?;
        for (no, value) in found {
            // A metric that is there without a value is NaN.
            latest[unread[&no]] = Some(value.unwrap_or(f64::NAN));
        }
        Ok(latest)
    }

    /// A text of each, in their order.
    pub async fn texts(&self, portal: &Portal, text: RunText<'_>) -> Result<RunTexts> {
        let key = match text {
            RunText::Name => Key::Name,
            RunText::Param(key) => Key::Param(key.to_owned()),
            RunText::Tag(key) => Key::Tag(key.to_owned()),
        };
        let mut texts = RunTexts { words: Vec::new(), places: vec![None; self.runs.len()] };
        let mut known: HashMap<u32, usize> = HashMap::new();
        let unread = self.indexed(portal, &key, |run, at, values| {
            if let Values::Texts(values) = values
                && let Some(word) = values.get(at)
            {
                texts.places[run] = Some(*known.entry(values.codes[at]).or_insert_with(|| {
                    texts.words.push(word.to_owned());
                    texts.words.len() - 1
                }));
            }
        });
        let (unread, numbers) = self.numbers(unread.await?);
        let (head, more) = match text {
            RunText::Name => ("SELECT no, name FROM runs WHERE no IN", Vec::new()),
            RunText::Param(key) => ("SELECT run_no, value FROM params WHERE key = $2 AND run_no IN", args![key]),
            RunText::Tag(key) => ("SELECT run_no, value FROM tags WHERE key = $2 AND run_no IN", args![key]),
        };
        let found: Vec<(i64, String)> = portal.db.fetch_listed(head, "", &numbers, more).await?;
        let mut words: HashMap<String, usize> = texts.words.iter().cloned().zip(0..).collect();
        for (no, word) in found {
            let place = *words.entry(word).or_insert_with_key(|word| {
                texts.words.push(word.clone());
                texts.words.len() - 1
            });
            texts.places[unread[&no]] = Some(place);
        }
        Ok(texts)
    }

    /// What `reduce` makes of each history, whose number it is told, in the order asked for: of a run by its place, and a metric.
    pub async fn curves<T, F>(&self, portal: &Portal, asked: &[(usize, String)], reduce: F) -> Result<Vec<T>>
    where
        T: Send + 'static,
        F: Fn(usize, Vec<Point>) -> T + Clone + Send + 'static,
    {
        curves::read(portal, asked.iter().map(|(run, key)| (self.runs[*run].no, key.clone())).collect(), reduce).await
    }

    /// Shows `take` each run that the index knows, where it is there, and the column; returns the places of the runs it has not been shown.
    async fn indexed(&self, portal: &Portal, key: &Key, mut take: impl FnMut(usize, usize, &Values)) -> Result<Vec<usize>> {
        let Some(place) = &self.place else { return Ok((0..self.runs.len()).collect()) };
        let shared = portal.indexes.at_version(&portal.db, place.id, place.version, &[]).await?;
        let (there, rows) = {
            let index = shared.read();
            (index.column(key).is_some(), index.rows().len())
        };
        // A column is of all runs of the experiment, and takes the place of others: a few runs are not worth it.
        if !there && (self.runs.len() - self.named) * WORTH < rows {
            return Ok((0..self.runs.len()).collect());
        }
        let shared = portal.indexes.at_version(&portal.db, place.id, place.version, &[key]).await?;
        let index = shared.read();
        // Its values may be too long, or others needed the room.
        let Some(column) = index.column(key) else { return Ok((0..self.runs.len()).collect()) };
        let mut unread: Vec<usize> = (0..self.named).collect();
        for run in self.named..self.runs.len() {
            match index.place(self.runs[run].no) {
                Some(at) => take(run, at, &column.values),
                None => unread.push(run),
            }
        }
        Ok(unread)
    }

    fn all_numbers(&self) -> Vec<i64> {
        self.runs.iter().map(|run| run.no).collect()
    }

    /// Runs by their numbers, and these.
    fn numbers(&self, runs: Vec<usize>) -> (HashMap<i64, usize>, Vec<i64>) {
        let numbers = runs.iter().map(|run| self.runs[*run].no).collect();
        (runs.into_iter().map(|run| (self.runs[run].no, run)).collect(), numbers)
    }
}
