//! Searches over the experiments of a team: their heads are read and compared, tags only where a filter asks for them.

use super::{
    joined, page_size,
    query::{TextTest, bad_filter, bad_order, text_test},
    select::{missing_last, time_holds},
};
use crate::{
    args,
    caller::{Caller, TeamScope},
    db::Db,
    error::{Error, Result},
    model::{
        Comparator, Condition, Experiment, ExperimentPage, ExperimentSearch, FilterError, Millis, ORDERS, Permission, Tag, TeamId,
        parse_filter, parse_order,
    },
    portal::Portal,
    tracking::{page_token, store::public_id},
};
use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

/// A page of the team's experiments that fit.
pub async fn search_experiments(portal: &Portal, caller: &Caller, team: &str, search: &ExperimentSearch) -> Result<ExperimentPage> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    let most = page_size(search.max_results)?;
    let mut tests = Vec::new();
    for condition in parse_filter(&search.filter).map_err(bad_filter)? {
        tests.push(read_condition(&condition).map_err(bad_filter)?);
    }
    let order = read_order(&search.order_by)?;
    let question = question(&scope, search);
    let offset = page_token::decode(Some(&search.page_token), &question)?;
    let mut heads = heads(&portal.db, &scope.team).await?;
    heads.retain(|head| search.view.shows(head.deleted_at.is_some()) && tests.iter().all(|test| test.holds_for_head(head)));
    for test in &tests {
        if let On::Tag(key, tag) = test {
            let tagged = tagged(&portal.db, &scope.team, key).await?;
            heads.retain(|head| tag.holds(tagged.get(&head.id).map(String::as_str)));
        }
    }
    heads.sort_unstable_by(|a, b| compare(a, b, &order));
    let more = heads.len() > offset.saturating_add(most);
    let page: Vec<i64> = heads.into_iter().skip(offset).take(most).map(|head| head.id).collect();
    let experiments = full(&portal.db, &page).await?;
    Ok(ExperimentPage { experiments, next_page_token: more.then(|| page_token::encode(offset + most, &question)) })
}

fn question(scope: &TeamScope, search: &ExperimentSearch) -> String {
    let view = format!("{:?}", search.view);
    let mut parts = vec!["experiments", scope.team.as_str(), scope.user.as_str(), &view, &search.filter];
    parts.extend(search.order_by.iter().map(String::as_str));
    joined(&parts)
}

/// What a condition is about, and what it asks.
enum On {
    Id(HashSet<i64>, bool),
    Name(TextTest),
    Created(Comparator, f64),
    Updated(Comparator, f64),
    Tag(String, TagTest),
}

enum TagTest {
    Present,
    Absent,
    Text(TextTest),
}

impl TagTest {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::Present => value.is_some(),
            Self::Absent => value.is_none(),
            Self::Text(test) => value.is_some_and(|value| test.holds(value)),
        }
    }
}

impl On {
    /// Tags are asked later.
    fn holds_for_head(&self, head: &Head) -> bool {
        match self {
            Self::Id(ids, is) => ids.contains(&head.number()) == *is,
            Self::Name(test) => test.holds(&head.name),
            Self::Created(op, than) => time_holds(head.created_at, *op, *than),
            Self::Updated(op, than) => time_holds(head.updated_at, *op, *than),
            Self::Tag(..) => true,
        }
    }
}

fn read_condition(condition: &Condition) -> std::result::Result<On, FilterError> {
    use Comparator::{Eq, Ge, Gt, ILike, In, IsNotNull, IsNull, Le, Like, Lt, Ne, NotIn};
    match condition.entity.as_deref() {
        None | Some("attribute" | "attributes") => {}
        Some("tag" | "tags") => {
            condition.only(&[Eq, Ne, Like, ILike, IsNull, IsNotNull])?;
            let test = match condition.op {
                IsNull => TagTest::Absent,
                IsNotNull => TagTest::Present,
                _ => TagTest::Text(text_test(condition)?),
            };
            return Ok(On::Tag(condition.key.clone(), test));
        }
        Some(other) => return Err(condition.refuse(format!("There is no \"{other}\" of an experiment; there are attributes and tags"))),
    }
    match condition.key.as_str() {
        "name" => {
            condition.only(&[Eq, Ne, Like, ILike])?;
            Ok(On::Name(text_test(condition)?))
        }
        "experiment_id" => {
            condition.only(&[Eq, Ne, In, NotIn])?;
            let texts = if matches!(condition.op, In | NotIn) { condition.texts()? } else { vec![condition.text()?] };
            let numbers = texts.into_iter().map(|text| text.parse::<i64>().map_err(|_| condition.refuse("An experiment's id is a number")));
            Ok(On::Id(numbers.collect::<std::result::Result<_, _>>()?, matches!(condition.op, Eq | In)))
        }
        "creation_time" | "last_update_time" => {
            condition.only(&[Gt, Ge, Eq, Ne, Lt, Le])?;
            let than = condition.number()?;
            if than.fract() != 0.0 {
                return Err(condition.refuse("A time is a whole number of milliseconds"));
            }
            let created = condition.key == "creation_time";
            Ok(if created { On::Created(condition.op, than) } else { On::Updated(condition.op, than) })
        }
        other => Err(condition.refuse(unknown(other))),
    }
}

fn unknown(key: &str) -> String {
    let shown = crate::model::cut(key, 80);
    format!(
        "Invalid attribute key '{shown}': an experiment has experiment_id, name, creation_time and last_update_time; others are written as tags.x"
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Id,
    Name,
    Created,
    Updated,
}

fn read_order(order_by: &[String]) -> Result<Vec<(By, bool)>> {
    if order_by.is_empty() {
        return Ok(vec![(By::Created, false), (By::Id, true)]);
    }
    if order_by.len() > ORDERS {
        return Err(Error::invalid("order_by", format!("An order has at most {ORDERS} keys.")));
    }
    let mut all = Vec::new();
    for text in order_by {
        let order = parse_order(text).map_err(bad_order)?;
        if !matches!(order.entity.as_deref(), None | Some("attribute" | "attributes")) {
            return Err(Error::invalid("order_by", "Experiments are ordered by their attributes."));
        }
        let by = match order.key.as_str() {
            "experiment_id" => By::Id,
            "name" => By::Name,
            "creation_time" => By::Created,
            "last_update_time" => By::Updated,
            other => return Err(Error::invalid("order_by", unknown(other))),
        };
        all.push((by, order.ascending));
    }
    if !all.iter().any(|(by, _)| *by == By::Id) {
        all.push((By::Id, false));
    }
    Ok(all)
}

fn compare(a: &Head, b: &Head, order: &[(By, bool)]) -> Ordering {
    order.iter().fold(Ordering::Equal, |result, (by, ascending)| {
        result.then_with(|| match by {
            By::Id => missing_last(Some(a.number()), Some(b.number()), *ascending),
            By::Name => missing_last(Some(&a.name), Some(&b.name), *ascending),
            By::Created => missing_last(Some(a.created_at), Some(b.created_at), *ascending),
            By::Updated => missing_last(Some(a.updated_at), Some(b.updated_at), *ascending),
        })
    })
}

/// What every search looks at.
#[derive(sqlx::FromRow)]
struct Head {
    id: i64,
    is_default: i64,
    name: String,
    created_at: Millis,
    updated_at: Millis,
    deleted_at: Option<Millis>,
}

impl Head {
    /// The number that clients know: 0 for the Default.
    fn number(&self) -> i64 {
        if self.is_default == 0 { self.id } else { 0 }
    }
}

async fn heads(db: &Db, team: &TeamId) -> Result<Vec<Head>> {
    db.fetch_all("SELECT id, is_default, name, created_at, updated_at, deleted_at FROM experiments WHERE team_id = $1", args![team]).await
}

/// The value of this tag, by experiment.
async fn tagged(db: &Db, team: &TeamId, key: &str) -> Result<HashMap<i64, String>> {
    let sql = "SELECT t.experiment_id, t.value FROM experiments e JOIN experiment_tags t ON t.experiment_id = e.id AND t.key = $2
               WHERE e.team_id = $1";
    let found: Vec<(i64, String)> = db.fetch_all(sql, args![team, key]).await?;
    Ok(found.into_iter().collect())
}

#[derive(sqlx::FromRow)]
struct FullRow {
    id: i64,
    is_default: i64,
    name: String,
    artifact_location: String,
    created_by: Option<String>,
    created_at: Millis,
    updated_at: Millis,
    deleted_at: Option<Millis>,
    tags: Option<String>,
}

/// The experiments of these numbers with their tags, in the same order.
async fn full(db: &Db, numbers: &[i64]) -> Result<Vec<Experiment>> {
    let head = format!(
        "SELECT e.id, e.is_default, e.name, e.artifact_location, u.email AS created_by, e.created_at, e.updated_at, e.deleted_at,
                (SELECT {} FROM experiment_tags WHERE experiment_id = e.id) AS tags
         FROM experiments e LEFT JOIN users u ON u.id = e.created_by WHERE e.id IN",
        db.json_of_pairs()
    );
    let found: Vec<FullRow> = db.fetch_listed(&head, "", numbers, Vec::new()).await?;
    let mut experiments = HashMap::with_capacity(found.len());
    for row in found {
        let tags: Vec<Tag> = serde_json::from_str(row.tags.as_deref().unwrap_or("[]")).map_err(|e| Error::internal("tags as JSON", e))?;
        let experiment = Experiment {
            id: public_id(row.id, row.is_default),
            name: row.name,
            artifact_location: row.artifact_location,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            tags,
        };
        experiments.insert(row.id, experiment);
    }
    Ok(numbers.iter().filter_map(|id| experiments.remove(id)).collect())
}
