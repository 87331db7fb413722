//! Model cards: what a version is for, what it was made from and what to mind, field by field as the team asks for it.

use super::{card_store, decide, store};
use crate::{
    caller::Caller,
    error::{Error, Result},
    events,
    model::{CARD_TEXT_LENGTH, CardField, Change, Checks, Permission, cut},
    portal::Portal,
    registry::{
        changes::{self, Changed},
        store as registry_store, version_store,
    },
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The card of a version: the team's fields in their order, then what is written under other names.
pub async fn card(portal: &Portal, caller: &Caller, team: &str, (name, version): (&str, i64)) -> Result<Vec<CardField>> {
    let scope = caller.require_in(Permission::ReadRegistry, team)?;
    let model = registry_store::find(&portal.db, &scope.team, name).await?;
    let flow = store::flow(&portal.db, &scope.team).await?;
    let mut written: BTreeMap<String, card_store::CardRow> =
        card_store::card(&portal.db, (&model.id, version)).await?.into_iter().map(|row| (row.field.clone(), row)).collect();
    let needed = |field: &String| {
        let stages = flow.stages.iter().filter(|stage| stage.card_fields.contains(field));
        stages.map(|stage| stage.alias.clone()).collect()
    };
    let mut fields: Vec<CardField> = Vec::new();
    for field in &flow.card {
        let row = written.remove(field);
        fields.push(CardField {
            field: field.clone(),
            updated_by: row.as_ref().map(|r| r.email.clone()),
            updated_at: row.as_ref().map(|r| r.updated_at),
            text: row.map(|r| r.text).unwrap_or_default(),
            needed_by: needed(field),
        });
    }
    let others = written.into_values().filter(|row| !row.text.trim().is_empty());
    fields.extend(others.map(|row| CardField {
        field: row.field,
        text: row.text,
        updated_by: Some(row.email),
        updated_at: Some(row.updated_at),
        needed_by: Vec::new(),
    }));
    Ok(fields)
}

/// Longest text that the audit trail repeats, in characters.
const REPEATED: usize = 500;

fn shown(text: &str) -> Json {
    let start = cut(text, REPEATED);
    if start.len() == text.len() { json!(text) } else { json!(format!("{start}…")) }
}

/// Writes fields of a version's card: (field, text). Approvals of its open requests lapse; requests that pass all gates now are completed.
///
/// # Errors
/// `Invalid` names the field, also one that the team's cards do not have and nobody has written before.
pub async fn save_card(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    (name, version): (&str, i64),
    texts: Vec<(String, String)>,
) -> Result<()> {
    let scope = caller.require_in(Permission::WriteRegistry, team)?;
    let mut checks = Checks::new();
    for (i, (_, text)) in texts.iter().enumerate() {
        let field = format!("card[{i}][text]");
        checks.require(text.chars().count() <= CARD_TEXT_LENGTH, field.clone(), format!("Use at most {CARD_TEXT_LENGTH} characters."));
        checks.require(!text.contains('\0'), field, "Remove the character NUL.");
    }
    checks.finish()?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let model = registry_store::lock(&mut tx, &scope.team, name).await?;
    let this = (model.id.as_str(), version);
    version_store::find_tx(&mut tx, &model.id, version).await?;
    let flow = store::flow_tx(&mut tx, &scope.team).await?;
    let before = card_store::texts(&mut tx, this).await?;
    if let Some((field, _)) = texts.iter().find(|(field, _)| !flow.card.contains(field) && !before.contains_key(field)) {
        return Err(Error::invalid("card", format!("The team's model cards have no field \"{}\".", cut(field, 80))));
    }
    let old = |field: &str| before.get(field).map(String::as_str).unwrap_or_default();
    let mut last: BTreeMap<String, String> = texts.into_iter().collect();
    last.retain(|field, text| old(field) != text);
    if last.is_empty() {
        return Ok(());
    }
    let texts: Vec<(String, String)> = last.into_iter().collect();
    card_store::put(&mut tx, this, &texts, &scope.user, now).await?;
    let told =
        |text: &dyn Fn(&(String, String)) -> Json| texts.iter().map(|one| (one.0.clone(), text(one))).collect::<serde_json::Map<_, _>>();
    let changed = Changed {
        action: "model_version.write_card",
        model: (&model.id, name),
        before: Some(json!({ "version": version, "card": told(&|(field, _)| shown(old(field))) })),
        after: Some(json!({ "version": version, "card": told(&|(_, text)| shown(text)) })),
        told: None,
    };
    changes::write(&mut tx, (caller, &scope), now, changed).await?;
    events::publish(&mut tx, now, Some(&scope.team_name), &Change::Promotions).await?;
    decide::lapse_approvals(&mut tx, (caller, &scope), this, now).await?;
    decide::settle_version(&mut tx, (caller, &scope), this, now).await?;
    tx.commit().await?;
    portal.outbound.wake();
    Ok(())
}
