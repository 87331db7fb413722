//! The audit trail: one row for each change, in the change's own transaction. If it cannot be written, the change does not happen.

pub(crate) mod csv;
mod read;

pub use read::{export_csv, list, verify};
pub(crate) use read::{recent, rfc3339};

use crate::{
    args,
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    model::{AuditRecord, Millis},
    random,
};
use serde::Serialize;

/// What is recorded beside who, when and the request. `before` and `after` must hold no secret.
pub struct Entry<'a, B: Serialize = (), A: Serialize = ()> {
    /// Team name, where the thing belongs to one.
    pub team: Option<&'a str>,
    /// `<object>.<verb>`.
    pub action: &'static str,
    pub object: &'a str,
    pub object_name: &'a str,
    pub before: Option<B>,
    pub after: Option<A>,
}

/// Writes the record into the transaction of its change.
///
/// Records form a hash chain: each holds SHA-256 over its predecessor's hash and its own fields, so that `verify` finds an edited, removed
/// or reordered record.
///
/// # Errors
/// `Unavailable` where it cannot be written; the caller then drops the transaction, and with it the change.
pub async fn record<B: Serialize, A: Serialize>(tx: &mut Tx, caller: &Caller, at: Millis, entry: Entry<'_, B, A>) -> Result<()> {
    write(tx, caller, at, entry).await.map_err(|error| {
        tracing::error!(%error, "the audit trail cannot be written");
        Error::Unavailable("Nothing was changed, because the audit trail cannot be written. Try again in a moment.".to_owned())
    })
}

/// Makes this transaction wait for every other audited one, for rules that look at several rows ("one administrator stays").
///
/// `record` locks the same row. So that no two transactions wait for each other: what changes accounts, memberships or sessions locks
/// first and changes rows after; notebooks, tokens and volumes are changed before.
pub(crate) async fn lock(tx: &mut Tx) -> Result<()> {
    tx.execute("UPDATE counters SET value = value WHERE name = 'audit'", args![]).await?;
    Ok(())
}

async fn write<B: Serialize, A: Serialize>(tx: &mut Tx, caller: &Caller, at: Millis, entry: Entry<'_, B, A>) -> Result<()> {
    let json = |e: serde_json::Error| Error::internal("audit", e);
    let seq = tx.next("audit").await?;
    let previous: Option<(String,)> = tx.fetch_optional("SELECT hash FROM audit WHERE seq = $1", args![seq - 1]).await?;
    let record = AuditRecord {
        seq,
        at,
        actor: caller.label().to_owned(),
        via: caller.via.as_str().to_owned(),
        team: entry.team.map(str::to_owned),
        action: entry.action.to_owned(),
        object: entry.object.to_owned(),
        object_name: entry.object_name.to_owned(),
        before: entry.before.map(|b| serde_json::to_string(&b)).transpose().map_err(json)?,
        after: entry.after.map(|a| serde_json::to_string(&a)).transpose().map_err(json)?,
        request_id: caller.request_id.clone(),
        address: caller.address.clone(),
    };
    let hash = chain(previous.map(|p| p.0).as_deref().unwrap_or_default(), &record)?;
    tx.execute(
        "INSERT INTO audit (seq, at, actor, via, team, action, object, object_name, before, after, request_id, address, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        args![
            record.seq,
            record.at,
            record.actor,
            record.via,
            record.team,
            record.action,
            record.object,
            record.object_name,
            record.before,
            record.after,
            record.request_id,
            record.address,
            hash
        ],
    )
    .await?;
    Ok(())
}

fn chain(previous: &str, record: &AuditRecord) -> Result<String> {
    let text = serde_json::to_string(record).map_err(|e| Error::internal("audit", e))?;
    Ok(random::digest(&format!("{previous}\n{text}")))
}
