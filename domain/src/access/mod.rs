//! Who has access to what, for whoever has to answer for it. It reads and changes nothing, so it asks for the permission of the audit trail: what it
//! tells could be put together from there, and who may change accounts need not be the one who checks them.

mod store;

use crate::{
    audit::{
        csv::{self, Cell},
        rfc3339,
    },
    caller::Caller,
    error::Result,
    identity,
    model::{ACCESS_PAGE, AccessFilter, AccessList, AccessRow, Permission},
    portal::Portal,
};

/// Rows of one piece of an export.
const PIECE: usize = 500;

/// A page of what matches, in the filter's order. A page past the last is the last.
pub async fn list(portal: &Portal, caller: &Caller, filter: &AccessFilter) -> Result<AccessList> {
    caller.require(Permission::ReadAudit)?;
    let found = usize::try_from(store::count(&portal.db, filter).await?).unwrap_or_default();
    let pages = found.div_ceil(ACCESS_PAGE).max(1);
    let page = filter.page.parse().unwrap_or(1).clamp(1, pages);
    let skipped = (page - 1) * ACCESS_PAGE;
    let rows = rows(portal, filter, skipped, ACCESS_PAGE).await?;
    Ok(AccessList { rows, page, found, teams: store::teams(&portal.db).await? })
}

async fn rows(portal: &Portal, filter: &AccessFilter, skipped: usize, most: usize) -> Result<Vec<AccessRow>> {
    let password = if identity::passwords_work(portal).await? { "password" } else { "password (switched off)" };
    let [skipped, most] = [skipped, most].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    store::rows(&portal.db, filter, portal.clock.now(), skipped, most, password).await
}

/// Everything that matches as CSV, in the filter's order, with cells that a spreadsheet would take for a formula made harmless. All of it is of one
/// moment, in pieces of at most 500 rows.
pub async fn export_csv(portal: &Portal, caller: &Caller, filter: &AccessFilter) -> Result<Vec<String>> {
    caller.require(Permission::ReadAudit)?;
    let header = [
        "person",
        "name",
        "signs_in_with",
        "portal_administrator",
        "state",
        "team",
        "role",
        "role_given",
        "since",
        "last_sign_in",
        "tokens",
        "tokens_until",
    ];
    let mut pieces = vec![format!("{}\r\n", header.join(","))];
    for rows in rows(portal, filter, 0, usize::MAX).await?.chunks(PIECE) {
        let mut piece = String::new();
        for row in rows {
            line(&mut piece, row)?;
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

fn line(out: &mut String, row: &AccessRow) -> Result<()> {
    let time = |at: Option<i64>| at.map(rfc3339).transpose().map(Option::unwrap_or_default);
    let (since, last, until) = (rfc3339(row.since)?, time(row.last_sign_in_at)?, time(row.tokens_until)?);
    let cells = [
        Cell::Text(&row.email),
        Cell::Text(&row.name),
        Cell::Text(&row.signs_in),
        Cell::Plain(if row.admin { "yes" } else { "no" }),
        Cell::Plain(row.state.as_str()),
        Cell::Text(row.team.as_deref().unwrap_or_default()),
        Cell::Plain(row.role.map_or("", |role| role.as_str())),
        Cell::Plain(row.source.map_or("", |source| source.words())),
        Cell::Plain(&since),
        Cell::Plain(&last),
        Cell::Number(row.tokens),
        Cell::Plain(&until),
    ];
    csv::push(out, &cells);
    Ok(())
}
