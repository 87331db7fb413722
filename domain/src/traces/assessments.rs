//! What people, judges and programs say about traces.

use super::{
    assessment_store,
    semantics::{DEPTH, is_flat},
    store, told,
};
use crate::{
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    model::{ASSESSMENTS_OF_A_TRACE, Assessment, Judgement, Millis, Pairs, Permission, validate_trace_id},
    portal::Portal,
    random,
};

/// Adds an assessment to the trace that it names. One that overrides another makes that one invalid.
///
/// # Errors
/// `NotFound` where the trace, or what is overridden, is not there.
pub async fn assess(portal: &Portal, caller: &Caller, team: &str, said: Assessment) -> Result<Assessment> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, &said.trace).await?.ok_or(Error::NotFound("trace"))?;
    let said = put(&mut tx, row.no, &row.id, said, now).await?;
    tx.commit().await?;
    told::tell(portal, &scope, row.experiment_id);
    Ok(said)
}

/// Writes an assessment into the trace's transaction; without an id or times it gets them.
pub(super) async fn put(tx: &mut Tx, no: i64, trace: &str, mut said: Assessment, now: Millis) -> Result<Assessment> {
    trace.clone_into(&mut said.trace);
    if said.id.is_empty() {
        said.id = format!("a-{}", random::hex(&random::bytes::<16>()));
    }
    validate_trace_id(&said.id).map_err(|reason| Error::invalid("assessment.assessment_id", reason))?;
    for at in [&mut said.created_at, &mut said.updated_at] {
        *at = if (1..=i64::MAX / 4).contains(at) { *at } else { now };
    }
    check(&said)?;
    if let Some(overridden) = &said.overrides
        && !assessment_store::set_valid(tx, no, overridden, false).await?
    {
        return Err(Error::NotFound("assessment of this trace to override"));
    }
    assessment_store::put(tx, no, &said).await?;
    if assessment_store::count(tx, no).await? > ASSESSMENTS_OF_A_TRACE {
        return Err(Error::QuotaExceeded(format!("A trace has at most {ASSESSMENTS_OF_A_TRACE} assessments.")));
    }
    Ok(said)
}

fn check(said: &Assessment) -> Result<()> {
    said.validate()?;
    let (Judgement::Feedback { value, .. } | Judgement::Expectation { value }) = &said.judgement else { return Ok(()) };
    if is_flat(value, DEPTH) { Ok(()) } else { Err(Error::invalid("assessment", format!("A value is nested at most {DEPTH} deep."))) }
}

/// One assessment of a trace.
pub async fn assessment(portal: &Portal, caller: &Caller, team: &str, trace: &str, id: &str) -> Result<Assessment> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let row = store::find(&portal.db, &scope.team, trace).await?;
    assessment_store::find(&portal.db, row.no, id).await
}

/// What of an assessment changes; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct AssessmentChange {
    pub name: Option<String>,
    pub judgement: Option<Judgement>,
    pub rationale: Option<String>,
    /// Added to what is there.
    pub metadata: Option<Pairs>,
}

/// Changes an assessment. Who made it, and of what kind it is, stays.
pub async fn change_assessment(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    trace: &str,
    id: &str,
    change: AssessmentChange,
) -> Result<Assessment> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, trace).await?.ok_or(Error::NotFound("trace"))?;
    let mut said = assessment_store::find_tx(&mut tx, row.no, id).await?.ok_or(Error::NotFound("assessment of this trace"))?;
    if let Some(judgement) = change.judgement {
        if judgement.kind() != said.judgement.kind() {
            let reason = format!("Cannot update {} value on a {} assessment.", judgement.kind(), said.judgement.kind());
            return Err(Error::invalid("assessment", reason));
        }
        said.judgement = judgement;
    }
    said.name = change.name.unwrap_or(said.name);
    said.rationale = change.rationale.or(said.rationale);
    said.metadata.extend(change.metadata.unwrap_or_default());
    said.updated_at = now;
    check(&said)?;
    assessment_store::put(&mut tx, row.no, &said).await?;
    tx.commit().await?;
    told::tell(portal, &scope, row.experiment_id);
    Ok(said)
}

/// Takes an assessment away, which may be gone already. What it had replaced is valid again.
pub async fn remove_assessment(portal: &Portal, caller: &Caller, team: &str, trace: &str, id: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    let row = store::lock(&mut tx, &scope.team, trace).await?.ok_or(Error::NotFound("trace"))?;
    let Some(said) = assessment_store::find_tx(&mut tx, row.no, id).await? else { return Ok(()) };
    if let Some(overridden) = &said.overrides {
        assessment_store::set_valid(&mut tx, row.no, overridden, true).await?;
    }
    assessment_store::delete(&mut tx, row.no, id).await?;
    tx.commit().await?;
    told::tell(portal, &scope, row.experiment_id);
    Ok(())
}
