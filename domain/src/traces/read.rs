//! Traces as they are read: one, several, with their spans or without.

use super::{
    assessment_store, span_store,
    store::{self, Kind, TraceRow},
};
use crate::{
    caller::Caller,
    db::Db,
    error::{Error, Result},
    model::{ExperimentId, Permission, Span, TRACE_LENGTH, TRACE_SIZE, TRACES_OF_A_PAGE, TeamId, Trace, TraceInfo},
    portal::Portal,
};
use serde_json::Value;

/// One trace without its spans.
pub async fn info(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<TraceInfo> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    info_of(portal, &scope.team, id).await
}

pub(super) async fn info_of(portal: &Portal, team: &TeamId, id: &str) -> Result<TraceInfo> {
    let row = store::find(&portal.db, team, id).await?;
    infos(&portal.db, std::slice::from_ref(&row)).await?.pop().ok_or(Error::NotFound("trace"))
}

/// One trace with its spans. Without `partial`, one whose spans have not all come is not there yet.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, id: &str, partial: bool) -> Result<Trace> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let row = store::find(&portal.db, &scope.team, id).await?;
    let trace = with_spans(&portal.db, vec![row]).await?.pop().ok_or(Error::NotFound("trace"))?;
    if partial || is_complete(&trace) {
        Ok(trace)
    } else {
        Err(Error::NotFound("trace with all of its spans; some are still on their way"))
    }
}

/// The spans of a trace that have come so far.
pub async fn parts(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<Vec<Span>> {
    Ok(get(portal, caller, team, id, true).await?.spans)
}

/// These traces without their spans, in this order; what the team does not have is left out, as is what lies in other experiments.
pub async fn batch_infos(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    ids: &[String],
    experiments: Option<&[ExperimentId]>,
) -> Result<Vec<TraceInfo>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let infos = infos(&portal.db, &rows(&portal.db, &scope.team, ids).await?).await?;
    Ok(infos.into_iter().filter(|info| experiments.is_none_or(|some| some.contains(&info.experiment))).collect())
}

/// The same with their spans; traces whose spans have not all come are left out.
pub async fn batch(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    ids: &[String],
    experiments: Option<&[ExperimentId]>,
) -> Result<Vec<Trace>> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let rows = rows(&portal.db, &scope.team, ids).await?;
    let nos: Vec<i64> = rows.iter().map(|row| row.no).collect();
    if nos.len() > 1 && span_store::groups(&portal.db, &nos, TRACE_LENGTH).await?.len() > 1 {
        return Err(Error::invalid("trace_ids", "These traces are too long to be sent together; ask for fewer at a time."));
    }
    let traces = with_spans(&portal.db, rows).await?;
    let wanted = |trace: &Trace| is_complete(trace) && experiments.is_none_or(|some| some.contains(&trace.info.experiment));
    Ok(traces.into_iter().filter(wanted).collect())
}

async fn rows(db: &Db, team: &TeamId, ids: &[String]) -> Result<Vec<TraceRow>> {
    if i64::try_from(ids.len()).is_ok_and(|count| count > TRACES_OF_A_PAGE) {
        return Err(Error::invalid("trace_ids", format!("Ask for at most {TRACES_OF_A_PAGE} traces at a time.")));
    }
    if ids.is_empty() { Ok(Vec::new()) } else { store::find_many(db, team, ids).await }
}

/// The client says how many spans there are; without its word, whatever has come is everything.
fn is_complete(trace: &Trace) -> bool {
    let said = trace.info.metadata.get(TRACE_SIZE).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let expected = said.and_then(|size| size["num_spans"].as_u64()).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    !trace.spans.is_empty() && trace.spans.len() >= expected
}

/// Rows with everything that belongs to them, in their order.
pub(super) async fn infos(db: &Db, rows: &[TraceRow]) -> Result<Vec<TraceInfo>> {
    let nos: Vec<i64> = rows.iter().map(|row| row.no).collect();
    let mut tags = store::pairs(db, Kind::Tags, &nos).await?;
    let mut metadata = store::pairs(db, Kind::Metadata, &nos).await?;
    let mut assessments = assessment_store::all(db, &nos).await?;
    rows.iter()
        .map(|row| {
            let mut info = store::info(row, tags.remove(&row.no).unwrap_or_default(), metadata.remove(&row.no).unwrap_or_default())?;
            info.assessments = assessments.remove(&row.no).unwrap_or_default();
            Ok(info)
        })
        .collect()
}

async fn with_spans(db: &Db, rows: Vec<TraceRow>) -> Result<Vec<Trace>> {
    let nos: Vec<i64> = rows.iter().map(|row| row.no).collect();
    let mut spans = span_store::all(db, &nos).await?;
    let infos = infos(db, &rows).await?;
    Ok(infos.into_iter().zip(&rows).map(|(info, row)| Trace { info, spans: spans.remove(&row.no).unwrap_or_default() }).collect())
}
