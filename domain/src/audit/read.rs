//! Reading the audit trail: pages, CSV, and the check of its hash chain.

use super::{
    chain,
    csv::{self, Cell},
};
use crate::{
    args,
    caller::Caller,
    db::Value,
    error::{Error, Result},
    model::{AuditFilter, AuditRecord, Millis, Permission},
    portal::Portal,
};
use futures::{Stream, StreamExt, stream};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Most records of one page.
const PAGE: u32 = 500;

#[derive(sqlx::FromRow)]
struct AuditRow {
    seq: i64,
    at: i64,
    actor: String,
    via: String,
    team: Option<String>,
    action: String,
    object: String,
    object_name: String,
    before: Option<String>,
    after: Option<String>,
    request_id: String,
    address: String,
    hash: String,
}

impl AuditRow {
    fn split(self) -> (AuditRecord, String) {
        let record = AuditRecord {
            seq: self.seq,
            at: self.at,
            actor: self.actor,
            via: self.via,
            team: self.team,
            action: self.action,
            object: self.object,
            object_name: self.object_name,
            before: self.before,
            after: self.after,
            request_id: self.request_id,
            address: self.address,
        };
        (record, self.hash)
    }
}

/// Records that match, in the filter's order. A portal administrator sees all; a team admin those of a team they name.
pub async fn list(portal: &Portal, caller: &Caller, filter: &AuditFilter) -> Result<Vec<AuditRecord>> {
    allowed(caller, filter)?;
    let limit = if filter.limit == 0 { 100 } else { filter.limit.min(PAGE) };
    page(portal, filter, filter.past_seq, limit).await
}

fn allowed(caller: &Caller, filter: &AuditFilter) -> Result<()> {
    let everything = caller.require(Permission::ReadAudit);
    if filter.team.is_empty() || everything.is_ok() {
        return everything;
    }
    caller.require_in(Permission::ReadTeamAudit, &filter.team).map(|_| ())
}

/// What LIKE takes literally, in lower case because only one of the databases ignores case by itself.
fn literal(text: &str) -> String {
    text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

async fn page(portal: &Portal, filter: &AuditFilter, past_seq: Option<i64>, limit: u32) -> Result<Vec<AuditRecord>> {
    let (past, order, start) = if filter.oldest_first { (">", "ASC", i64::MIN) } else { ("<", "DESC", i64::MAX) };
    let rows: Vec<AuditRow> = portal
        .db
        .fetch_all_assembled(
            format!(
                r"SELECT seq, at, actor, via, team, action, object, object_name, before, after, request_id, address, hash FROM audit
                  WHERE (CAST($1 AS TEXT) = '' OR team = $1)
                    AND LOWER(actor) LIKE $2 ESCAPE '\' AND LOWER(action) LIKE $3 ESCAPE '\'
                    AND (LOWER(object) LIKE $4 ESCAPE '\' OR LOWER(object_name) LIKE $4 ESCAPE '\')
                    AND at >= $5 AND at <= $6 AND seq {past} $7
                  ORDER BY seq {order} LIMIT $8"
            ),
            args![
                &filter.team,
                format!("%{}%", literal(&filter.actor)),
                format!("{}%", literal(&filter.action)),
                format!("%{}%", literal(&filter.object)),
                filter.from.unwrap_or(Millis::MIN),
                filter.until.unwrap_or(Millis::MAX),
                past_seq.unwrap_or(start),
                limit
            ],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.split().0).collect())
}

/// The team's newest records, without what only admins may see.
pub(crate) async fn recent(portal: &Portal, team: &str, limit: u32) -> Result<Vec<AuditRecord>> {
    // Not `page`: this one stands on every dashboard and must find its rows by the index on team.
    let rows: Vec<AuditRow> = portal
        .db
        .fetch_all(
            "SELECT seq, at, actor, via, team, action, object, object_name, before, after, request_id, address, hash FROM audit
             WHERE team = $1 ORDER BY seq DESC LIMIT $2",
            args![team, limit],
        )
        .await?;
    let mut records: Vec<AuditRecord> = rows.into_iter().map(|row| row.split().0).collect();
    for record in &mut records {
        (record.before, record.after) = (None, None);
        record.request_id.clear();
        record.address.clear();
    }
    Ok(records)
}

/// All records that match as CSV (RFC 4180), in the filter's order, with cells that a spreadsheet would take for a formula made harmless. The text
/// comes in pieces of at most 500 records, each read when it is asked for.
pub fn export_csv(portal: &Portal, caller: &Caller, filter: &AuditFilter) -> Result<impl Stream<Item = Result<String>> + Send + use<>> {
    allowed(caller, filter)?;
    let (portal, filter) = (portal.clone(), filter.clone());
    let header = ["seq", "at", "actor", "via", "team", "action", "object", "object_name", "before", "after", "request_id", "address"];
    let head = stream::iter([Ok(format!("{}\r\n", header.join(",")))]);
    // Where the next piece begins; nothing after the last one. No piece shifts: what is recorded meanwhile comes last or not at all.
    let rows = stream::try_unfold(Some(filter.past_seq), move |past_seq| {
        let (portal, filter) = (portal.clone(), filter.clone());
        async move {
            let Some(past_seq) = past_seq else { return Ok(None) };
            let records = page(&portal, &filter, past_seq, PAGE).await?;
            let text = lines(&records)?;
            let next = records.last().filter(|_| records.len() == PAGE as usize).map(|last| Some(last.seq));
            Ok((!text.is_empty()).then_some((text, next)))
        }
    });
    Ok(head.chain(rows))
}

fn lines(records: &[AuditRecord]) -> Result<String> {
    let mut out = String::new();
    for r in records {
        let at = rfc3339(r.at)?;
        let texts = [
            &at,
            &r.actor,
            &r.via,
            r.team.as_deref().unwrap_or_default(),
            &r.action,
            &r.object,
            &r.object_name,
            r.before.as_deref().unwrap_or_default(),
            r.after.as_deref().unwrap_or_default(),
            &r.request_id,
            &r.address,
        ];
        let cells: Vec<Cell<'_>> = std::iter::once(Cell::Number(r.seq)).chain(texts.map(Cell::Text)).collect();
        csv::push(&mut out, &cells);
    }
    Ok(out)
}

pub(crate) fn rfc3339(at: Millis) -> Result<String> {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).map_err(|e| Error::internal("time", e))?;
    time.format(&Rfc3339).map_err(|e| Error::internal("time", e))
}

/// Walks the hash chain; the sequence number of the first bad record, if any. For `slipway check`.
///
/// A tail that was cut off shows against the counter. Whoever rewrites the whole chain and the counter is not found: keep backups elsewhere.
pub async fn verify(portal: &Portal) -> Result<Option<i64>> {
    let mut tx = portal.db.begin_snapshot().await?;
    let (expected,): (i64,) = tx.fetch_one("SELECT value FROM counters WHERE name = 'audit'", args![]).await?;
    let (mut seen, mut previous) = (0, String::new());
    loop {
        let rows: Vec<AuditRow> = tx
            .fetch_all(
                "SELECT seq, at, actor, via, team, action, object, object_name, before, after, request_id, address, hash FROM audit
                 WHERE seq > $1 ORDER BY seq LIMIT 1000",
                vec![Value::from(seen)],
            )
            .await?;
        if rows.is_empty() {
            return Ok((seen != expected).then_some(seen.min(expected) + 1));
        }
        for row in rows {
            let (record, hash) = row.split();
            if record.seq != seen + 1 || chain(&previous, &record)? != hash {
                return Ok(Some(seen + 1));
            }
            (seen, previous) = (record.seq, hash);
        }
    }
}
