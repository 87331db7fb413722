//! SQL that reads what has changed of an experiment's runs, page by page.

use super::{
    columns::{Key, NEVER, Row},
    select::run_number,
};
use crate::{
    db::{Db, Value},
    error::{Error, Result},
    model::{RunStatus, UserId},
};

/// Rows of one page.
pub(super) const PAGE: i64 = 4096;

/// From where a reading goes on: after this version, and this run of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct After {
    pub version: i64,
    pub no: i64,
}

impl After {
    /// Everything that has changed after this version; all there is, without one.
    pub fn version(version: Option<i64>) -> Self {
        Self { version: version.unwrap_or(-1), no: i64::MAX }
    }
}

fn page(experiment: i64, after: After) -> Vec<Value> {
    crate::args![experiment, after.version, after.no, PAGE]
}

#[derive(sqlx::FromRow)]
struct RunPage {
    no: i64,
    id: String,
    status: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    deleted_at: Option<i64>,
    version: i64,
}

/// The next runs that have changed, and where to go on; none at the end.
pub(super) async fn rows(db: &Db, experiment: i64, after: After) -> Result<(Vec<Row>, Option<After>)> {
    let sql = "SELECT no, id, status, start_time, end_time, deleted_at, version FROM runs
               WHERE experiment_id = $1 AND (version, no) > ($2, $3) ORDER BY version, no LIMIT $4";
    let found: Vec<RunPage> = db.fetch_all(sql, page(experiment, after)).await?;
    let next = goes_on(&found, |row| After { version: row.version, no: row.no });
    let row = |r: RunPage| {
        Ok(Row {
            no: r.no,
            id: run_number(&r.id).ok_or_else(|| Error::internal("stored run", &r.id))?,
            status: r.status.parse::<RunStatus>().map_err(|e| Error::internal("stored run", e))?,
            start: r.start_time.unwrap_or(NEVER),
            end: r.end_time.unwrap_or(NEVER),
            deleted: r.deleted_at.is_some(),
            version: r.version,
        })
    };
    Ok((found.into_iter().map(row).collect::<Result<_>>()?, next))
}

fn goes_on<T>(found: &[T], place: impl Fn(&T) -> After) -> Option<After> {
    let full = i64::try_from(found.len()).is_ok_and(|count| count >= PAGE);
    found.last().filter(|_| full).map(place)
}

/// What a page says of one column, by the runs' numbers; none where a run does not have it.
pub(super) enum Cells {
    Numbers(Vec<(i64, Option<f64>)>),
    Texts(Vec<(i64, Option<String>)>),
}

/// The next values of a column among the runs that have changed, and where to go on.
pub(super) async fn cells(db: &Db, experiment: i64, key: &Key, after: After) -> Result<(Cells, Option<After>)> {
    let sql = match key {
        Key::Metric(name) => return numbers(db, experiment, name, after).await,
        Key::Param(_) => {
            "SELECT r.version, r.no, p.value FROM runs r LEFT JOIN params p ON p.run_no = r.no AND p.key = $5
             WHERE r.experiment_id = $1 AND (r.version, r.no) > ($2, $3) ORDER BY r.version, r.no LIMIT $4"
        }
        Key::Tag(_) => {
            "SELECT r.version, r.no, t.value FROM runs r LEFT JOIN tags t ON t.run_no = r.no AND t.key = $5
             WHERE r.experiment_id = $1 AND (r.version, r.no) > ($2, $3) ORDER BY r.version, r.no LIMIT $4"
        }
        Key::Name => {
            "SELECT version, no, name AS value FROM runs
             WHERE experiment_id = $1 AND (version, no) > ($2, $3) ORDER BY version, no LIMIT $4"
        }
        Key::User => {
            "SELECT version, no, user_id AS value FROM runs
             WHERE experiment_id = $1 AND (version, no) > ($2, $3) ORDER BY version, no LIMIT $4"
        }
    };
    let mut args = page(experiment, after);
    if let Key::Param(name) | Key::Tag(name) = key {
        args.push(name.into());
    }
    let found: Vec<(i64, i64, Option<String>)> = db.fetch_all(sql, args).await?;
    let next = goes_on(&found, |(version, no, _)| After { version: *version, no: *no });
    Ok((Cells::Texts(found.into_iter().map(|(_, no, value)| (no, value)).collect()), next))
}

async fn numbers(db: &Db, experiment: i64, name: &str, after: After) -> Result<(Cells, Option<After>)> {
    let sql = "SELECT r.version, r.no, m.run_no, m.value FROM runs r LEFT JOIN latest_metrics m ON m.run_no = r.no AND m.key = $5
               WHERE r.experiment_id = $1 AND (r.version, r.no) > ($2, $3) ORDER BY r.version, r.no LIMIT $4";
    let mut args = page(experiment, after);
    args.push(name.into());
    let found: Vec<(i64, i64, Option<i64>, Option<f64>)> = db.fetch_all(sql, args).await?;
    let next = goes_on(&found, |(version, no, _, _)| After { version: *version, no: *no });
    // A metric that is there without a value is NaN.
    let cell = |(_, no, has, value): (i64, i64, Option<i64>, Option<f64>)| (no, has.map(|_| value.unwrap_or(f64::NAN)));
    Ok((Cells::Numbers(found.into_iter().map(cell).collect()), next))
}

/// The experiment's runs that this person made, by number, ordered.
pub(super) async fn made_by(db: &Db, experiment: i64, user: &UserId) -> Result<Vec<i64>> {
    let sql = "SELECT no FROM runs WHERE experiment_id = $1 AND created_by = $2 ORDER BY no";
    let rows: Vec<(i64,)> = db.fetch_all(sql, crate::args![experiment, user]).await?;
    Ok(rows.into_iter().map(|(no,)| no).collect())
}

/// What the runs logged that have changed after this version, by name: metrics, params, tags.
pub(super) async fn keys(db: &Db, experiment: i64, after: i64) -> Result<[Vec<String>; 3]> {
    let names = async |sql| {
        let rows: Vec<(String,)> = db.fetch_all(sql, crate::args![experiment, after]).await?;
        Ok::<_, Error>(rows.into_iter().map(|(key,)| key).collect::<Vec<_>>())
    };
    Ok([
        names(
            "SELECT DISTINCT m.key FROM runs r JOIN latest_metrics m ON m.run_no = r.no
             WHERE r.experiment_id = $1 AND r.version > $2 ORDER BY m.key LIMIT 2000",
        )
        .await?,
        names(
            "SELECT DISTINCT p.key FROM runs r JOIN params p ON p.run_no = r.no
             WHERE r.experiment_id = $1 AND r.version > $2 ORDER BY p.key LIMIT 2000",
        )
        .await?,
        names(
            "SELECT DISTINCT t.key FROM runs r JOIN tags t ON t.run_no = r.no
             WHERE r.experiment_id = $1 AND r.version > $2 ORDER BY t.key LIMIT 2000",
        )
        .await?,
    ])
}
