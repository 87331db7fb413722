//! What a client says about a whole trace: at its end (v3), or at its start and its end (v2, older clients).

use super::{
    assessments,
    derive::{self, whole},
    read,
    store::{self, Kind, TraceRow},
    told,
};
use crate::{
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    model::{
        Checks, ExperimentId, Millis, Pairs, Permission, TRACE_FIXED_TAGS, TRACE_NAME, TRACE_PAIRS, TRACE_TOKEN_USAGE, TRACE_VALUE_LENGTH,
        TeamId, TraceInfo, TraceState, cut, validate_key, validate_trace_id, validate_trace_tag,
    },
    portal::Portal,
    random,
    tracking::store as tracking,
};
use serde_json::{Map, Value};

/// Token counts of a trace, in the order of its columns.
pub(super) struct Tokens(pub [Option<i64>; 5]);

/// The counts that a trace's metadata has.
pub(super) fn tokens(metadata: &Pairs) -> Option<Tokens> {
    let usage: Map<String, Value> = serde_json::from_str(metadata.get(TRACE_TOKEN_USAGE)?).ok()?;
    let [input, output, total] = derive::TOKENS;
    let [read, creation, _] = derive::CACHE_TOKENS;
    Some(Tokens([input, output, total, read, creation].map(|key| usage.get(key).and_then(whole))))
}

/// Cuts long values and refuses bad keys. Tags that only Slipway writes are left out, because clients send back what they read.
fn tidy(tags: Pairs, metadata: Pairs) -> Result<(Pairs, Pairs)> {
    let mut checks = Checks::new();
    let tags: Pairs = tags.into_iter().filter(|(key, _)| !TRACE_FIXED_TAGS.contains(&key.as_str())).collect();
    for (field, pairs) in [("tags", &tags), ("trace_metadata", &metadata)] {
        checks.require(pairs.len() <= TRACE_PAIRS, field, format!("A trace is sent at most {TRACE_PAIRS} at a time."));
    }
    for key in tags.keys() {
        checks.check("tags", validate_trace_tag(key));
    }
    for key in metadata.keys() {
        checks.check("trace_metadata", validate_key(key));
    }
    checks.finish()?;
    let tidy = |pairs: Pairs| pairs.into_iter().map(|(k, v)| (k, cut(&v, TRACE_VALUE_LENGTH).replace('\0', "\u{fffd}"))).collect();
    Ok((tidy(tags), tidy(metadata)))
}

async fn open_experiment(tx: &mut Tx, team: &TeamId, id: &ExperimentId) -> Result<i64> {
    let experiment = tracking::experiment_tx(tx, team, id).await?;
    if experiment.deleted_at.is_some() {
        return Err(Error::invalid("experiment_id", "The experiment is deleted; restore it first."));
    }
    Ok(experiment.id)
}

/// Writes tags and metadata, and takes out of them what has columns.
async fn put_pairs(tx: &mut Tx, row: &mut TraceRow, mut tags: Pairs, metadata: &Pairs) -> Result<()> {
    row.name = tags.remove(TRACE_NAME).or(row.name.take());
    store::put(tx, Kind::Tags, row.no, &tags).await?;
    store::put(tx, Kind::Metadata, row.no, metadata).await?;
    if let Some(Tokens(counts)) = tokens(metadata) {
        store::set_tokens(tx, row.no, counts).await?;
    }
    Ok(())
}

fn time(checks: &mut Checks, field: &str, at: Millis) {
    // Sums of a time and a duration stay far from the end of 64 bits.
    checks.require((0..=i64::MAX / 4).contains(&at), field, "This is no time.");
}

/// Writes what the client says about a trace, before or after its spans have come. Said again, it is written over.
///
/// # Errors
/// `Invalid` for bad names and times, a deleted experiment, or a trace that lies in another experiment.
pub async fn start(portal: &Portal, caller: &Caller, team: &str, mut new: TraceInfo) -> Result<TraceInfo> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut checks = Checks::new();
    checks.check("trace_id", validate_trace_id(&new.id));
    time(&mut checks, "request_time", new.request_time);
    time(&mut checks, "execution_duration", new.duration.unwrap_or_default());
    checks.require(
        new.client_request_id.as_ref().is_none_or(|id| id.chars().count() <= 500),
        "client_request_id",
        "Use at most 500 characters.",
    );
    checks.finish()?;
    let (tags, metadata) = tidy(std::mem::take(&mut new.tags), std::mem::take(&mut new.metadata))?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let experiment = open_experiment(&mut tx, &scope.team, &new.experiment).await?;
    let mut row = if let Some(row) = store::lock(&mut tx, &scope.team, &new.id).await? {
        row
    } else {
        let no = tx.next("trace").await?;
        store::insert(&mut tx, &scope.team, experiment, no, &new).await?
    };
    if row.experiment_id != experiment {
        return Err(Error::invalid("trace_id", format!("Trace with ID '{}' already exists in another experiment.", new.id)));
    }
    row.request_time = new.request_time;
    row.duration = new.duration;
    new.state.as_str().clone_into(&mut row.state);
    row.client_request_id = new.client_request_id.as_deref().map(|text| text.replace('\0', "\u{fffd}"));
    row.request_preview = new.request_preview.as_deref().map(derive::short).or(row.request_preview);
    row.response_preview = new.response_preview.as_deref().map(derive::short).or(row.response_preview);
    row.finished = 1;
    put_pairs(&mut tx, &mut row, tags, &metadata).await?;
    store::update(&mut tx, &row).await?;
    for assessment in new.assessments {
        assessments::put(&mut tx, row.no, &row.id, assessment, now).await?;
    }
    tx.commit().await?;
    told::tell(portal, &scope, experiment);
    read::info_of(portal, &scope.team, &new.id).await
}

/// Begins a trace as clients before MLflow 3 do; its id is made here.
pub async fn start_v2(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    experiment: &ExperimentId,
    at: Millis,
    tags: Pairs,
    metadata: Pairs,
) -> Result<TraceInfo> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut checks = Checks::new();
    time(&mut checks, "timestamp_ms", at);
    checks.finish()?;
    let (tags, metadata) = tidy(tags, metadata)?;
    let new = TraceInfo {
        id: random::hex(&random::bytes::<16>()),
        experiment: experiment.clone(),
        request_time: at,
        duration: None,
        state: TraceState::InProgress,
        client_request_id: None,
        request_preview: None,
        response_preview: None,
        metadata: Pairs::new(),
        tags: Pairs::new(),
        assessments: Vec::new(),
    };
    let mut tx = portal.db.begin().await?;
    let experiment = open_experiment(&mut tx, &scope.team, experiment).await?;
    let no = tx.next("trace").await?;
    let mut row = store::insert(&mut tx, &scope.team, experiment, no, &new).await?;
    put_pairs(&mut tx, &mut row, tags, &metadata).await?;
    store::update(&mut tx, &row).await?;
    tx.commit().await?;
    told::tell(portal, &scope, row.experiment_id);
    read::info_of(portal, &scope.team, &new.id).await
}

/// How a trace ended, as clients before MLflow 3 say it.
pub struct End {
    pub at: Millis,
    pub state: TraceState,
    pub tags: Pairs,
    pub metadata: Pairs,
}

/// Ends a trace that `start_v2` began.
pub async fn end_v2(portal: &Portal, caller: &Caller, team: &str, id: &str, end: End) -> Result<TraceInfo> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut checks = Checks::new();
    time(&mut checks, "timestamp_ms", end.at);
    checks.finish()?;
    let (tags, metadata) = tidy(end.tags, end.metadata)?;
    let mut tx = portal.db.begin().await?;
    let mut row = store::lock(&mut tx, &scope.team, id).await?.ok_or(Error::NotFound("trace"))?;
    row.duration = Some((end.at - row.request_time).max(0));
    end.state.as_str().clone_into(&mut row.state);
    row.finished = 1;
    put_pairs(&mut tx, &mut row, tags, &metadata).await?;
    store::update(&mut tx, &row).await?;
    tx.commit().await?;
    told::tell(portal, &scope, row.experiment_id);
    read::info_of(portal, &scope.team, id).await
}
