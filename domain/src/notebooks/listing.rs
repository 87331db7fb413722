//! A team's notebooks: all of them, those that run, and one page of those that somebody looks for.

use super::{
    store::{self, Record},
    view,
};
use crate::{
    caller::{Caller, TeamScope},
    error::Result,
    model::{NOTEBOOK_ROWS, Notebook, NotebookPage, NotebookQuery, Permission, Phase, PhaseGroup, UserId},
    portal::Portal,
};
use std::{cmp::Ordering, collections::HashSet};

/// The team's notebooks, newest first, without timelines.
pub async fn list(portal: &Portal, caller: &Caller, team: &str) -> Result<Vec<Notebook>> {
    let scope = caller.require_in(Permission::ReadNotebooks, team)?;
    let records = store::of_team(&portal.db, &scope.team).await?;
    let secrets = store::secret_names_of_team(&portal.db, &scope.team).await?;
    Ok(view::listed(records, secrets))
}

/// Those that are not settled, newest first, without timelines.
pub async fn running(portal: &Portal, caller: &Caller, team: &str) -> Result<Vec<Notebook>> {
    let scope = caller.require_in(Permission::ReadNotebooks, team)?;
    let records = store::running_in_team(&portal.db, &scope.team).await?;
    let secrets = if records.is_empty() { Vec::new() } else { store::secret_names_of_team(&portal.db, &scope.team).await? };
    Ok(view::listed(records, secrets))
}

/// One page of those that match.
pub async fn page(portal: &Portal, caller: &Caller, team: &str, query: &NotebookQuery) -> Result<NotebookPage> {
    let scope = caller.require_in(Permission::ReadNotebooks, team)?;
    let (rows, mut page) = if query.text.trim().is_empty() && order(direction(&query.sort).0).is_none() {
        newest(portal, &scope, query).await?
    } else {
        let records = store::of_team(&portal.db, &scope.team).await?;
        let total = records.len();
        let found = matching(records, query, &scope.user);
        let page = at(query.page, found.len(), total);
        (found.into_iter().skip((page.page - 1) * NOTEBOOK_ROWS).take(NOTEBOOK_ROWS).collect(), page)
    };
    let shown: HashSet<String> = rows.iter().map(|record| record.id.0.clone()).collect();
    let mut secrets = store::secret_names_of_team(&portal.db, &scope.team).await?;
    secrets.retain(|(notebook, _)| shown.contains(notebook));
    page.notebooks = view::listed(rows, secrets);
    Ok(page)
}

/// The page that was asked for, or the last there is.
fn at(page: usize, found: usize, total: usize) -> NotebookPage {
    let empty = NotebookPage { notebooks: Vec::new(), page: 1, found, total };
    NotebookPage { page: page.clamp(1, empty.pages()), ..empty }
}

/// What most people ask for most of the time: the database finds the rows, and no others are read.
async fn newest(portal: &Portal, scope: &TeamScope, query: &NotebookQuery) -> Result<(Vec<Record>, NotebookPage)> {
    let owner = if query.mine { scope.user.as_str() } else { "" };
    let phases = match query.group {
        PhaseGroup::All => String::new(),
        group => Phase::ALL.into_iter().filter(|phase| group.holds(*phase)).fold("|".to_owned(), |all, phase| all + phase.as_str() + "|"),
    };
    let (total, found) = store::count_of_team(&portal.db, &scope.team, owner, &phases).await?;
    let page = at(query.page, found, total);
    let first = (page.page - 1) * NOTEBOOK_ROWS;
    Ok((store::page_of_team(&portal.db, &scope.team, owner, &phases, first..first + NOTEBOOK_ROWS).await?, page))
}

/// The column to sort by, and whether the other way round.
fn direction(sort: &str) -> (&str, bool) {
    sort.strip_prefix('-').map_or((sort, false), |key| (key, true))
}

/// What matches, in order. `records` come newest first, and stay so where the order does not tell them apart.
fn matching(mut records: Vec<Record>, query: &NotebookQuery, user: &UserId) -> Vec<Record> {
    let text = query.text.trim().to_lowercase();
    records.retain(|record| {
        let said = || {
            [&record.spec.name, &record.owner_email, &record.spec.environment].into_iter().any(|field| field.to_lowercase().contains(&text))
        };
        query.group.holds(record.phase) && (!query.mine || record.owner == *user) && (text.is_empty() || said())
    });
    let (key, down) = direction(&query.sort);
    if let Some(order) = order(key) {
        records.sort_by(|a, b| if down { order(b, a) } else { order(a, b) });
    }
    records
}

type Order = fn(&Record, &Record) -> Ordering;

fn order(key: &str) -> Option<Order> {
    Some(match key {
        "name" => |a, b| a.spec.name.cmp(&b.spec.name),
        "status" => |a, b| a.phase.as_str().cmp(b.phase.as_str()),
        "owner" => |a, b| a.owner_email.cmp(&b.owner_email),
        "environment" => |a, b| (&a.spec.environment, &a.spec.version).cmp(&(&b.spec.environment, &b.spec.version)),
        "size" => |a, b| size(a).cmp(&size(b)),
        "activity" => |a, b| active(a).cmp(&active(b)),
        _ => return None,
    })
}

fn size(record: &Record) -> (u32, u32, u32) {
    let resources = &record.spec.resources;
    (resources.gpus, resources.cpus, resources.memory_mib)
}

fn active(record: &Record) -> i64 {
    record.last_activity_at.unwrap_or(record.phase_at).max(record.created_at)
}
