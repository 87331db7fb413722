//! The search for logged models: MLflow's filter and order turned into SQL of fixed fragments; patterns are matched here.

use super::{logged_models_store as rows, page_token};
use crate::{
    args,
    caller::Caller,
    db::{Cells, Value},
    error::{Error, Result},
    model::{Comparator, Condition, ExperimentId, FilterError, LoggedModel, LoggedModelStatus, Pattern, Permission, parse_filter},
    portal::Portal,
};
use serde::Serialize;

/// Most models in one answer.
const PAGE: usize = 1000;
/// Most experiments of one search, and most datasets and orders.
const EXPERIMENTS: usize = 1000;
const CLAUSES: usize = 64;
/// Most points of each model in an answer: the newest.
const POINTS: i64 = 1000;
/// Rows that are looked at in one go where a pattern decides.
const LOOK: usize = 10_000;

/// One entry of an order.
#[derive(Clone, Debug, Serialize)]
pub struct ModelOrder {
    /// An attribute, or `metrics.<key>`.
    pub field: String,
    pub ascending: bool,
    /// Only points measured on this data count; both may be empty.
    pub dataset_name: String,
    pub dataset_digest: String,
}

/// A search for logged models.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ModelSearch {
    pub experiments: Vec<ExperimentId>,
    pub filter: String,
    /// Name and digest (which may be empty) of data: only points measured on one of these count, and only models that have some.
    pub datasets: Vec<(String, String)>,
    pub order_by: Vec<ModelOrder>,
    /// From 1 on; an answer has at most 1000 models whatever it says.
    #[serde(skip)]
    pub max_results: usize,
    #[serde(skip)]
    pub page_token: Option<String>,
}

/// Models of the team's experiments, newest first unless ordered, and the token of the next page.
///
/// # Errors
/// `Invalid` where the filter, the order or the token cannot be used. Experiments that are not the team's have no models.
pub async fn search(portal: &Portal, caller: &Caller, team: &str, search: &ModelSearch) -> Result<(Vec<LoggedModel>, Option<String>)> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let most = |count: usize, most: usize, field: &str| {
        if count <= most { Ok(()) } else { Err(Error::invalid(field, format!("At most {most} of them are taken at once."))) }
    };
    most(search.experiments.len(), EXPERIMENTS, "experiment_ids")?;
    most(search.datasets.len(), CLAUSES, "datasets")?;
    most(search.order_by.len(), CLAUSES, "order_by")?;
    if search.max_results == 0 {
        return Err(Error::invalid("max_results", "Ask for at least 1."));
    }
    let question = serde_json::to_string(&(&scope.team, search)).map_err(|e| Error::internal("search", e))?;
    let mut at = page_token::decode(search.page_token.as_deref(), &question)?;
    let experiments: Vec<i64> =
        rows::experiments(&portal.db, &scope.team, &search.experiments).await?.into_iter().map(|(no, _)| no).collect();
    let query = Query::new(search, &experiments).map_err(|e| Error::invalid("filter", e.to_string()))?;
    if experiments.is_empty() {
        return Ok((Vec::new(), None));
    }
    let size = search.max_results.min(PAGE);
    let chunk = if query.patterns.is_empty() { size + 1 } else { LOOK };
    let (mut found, mut next) = (Vec::with_capacity(size), None);
    'pages: loop {
        let (sql, args) = query.statement(chunk, at);
        let looked: Vec<Cells> = portal.db.fetch_all_assembled(sql, args).await?;
        let last = looked.len() < chunk;
        for row in looked {
            if let Some(no) = query.fits(&row) {
                if found.len() == size {
                    next = Some(page_token::encode(at, &question));
                    break 'pages;
                }
                found.push(no);
            }
            at += 1;
        }
        if last {
            break;
        }
    }
    let models = rows::complete(&portal.db, rows::rows(&portal.db, &found).await?, POINTS).await?;
    Ok((models, next))
}

/// What is compared: where it stands in SQL, and what it is.
enum Field {
    Text(String),
    Number(String),
    Metric(String),
}

/// The statement while it is put together; everything a client says is bound.
struct Query {
    args: Vec<Value>,
    wheres: Vec<String>,
    orders: Vec<String>,
    /// Selected columns that these patterns must match.
    columns: Vec<String>,
    patterns: Vec<Pattern>,
}

const NUMERIC: [Comparator; 6] = [Comparator::Gt, Comparator::Ge, Comparator::Eq, Comparator::Ne, Comparator::Lt, Comparator::Le];
const TEXTUAL: [Comparator; 6] = [Comparator::Eq, Comparator::Ne, Comparator::Like, Comparator::ILike, Comparator::In, Comparator::NotIn];

impl Query {
    fn new(search: &ModelSearch, experiments: &[i64]) -> Result<Self, FilterError> {
        let mut query = Self { args: Vec::new(), wheres: Vec::new(), orders: Vec::new(), columns: Vec::new(), patterns: Vec::new() };
        let ids: Vec<String> = rows::padded(experiments).into_iter().map(|id| query.bind(id)).collect();
        query.wheres.push(format!("m.experiment_id IN ({})", ids.join(", ")));
        query.wheres.push("m.deleted_at IS NULL".to_owned());
        let conditions = parse_filter(&search.filter)?;
        let mut measured = false;
        for condition in &conditions {
            measured |= query.condition(condition, &search.datasets)?;
        }
        if !search.datasets.is_empty() && !measured {
            let any = query.datasets(&search.datasets);
            query.wheres.push(format!("EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model_no = m.no{any})"));
        }
        for order in &search.order_by {
            query.order(order, &search.datasets)?;
        }
        if !search.order_by.iter().any(|o| column(&o.field) == Some("m.created_at")) {
            query.orders.push("m.created_at DESC".to_owned());
        }
        query.orders.push("m.no DESC".to_owned());
        Ok(query)
    }

    /// Binds a value, and says its place.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }

    /// ` AND (…)` where points must be of one of these.
    fn datasets(&mut self, datasets: &[(String, String)]) -> String {
        if datasets.is_empty() {
            return String::new();
        }
        let one = |(name, digest): &(String, String)| {
            let name = format!("x.dataset_name = {}", self.bind(name));
            if digest.is_empty() { name } else { format!("{name} AND x.dataset_digest = {}", self.bind(digest)) }
        };
        let any: Vec<String> = datasets.iter().map(one).collect();
        format!(" AND (({}))", any.join(") OR ("))
    }

    /// The latest value of a metric: greatest by step, time and value.
    fn latest(&mut self, key: &str, datasets: &[(String, String)], only: &[(String, String)]) -> String {
        let key = self.bind(key);
        let (datasets, only) = (self.datasets(datasets), self.datasets(only));
        format!(
            "(SELECT x.value FROM logged_model_metrics x WHERE x.model_no = m.no AND x.key = {key}{datasets}{only}
              ORDER BY x.step DESC, x.timestamp DESC, x.value DESC NULLS LAST LIMIT 1)"
        )
    }

    /// Adds a condition; says whether it is about a metric.
    fn condition(&mut self, condition: &Condition, datasets: &[(String, String)]) -> Result<bool, FilterError> {
        let pair =
            |table: &str, key: String| Field::Text(format!("(SELECT p.value FROM {table} p WHERE p.model_no = m.no AND p.key = {key})"));
        let field = match condition.entity.as_deref() {
            Some("metrics" | "metric") => Field::Metric(self.latest(&condition.key, datasets, &[])),
            Some("params" | "param" | "parameters" | "parameter") => {
                let key = self.bind(&condition.key);
                pair("logged_model_params", key)
            }
            Some("tags" | "tag") => {
                let key = self.bind(&condition.key);
                pair("logged_model_tags", key)
            }
            None | Some("attributes" | "attribute" | "attr") => match column(&condition.key) {
                Some(column @ ("m.created_at" | "m.updated_at")) => Field::Number(column.to_owned()),
                Some(column) if column != "m.experiment_id" => Field::Text(column.to_owned()),
                _ => return Err(condition.refuse(format!("Logged models have no attribute \"{}\"", condition.key))),
            },
            Some(other) => return Err(condition.refuse(format!("Logged models have no {other}; use attributes, metrics, params or tags"))),
        };
        match field {
            Field::Text(sql) => self.textual(condition, sql)?,
            Field::Number(sql) | Field::Metric(sql) if !NUMERIC.contains(&condition.op) => {
                drop(sql);
                condition.only(&NUMERIC)?;
            }
            Field::Metric(sql) => {
                let value = self.bind(condition.number()?);
                self.wheres.push(format!("{sql} {} {value}", condition.op.as_str()));
                return Ok(true);
            }
            Field::Number(sql) => {
                let value = self.bind(condition.number()?);
                self.wheres.push(format!("{sql} {} {value}", condition.op.as_str()));
            }
        }
        Ok(false)
    }

    fn textual(&mut self, condition: &Condition, sql: String) -> Result<(), FilterError> {
        let status = sql == "m.status";
        condition.only(if status { &[Comparator::Eq, Comparator::Ne, Comparator::In, Comparator::NotIn] } else { &TEXTUAL })?;
        match condition.op {
            Comparator::Like | Comparator::ILike => {
                self.patterns.push(Pattern::new(condition.text()?, condition.op == Comparator::ILike));
                self.columns.push(sql);
            }
            op => {
                let list = matches!(op, Comparator::In | Comparator::NotIn);
                let texts = if list { condition.texts()? } else { vec![condition.text()?] };
                if status && let Some(wrong) = texts.iter().find_map(|t| t.parse::<LoggedModelStatus>().err()) {
                    return Err(condition.refuse(wrong));
                }
                let places: Vec<String> = texts.into_iter().map(|text| self.bind(text)).collect();
                let places = places.join(", ");
                self.wheres.push(if list {
                    format!("{sql} {} ({places})", op.as_str())
                } else {
                    format!("{sql} {} {places}", op.as_str())
                });
            }
        }
        Ok(())
    }

    fn order(&mut self, order: &ModelOrder, datasets: &[(String, String)]) -> Result<(), FilterError> {
        let direction = if order.ascending { "ASC" } else { "DESC" };
        let refuse = |reason: String| FilterError { start: 0, end: 0, reason };
        let sql = match order.field.split_once('.') {
            Some(("metrics", key)) if !key.is_empty() => {
                let key = key.trim_matches('`');
                let only = if order.dataset_name.is_empty() && order.dataset_digest.is_empty() {
                    Vec::new()
                } else if order.dataset_name.is_empty() {
                    return Err(refuse("An order by the digest of a dataset names the dataset too".to_owned()));
                } else {
                    vec![(order.dataset_name.clone(), order.dataset_digest.clone())]
                };
                self.latest(key, datasets, &only)
            }
            Some(_) => return Err(refuse(format!("Invalid order by field name: {}. Only metrics are supported.", order.field))),
            None => {
                column(&order.field).map(str::to_owned).ok_or_else(|| refuse(format!("Invalid order by field name: {}", order.field)))?
            }
        };
        self.orders.push(format!("{sql} {direction} NULLS LAST"));
        Ok(())
    }

    /// Number and matched columns of `limit` models from `offset` on.
    fn statement(&self, limit: usize, offset: usize) -> (String, Vec<Value>) {
        let columns = self.columns.iter().fold(String::new(), |columns, c| columns + ", " + c);
        let sql = format!(
            "SELECT m.no{columns} FROM logged_models m WHERE {} ORDER BY {} LIMIT ${} OFFSET ${}",
            self.wheres.join(" AND "),
            self.orders.join(", "),
            self.args.len() + 1,
            self.args.len() + 2
        );
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        (sql, self.args.iter().cloned().chain(args![number(limit), number(offset)]).collect())
    }

    /// The model's number, where its columns match.
    fn fits(&self, row: &Cells) -> Option<i64> {
        let matches = |(pattern, cell): (&Pattern, &Value)| matches!(cell, Value::Text(Some(text)) if pattern.matches(text));
        let (first, columns) = row.0.split_first()?;
        let Value::Int(Some(no)) = first else { return None };
        self.patterns.iter().zip(columns).all(matches).then_some(*no)
    }
}

/// The column of an attribute.
fn column(name: &str) -> Option<&'static str> {
    Some(match name {
        "name" => "m.name",
        "model_id" => "m.id",
        "model_type" => "m.model_type",
        "status" => "m.status",
        "source_run_id" => "m.source_run",
        "experiment_id" => "m.experiment_id",
        "creation_timestamp" | "creation_timestamp_ms" | "creation_time" => "m.created_at",
        "last_updated_timestamp" | "last_updated_timestamp_ms" | "last_updated_time" => "m.updated_at",
        _ => return None,
    })
}
