//! One transaction of the writer: looks at what is there, refuses what cannot be, and writes the rest.
//!
//! Whether a job can be is decided before anything of it is written, so that one that is refused leaves nothing behind and disturbs no other.

use super::{
    group_store::{self as store, Counts, Kind, NewRun, Place},
    history_store::{self, Chunk},
    logged_models, logged_models_store,
    series::{self, is_later},
    store::public_id,
    writer::{Creation, Job, Work},
};
use crate::{
    crash,
    db::Tx,
    error::{Error, Result},
    events,
    model::{Batch, Change, ExperimentId, KEYS_OF_A_RUN, Millis, ModelMetric, Point, RunChange, RunId, RunStatus, TAG_RUN_NAME},
    portal::Portal,
    random,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    time::Duration,
};
use tokio::time::Instant;

/// Beyond so many entries what is remembered is dropped: it saves questions and decides nothing.
const PLACES: usize = 20_000;
const KEYS: usize = 200_000;
/// Chunks with fewer points than this are merged with their like; on average once in so many commits.
const SMALL: usize = 64;
const MEDIUM: usize = 64 * SMALL;
/// Most points of a merged chunk.
const LARGE: usize = 2 * MEDIUM;
/// Pages hear of logging once in so long for each experiment.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// What the writer remembers between groups.
#[derive(Default)]
pub(super) struct Memory {
    places: HashMap<RunId, Place>,
    /// Metrics, params and tags that were written, as hashes.
    keys: HashSet<u64>,
    hasher: RandomState,
    pub notes: Notes,
    dice: Dice,
}

impl Memory {
    fn hash(&self, kind: Kind, no: i64, key: &str) -> u64 {
        self.hasher.hash_one((kind, no, key))
    }

    fn learn(&mut self, learned: Vec<u64>, places: Vec<Place>) {
        if self.keys.len() + learned.len() > KEYS {
            self.keys.clear();
        }
        if self.places.len() + places.len() > PLACES {
            self.places.clear();
        }
        self.keys.extend(learned);
        self.places.extend(places.into_iter().map(|place| (RunId(place.id.clone()), place)));
    }
}

/// When pages were told of an experiment's runs, and of which they are still to be told.
#[derive(Default)]
pub(super) struct Notes {
    told: HashMap<i64, Instant>,
    due: BTreeMap<i64, Note>,
}

#[derive(Clone)]
struct Note {
    team: String,
    experiment: ExperimentId,
    at: Instant,
}

impl Notes {
    /// When somebody is to be told at the latest.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.values().map(|note| note.at).min()
    }

    fn owe(&mut self, id: i64, team: &str, experiment: ExperimentId, loud: bool, now: Instant) {
        let at = self.told.get(&id).filter(|_| !loud).map_or(now, |told| *told + NOTE_EVERY);
        let note = self.due.entry(id).or_insert_with(|| Note { team: team.to_owned(), experiment, at });
        note.at = note.at.min(at);
    }

    /// Writes what is due into the transaction.
    async fn publish(&self, tx: &mut Tx, at: Millis, now: Instant) -> Result<Vec<i64>> {
        let due: Vec<(i64, Note)> = self.due.iter().filter(|(_, note)| note.at <= now).map(|(id, note)| (*id, note.clone())).collect();
        let mut told = Vec::with_capacity(due.len());
        for (id, note) in due {
            events::publish(tx, at, Some(&note.team), &Change::Runs { experiment: note.experiment }).await?;
            told.push(id);
        }
        Ok(told)
    }

    fn told(&mut self, ids: Vec<i64>, now: Instant) {
        self.told.retain(|_, told| *told + NOTE_EVERY > now);
        for id in ids {
            self.due.remove(&id);
            self.told.insert(id, now);
        }
    }
}

/// Tells pages what is due, in a transaction of its own.
pub(super) async fn tell(portal: &Portal, memory: &mut Memory) -> Result<()> {
    let now = Instant::now();
    if memory.notes.next_due().is_none_or(|due| due > now) {
        return Ok(());
    }
    let written = async {
        let mut tx = portal.db.begin().await?;
        let told = memory.notes.publish(&mut tx, portal.clock.now(), now).await?;
        tx.commit().await?;
        Ok(told)
    };
    let result: Result<Vec<i64>> = written.await;
    match result {
        Ok(told) => memory.notes.told(told, now),
        // The next change tells as well.
        Err(error) => {
            memory.notes.due.clear();
            return Err(error);
        }
    }
    Ok(())
}

/// Decides when to merge; not a secret.
struct Dice(u64);

impl Default for Dice {
    fn default() -> Self {
        Self(u64::from_le_bytes(random::bytes()) | 1)
    }
}

impl Dice {
    /// True once in `SMALL` times.
    fn once_in_a_while(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20).is_multiple_of(SMALL as u64)
    }
}

/// A run that the group touches.
struct Run {
    version: i64,
    deleted: bool,
}

/// What is known inside the transaction.
#[derive(Default)]
struct Seen {
    experiments: BTreeMap<i64, store::Locked>,
    places: HashMap<RunId, Place>,
    runs: HashMap<i64, Run>,
    params: HashMap<(i64, String), String>,
    counts: HashMap<i64, Counts>,
}

/// What is to be written.
#[derive(Default)]
struct Plan<'a> {
    created: Vec<(&'a Job, &'a Creation)>,
    params: BTreeMap<(i64, &'a str), &'a str>,
    tags: BTreeMap<(i64, &'a str), &'a str>,
    changes: BTreeMap<i64, RunChange>,
    series: BTreeMap<(i64, &'a str), Vec<Point>>,
    /// Points of models, by run.
    measured: BTreeMap<i64, Vec<(i64, &'a ModelMetric)>>,
    /// What the runs will have more of.
    learned: HashSet<u64>,
}

/// Writes a group in one transaction; says for each job whether it was done or why not. `again`: the commit of a first try may have
/// succeeded unheard.
///
/// # Errors
/// Where the database fails; then nothing is written.
pub(super) async fn write(portal: &Portal, memory: &mut Memory, jobs: &[&Job], again: bool) -> Result<Vec<Result<()>>> {
    crash::point("before_tx");
    let mut tx = portal.db.begin().await?;
    let at = portal.clock.now();
    let mut seen = look(&mut tx, memory, jobs).await?;
    let (mut plan, mut results) = (Plan::default(), Vec::with_capacity(jobs.len()));
    for job in jobs {
        results.push(match &job.work {
            Work::Create(run) if again && store::has_run(&mut tx, &run.id).await? => Ok(()),
            _ => match accept(&mut tx, memory, &mut seen, &mut plan, job).await {
                // Only these are the job's own fault.
                Err(error @ (Error::Invalid(_) | Error::NotFound(_) | Error::QuotaExceeded(_))) => Err(error),
                other => Ok(other?),
            },
        });
    }
    put(&mut tx, memory, &seen, &plan, at).await?;
    let now = Instant::now();
    owe_notes(memory, &seen, jobs, &results, now);
    let told = memory.notes.publish(&mut tx, at, now).await?;
    crash::point("before_commit");
    tx.commit().await?;
    memory.notes.told(told, now);
    let learned = plan.learned.into_iter().collect();
    memory.learn(learned, seen.places.into_values().collect());
    Ok(results)
}

/// Finds and locks what the jobs are about, experiments first and in their order, as every change of runs does.
async fn look(tx: &mut Tx, memory: &Memory, jobs: &[&Job]) -> Result<Seen> {
    let mut seen = Seen::default();
    let runs: HashSet<&RunId> = jobs.iter().filter_map(|job| run_of(job)).collect();
    let (known, unknown): (Vec<_>, Vec<_>) = runs.into_iter().partition(|id| memory.places.contains_key(*id));
    seen.places.extend(known.into_iter().filter_map(|id| Some((id.clone(), memory.places.get(id)?.clone()))));
    let found = store::places(tx, &unknown).await?;
    seen.places.extend(found.into_iter().map(|place| (RunId(place.id.clone()), place)));
    let mut touched: BTreeMap<i64, i64> = BTreeMap::new();
    let mut experiments: std::collections::BTreeSet<i64> = std::collections::BTreeSet::new();
    for job in jobs {
        match &job.work {
            Work::Create(run) => drop(experiments.insert(run.experiment)),
            Work::Log(id, _) | Work::Update(id, _) => {
                if let Some(place) = place_of(&seen, job, id) {
                    touched.insert(place.no, place.experiment_id);
                    experiments.insert(place.experiment_id);
                }
            }
        }
    }
    for id in experiments {
        if let Some(locked) = store::lock_experiment(tx, id).await? {
            seen.experiments.insert(id, locked);
        }
    }
    let version = |experiment: &i64| seen.experiments.get(experiment).map(|e| e.version);
    let stamps: Vec<(i64, i64)> = touched.iter().filter_map(|(no, experiment)| Some((*no, version(experiment)?))).collect();
    let versions: HashMap<i64, i64> = stamps.iter().copied().collect();
    for (no, deleted_at) in store::stamp(tx, stamps).await? {
        let version = versions.get(&no).copied().unwrap_or_default();
        seen.runs.insert(no, Run { version, deleted: deleted_at.is_some() });
    }
    look_at_keys(tx, memory, &mut seen, jobs).await?;
    Ok(seen)
}

/// Reads the params that jobs may contradict, and counts what runs have where they get something new.
async fn look_at_keys(tx: &mut Tx, memory: &Memory, seen: &mut Seen, jobs: &[&Job]) -> Result<()> {
    let mut params = Vec::new();
    let mut growing = HashSet::new();
    for job in jobs {
        let Work::Log(id, batch) = &job.work else { continue };
        let Some(no) = place_of(seen, job, id).map(|place| place.no) else { continue };
        params.extend(batch.params.iter().map(|param| (no, param.key.as_str())));
        if keys_of(batch).any(|(kind, key)| !memory.keys.contains(&memory.hash(kind, no, key))) {
            growing.insert(no);
        }
    }
    let found = store::params(tx, params).await?;
    seen.params = found.into_iter().map(|(no, key, value)| ((no, key), value)).collect();
    let counts = store::counts(tx, growing.into_iter().collect()).await?;
    seen.counts = counts.into_iter().map(|counts| (counts.run_no, counts)).collect();
    Ok(())
}

fn run_of(job: &Job) -> Option<&RunId> {
    match &job.work {
        Work::Create(_) => None,
        Work::Log(id, _) | Work::Update(id, _) => Some(id),
    }
}

/// Where the run is, if it is the team's.
fn place_of<'s>(seen: &'s Seen, job: &Job, id: &RunId) -> Option<&'s Place> {
    seen.places.get(id).filter(|place| place.team_id == job.scope.team.as_str())
}

fn keys_of(batch: &Batch) -> impl Iterator<Item = (Kind, &str)> {
    let metrics = batch.metrics.iter().map(|m| (Kind::Metric, m.key.as_str()));
    let params = batch.params.iter().map(|p| (Kind::Param, p.key.as_str()));
    metrics.chain(params).chain(batch.tags.iter().map(|t| (Kind::Tag, t.key.as_str())))
}

/// Takes a job into the plan, all of it or nothing.
async fn accept<'a>(tx: &mut Tx, memory: &Memory, seen: &mut Seen, plan: &mut Plan<'a>, job: &'a Job) -> Result<()> {
    match &job.work {
        Work::Create(run) => {
            let experiment = seen.experiments.get(&run.experiment).ok_or(Error::NotFound("experiment"))?;
            if experiment.deleted_at.is_some() {
                return Err(Error::invalid("experiment_id", "The experiment is deleted. Restore it first."));
            }
            plan.created.push((job, run));
        }
        Work::Update(id, change) => {
            let no = active(seen, job, id)?;
            if let Some(name) = &change.name {
                plan.tags.insert((no, TAG_RUN_NAME), name);
            }
            amend(plan.changes.entry(no).or_default(), change);
        }
        Work::Log(id, batch) => {
            let no = active(seen, job, id)?;
            params_agree(seen, plan, no, batch)?;
            let measured = logged_models::resolve(tx, &job.scope.team, &batch.model_metrics).await?;
            keys_fit(tx, memory, seen, plan, no, batch).await?;
            take_batch(seen, plan, no, batch);
            if !measured.is_empty() {
                plan.measured.entry(no).or_default().extend(measured);
            }
        }
    }
    Ok(())
}

/// The run's number, if it may be written to.
fn active(seen: &Seen, job: &Job, id: &RunId) -> Result<i64> {
    let no = place_of(seen, job, id).ok_or(Error::NotFound("run"))?.no;
    if seen.runs.get(&no).ok_or(Error::NotFound("run"))?.deleted {
        return Err(Error::invalid("run_id", format!("The run {id} must be in the 'active' state; it is deleted. Restore it first.")));
    }
    Ok(no)
}

fn amend(change: &mut RunChange, by: &RunChange) {
    change.status = by.status.or(change.status);
    change.end_time = by.end_time.or(change.end_time);
    change.name = by.name.clone().or(change.name.take());
}

fn params_agree(seen: &Seen, plan: &Plan<'_>, no: i64, batch: &Batch) -> Result<()> {
    for param in &batch.params {
        let stored = seen.params.get(&(no, param.key.clone())).map(String::as_str);
        if let Some(old) = stored.or(plan.params.get(&(no, param.key.as_str())).copied())
            && old != param.value
        {
            let brief = |text: &str| crate::model::cut(text, 100).to_owned();
            let (key, old, new) = (brief(&param.key), brief(old), brief(&param.value));
            let reason = format!("Changing param values is not allowed. Param '{key}' was already logged with value '{old}', now '{new}'.");
            return Err(Error::invalid("params", reason));
        }
    }
    Ok(())
}

/// Whether the run has room for what is new in the batch.
async fn keys_fit(tx: &mut Tx, memory: &Memory, seen: &mut Seen, plan: &mut Plan<'_>, no: i64, batch: &Batch) -> Result<()> {
    let mut new: HashMap<Kind, BTreeMap<u64, &str>> = HashMap::new();
    for (kind, key) in keys_of(batch) {
        let hash = memory.hash(kind, no, key);
        if !memory.keys.contains(&hash) && !plan.learned.contains(&hash) {
            new.entry(kind).or_default().insert(hash, key);
        }
    }
    let Some(mut counts) = seen.counts.get(&no).copied() else { return Ok(()) };
    for (kind, keys) in &new {
        let count = match kind {
            Kind::Metric => &mut counts.metrics,
            Kind::Param => &mut counts.params,
            Kind::Tag => &mut counts.tags,
        };
        let adding = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        *count += adding;
        if *count > KEYS_OF_A_RUN {
            // Some of them may be there already.
            let there = store::has(tx, *kind, no, &keys.values().copied().collect::<Vec<_>>()).await?;
            let there: HashSet<String> = there.into_iter().map(|(key,)| key).collect();
            *count -= i64::try_from(there.len()).unwrap_or_default();
            if *count > KEYS_OF_A_RUN {
                let what = format!("{kind:?}s").to_lowercase();
                return Err(Error::QuotaExceeded(format!("A run has at most {KEYS_OF_A_RUN} different {what}; this would be more.")));
            }
        }
    }
    seen.counts.insert(no, counts);
    plan.learned.extend(new.into_values().flat_map(BTreeMap::into_keys));
    Ok(())
}

fn take_batch<'a>(seen: &Seen, plan: &mut Plan<'a>, no: i64, batch: &'a Batch) {
    for param in &batch.params {
        if !seen.params.contains_key(&(no, param.key.clone())) {
            plan.params.insert((no, &param.key), &param.value);
        }
    }
    for tag in &batch.tags {
        plan.tags.insert((no, &tag.key), &tag.value);
        if tag.key == TAG_RUN_NAME && !tag.value.is_empty() {
            plan.changes.entry(no).or_default().name = Some(tag.value.clone());
        }
    }
    for m in &batch.metrics {
        // One kind of NaN, so that the same point is the same bytes.
        let value = if m.value.is_nan() { f64::NAN } else { m.value };
        plan.series.entry((no, &m.key)).or_default().push(Point { step: m.step, timestamp: m.timestamp, value });
    }
}

/// Writes the plan.
async fn put(tx: &mut Tx, memory: &mut Memory, seen: &Seen, plan: &Plan<'_>, at: Millis) -> Result<()> {
    put_created(tx, seen, plan, at).await?;
    crash::point("after_insert_1");
    store::put_params(tx, pairs(&plan.params)).await?;
    crash::point("after_insert_2");
    store::put_tags(tx, pairs(&plan.tags)).await?;
    for (no, change) in &plan.changes {
        store::change_run(tx, *no, change.name.as_deref(), change.status, change.end_time).await?;
    }
    crash::point("after_insert_3");
    store::put_latest(tx, latest(&plan.series)).await?;
    crash::point("after_insert_4");
    for (no, points) in &plan.measured {
        logged_models_store::put_metrics(tx, *no, points).await?;
    }
    put_series(tx, memory, seen, plan).await?;
    crash::point("after_insert_5");
    Ok(())
}

fn pairs<'a>(pairs: &BTreeMap<(i64, &'a str), &'a str>) -> Vec<(i64, &'a str, &'a str)> {
    pairs.iter().map(|((no, key), value)| (*no, *key, *value)).collect()
}

/// The greatest new point of each history.
fn latest<'a>(series: &BTreeMap<(i64, &'a str), Vec<Point>>) -> Vec<(i64, &'a str, Point)> {
    let latest = |points: &Vec<Point>| points.iter().copied().reduce(|a, b| if is_later(&b, &a) { b } else { a });
    series.iter().filter_map(|((no, key), points)| Some((*no, *key, latest(points)?))).collect()
}

async fn put_created(tx: &mut Tx, seen: &Seen, plan: &Plan<'_>, at: Millis) -> Result<()> {
    if plan.created.is_empty() {
        return Ok(());
    }
    let first = tx.next_many("run", i64::try_from(plan.created.len()).unwrap_or(i64::MAX)).await?;
    let version = |run: &Creation| seen.experiments.get(&run.experiment).map_or(0, |e| e.version);
    let runs: Vec<NewRun<'_>> = (first..)
        .zip(&plan.created)
        .map(|(no, (job, run))| NewRun { no, version: version(run), team: job.scope.team.as_str(), by: job.scope.user.as_str(), run })
        .collect();
    store::insert_runs(tx, &runs, at).await?;
    let tags = runs.iter().flat_map(|new| new.run.tags.iter().map(|(key, value)| (new.no, key.as_str(), value.as_str()))).collect();
    store::put_tags(tx, tags).await
}

/// Adds a chunk to each history, now and then one that takes the small ones before it in.
async fn put_series(tx: &mut Tx, memory: &mut Memory, seen: &Seen, plan: &Plan<'_>) -> Result<()> {
    let mut settled = Vec::with_capacity(plan.series.len());
    for ((no, key), points) in &plan.series {
        let seq = seen.runs.get(no).map_or(0, |run| run.version);
        let mut points = points.clone();
        let mut seqs = Vec::new();
        if points.len() < MEDIUM && memory.dice.once_in_a_while() {
            let smaller_than = if points.len() >= SMALL || memory.dice.once_in_a_while() { MEDIUM } else { SMALL };
            let (taken, before) = history_store::take_small(tx, *no, key, i64::try_from(smaller_than).unwrap_or(i64::MAX)).await?;
            seqs = taken;
            points.splice(0..0, before);
        }
        series::settle(&mut points);
        seqs.push(seq);
        settled.push((*no, *key, seqs, points));
    }
    let mut chunks = Vec::with_capacity(settled.len());
    for (run_no, key, seqs, points) in &settled {
        // Never more pieces than chunks that went into them, whose numbers they get.
        let size = LARGE.max(points.len().div_ceil(seqs.len()));
        for (seq, points) in seqs.iter().zip(points.chunks(size)) {
            chunks.push(Chunk { run_no: *run_no, key, seq: *seq, points });
        }
    }
    history_store::put_chunks(tx, &chunks).await
}

fn owe_notes(memory: &mut Memory, seen: &Seen, jobs: &[&Job], results: &[Result<()>], now: Instant) {
    for (job, _) in jobs.iter().zip(results).filter(|(_, result)| result.is_ok()) {
        let (id, loud) = match &job.work {
            Work::Create(run) => (run.experiment, true),
            Work::Update(id, change) => match place_of(seen, job, id) {
                Some(place) => (place.experiment_id, change.status.is_some_and(|s| s != RunStatus::Running)),
                None => continue,
            },
            Work::Log(id, _) => match place_of(seen, job, id) {
                Some(place) => (place.experiment_id, false),
                None => continue,
            },
        };
        let is_default = seen.experiments.get(&id).map_or(0, |e| e.is_default);
        memory.notes.owe(id, &job.scope.team_name, public_id(id, is_default), loud, now);
    }
}
