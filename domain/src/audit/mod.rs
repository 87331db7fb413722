//! The audit trail: one row for each change, in the change's own transaction. If it cannot be written, the change does not happen.

use crate::{
    args,
    caller::Caller,
    db::Tx,
    error::{Error, Result},
    model::{AuditFilter, AuditRecord, Millis},
    portal::Portal,
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
pub async fn record<B: Serialize, A: Serialize>(tx: &mut Tx, caller: &Caller, at: Millis, entry: Entry<'_, B, A>) -> Result<()> {
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

/// Records that match, newest first. A portal administrator sees all; a team admin those of a team they name.
pub async fn list(_portal: &Portal, _caller: &Caller, _filter: &AuditFilter) -> Result<Vec<AuditRecord>> {
    Err(Error::Internal("stub".into()))
}

/// All records that match as CSV (RFC 4180), newest first, with cells that a spreadsheet would take for a formula made harmless.
pub async fn export_csv(_portal: &Portal, _caller: &Caller, _filter: &AuditFilter) -> Result<String> {
    Err(Error::Internal("stub".into()))
}

/// Walks the hash chain; the sequence number of the first bad record, if any. For `slipway check`.
pub async fn verify(_portal: &Portal) -> Result<Option<i64>> {
    Err(Error::Internal("stub".into()))
}
