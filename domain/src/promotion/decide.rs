//! Decisions on requests: reviews, withdrawal; and the promotion itself, once every gate is passed or waived.
//!
//! All of it holds the model's row, so that two people who decide at once come one after the other and the alias moves once.

use super::{
    gates::{self, Subject},
    holders::{self, How, Move},
    in_person, lapse_store,
    requests::gates_text,
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
use std::collections::BTreeMap;

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
pub(super) async fn open(tx: &mut Tx, scope: &TeamScope, id: &str) -> Result<RequestRow> {
    let row = store::lock(tx, &scope.team, id).await?;
    match row.state()? {
        RequestState::Open => Ok(row),
        state => {
            let why = row.closing.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            Err(Error::Conflict(format!("This request is closed; it was {}{why}", state.as_str()).trim_end_matches('.').to_owned() + "."))
        }
    }
}

pub(super) async fn look(tx: &mut Tx, scope: &TeamScope, row: &RequestRow) -> Result<(PromotionStage, Vec<GateCheck>)> {
    let flow = store::flow_tx(tx, &scope.team).await?;
    let gone = || Error::Conflict(format!("The team's flow has no stage {} any more. Withdraw the request.", row.alias));
    let stage = flow.stage(&row.alias).ok_or_else(gone)?.clone();
    let requester = UserId(row.requester.clone());
    let subject = Subject { team: &scope.team, model: &row.model_id, version: row.version, requester: &requester, request: Some(&row.id) };
    let checks = gates::look(tx, &subject, &flow, &stage).await?;
    Ok((stage, checks))
}

/// Writes a step of a request down and tells those who look.
pub(super) async fn note(
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

pub(super) async fn commit(portal: &Portal, tx: Tx) -> Result<()> {
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

/// Approvals of a version's open requests lapse: its model card, which they were given for, has changed. Who gave them is asked again.
pub(super) async fn lapse_approvals(tx: &mut Tx, (caller, scope): (&Caller, &TeamScope), of: (&str, i64), at: Millis) -> Result<()> {
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (request, email) in lapse_store::approvals(tx, of).await? {
        given.entry(request).or_default().push(email);
    }
    for (request, approved_by) in given {
        let row = store::lock(tx, &scope.team, &request).await?;
        lapse_store::lapse(tx, &request, &scope.user, at).await?;
        note(tx, (caller, scope), at, &row, ("promotion.lapse", json!({ "approved_by": approved_by }), None)).await?;
    }
    Ok(())
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
