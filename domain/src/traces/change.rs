//! Changes to traces: tags, deletion, links to runs and prompts.

use super::{
    store::{self, Kind, TraceRow, list},
    told,
};
use crate::{
    args, audit,
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    model::{
        Checks, ExperimentId, Millis, Pairs, Permission, RunId, TRACE_FIXED_TAGS, TRACE_NAME, TRACE_VALUE_LENGTH, TeamId, cut,
        validate_trace_tag,
    },
    portal::Portal,
    tracking::store as tracking,
};

/// Most traces that are linked, or most prompts, in one call; MLflow's.
const LINKS: usize = 100;
/// Most traces that one call deletes by their ids.
const DELETED: usize = 10_000;

async fn locked(tx: &mut Tx, team: &TeamId, id: &str) -> Result<TraceRow> {
    store::lock(tx, team, id).await?.ok_or(Error::NotFound("trace"))
}

/// Sets a tag; a long value is cut.
pub async fn set_tag(portal: &Portal, caller: &Caller, team: &str, id: &str, key: &str, value: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_trace_tag(key).map_err(|reason| Error::invalid("key", reason))?;
    let value = cut(value, TRACE_VALUE_LENGTH).replace('\0', "\u{fffd}");
    let mut tx = portal.db.begin().await?;
    let mut row = locked(&mut tx, &scope.team, id).await?;
    if key == TRACE_NAME {
        row.name = Some(value);
        store::update(&mut tx, &row).await?;
    } else {
        store::put(&mut tx, Kind::Tags, row.no, &Pairs::from([(key.to_owned(), value)])).await?;
    }
    tx.commit().await?;
    told::tell(portal, &scope, row.experiment_id);
    Ok(())
}

/// Takes a tag away.
///
/// # Errors
/// `NotFound` where the trace has no such tag.
pub async fn delete_tag(portal: &Portal, caller: &Caller, team: &str, id: &str, key: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    if TRACE_FIXED_TAGS.contains(&key) {
        return Err(Error::invalid("key", format!("The tag {key} says where the trace is kept and cannot be changed.")));
    }
    let mut tx = portal.db.begin().await?;
    let mut row = locked(&mut tx, &scope.team, id).await?;
    let was_there = if key == TRACE_NAME {
        let was_there = row.name.take().is_some();
        store::update(&mut tx, &row).await?;
        was_there
    } else {
        store::delete_tag(&mut tx, row.no, key).await?
    };
    if !was_there {
        return Err(Error::NotFound("tag of this trace"));
    }
    tx.commit().await?;
    told::tell(portal, &scope, row.experiment_id);
    Ok(())
}

/// Which traces of an experiment to delete: those of these ids, or those not younger than a time, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Doomed {
    pub ids: Vec<String>,
    pub until: Option<Millis>,
    pub most: Option<i64>,
}

/// Deletes traces for good, with their spans and assessments. How many it were.
///
/// # Errors
/// `Invalid` unless either ids or a time are given, as MLflow wants it.
pub async fn delete(portal: &Portal, caller: &Caller, team: &str, experiment: &ExperimentId, doomed: Doomed) -> Result<u64> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut checks = Checks::new();
    let either = doomed.until.is_some() == doomed.ids.is_empty();
    checks.require(either, "request_ids", "Either `max_timestamp_millis` or `trace_ids` must be specified, and not both.");
    checks.require(
        doomed.ids.is_empty() || doomed.most.is_none(),
        "max_traces",
        "`max_traces` can't be specified if `trace_ids` is specified.",
    );
    checks.require(doomed.most.is_none_or(|most| most > 0), "max_traces", "`max_traces` must be a positive integer.");
    checks.require(doomed.ids.len() <= DELETED, "request_ids", format!("Delete at most {DELETED} traces at a time."));
    checks.finish()?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = tracking::experiment_tx(&mut tx, &scope.team, experiment).await?;
    let mut deleted = 0;
    if doomed.ids.is_empty() {
        let sql = "DELETE FROM traces WHERE no IN (SELECT no FROM traces WHERE experiment_id = $1 AND request_time <= $2
                   ORDER BY request_time, id LIMIT $3)";
        deleted += tx.execute(sql, args![row.id, doomed.until.unwrap_or_default(), doomed.most.unwrap_or(i64::MAX)]).await?;
    }
    for ids in doomed.ids.chunks(500) {
        let mut args = args![row.id];
        let sql = format!("DELETE FROM traces WHERE experiment_id = $1 AND id IN {}", list(&mut args, ids));
        deleted += tx.execute_assembled(sql, args).await?;
    }
    if deleted > 0 {
        let entry = audit::Entry::<(), _> {
            team: Some(team),
            action: "traces.delete",
            object: experiment.as_str(),
            object_name: &row.name,
            before: None,
            after: Some(serde_json::json!({ "deleted": deleted })),
        };
        audit::record(&mut tx, caller, now, entry).await?;
    }
    tx.commit().await?;
    if deleted > 0 {
        told::tell(portal, &scope, row.id);
    }
    Ok(deleted)
}

pub(super) async fn link(tx: &mut Tx, trace: i64, run: i64) -> Result<()> {
    let sql = "INSERT INTO trace_runs (trace_no, run_no) VALUES ($1, $2) ON CONFLICT (trace_no, run_no) DO NOTHING";
    tx.execute(sql, args![trace, run]).await?;
    Ok(())
}

/// Says that these traces belong to a run. Traces that the team does not have are passed over, as MLflow does.
pub async fn link_run(portal: &Portal, caller: &Caller, team: &str, ids: &[String], run: &RunId) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    if ids.len() > LINKS {
        let reason = format!("Cannot link more than {LINKS} traces to a run in a single request. Provided {} traces.", ids.len());
        return Err(Error::invalid("trace_ids", reason));
    }
    let mut tx = portal.db.begin().await?;
    let run = tracking::run_tx(&mut tx, &scope.team, run).await?;
    // In one order, so that no two requests wait for each other.
    let mut ids: Vec<&String> = ids.iter().collect();
    ids.sort_unstable();
    for id in ids {
        if let Some(row) = store::lock(&mut tx, &scope.team, id).await? {
            link(&mut tx, row.no, run.no).await?;
        }
    }
    tx.commit().await?;
    told::tell(portal, &scope, run.experiment_id);
    Ok(())
}

/// Says which prompts, by name and version, a trace used.
pub async fn link_prompts(portal: &Portal, caller: &Caller, team: &str, id: &str, prompts: &[(String, i64)]) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut checks = Checks::new();
    checks.require(prompts.len() <= LINKS, "prompt_versions", format!("Link at most {LINKS} prompts at a time."));
    for (name, version) in prompts {
        let fine = (1..=250).contains(&name.chars().count()) && !name.contains('/') && *version > 0;
        checks.require(fine, "prompt_versions", "A prompt has a name without slashes and a version that is a positive number.");
    }
    checks.finish()?;
    let mut tx = portal.db.begin().await?;
    let row = locked(&mut tx, &scope.team, id).await?;
    let rows = prompts.iter().map(|(name, version)| args![row.no, format!("{name}/{version}")]).collect();
    let head = "INSERT INTO trace_prompts (trace_no, prompt)";
    tx.insert_many(head, "ON CONFLICT (trace_no, prompt) DO NOTHING", rows).await?;
    tx.commit().await?;
    told::tell(portal, &scope, row.experiment_id);
    Ok(())
}
