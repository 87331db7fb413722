//! What is protected moves by promotion and roll-back only: every other verb of the registry asks here first, whichever door it came through.

use super::{decide, holders, holders::How, store};
use crate::{
    caller::TeamScope,
    db::Tx,
    error::{Error, Result},
    model::{Millis, Stage},
    portal::Portal,
};

/// A name as one part of an address.
fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn page(portal: &Portal, scope: &TeamScope, model: &str, rest: &str) -> String {
    format!("{}/t/{}/models/{}{rest}", portal.settings.address.trim_end_matches('/'), scope.team_name, encoded(model))
}

/// Whether an alias may be pointed to a version by hand.
pub(crate) async fn set_alias(portal: &Portal, tx: &mut Tx, scope: &TeamScope, model: &str, alias: &str, version: i64) -> Result<()> {
    if !store::flow_tx(tx, &scope.team).await?.is_protected(alias) {
        return Ok(());
    }
    let page = page(portal, scope, model, &format!("/versions/{version}/promote?to={alias}"));
    Err(Error::Forbidden(format!(
        "The alias {alias} is protected in team {}: a version comes to it by promotion. Ask for it at {page}",
        scope.team_name
    )))
}

/// Whether an alias may be taken away by hand.
pub(crate) async fn remove_alias(portal: &Portal, tx: &mut Tx, scope: &TeamScope, model: &str, alias: &str) -> Result<()> {
    if !store::flow_tx(tx, &scope.team).await?.is_protected(alias) {
        return Ok(());
    }
    let page = page(portal, scope, model, &format!("/aliases/{alias}"));
    Err(Error::Forbidden(format!(
        "The alias {alias} is protected in team {}. A team admin takes it away, or an earlier version is brought back, at {page}",
        scope.team_name
    )))
}

/// Whether a version may be moved from one of MLflow's stages to another by hand.
pub(crate) async fn set_stage(
    portal: &Portal,
    tx: &mut Tx,
    scope: &TeamScope,
    (model, version): (&str, i64),
    (from, to): (Stage, Stage),
) -> Result<()> {
    let flow = store::flow_tx(tx, &scope.team).await?;
    if let Some(stage) = flow.guarding(to) {
        let page = page(portal, scope, model, &format!("/versions/{version}/promote?to={}", stage.alias));
        return Err(Error::Forbidden(format!(
            "The stage {} is protected in team {}: a version comes to it with the alias {}, by promotion. Ask for it at {page}",
            to.as_str(),
            scope.team_name,
            stage.alias
        )));
    }
    if let Some(stage) = flow.guarding(from) {
        let page = page(portal, scope, model, &format!("/aliases/{}", stage.alias));
        return Err(Error::Forbidden(format!(
            "The stage {} is protected in team {} and goes with the alias {}. See who held it, and bring an earlier version back, at {page}",
            from.as_str(),
            scope.team_name,
            stage.alias
        )));
    }
    Ok(())
}

/// Whether a version may be deleted: not while it holds something protected. What it holds else is written down as taken away, and the
/// requests for it are closed.
pub(crate) async fn delete_version(
    portal: &Portal,
    tx: &mut Tx,
    scope: &TeamScope,
    (id, name): (&str, &str),
    version: i64,
    at: Millis,
) -> Result<()> {
    let flow = store::flow_tx(tx, &scope.team).await?;
    let aliases = holders::aliases(tx, id, version).await?;
    if let Some(alias) = aliases.iter().find(|alias| flow.is_protected(alias)) {
        let page = page(portal, scope, name, &format!("/aliases/{alias}"));
        return Err(Error::Forbidden(format!(
            "Version {version} is {alias}, which is protected in team {}. Promote or bring back another version first: {page}",
            scope.team_name
        )));
    }
    for alias in &aliases {
        let moved = holders::Move { alias, to: None, how: How::Deleted, reason: None, request: None };
        holders::record(tx, id, moved, &scope.user, at).await?;
    }
    decide::close_for_deleted(tx, scope, (id, version), at).await
}

/// Whether a model may be renamed or deleted: not while a version of it holds something protected.
pub(crate) async fn change_model(portal: &Portal, tx: &mut Tx, scope: &TeamScope, (id, name): (&str, &str)) -> Result<()> {
    let flow = store::flow_tx(tx, &scope.team).await?;
    let aliases = holders::all_aliases(tx, id).await?;
    let Some(alias) = aliases.iter().find(|alias| flow.is_protected(alias)) else { return Ok(()) };
    let page = page(portal, scope, name, &format!("/aliases/{alias}"));
    Err(Error::Forbidden(format!(
        "A version of this model is {alias}, which is protected in team {}. A team admin takes the alias away first, at {page}",
        scope.team_name
    )))
}

/// Whether an import may bring a version into one of MLflow's stages.
pub(crate) async fn is_guarded(tx: &mut Tx, scope: &TeamScope, stage: Stage) -> Result<bool> {
    Ok(store::flow_tx(tx, &scope.team).await?.guarding(stage).is_some())
}
