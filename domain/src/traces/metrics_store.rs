//! SQL that counts: how often each value comes in each group, from which everything else follows.

use super::{
    metrics::{SESSION_KEY, View},
    store::list,
};
use crate::{
    db::{Db, Value},
    error::{Error, Result},
};

/// Most different values of one question.
const CELLS: i64 = 200_000;

/// How often a value comes in a group.
#[derive(sqlx::FromRow)]
pub(super) struct Cell {
    pub bucket: i64,
    pub a: String,
    pub b: String,
    pub c: String,
    pub d: String,
    pub e: String,
    pub value: f64,
    pub times: i64,
}

/// A question in fixed fragments of SQL.
pub(super) struct Asked<'a> {
    pub view: View,
    pub value: &'static str,
    pub columns: &'a [&'static str],
    /// Milliseconds.
    pub interval: Option<i64>,
    /// Count each session once.
    pub sessions: bool,
    pub conditions: String,
    pub args: Vec<Value>,
    pub experiments: &'a [i64],
}

pub(super) async fn cells(db: &Db, asked: Asked<'_>) -> Result<Vec<Cell>> {
    let mut args = asked.args;
    let experiments = list(&mut args, asked.experiments);
    let join = match asked.view {
        View::Traces => "",
        View::Spans => "JOIN spans s ON s.trace_no = t.no",
        View::Assessments => "JOIN assessments a ON a.trace_no = t.no AND a.valid = 1",
    };
    let at = if asked.view == View::Spans { "s.start_ns / 1000000" } else { "t.request_time" };
    let bucket = match asked.interval {
        Some(interval) => {
            args.push(interval.into());
            format!("(({at}) / ${n}) * ${n}", n = args.len())
        }
        None => "CAST(0 AS BIGINT)".to_owned(),
    };
    let column = |i: usize| asked.columns.get(i).map_or("''".to_owned(), |column| (*column).to_owned());
    let there: Vec<String> = asked.columns.iter().chain(&[asked.value]).map(|column| format!(" AND {column} IS NOT NULL")).collect();
    let there = there.concat();
    let (times, sessions) = if asked.sessions {
        args.push(SESSION_KEY.into());
        let join = format!("JOIN trace_metadata m ON m.trace_no = t.no AND m.key = ${}", args.len());
        ("COUNT(DISTINCT m.value)", join)
    } else {
        ("COUNT(*)", String::new())
    };
    args.push((CELLS + 1).into());
    let sql = format!(
        "SELECT {bucket} AS bucket, {} AS a, {} AS b, {} AS c, {} AS d, {} AS e, CAST({} AS DOUBLE PRECISION) AS value, {times} AS times
         FROM traces t {join} {sessions} WHERE t.experiment_id IN {experiments}{there}{}
         GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7 LIMIT ${}",
        column(0),
        column(1),
        column(2),
        column(3),
        column(4),
        asked.value,
        asked.conditions,
        args.len(),
    );
    let cells: Vec<Cell> = db.fetch_all_assembled(sql, args).await?;
    if i64::try_from(cells.len()).unwrap_or(i64::MAX) > CELLS {
        return Err(Error::invalid("start_time_ms", "There is too much to count. Ask about a shorter time, or fewer dimensions."));
    }
    Ok(cells)
}
