//! Searches over runs and experiments, in MLflow's filter language.
//!
//! Runs are selected in memory: each experiment that somebody searches in has an index (`columns`), a cache that is brought up to date
//! before each search (`cache`). The runs that were found are then read from the database.

mod cache;
mod chosen;
mod columns;
mod dataset_store;
mod experiment_search;
mod export;
mod found_cache;
mod found_store;
mod index_store;
mod keys;
mod orders;
mod query;
mod select;
mod table;
mod words;

pub use cache::Indexes;
pub use chosen::{ChosenRun, ChosenRuns, RunText, RunTexts, choose_runs};
pub use experiment_search::search_experiments;
pub use export::{csv_head, csv_lines, export_runs};
pub use found_store::FoundRun;
pub use keys::run_keys;
pub use table::{run_ids, runs_window};

use super::{page_token, store};
use crate::{
    caller::{Caller, TeamScope},
    error::{Error, Result},
    model::{PAGE_MOST, Permission, RunPage, RunSearch, View},
    portal::Portal,
};
use cache::Shared;
use columns::Index;
use found_store::Place;
use index_store::{After, Cells};
use query::{Predicate, Query, Target, Test};
use select::Answers;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Runs that are read at a time.
const PART: usize = 256;
/// Tries of a search that finds runs gone, or an index dropped under it.
const TRIES: usize = 3;

/// A page of runs of the team that fit, with all that they logged.
pub async fn search_runs(portal: &Portal, caller: &Caller, team: &str, search: &RunSearch) -> Result<RunPage> {
    let mut found = find_runs(portal, caller, team, search).await?;
    let mut runs = Vec::new();
    while let Some(part) = found.next(portal).await? {
        for run in part {
            runs.push(run.complete()?);
        }
    }
    Ok(RunPage { runs, next_page_token: found.next_page_token })
}

/// The same as `search_runs`, to be read part by part.
pub async fn find_runs(portal: &Portal, caller: &Caller, team: &str, search: &RunSearch) -> Result<Found> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let most = page_size(search.max_results)?;
    let query = Query::read(&search.filter, &search.order_by)?;
    let question = question(&scope, search);
    let offset = page_token::decode(Some(&search.page_token), &question)?;
    let mut tries = TRIES;
    loop {
        tries -= 1;
        let places = places(portal, &scope, search).await?;
        // One more than the page has, to see whether it is the last.
        let Some(mut hits) = hits(portal, &places, &query, search.view, offset.saturating_add(most + 1)).await? else {
            if tries == 0 {
                return Err(Error::Unavailable("The search was disturbed. Try again in a moment.".to_owned()));
            }
            continue;
        };
        let more = hits.len() > offset + most;
        hits.truncate(offset + most);
        hits.drain(..offset.min(hits.len()));
        let next_page_token = more.then(|| page_token::encode(offset + most, &question));
        let mut found = Found { places, hits, read: 0, first: None, next_page_token };
        // Some may have been removed for good; the database does not tell the index of that.
        if found.look(portal).await? || tries == 0 {
            return Ok(found);
        }
    }
}

/// Runs that were found, in order; what they logged is read as it is asked for.
pub struct Found {
    places: Vec<Place>,
    hits: Vec<Hit>,
    read: usize,
    /// Read already.
    first: Option<Vec<Arc<FoundRun>>>,
    /// None on the last page.
    pub next_page_token: Option<String>,
}

impl Found {
    /// The next runs; none at the end.
    pub async fn next(&mut self, portal: &Portal) -> Result<Option<Vec<Arc<FoundRun>>>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let part = &self.hits[self.read..self.hits.len().min(self.read + PART)];
        if part.is_empty() {
            return Ok(None);
        }
        self.read += part.len();
        let cache = portal.indexes.found();
        let mut known = cache.get(part.iter().map(|hit| (hit.no, hit.version)));
        let unknown: Vec<&Hit> = part.iter().filter(|hit| !known.contains_key(&hit.no)).collect();
        if !unknown.is_empty() {
            let numbers: Vec<i64> = unknown.iter().map(|hit| hit.no).collect();
            let versions: HashMap<i64, i64> = unknown.iter().map(|hit| (hit.no, hit.version)).collect();
            for (no, run) in found_store::runs(&portal.db, &numbers, &self.places).await? {
                let run = Arc::new(run);
                cache.put(no, versions.get(&no).copied().unwrap_or_default(), &run);
                known.insert(no, run);
            }
        }
        let gone = part.iter().filter(|hit| !known.contains_key(&hit.no));
        gone.for_each(|hit| portal.indexes.forget(hit.experiment));
        Ok(Some(part.iter().filter_map(|hit| known.remove(&hit.no)).collect()))
    }

    /// Reads the first part; whether all of it is there.
    async fn look(&mut self, portal: &Portal) -> Result<bool> {
        self.first = self.next(portal).await?;
        Ok(self.first.as_ref().is_none_or(|first| first.len() == self.read))
    }
}

/// # Errors
/// `Invalid` where a page cannot have so many results.
fn page_size(max_results: i64) -> Result<usize> {
    let size = usize::try_from(max_results).ok().filter(|_| (1..=PAGE_MOST).contains(&max_results));
    size.ok_or_else(|| Error::invalid("max_results", format!("Invalid value {max_results}: a page has 1 to {PAGE_MOST} results.")))
}

fn question(scope: &TeamScope, search: &RunSearch) -> String {
    let view = format!("{:?}", search.view);
    let mut parts = vec!["runs", scope.team.as_str(), scope.user.as_str(), &view, &search.filter];
    parts.extend(search.order_by.iter().map(String::as_str));
    parts.push("in");
    parts.extend(search.experiments.iter().map(crate::model::ExperimentId::as_str));
    joined(&parts)
}

/// What a page token is bound to: everything that was asked, except for how many.
fn joined(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |all, part| all + &part.len().to_string() + ":" + part)
}

/// The team's experiments among those that are asked for. What is not the team's has no runs, as if it did not exist.
async fn places(portal: &Portal, scope: &TeamScope, search: &RunSearch) -> Result<Vec<Place>> {
    match search.experiments.as_slice() {
        [] => Ok(Vec::new()),
        [one] => match store::experiment(&portal.db, &scope.team, one).await {
            Ok(row) => {
                let (id, is_default, version) = (row.id, row.is_default, row.version);
                Ok(vec![Place { id, is_default, artifact_location: row.artifact_location, version }])
            }
            Err(Error::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        },
        many => {
            let asked: HashSet<&str> = many.iter().map(crate::model::ExperimentId::as_str).collect();
            let mut places = found_store::places(&portal.db, &scope.team).await?;
            places.retain(|place| asked.contains(store::public_id(place.id, place.is_default).as_str()));
            Ok(places)
        }
    }
}

/// A run that fits.
#[derive(Clone, Copy)]
struct Hit {
    experiment: i64,
    no: i64,
    /// Of its last change that the index knows.
    version: i64,
}

/// The first `want` runs that fit, in order. None where an index was changed before it could be read.
async fn hits(portal: &Portal, places: &[Place], query: &Query, view: View, want: usize) -> Result<Option<Vec<Hit>>> {
    let keys = query.columns();
    let mut indexed: Vec<(&Place, Arc<Shared>, Answers)> = Vec::new();
    for place in places {
        let shared = portal.indexes.at_version(&portal.db, place.id, place.version, &keys).await?;
        let answers = answers(portal, place, &shared, query).await?;
        indexed.push((place, shared, answers));
    }
    let guards: Vec<_> = indexed.iter().map(|(_, shared, _)| shared.read()).collect();
    if !guards.iter().zip(&indexed).all(|(index, (_, _, answers))| is_complete(index, query, answers)) {
        return Ok(None);
    }
    let views: Vec<select::Place<'_>> = guards
        .iter()
        .zip(&indexed)
        .map(|(index, (place, _, answers))| select::Place { index, location: &place.artifact_location, answers })
        .collect();
    let mut all: Vec<(usize, u32)> = Vec::new();
    for (i, place) in views.iter().enumerate() {
        all.extend(select::select(place, query, view, want).into_iter().map(|at| (i, at)));
    }
    if views.len() > 1 {
        all.sort_unstable_by(|a, b| select::compare((&views[a.0], a.1), (&views[b.0], b.1), &query.order));
        all.truncate(want);
    }
    let hit = |(i, at): (usize, u32)| {
        let row = views[i].index.rows()[at as usize];
        Hit { experiment: places[i].id, no: row.no, version: row.version }
    };
    Ok(Some(all.into_iter().map(hit).collect()))
}

/// Whether everything that the query needs is there: other searches drop columns to make room for theirs.
fn is_complete(index: &Index, query: &Query, answers: &Answers) -> bool {
    let there = |target: &Target| match target {
        Target::Column(key) => index.column(key).is_some(),
        Target::Attribute(_) => true,
    };
    let mut predicates = query.predicates.iter().enumerate();
    index.version.is_some()
        && predicates.all(|(i, p)| answers.predicates.contains(&i) || there(&p.target))
        && query.order.iter().all(|by| there(&by.target))
}

/// Asks the database what the index does not say: conditions on datasets, and on columns that are too large to be kept.
async fn answers(portal: &Portal, place: &Place, shared: &Shared, query: &Query) -> Result<Answers> {
    let mut answers = Answers::default();
    {
        let index = shared.read();
        let large = |target: &Target| matches!(target, Target::Column(key) if index.is_too_large(key));
        if query.order.iter().any(|by| large(&by.target)) {
            return Err(Error::invalid("order_by", "The values of one of these keys are too long to order runs by."));
        }
        answers.predicates.extend(query.predicates.iter().enumerate().filter(|(_, p)| large(&p.target)).map(|(i, _)| i));
    }
    for i in &answers.predicates {
        answers.runs.push(fitting(portal, place, &query.predicates[*i]).await?);
    }
    for test in &query.datasets {
        answers.runs.push(dataset_store::fitting(&portal.db, place.id, test).await?);
    }
    Ok(answers)
}

/// The runs that fit a condition on texts, by number, ordered; the values are read page by page.
async fn fitting(portal: &Portal, place: &Place, predicate: &Predicate) -> Result<Vec<i64>> {
    let Target::Column(key) = &predicate.target else { return Ok(Vec::new()) };
    let fits = |value: Option<String>| match (&predicate.test, value) {
        (Test::Text(test), Some(value)) => test.holds(&value),
        (Test::Present, value) => value.is_some(),
        (Test::Absent, value) => value.is_none(),
        _ => false,
    };
    let mut runs = Vec::new();
    let mut after = Some(After::version(None));
    while let Some(from) = after {
        let (cells, next) = index_store::cells(&portal.db, place.id, key, from).await?;
        after = next;
        if let Cells::Texts(cells) = cells {
            runs.extend(cells.into_iter().filter_map(|(no, value)| fits(value).then_some(no)));
        }
    }
    runs.sort_unstable();
    runs.dedup();
    Ok(runs)
}
