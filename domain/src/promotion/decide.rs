//! Decisions on requests: reviews, waivers, withdrawal; and the promotion itself, once every gate is passed or waived.
//!
//! All of it holds the model's row, so that two people who decide at once come one after the other and the alias moves once.

use super::{
    gates::{self, Subject},
    holders::{self, How, Move},
    in_person,
    requests::{gates_text, may_grant},
    store::{self, Closing, RequestRow},
};
use crate::{
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    events,
    model::{Change, GateCheck, Millis, Permission, PromotionStage, RequestState, Role, UserId, validate_comment, validate_reason},
    portal::Portal,
    registry::{
        changes::{self, Changed},
        store as registry_store, version_store,
    },
    webhooks::Happening,
};
use serde_json::{Value as Json, json};

/// Gates for the audit trail.
pub(super) fn shown_gates(checks: &[GateCheck]) -> Json {
    let shown = |check: &GateCheck| {
        let state = if check.passed {
            "passed"
        } else if check.waived {
            "waived"
        } else {
            "failing"
        };
        json!({ "gate": check.gate.key(), "is": state, "evidence": check.evidence })
    };
    checks.iter().map(shown).collect()
}

/// A request that is open, with its model held.
async fn open(tx: &mut Tx, scope: &TeamScope, id: &str) -> Result<RequestRow> {
    let row = store::lock(tx, &scope.team, id).await?;
    match row.state()? {
        RequestState::Open => Ok(row),
        state => {
            let why = row.closing.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            Err(Error::Conflict(format!("This request is closed; it was {}{why}", state.as_str()).trim_end_matches('.').to_owned() + "."))
        }
    }
}

async fn look(tx: &mut Tx, scope: &TeamScope, row: &RequestRow) -> Result<(PromotionStage, Vec<GateCheck>)> {
    let flow = store::flow_tx(tx, &scope.team).await?;
    let gone = || Error::Conflict(format!("The team's flow has no stage {} any more. Withdraw the request.", row.alias));
    let stage = flow.stage(&row.alias).ok_or_else(gone)?.clone();
    let requester = UserId(row.requester.clone());
    let subject = Subject { team: &scope.team, model: &row.model_id, version: row.version, requester: &requester, request: Some(&row.id) };
    let checks = gates::look(tx, &subject, &flow, &stage).await?;
    Ok((stage, checks))
}

/// Writes a step of a request down and tells those who look.
async fn note(
    tx: &mut Tx,
    (caller, scope): (&Caller, &TeamScope),
    at: Millis,
    row: &RequestRow,
    step: (&'static str, Json, Option<Happening>),
) -> Result<()> {
    let (action, mut after, told) = step;
    after["request"] = json!(row.id);
    after["version"] = json!(row.version);
    after["alias"] = json!(row.alias);
    let changed = Changed { action, model: (&row.model_id, &row.model), before: None, after: Some(after), told };
    changes::write(tx, (caller, scope), at, changed).await?;
    events::publish(tx, at, Some(&scope.team_name), &Change::Promotions).await
}

/// Looks at the gates again, and promotes where all are passed or waived. Says whether it did.
pub(super) async fn settle(tx: &mut Tx, (caller, scope): (&Caller, &TeamScope), row: &RequestRow, at: Millis) -> Result<bool> {
    let (stage, checks) = look(tx, scope, row).await?;
    if !checks.iter().all(GateCheck::is_settled) {
        return Ok(false);
    }
    let before = point(tx, row, &stage, at).await?;
    let moved = Move { alias: &row.alias, to: Some(row.version), how: How::Promoted, reason: None, request: Some(&row.id) };
    holders::record(tx, &row.model_id, moved, &scope.user, at).await?;
    let gates = gates_text(&checks)?;
    let closing = Closing { state: RequestState::Promoted, gates: Some(&gates), why: None, by: &scope.user, at };
    store::close(tx, &row.id, closing).await?;
    let after = json!({ "request": row.id, "alias": row.alias, "version": row.version, "requested_by": row.requested_by, "gates": shown_gates(&checks) });
    let changed = Changed {
        action: "model.promote",
        model: (&row.model_id, &row.model),
        before: before.map(|version| json!({ "alias": row.alias, "version": version })),
        after: Some(after),
        told: Some(Happening {
            event: "model_version_alias.created",
            data: json!({ "name": row.model, "alias": row.alias, "version": row.version.to_string() }),
        }),
    };
    changes::write(tx, (caller, scope), at, changed).await?;
    let told = Happening {
        event: "promotion.completed",
        data: json!({ "id": row.id, "name": row.model, "version": row.version.to_string(), "alias": row.alias,
                      "previous_version": before.map(|v| v.to_string()), "requested_by": row.requested_by }),
    };
    crate::webhooks::enqueue(tx, &scope.team, &row.model_id, at, &told).await?;
    events::publish(tx, at, Some(&scope.team_name), &Change::Promotions).await?;
    Ok(true)
}

/// Points the alias to the request's version, and the stage of MLflow's that goes with it; who held it before.
async fn point(tx: &mut Tx, row: &RequestRow, stage: &PromotionStage, at: Millis) -> Result<Option<i64>> {
    let before = registry_store::alias(tx, &row.model_id, &row.alias).await?;
    move_to(tx, &row.model_id, stage, row.version, at).await?;
    Ok(before)
}

/// Moves a stage's alias, and the stage of MLflow's that goes with it, from which every other version goes.
pub(super) async fn move_to(tx: &mut Tx, model: &str, stage: &PromotionStage, version: i64, at: Millis) -> Result<()> {
    registry_store::set_alias(tx, model, &stage.alias, version).await?;
    if let Some(mlflow_stage) = stage.mlflow_stage {
        version_store::archive_others(tx, (model, version), mlflow_stage, at).await?;
        version_store::set_stage(tx, (model, version), mlflow_stage, at).await?;
    }
    registry_store::touch(tx, model, at).await
}

/// Completes the open requests of a version that pass all their gates now.
pub(super) async fn settle_version(tx: &mut Tx, by: (&Caller, &TeamScope), of: (&str, i64), at: Millis) -> Result<()> {
    for id in store::open_of(tx, of).await? {
        let row = store::lock(tx, &by.1.team, &id).await?;
        match settle(tx, by, &row, at).await {
            // Its stage is gone; whoever asked withdraws it.
            Err(Error::Conflict(_)) => {}
            other => drop(other?),
        }
    }
    Ok(())
}

async fn commit(portal: &Portal, tx: Tx) -> Result<()> {
    tx.commit().await?;
    portal.outbound.wake();
    Ok(())
}

/// Approves a request or rejects it, which closes it. An approval that passes the last gate promotes. Says how the request stands.
///
/// # Errors
/// `Forbidden` for who asked for it and for whom the stage does not name; `Conflict` where it is closed; `Invalid` for a rejection that says not why.
pub async fn review(portal: &Portal, caller: &Caller, team: &str, id: &str, approves: bool, comment: &str) -> Result<RequestState> {
    let scope = caller.require_in(Permission::ReviewPromotion, team)?;
    in_person(caller)?;
    let checked = if approves { validate_comment(comment) } else { validate_reason(comment) };
    checked.map_err(|reason| Error::invalid("comment", reason))?;
    let (comment, now) = (comment.trim(), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    let row = open(&mut tx, &scope, id).await?;
    if row.requester == scope.user.as_str() {
        return Err(Error::Forbidden("You asked for this promotion, so somebody else decides on it.".to_owned()));
    }
    let (stage, checks) = look(&mut tx, &scope, &row).await?;
    if !gates::may_review(&stage, &UserId(row.requester.clone()), &scope.user) {
        return Err(Error::Forbidden(format!("The team's flow names other reviewers for {}.", stage.alias)));
    }
    store::put_review(&mut tx, id, &scope.user, (approves, comment), now).await?;
    let state = if approves {
        note(&mut tx, (caller, &scope), now, &row, ("promotion.approve", json!({ "comment": comment }), None)).await?;
        if settle(&mut tx, (caller, &scope), &row, now).await? { RequestState::Promoted } else { RequestState::Open }
    } else {
        let gates = gates_text(&checks)?;
        let closing = Closing { state: RequestState::Rejected, gates: Some(&gates), why: Some(comment), by: &scope.user, at: now };
        store::close(&mut tx, id, closing).await?;
        let told = Happening {
            event: "promotion.rejected",
            data: json!({ "id": row.id, "name": row.model, "version": row.version.to_string(), "alias": row.alias, "rejected_by": scope.email, "comment": comment }),
        };
        note(&mut tx, (caller, &scope), now, &row, ("promotion.reject", json!({ "comment": comment }), Some(told))).await?;
        RequestState::Rejected
    };
    commit(portal, tx).await?;
    Ok(state)
}

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
    store::put_waiver(&mut tx, id, gate, (reason, &check.evidence), &scope.user, now).await?;
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
/// `Forbidden` for who asked for the promotion or for the waiver; `Conflict` where something else is seen of the gate by now.
pub async fn grant_waiver(portal: &Portal, caller: &Caller, team: &str, id: &str, gate: &str) -> Result<RequestState> {
    let scope = caller.require_in(Permission::ManagePromotion, team)?;
    in_person(caller)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = open(&mut tx, &scope, id).await?;
    let waivers = store::waivers_tx(&mut tx, &scope.team, id).await?;
    let waiver = waivers.iter().find(|w| w.gate == gate).ok_or(Error::NotFound("waiver"))?;
    if !may_grant(&scope, &UserId(row.requester.clone()), waiver) {
        return Err(Error::Forbidden("A waiver is granted by somebody who asked neither for it nor for the promotion.".to_owned()));
    }
    let (_, checks) = look(&mut tx, &scope, &row).await?;
    if failing(&checks, gate)?.evidence != waiver.evidence {
        return Err(Error::Conflict(
            "The gate has changed since the waiver was asked for. Look at it again, and ask for a new waiver.".to_owned(),
        ));
    }
    store::grant_waiver(&mut tx, id, gate, &scope.user, now).await?;
    let after = json!({ "gate": gate, "reason": waiver.reason, "asked_by": waiver.asked_by, "evidence": waiver.evidence });
    note(&mut tx, (caller, &scope), now, &row, ("promotion.grant_waiver", after, None)).await?;
    let promoted = settle(&mut tx, (caller, &scope), &row, now).await?;
    commit(portal, tx).await?;
    Ok(if promoted { RequestState::Promoted } else { RequestState::Open })
}

/// Looks at the gates again, as after a tag was set or a metric logged, and promotes where all are passed.
pub async fn check_again(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<RequestState> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = open(&mut tx, &scope, id).await?;
    if !settle(&mut tx, (caller, &scope), &row, now).await? {
        return Ok(RequestState::Open);
    }
    commit(portal, tx).await?;
    Ok(RequestState::Promoted)
}

/// Takes a request back: whoever asked, or an admin of the team.
pub async fn withdraw(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let row = open(&mut tx, &scope, id).await?;
    if row.requester != scope.user.as_str() && scope.role != Role::Admin {
        return Err(Error::Forbidden("Only who asked for it, or a team admin, withdraws a request.".to_owned()));
    }
    let gates = match look(&mut tx, &scope, &row).await {
        Ok((_, checks)) => Some(gates_text(&checks)?),
        Err(Error::Conflict(_) | Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let closing = Closing { state: RequestState::Withdrawn, gates: gates.as_deref(), why: None, by: &scope.user, at: now };
    store::close(&mut tx, id, closing).await?;
    note(&mut tx, (caller, &scope), now, &row, ("promotion.withdraw", json!({}), None)).await?;
    commit(portal, tx).await
}

/// Closes the open requests of a version that is being deleted, in the transaction of that.
pub(crate) async fn close_for_deleted(tx: &mut Tx, scope: &TeamScope, of: (&str, i64), at: Millis) -> Result<()> {
    let open = store::open_of(tx, of).await?;
    for id in &open {
        let why = Some("The version was deleted.");
        store::close(tx, id, Closing { state: RequestState::Withdrawn, gates: None, why, by: &scope.user, at }).await?;
    }
    if !open.is_empty() {
        events::publish(tx, at, Some(&scope.team_name), &Change::Promotions).await?;
    }
    Ok(())
}
