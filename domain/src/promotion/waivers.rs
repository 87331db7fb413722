//! Waivers: that a failing gate of one request be let through is asked for, and granted or declined by a second person.

use super::{
    decide::{commit, look, note, open, settle},
    in_person,
    waiting::may_grant,
    waiver_store::{self, WaiverRow},
};
use crate::{
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    model::{GateCheck, Permission, RequestState, UserId, validate_reason},
    portal::Portal,
};
use serde_json::json;

/// Asks that a failing gate be let through. A second person, an admin of the team, grants it.
///
/// # Errors
/// `Conflict` where the gate does not fail or cannot be waived.
pub async fn ask_waiver(portal: &Portal, caller: &Caller, team: &str, id: &str, gate: &str, reason: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_reason(reason).map_err(|reason| Error::invalid("reason", reason))?;
    let (reason, now) = (reason.trim(), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    let row = open(&mut tx, &scope, id).await?;
    let (_, checks) = look(&mut tx, &scope, &row).await?;
    let check = failing(&checks, gate)?;
    waiver_store::put(&mut tx, id, gate, (reason, &check.evidence), &scope.user, now).await?;
    let after = json!({ "gate": gate, "reason": reason, "evidence": check.evidence });
    note(&mut tx, (caller, &scope), now, &row, ("promotion.ask_waiver", after, None)).await?;
    commit(portal, tx).await
}

fn failing<'a>(checks: &'a [GateCheck], gate: &str) -> Result<&'a GateCheck> {
    let check = checks.iter().find(|check| check.gate.key() == gate).ok_or(Error::NotFound("gate"))?;
    match check {
        check if !check.gate.can_be_waived() => {
            Err(Error::Conflict("Approvals cannot be waived: a second person always looks.".to_owned()))
        }
        check if check.is_settled() => Err(Error::Conflict("This gate needs no waiver: it is passed or waived.".to_owned())),
        check => Ok(check),
    }
}

/// Grants a waiver; where it was the last gate, promotes. It holds for what was seen of the gate when it was asked for.
///
/// # Errors
/// `Forbidden` for who asked for the promotion or for the waiver; `Conflict` where it is decided already, or something else is seen of the gate by now.
pub async fn grant_waiver(portal: &Portal, caller: &Caller, team: &str, id: &str, gate: &str) -> Result<RequestState> {
    let scope = caller.require_in(Permission::ManagePromotion, team)?;
    in_person(caller)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = open(&mut tx, &scope, id).await?;
    let waiver = waiting(&mut tx, &scope, (id, gate), &UserId(row.requester.clone())).await?;
    let (_, checks) = look(&mut tx, &scope, &row).await?;
    if failing(&checks, gate)?.evidence != waiver.evidence {
        return Err(Error::Conflict(
            "The gate has changed since the waiver was asked for. Look at it again, and ask for a new waiver.".to_owned(),
        ));
    }
    waiver_store::grant(&mut tx, id, gate, &scope.user, now).await?;
    let after = json!({ "gate": gate, "reason": waiver.reason, "asked_by": waiver.asked_by, "evidence": waiver.evidence });
    note(&mut tx, (caller, &scope), now, &row, ("promotion.grant_waiver", after, None)).await?;
    let promoted = settle(&mut tx, (caller, &scope), &row, now).await?;
    commit(portal, tx).await?;
    Ok(if promoted { RequestState::Promoted } else { RequestState::Open })
}

/// Declines a waiver that was asked for, and says why. Another can be asked for.
///
/// # Errors
/// As `grant_waiver`, but also what is no longer seen of the gate can be declined; `Invalid` where it is not said why.
pub async fn decline_waiver(portal: &Portal, caller: &Caller, team: &str, id: &str, gate: &str, why: &str) -> Result<()> {
    let scope = caller.require_in(Permission::ManagePromotion, team)?;
    in_person(caller)?;
    validate_reason(why).map_err(|reason| Error::invalid("reason", reason))?;
    let (why, now) = (why.trim(), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    let row = open(&mut tx, &scope, id).await?;
    let waiver = waiting(&mut tx, &scope, (id, gate), &UserId(row.requester.clone())).await?;
    waiver_store::decline(&mut tx, id, gate, why, &scope.user, now).await?;
    let after = json!({ "gate": gate, "reason": waiver.reason, "asked_by": waiver.asked_by, "evidence": waiver.evidence, "why": why });
    note(&mut tx, (caller, &scope), now, &row, ("promotion.decline_waiver", after, None)).await?;
    commit(portal, tx).await
}

/// The gate's waiver, which nobody has decided on and the caller may.
async fn waiting(tx: &mut Tx, scope: &TeamScope, (id, gate): (&str, &str), requester: &UserId) -> Result<WaiverRow> {
    let waivers = waiver_store::waivers_tx(tx, &scope.team, id).await?;
    let waiver = waivers.into_iter().find(|w| w.gate == gate).ok_or(Error::NotFound("waiver"))?;
    if !may_grant(scope, requester, &waiver) {
        return Err(Error::Forbidden("A waiver is decided on by somebody who asked neither for it nor for the promotion.".to_owned()));
    }
    if !waiver.is_open() {
        let how = if waiver.granted_at.is_some() { "granted" } else { "declined" };
        return Err(Error::Conflict(format!("This waiver was {how} already.")));
    }
    Ok(waiver)
}
