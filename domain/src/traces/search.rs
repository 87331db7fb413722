//! Searches over traces, page by page, and how two filters go together.

use super::{
    filter::{self, Filter},
    matching, order, read,
    store::{self, TraceRow, list},
};
use crate::{
    args,
    caller::Caller,
    db::{Db, Value},
    error::{Error, Result},
    model::{ExperimentId, Permission, TRACES_OF_A_PAGE, TeamId, TraceInfo},
    portal::Portal,
    random,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// Most traces that one page looks at where patterns must be matched; what is left is on the next page.
const LOOKED_AT: i64 = 20_000;
/// Traces that are matched at a time.
const BATCH: i64 = 500;
/// Most experiments of one search.
const EXPERIMENTS: usize = 1000;

/// What to search for, in MLflow's words.
#[derive(Clone, Debug, Default)]
pub struct TraceSearch {
    /// Those that the team does not have are passed over.
    pub experiments: Vec<ExperimentId>,
    pub filter: String,
    pub order_by: Vec<String>,
    /// 1 to 500.
    pub most: i64,
    pub page_token: Option<String>,
}

/// One page of a search. It may have fewer traces than were asked for, and still be followed by another.
#[derive(Clone, Debug)]
pub struct Page {
    pub traces: Vec<TraceInfo>,
    pub next: Option<String>,
}

/// Where a page begins, and of which search.
#[derive(Serialize, Deserialize)]
struct Token {
    /// Digest of the search: no other one takes the token.
    of: String,
    at: i64,
    /// The newest trace when the search began, so that new ones do not push others from page to page.
    newest: i64,
}

/// The traces of these experiments that fit.
///
/// # Errors
/// `Invalid` for a filter, order, size or token that cannot be used; a token of another search cannot.
pub async fn search(portal: &Portal, caller: &Caller, team: &str, search: &TraceSearch) -> Result<Page> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    if !(1..=TRACES_OF_A_PAGE).contains(&search.most) {
        let reason = format!("Invalid value {} for parameter 'max_results' supplied. It must be 1 to {TRACES_OF_A_PAGE}.", search.most);
        return Err(Error::invalid("max_results", reason));
    }
    let of = digest(&scope.team, search);
    let token = search.page_token.as_deref().filter(|token| !token.is_empty()).map(|token| open(token, &of)).transpose()?;
    let experiments = experiments(&portal.db, &scope.team, &search.experiments).await?;
    let mut args = Vec::new();
    let filter = filter::compile(&search.filter, &mut args)?;
    let order = order::order_by(&search.order_by, &mut args)?;
    if experiments.is_empty() {
        return Ok(Page { traces: Vec::new(), next: None });
    }
    let token = match token {
        Some(token) => token,
        None => Token { of, at: 0, newest: newest(&portal.db).await? },
    };
    let query = Query { db: &portal.db, args, experiments, filter, order };
    let (rows, next) = query.page(&token, search.most).await?;
    let traces = read::infos(&portal.db, &rows).await?;
    let next = next.map(|at| seal(&Token { at, ..token })).transpose()?;
    Ok(Page { traces, next })
}

fn digest(team: &TeamId, search: &TraceSearch) -> String {
    let mut experiments: Vec<&str> = search.experiments.iter().map(ExperimentId::as_str).collect();
    experiments.sort_unstable();
    random::digest(&serde_json::json!([team.as_str(), experiments, search.filter, search.order_by]).to_string())[..32].to_owned()
}

fn open(token: &str, of: &str) -> Result<Token> {
    let read = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice::<Token>(&bytes).ok());
    read.filter(|token| token.of == of && token.at >= 0)
        .ok_or_else(|| Error::invalid("page_token", "This token does not belong to this search. Start at the first page."))
}

fn seal(token: &Token) -> Result<String> {
    serde_json::to_vec(token).map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).map_err(|e| Error::internal("a page token", e))
}

async fn newest(db: &Db) -> Result<i64> {
    let (newest,): (i64,) = db.fetch_one("SELECT COALESCE(MAX(no), 0) FROM traces", args![]).await?;
    Ok(newest)
}

/// Numbers of those experiments that the team has.
pub(super) async fn experiments(db: &Db, team: &TeamId, ids: &[ExperimentId]) -> Result<Vec<i64>> {
    if ids.len() > EXPERIMENTS {
        return Err(Error::invalid("locations", format!("Search at most {EXPERIMENTS} experiments at a time.")));
    }
    let numbers: Vec<i64> = ids.iter().filter_map(|id| id.as_str().parse().ok()).collect();
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = args![team, numbers.contains(&0)];
    let places = list(&mut args, &numbers);
    let sql =
        format!("SELECT id FROM experiments WHERE team_id = $1 AND ((is_default = 1 AND $2 = 1) OR (is_default = 0 AND id IN {places}))");
    let rows: Vec<(i64,)> = db.fetch_all_assembled(sql, args).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

struct Query<'a> {
    db: &'a Db,
    args: Vec<Value>,
    experiments: Vec<i64>,
    filter: Filter,
    order: String,
}

impl Query<'_> {
    async fn rows(&self, newest: i64, at: i64, most: i64) -> Result<Vec<TraceRow>> {
        let mut args = self.args.clone();
        let experiments = list(&mut args, &self.experiments);
        args.extend(args![newest, most, at]);
        let last = args.len();
        let sql = format!(
            "SELECT {} FROM traces t JOIN experiments e ON e.id = t.experiment_id WHERE t.experiment_id IN {experiments} AND t.no <= ${}{} {}
             LIMIT ${} OFFSET ${last}",
            store::COLUMNS,
            last - 2,
            self.filter.sql,
            self.order,
            last - 1,
        );
        self.db.fetch_all_assembled(sql, args).await
    }

    /// Rows of the page, and where the next one begins.
    async fn page(&self, token: &Token, most: i64) -> Result<(Vec<TraceRow>, Option<i64>)> {
        let wanted = usize::try_from(most).unwrap_or_default();
        let batch = if self.filter.is_exact() { most + 1 } else { BATCH };
        let (mut found, mut at) = (Vec::new(), token.at);
        loop {
            let rows = self.rows(token.newest, at, batch).await?;
            let count = i64::try_from(rows.len()).unwrap_or(batch);
            let fits = if self.filter.is_exact() { vec![true; rows.len()] } else { matching::fits(self.db, &self.filter, &rows).await? };
            for (row, fits) in rows.into_iter().zip(fits) {
                if fits && found.len() == wanted {
                    return Ok((found, Some(at)));
                }
                at += 1;
                if fits {
                    found.push(row);
                }
            }
            if count < batch {
                return Ok((found, None));
            }
            if at - token.at >= LOOKED_AT {
                return Ok((found, Some(at)));
            }
        }
    }

    /// Numbers of all traces that fit.
    async fn numbers(&self, newest: i64) -> Result<Vec<i64>> {
        let mut found = Vec::new();
        let mut at = 0;
        loop {
            let token = Token { of: String::new(), at, newest };
            let (rows, next) = self.page(&token, TRACES_OF_A_PAGE).await?;
            found.extend(rows.into_iter().map(|row| row.no));
            match next {
                Some(next) if next < COUNTED => at = next,
                Some(_) => return Err(Error::invalid("experiment_ids", format!("There are more than {COUNTED} traces to compare."))),
                None => return Ok(found),
            }
        }
    }
}

/// Most traces of which two filters are compared.
const COUNTED: i64 = 100_000;

/// How often two filters hold, alone and together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Correlation {
    pub first: i64,
    pub second: i64,
    pub both: i64,
    pub total: i64,
}

impl Correlation {
    /// Normalised pointwise mutual information, -1 to 1; none where a filter never holds. `smoothing` is added to each count.
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    pub fn npmi(&self, smoothing: f64) -> Option<f64> {
        let (first, second, both, total) = (self.first, self.second, self.both, self.total);
        if total <= 0 || first == 0 || second == 0 {
            return None;
        }
        if smoothing == 0.0 && both == 0 {
            return Some(-1.0);
        }
        if smoothing == 0.0 && both == first && both == second {
            return Some(1.0);
        }
        // The four cells: both, only one, only the other, neither.
        let cells = [both, first - both, second - both, total - first - second + both].map(|n| n as f64 + smoothing);
        let sum: f64 = cells.iter().sum();
        let (p12, p1, p2) = (cells[0] / sum, (cells[0] + cells[1]) / sum, (cells[0] + cells[2]) / sum);
        if p12 <= 0.0 {
            return Some(-1.0);
        }
        if p12 >= 1.0 {
            return Some(1.0);
        }
        Some((((p12 / (p1 * p2)).ln()) / -p12.ln()).clamp(-1.0, 1.0))
    }
}

/// How two filters go together among the traces that a third one lets through.
pub async fn correlation(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    experiments: &[ExperimentId],
    filters: [&str; 2],
    base: Option<&str>,
) -> Result<Correlation> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let numbers = self::experiments(&portal.db, &scope.team, experiments).await?;
    let base = base.unwrap_or_default().trim();
    let newest = newest(&portal.db).await?;
    let mut found = Vec::new();
    for text in [base, filters[0], filters[1]] {
        let text = [base, text].into_iter().filter(|t| !t.trim().is_empty()).collect::<Vec<_>>().join(" AND ");
        let mut args = Vec::new();
        let filter = filter::compile(&text, &mut args)?;
        if numbers.is_empty() {
            found.push(Vec::new());
            continue;
        }
        let query = Query { db: &portal.db, args, experiments: numbers.clone(), filter, order: "ORDER BY t.no".to_owned() };
        let mut these = query.numbers(newest).await?;
        these.sort_unstable();
        found.push(these);
    }
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let both = found[1].iter().filter(|no| found[2].binary_search(no).is_ok()).count();
    Ok(Correlation { first: count(found[1].len()), second: count(found[2].len()), both: count(both), total: count(found[0].len()) })
}
