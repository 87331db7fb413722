//! Server functions of the table of runs.

use super::ask::TableAsk;
use crate::error::AppError;
use domain::model::{BulkDone, Experiment, ExperimentId, Millis, RunId, RunKeys, RunStatus, RunView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{
    context::request,
    tracking::run_table::ask::{Shown, order_by, shown_columns, written},
};

/// Runs that are read, and kept, together.
pub const PAGE: usize = 50;

/// A run, or a group of runs, as a row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    pub id: RunId,
    pub name: String,
    pub status: RunStatus,
    pub deleted: bool,
    pub start: Option<Millis>,
    pub end: Option<Millis>,
    pub depth: usize,
    /// Runs below it, or in the group.
    pub children: usize,
    pub open: bool,
    /// Whether it is a group: its name is the value that its runs have in common, its metrics are means, and it has neither status nor times.
    pub is_group: bool,
    /// One for each column that was asked for; none where the run has nothing there, and where it is said above.
    pub cells: Vec<Option<String>>,
}

/// Some rows of the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRows {
    pub total: usize,
    /// Runs and groups among these rows, folded or not.
    pub runs: usize,
    pub groups: usize,
    /// Runs that came after the newest that is shown.
    pub newer: usize,
    pub newest: Option<RunId>,
    pub lines: Vec<RunLine>,
}

/// What the page begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableStart {
    pub experiment: Experiment,
    pub keys: RunKeys,
    pub views: Vec<RunView>,
    pub may_write: bool,
    pub rows: RunRows,
    /// Why the filter cannot be read; then there are no rows.
    pub refused: Option<String>,
}

/// The experiment and the rows from `offset` on.
#[server(prefix = "/api", endpoint = "tracking/table")]
pub async fn run_table(
    team: String,
    experiment: ExperimentId,
    #[server(default)] offset: usize,
    #[server(default)] ask: TableAsk,
) -> Result<TableStart, AppError> {
    use domain::model::Permission;
    let (portal, caller) = request()?;
    let keys = domain::tracking::run_keys(&portal, &caller, &team, &experiment).await?;
    let views = domain::tracking::views::list(&portal, &caller, &team, &experiment).await?;
    let ask = TableAsk { columns: written(&shown_columns(&ask.columns, &keys)), ..ask };
    let (rows, refused) = match window(&portal, &caller, &team, experiment.clone(), &ask, offset, PAGE).await {
        Ok(rows) => (rows, None),
        // What was typed cannot be read: the page is there and says where.
        Err(domain::Error::Invalid(fields)) => (RunRows::default(), fields.first().map(|f| f.reason.clone())),
        Err(error) => return Err(error.into()),
    };
    let may_write = caller.require_in(Permission::WriteTracking, &team).is_ok();
    let experiment = domain::tracking::experiments::get(&portal, &caller, &team, &experiment).await?;
    Ok(TableStart { experiment, keys, views, may_write, rows, refused })
}

/// Rows from `offset` on, with the columns that `ask` names.
#[server(prefix = "/api", endpoint = "tracking/rows")]
pub async fn read_rows(
    team: String,
    experiment: ExperimentId,
    #[server(default)] offset: usize,
    #[server(default)] limit: usize,
    #[server(default)] ask: TableAsk,
) -> Result<RunRows, AppError> {
    let (portal, caller) = request()?;
    Ok(window(&portal, &caller, &team, experiment, &ask, offset, limit).await?)
}

/// The names of what the experiment's runs logged.
#[server(prefix = "/api", endpoint = "tracking/keys")]
pub async fn read_keys(team: String, experiment: ExperimentId) -> Result<RunKeys, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::tracking::run_keys(&portal, &caller, &team, &experiment).await?)
}

/// The ids of all rows, as many as can be chosen at once.
#[server(prefix = "/api", endpoint = "tracking/ids")]
pub async fn run_ids(team: String, experiment: ExperimentId, #[server(default)] ask: TableAsk) -> Result<Vec<RunId>, AppError> {
    let (portal, caller) = request()?;
    let asked = table(&portal, experiment, &ask);
    Ok(domain::tracking::run_ids(&portal, &caller, &team, &asked, 0, domain::model::IDS_MOST).await?)
}

/// Sets a tag on runs, whose ids are parted by commas; `remove` takes the tag away.
#[server(prefix = "/api", endpoint = "tracking/tag_runs")]
pub async fn tag_runs(
    team: String,
    runs: String,
    key: String,
    #[server(default)] value: String,
    #[server(default)] remove: bool,
) -> Result<BulkDone, AppError> {
    use domain::{model::Tag, tracking::bulk};
    let ((portal, caller), runs) = (request()?, ids(&runs));
    if remove {
        return Ok(bulk::remove_tag(&portal, &caller, &team, &runs, key.trim()).await?);
    }
    Ok(bulk::set_tag(&portal, &caller, &team, &runs, &Tag::new(key.trim(), value)).await?)
}

/// Deletes runs, whose ids are parted by commas; `restore` takes them back.
#[server(prefix = "/api", endpoint = "tracking/delete_runs")]
pub async fn delete_runs(team: String, runs: String, #[server(default)] restore: bool) -> Result<BulkDone, AppError> {
    use domain::tracking::bulk;
    let ((portal, caller), runs) = (request()?, ids(&runs));
    let done =
        if restore { bulk::restore(&portal, &caller, &team, &runs).await } else { bulk::delete(&portal, &caller, &team, &runs).await };
    Ok(done?)
}

/// The team's views of the experiment and the caller's own.
#[server(prefix = "/api", endpoint = "tracking/views")]
pub async fn list_views(team: String, experiment: ExperimentId) -> Result<Vec<RunView>, AppError> {
    let (portal, caller) = request()?;
    Ok(domain::tracking::views::list(&portal, &caller, &team, &experiment).await?)
}

#[server(prefix = "/api", endpoint = "tracking/save_view")]
pub async fn save_view(
    team: String,
    experiment: ExperimentId,
    name: String,
    #[server(default)] query: String,
    #[server(default)] shared: bool,
) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::tracking::views::save(&portal, &caller, &team, &experiment, &name, &query, shared).await?)
}

#[server(prefix = "/api", endpoint = "tracking/rename_view")]
pub async fn rename_view(team: String, experiment: ExperimentId, id: String, name: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::tracking::views::rename(&portal, &caller, &team, &experiment, &id, &name).await?)
}

#[server(prefix = "/api", endpoint = "tracking/delete_view")]
pub async fn delete_view(team: String, experiment: ExperimentId, id: String) -> Result<(), AppError> {
    let (portal, caller) = request()?;
    Ok(domain::tracking::views::delete(&portal, &caller, &team, &experiment, &id).await?)
}

#[cfg(feature = "ssr")]
fn ids(runs: &str) -> Vec<RunId> {
    runs.split(',').map(str::trim).filter(|id| !id.is_empty()).map(RunId::from).collect()
}

/// The columns that an address names, the name first.
#[cfg(feature = "ssr")]
pub fn columns_of(text: &str) -> Vec<domain::model::TableColumn> {
    shown_columns(text, &RunKeys::default()).into_iter().map(|shown| shown.column).collect()
}

/// What the address asks, for the domain.
#[cfg(feature = "ssr")]
pub fn table(portal: &domain::Portal, experiment: ExperimentId, ask: &TableAsk) -> domain::model::RunTable {
    use domain::model::{RunTable, TableColumn, View};
    // To the minute, so that a table that is scrolled through stays the same one.
    let minute = |at: Millis| at / 60_000 * 60_000;
    let hours = ask.last.parse::<i64>().ok().filter(|hours| (1..=24 * 366).contains(hours));
    let status = RunStatus::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(&ask.status));
    RunTable {
        filter: ask.filter.clone(),
        order_by: order_by(&ask.sort).into_iter().collect(),
        view: if ask.show == "deleted" { View::Deleted } else { View::Active },
        status,
        mine: ask.mine == "1",
        since: hours.map(|hours| minute(portal.clock.now() - hours * 3_600_000)),
        nested: ask.nested == "1",
        group: ask.group.parse().ok(),
        means: columns_of(&ask.columns)
            .into_iter()
            .filter_map(|column| match column {
                TableColumn::Metric(key) => Some(key),
                _ => None,
            })
            .collect(),
        open: ids(&ask.open),
        horizon: (!ask.horizon.is_empty()).then(|| RunId(ask.horizon.clone())),
        ..RunTable::of(experiment)
    }
}

#[cfg(feature = "ssr")]
async fn window(
    portal: &domain::Portal,
    caller: &domain::Caller,
    team: &str,
    experiment: ExperimentId,
    ask: &TableAsk,
    offset: usize,
    limit: usize,
) -> domain::Result<RunRows> {
    use domain::model::TableRow;
    let columns = shown_columns(&ask.columns, &RunKeys::default());
    let found = domain::tracking::runs_window(portal, caller, team, &table(portal, experiment, ask), offset, limit).await?;
    let line = |row| match row {
        TableRow::Run(placed) => of_run(*placed, &columns),
        TableRow::Group(group) => of_group(group, &ask.group, &columns),
    };
    let lines = found.rows.into_iter().map(line).collect();
    Ok(RunRows { total: found.total, runs: found.runs, groups: found.groups, newer: found.newer, newest: found.newest, lines })
}

#[cfg(feature = "ssr")]
fn of_run(placed: domain::model::PlacedRun, columns: &[Shown]) -> RunLine {
    let domain::model::PlacedRun { run, depth, children, open } = placed;
    RunLine {
        cells: columns.iter().map(|shown| cell(&run, &shown.column)).collect(),
        id: run.id,
        name: run.name,
        status: run.status,
        deleted: run.deleted_at.is_some(),
        start: run.start_time,
        end: run.end_time,
        depth,
        children,
        open,
        is_group: false,
    }
}

/// `by` is the column that groups.
#[cfg(feature = "ssr")]
fn of_group(group: domain::model::RunGroup, by: &str, columns: &[Shown]) -> RunLine {
    use domain::model::{TableColumn, cut};
    let mut means = group.means.into_iter();
    let cells = columns.iter().map(|shown| match &shown.column {
        // In the order in which they were asked for.
        TableColumn::Metric(_) => means.next().flatten().map(|mean| mean.to_string()),
        column if column.to_string() == by => group.value.as_deref().map(|value| cut(value, CELL).to_owned()),
        _ => None,
    });
    RunLine {
        cells: cells.collect(),
        name: match group.value.as_deref() {
            None => "(none)".to_owned(),
            Some("") => "(empty)".to_owned(),
            Some(value) => cut(value, CELL).to_owned(),
        },
        id: group.id,
        status: RunStatus::Finished,
        deleted: false,
        start: None,
        end: None,
        depth: 0,
        children: group.runs,
        open: group.open,
        is_group: true,
    }
}

/// Longest text of a cell, in characters; the run's page has the rest.
#[cfg(feature = "ssr")]
const CELL: usize = 200;

#[cfg(feature = "ssr")]
fn cell(run: &domain::model::Run, column: &domain::model::TableColumn) -> Option<String> {
    use domain::model::{RunField, TableColumn, cut};
    let value = |all: &[domain::model::Tag], key: &str| all.iter().find(|tag| tag.key == key).map(|tag| cut(&tag.value, CELL).to_owned());
    match column {
        TableColumn::Metric(key) => run.metrics.iter().find(|metric| metric.key == *key).map(|metric| metric.value.to_string()),
        TableColumn::Param(key) => value(&run.params, key),
        TableColumn::Tag(key) => value(&run.tags, key),
        TableColumn::Field(RunField::By) => Some(run.created_by.clone()),
        TableColumn::Field(RunField::User) => Some(run.user_id.clone()).filter(|user| !user.is_empty()),
        TableColumn::Field(RunField::Id) => Some(run.id.0.clone()),
        TableColumn::Field(_) => None,
    }
}
