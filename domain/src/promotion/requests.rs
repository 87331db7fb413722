//! Requests for promotions: asked, listed, looked at.

use super::{
    decide,
    gates::{self, Subject},
    holders, lapse_store, store,
    store::{NewRow, RequestRow, ReviewRow},
    waiting::{Said, may_grant},
    waiver_store::{self, WaiverRow},
};
use crate::{
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    events,
    model::{
        Change, Gate, GateCheck, Permission, PromotionDetail, PromotionFlow, PromotionPreview, PromotionRequest, PromotionReview,
        PromotionStage, PromotionWaiver, RequestRights, RequestState, Role, UserId, validate_comment,
    },
    portal::Portal,
    random,
    registry::{
        changes::{self, Changed},
        store as registry_store, version_store,
    },
    webhooks::Happening,
};
use serde_json::json;

/// Closed requests that a list shows.
const CLOSED: i64 = 200;

pub(super) fn stage_of<'a>(flow: &'a PromotionFlow, alias: &str) -> Result<&'a PromotionStage> {
    let known = || flow.stages.iter().map(|s| s.alias.as_str()).collect::<Vec<_>>().join(", ");
    flow.stage(alias).ok_or_else(|| Error::invalid("alias", format!("The team's flow has no stage of this name; it has {}.", known())))
}

pub(super) fn gates_text(checks: &[GateCheck]) -> Result<String> {
    serde_json::to_string(checks).map_err(|e| Error::internal("gates", e))
}

fn gates_from(text: &str) -> Result<Vec<GateCheck>> {
    serde_json::from_str(text).map_err(|e| Error::internal("promotion_requests.gates", e))
}

/// What asking for a promotion of the version to the alias would come to. Changes nothing.
pub async fn preview(portal: &Portal, caller: &Caller, team: &str, (name, version): (&str, i64), alias: &str) -> Result<PromotionPreview> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let model = registry_store::find(&portal.db, &scope.team, name).await?;
    // A view of one moment that is dropped again.
    let mut tx = portal.db.begin_snapshot().await?;
    let flow = store::flow_tx(&mut tx, &scope.team).await?;
    let stage = stage_of(&flow, alias)?.clone();
    let subject = Subject { team: &scope.team, model: &model.id, version, requester: &scope.user, request: None };
    let gates = gates::look(&mut tx, &subject, &flow, &stage).await?;
    let holder = registry_store::alias(&mut tx, &model.id, alias).await?;
    let open = store::open_for(&mut tx, (&model.id, version), alias).await?;
    let reviewers = names(&mut tx, &scope, &stage).await?;
    Ok(PromotionPreview { stage, reviewers, gates, holder, open })
}

/// Emails of the stage's named reviewers who may review.
async fn names(tx: &mut Tx, scope: &TeamScope, stage: &PromotionStage) -> Result<Vec<String>> {
    let able = super::gates_store::able(tx, &scope.team).await?;
    Ok(able.into_iter().filter(|(user, _)| stage.reviewers.contains(user)).map(|(_, email)| email).collect())
}

/// Asks for a promotion. Where all gates are passed already, it is done at once. Gives the request's id.
///
/// # Errors
/// `Conflict` where the version holds the alias already or is asked for already.
pub async fn request(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    (name, version): (&str, i64),
    alias: &str,
    note: &str,
) -> Result<String> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    validate_comment(note).map_err(|reason| Error::invalid("note", reason))?;
    let (id, now) = (random::id::<String>(), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    let model = registry_store::lock(&mut tx, &scope.team, name).await?;
    version_store::find_tx(&mut tx, &model.id, version).await?;
    let flow = store::flow_tx(&mut tx, &scope.team).await?;
    let stage = stage_of(&flow, alias)?;
    let holder = registry_store::alias(&mut tx, &model.id, alias).await?;
    if holder == Some(version) {
        return Err(Error::Conflict(format!("Version {version} is {alias} already.")));
    }
    if store::open_for(&mut tx, (&model.id, version), alias).await?.is_some() {
        return Err(Error::Conflict(format!("A promotion of version {version} to {alias} is asked for already.")));
    }
    let subject = Subject { team: &scope.team, model: &model.id, version, requester: &scope.user, request: None };
    let checks = gates::look(&mut tx, &subject, &flow, stage).await?;
    let gates = gates_text(&checks)?;
    let row = NewRow {
        id: &id,
        team: &scope.team,
        model: &model.id,
        version,
        alias,
        note: note.trim(),
        holder,
        gates: &gates,
        by: &scope.user,
        at: now,
    };
    store::insert(&mut tx, row).await?;
    let changed = Changed {
        action: "promotion.request",
        model: (&model.id, name),
        before: None,
        after: Some(json!({ "request": id, "version": version, "alias": alias, "gates": decide::shown_gates(&checks) })),
        told: Some(Happening {
            event: "promotion.requested",
            data: json!({ "id": id, "name": name, "version": version.to_string(), "alias": alias, "requested_by": scope.email, "note": note.trim() }),
        }),
    };
    changes::write(&mut tx, (caller, &scope), now, changed).await?;
    events::publish(&mut tx, now, Some(&scope.team_name), &Change::Promotions).await?;
    let row = store::lock(&mut tx, &scope.team, &id).await?;
    decide::settle(&mut tx, (caller, &scope), &row, now).await?;
    tx.commit().await?;
    portal.outbound.wake();
    Ok(id)
}

/// The team's requests: open ones and the newest closed ones.
pub async fn list(portal: &Portal, caller: &Caller, team: &str) -> Result<Vec<PromotionRequest>> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let mut rows = store::open_requests(&portal.db, &scope.team).await?;
    rows.extend(store::closed_requests(&portal.db, &scope.team, CLOSED).await?);
    let said = Said::of_open(portal, &scope).await?;
    rows.iter().map(|row| said.request(row)).collect()
}

/// A request with its gates as they are now, or as they were when it was closed.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<PromotionDetail> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let row = store::find(&portal.db, &scope.team, id).await?;
    let (open, requester) = (row.state()? == RequestState::Open, UserId(row.requester.clone()));
    let said = Said {
        scope: &scope,
        flow: store::flow(&portal.db, &scope.team).await?,
        reviews: store::reviews(&portal.db, &scope.team, id).await?,
        waivers: waiver_store::waivers(&portal.db, &scope.team, id).await?,
        lapsed: lapse_store::open_of(&portal.db, &scope.team, &scope.user).await?,
    };
    let gates_then = gates_from(&row.gates_then)?;
    let (mut gates, mut reviewers) = (row.gates_closed.as_deref().map(gates_from).transpose()?.unwrap_or_default(), Vec::new());
    if let Some(stage) = said.flow.stage(&row.alias).filter(|_| open) {
        let mut tx = portal.db.begin_snapshot().await?;
        let subject = Subject { team: &scope.team, model: &row.model_id, version: row.version, requester: &requester, request: Some(id) };
        gates = gates::look(&mut tx, &subject, &said.flow, stage).await?;
        reviewers = names(&mut tx, &scope, stage).await?;
    }
    let rights = rights(&said.flow, &row, &scope, open, &gates);
    let for_me = |w: &WaiverRow| open && w.is_open() && may_grant(&scope, &requester, w);
    Ok(PromotionDetail {
        request: said.request(&row)?,
        waivers: said.waivers.iter().map(|w| waiver(w, for_me(w))).collect(),
        holder: holders::now(&portal.db, &row.model_id, &row.alias).await?,
        reviews: said.reviews.into_iter().map(review).collect(),
        lapsed: lapse_store::of(&portal.db, &scope.team, id).await?,
        gates,
        gates_then,
        reviewers,
        rights,
    })
}

fn review(row: ReviewRow) -> PromotionReview {
    PromotionReview { by: row.email, approves: row.approves == 1, comment: row.comment, at: row.reviewed_at }
}

fn waiver(row: &WaiverRow, for_me: bool) -> PromotionWaiver {
    let row = row.clone();
    PromotionWaiver {
        gate: row.gate,
        reason: row.reason,
        evidence: row.evidence,
        asked_by: row.asked_by,
        asked_at: row.asked_at,
        granted_by: row.granted_by,
        granted_at: row.granted_at,
        declined_by: row.declined_by,
        declined_at: row.declined_at,
        declining: row.declining,
        for_me,
    }
}

fn rights(flow: &PromotionFlow, row: &RequestRow, scope: &TeamScope, open: bool, gates: &[GateCheck]) -> RequestRights {
    let requester = UserId(row.requester.clone());
    let wanted = gates.iter().any(|check| matches!(check.gate, Gate::Approvals(_)));
    let why_not = match flow.stage(&row.alias) {
        _ if !open => "The request is closed.",
        None => "The team's flow has no such stage any more. Withdraw the request.",
        Some(_) if scope.role < Role::Member => "Viewers do not review.",
        Some(_) if scope.user == requester => "You asked for it, so somebody else decides.",
        Some(stage) if !gates::may_review(stage, &requester, &scope.user) => "The flow names other reviewers.",
        Some(_) if !wanted => "The stage asks for no approvals.",
        Some(_) => "",
    };
    RequestRights {
        review: why_not.is_empty(),
        why_not: why_not.to_owned(),
        write: open && scope.role >= Role::Member,
        withdraw: open && (scope.user == requester || scope.role == Role::Admin),
    }
}
