//! What belongs to every change of the registry: its audit record, its event, and what webhooks are to be told, in its own transaction.

use crate::{
    audit,
    caller::{Caller, TeamScope},
    db::Tx,
    error::Result,
    events,
    model::{Change, Millis, Tag, cut},
    portal::Portal,
    webhooks::{self, Happening},
};
use serde_json::{Value as Json, json};

/// A change of one registered model.
pub(crate) struct Changed<'a> {
    pub action: &'static str,
    /// Id and name of the registered model.
    pub model: (&'a str, &'a str),
    pub before: Option<Json>,
    pub after: Option<Json>,
    pub told: Option<Happening>,
}

/// Commits the change with all that belongs to it.
pub(crate) async fn commit(
    portal: &Portal,
    mut tx: Tx,
    (caller, scope): (&Caller, &TeamScope),
    at: Millis,
    changed: Changed<'_>,
) -> Result<()> {
    write(&mut tx, (caller, scope), at, changed).await?;
    tx.commit().await?;
    portal.outbound.wake();
    Ok(())
}

/// Writes what belongs to the change, where the transaction has more to do.
pub(crate) async fn write(tx: &mut Tx, (caller, scope): (&Caller, &TeamScope), at: Millis, changed: Changed<'_>) -> Result<()> {
    let (id, name) = changed.model;
    let entry = audit::Entry {
        team: Some(&scope.team_name),
        action: changed.action,
        object: id,
        object_name: name,
        before: changed.before,
        after: changed.after,
    };
    audit::record(tx, caller, at, entry).await?;
    events::publish(tx, at, Some(&scope.team_name), &Change::Models).await?;
    if let Some(happening) = changed.told {
        webhooks::enqueue(tx, &scope.team, id, at, &happening).await?;
    }
    Ok(())
}

/// Longest text that the audit trail repeats of a value, in characters.
const REPEATED: usize = 500;

/// A value for the audit trail: long ones (a prompt's text) are cut.
pub(super) fn shown(text: &str) -> Json {
    let start = cut(text, REPEATED);
    if start.len() == text.len() { json!(text) } else { json!(format!("{start}…")) }
}

/// Tags for the audit trail.
pub(super) fn shown_tags(tags: &[Tag]) -> Json {
    tags.iter().map(|t| (t.key.clone(), shown(&t.value))).collect::<serde_json::Map<_, _>>().into()
}

/// Tags as webhooks tell them.
pub(super) fn told_tags(tags: &[Tag], without: &[&str]) -> Json {
    let told = tags.iter().filter(|t| !without.contains(&t.key.as_str()));
    told.map(|t| (t.key.clone(), json!(t.value))).collect::<serde_json::Map<_, _>>().into()
}
