//! The holders of an alias, and the way back to an earlier one.

use super::{
    decide,
    holders::{self, How, Move},
    in_person, store,
};
use crate::{
    caller::{Caller, TeamScope},
    error::{Error, Result},
    events,
    model::{AliasHistory, Change, Permission, PromotionFlow, PromotionStage, Role, validate_alias_shape, validate_comment},
    portal::Portal,
    registry::{
        changes::{self, Changed},
        store as registry_store, version_store,
    },
    webhooks::Happening,
};
use serde_json::json;

/// Whether this person may bring an earlier holder back: as who may approve the stage, and every admin.
fn may(flow: &PromotionFlow, alias: &str, scope: &TeamScope) -> bool {
    let named = flow.stage(alias).filter(|stage| stage.protected).map(|stage| &stage.reviewers).filter(|named| !named.is_empty());
    scope.role == Role::Admin || (scope.role >= Role::Member && named.is_none_or(|named| named.contains(&scope.user)))
}

/// Who held the alias, the newest first.
pub async fn history(portal: &Portal, caller: &Caller, team: &str, name: &str, alias: &str) -> Result<AliasHistory> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    validate_alias_shape(alias).map_err(|_| Error::NotFound("alias"))?;
    let model = registry_store::find(&portal.db, &scope.team, name).await?;
    let flow = store::flow(&portal.db, &scope.team).await?;
    let holders = holders::of_alias(&portal.db, &model.id, alias).await?;
    if holders.is_empty() && flow.stage(alias).is_none() {
        return Err(Error::NotFound("alias"));
    }
    Ok(AliasHistory {
        holder: holders::now(&portal.db, &model.id, alias).await?,
        protected: flow.is_protected(alias),
        holders,
        may_roll_back: may(&flow, alias, &scope),
        may_remove: scope.role == Role::Admin,
    })
}

/// Points the alias to a version that held it before. It passed the gates then, so none is asked again; that is for when something is wrong now.
///
/// # Errors
/// `Conflict` where the version never held it or holds it now; `NotFound` where it is gone.
pub async fn roll_back(portal: &Portal, caller: &Caller, team: &str, (name, alias): (&str, &str), to: i64, reason: &str) -> Result<()> {
    let scope = caller.require_in(Permission::ReviewPromotion, team)?;
    in_person(caller)?;
    validate_comment(reason).map_err(|e| Error::invalid("reason", e))?;
    validate_alias_shape(alias).map_err(|_| Error::NotFound("alias"))?;
    let (reason, now) = (Some(reason.trim()).filter(|r| !r.is_empty()), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    let model = registry_store::lock(&mut tx, &scope.team, name).await?;
    version_store::find_tx(&mut tx, &model.id, to).await?;
    let flow = store::flow_tx(&mut tx, &scope.team).await?;
    if !may(&flow, alias, &scope) {
        return Err(Error::Forbidden(format!("Reviewers of {alias} and team admins bring back an earlier version.")));
    }
    let before = registry_store::alias(&mut tx, &model.id, alias).await?;
    if before == Some(to) {
        return Err(Error::Conflict(format!("Version {to} is {alias} already.")));
    }
    if !holders::held(&mut tx, &model.id, alias, to).await? {
        return Err(Error::Conflict(format!("Version {to} never was {alias}. Ask for its promotion instead.")));
    }
    let plain = PromotionStage { alias: alias.to_owned(), ..PromotionStage::default() };
    decide::move_to(&mut tx, &model.id, flow.stage(alias).unwrap_or(&plain), to, now).await?;
    let moved = Move { alias, to: Some(to), how: How::RolledBack, reason, request: None };
    holders::record(&mut tx, &model.id, moved, &scope.user, now).await?;
    let changed = Changed {
        action: "model.roll_back",
        model: (&model.id, name),
        before: before.map(|version| json!({ "alias": alias, "version": version })),
        after: Some(json!({ "alias": alias, "version": to, "reason": reason })),
        told: Some(Happening {
            event: "model_version_alias.created",
            data: json!({ "name": name, "alias": alias, "version": to.to_string() }),
        }),
    };
    changes::write(&mut tx, (caller, &scope), now, changed).await?;
    let told = Happening {
        event: "promotion.rolled_back",
        data: json!({ "name": name, "alias": alias, "version": to.to_string(), "previous_version": before.map(|v| v.to_string()),
                      "by": scope.email, "reason": reason }),
    };
    crate::webhooks::enqueue(&mut tx, &scope.team, &model.id, now, &told).await?;
    events::publish(&mut tx, now, Some(&scope.team_name), &Change::Promotions).await?;
    tx.commit().await?;
    portal.outbound.wake();
    Ok(())
}

/// Takes an alias away from whatever holds it, also a protected one: for a model that goes out of use.
pub async fn remove(portal: &Portal, caller: &Caller, team: &str, (name, alias): (&str, &str), reason: &str) -> Result<()> {
    let scope = caller.require_in(Permission::ManagePromotion, team)?;
    in_person(caller)?;
    validate_comment(reason).map_err(|e| Error::invalid("reason", e))?;
    validate_alias_shape(alias).map_err(|_| Error::NotFound("alias"))?;
    let (reason, now) = (Some(reason.trim()).filter(|r| !r.is_empty()), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    let model = registry_store::lock(&mut tx, &scope.team, name).await?;
    let Some(before) = registry_store::alias(&mut tx, &model.id, alias).await? else {
        return Err(Error::Conflict(format!("No version is {alias}.")));
    };
    registry_store::delete_alias(&mut tx, &model.id, alias).await?;
    let flow = store::flow_tx(&mut tx, &scope.team).await?;
    if let Some(mlflow_stage) = flow.stage(alias).and_then(|stage| stage.mlflow_stage) {
        version_store::archive_others(&mut tx, (&model.id, 0), mlflow_stage, now).await?;
    }
    let moved = Move { alias, to: None, how: How::Removed, reason, request: None };
    holders::record(&mut tx, &model.id, moved, &scope.user, now).await?;
    let changed = Changed {
        action: "model.delete_alias",
        model: (&model.id, name),
        before: Some(json!({ "alias": alias, "version": before })),
        after: reason.map(|reason| json!({ "reason": reason })),
        told: Some(Happening { event: "model_version_alias.deleted", data: json!({ "name": name, "alias": alias }) }),
    };
    changes::commit(portal, tx, (caller, &scope), now, changed).await
}
