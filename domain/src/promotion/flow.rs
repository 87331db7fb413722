//! A team's flow: what its stages are and ask for, and which fields its model cards have.

use super::{in_person, store};
use crate::{
    audit,
    caller::Caller,
    error::{Error, Result},
    events,
    model::{Change, FieldError, Permission, PromotionFlow, PromotionStage, Role, UserId},
    portal::Portal,
    teams,
};

/// The team's flow. A team that never said anything has one that protects nothing.
pub async fn flow(portal: &Portal, caller: &Caller, team: &str) -> Result<PromotionFlow> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    store::flow(&portal.db, &scope.team).await
}

/// Changes the flow by `act`, checks the whole, and writes it down.
async fn change(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    action: &'static str,
    act: impl FnOnce(&mut PromotionFlow) -> Result<()> + Send,
) -> Result<PromotionFlow> {
    let scope = caller.require_in(Permission::ManagePromotion, team)?;
    in_person(caller)?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    store::lock_team(&mut tx, &scope.team).await?;
    let before = store::flow_tx(&mut tx, &scope.team).await?;
    let mut flow = before.clone();
    act(&mut flow)?;
    let mut wrong: Vec<FieldError> = flow.stages.iter().filter_map(|stage| stage.validate().err()).flatten().collect();
    wrong.extend(flow.validate().err().into_iter().flatten());
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    store::put_flow(&mut tx, &scope.team, &flow, &scope.user, now).await?;
    let entry = audit::Entry {
        team: Some(&scope.team_name),
        action,
        object: scope.team.as_str(),
        object_name: &scope.team_name,
        before: Some(&before),
        after: Some(&flow),
    };
    audit::record(&mut tx, caller, now, entry).await?;
    events::publish(&mut tx, now, Some(&scope.team_name), &Change::Promotions).await?;
    tx.commit().await?;
    Ok(flow)
}

/// Takes over the recommended flow. The team's own fields of the card stay.
pub async fn use_recommended(portal: &Portal, caller: &Caller, team: &str) -> Result<PromotionFlow> {
    change(portal, caller, team, "promotion.use_recommended", |flow| {
        let recommended = PromotionFlow::recommended();
        let asked = recommended.stages.iter().flat_map(|stage| &stage.card_fields);
        let missing: Vec<String> = asked.filter(|field| !flow.card.contains(field)).cloned().collect();
        for field in missing {
            if !flow.card.contains(&field) {
                flow.card.push(field);
            }
        }
        flow.stages = recommended.stages;
        Ok(())
    })
    .await
}

/// Puts a stage in the place of the one named `old`, or at the end where that is empty.
///
/// # Errors
/// `Invalid` names the field; also a reviewer who is no member of the team.
pub async fn save_stage(portal: &Portal, caller: &Caller, team: &str, old: &str, stage: PromotionStage) -> Result<PromotionFlow> {
    caller.require_in(Permission::ManagePromotion, team)?;
    let members = teams::members(portal, caller, team).await?;
    let may = |user: &UserId| members.iter().any(|m| m.user == *user && m.role >= Role::Member);
    if !stage.reviewers.iter().all(may) {
        return Err(Error::invalid("reviewers", "A reviewer is a member or an admin of the team."));
    }
    change(portal, caller, team, "promotion.save_stage", |flow| {
        match flow.stages.iter_mut().find(|one| one.alias == old) {
            Some(place) => *place = stage,
            None if old.is_empty() => flow.stages.push(stage),
            None => return Err(Error::NotFound("stage")),
        }
        Ok(())
    })
    .await
}

/// Takes a stage out of the flow: its alias is moved by whoever writes to the registry from then on.
pub async fn remove_stage(portal: &Portal, caller: &Caller, team: &str, alias: &str) -> Result<PromotionFlow> {
    change(portal, caller, team, "promotion.remove_stage", |flow| {
        let before = flow.stages.len();
        flow.stages.retain(|stage| stage.alias != alias);
        if flow.stages.len() < before { Ok(()) } else { Err(Error::NotFound("stage")) }
    })
    .await
}

/// Moves a stage one place to the front.
pub async fn move_stage(portal: &Portal, caller: &Caller, team: &str, alias: &str) -> Result<PromotionFlow> {
    change(portal, caller, team, "promotion.move_stage", |flow| {
        let at = flow.stages.iter().position(|stage| stage.alias == alias).ok_or(Error::NotFound("stage"))?;
        flow.stages.swap(at, at.saturating_sub(1));
        Ok(())
    })
    .await
}

/// Says which fields a model card has. What is written under another name stays with its version.
pub async fn save_card_fields(portal: &Portal, caller: &Caller, team: &str, fields: Vec<String>) -> Result<PromotionFlow> {
    change(portal, caller, team, "promotion.save_card_fields", |flow| {
        flow.card = fields;
        Ok(())
    })
    .await
}
