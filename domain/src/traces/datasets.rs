//! Evaluation datasets: records that applications are measured with, shared by experiments of a team.

use super::datasets_store::{self as rows, RecordRow};
use crate::{
    args, audit,
    caller::{Caller, TeamScope},
    db::Tx,
    error::{Error, Result},
    model::{
        Comparator, Condition, EVALUATION_TAGS, EvaluationDataset, EvaluationRecord, ExperimentId, Millis, NewRecord, Pattern, Permission,
        RECORD_LENGTH, RECORDS_OF_A_CALL, RECORDS_OF_A_DATASET, SCHEMA_FIELDS, Tag, parse_filter, parse_order, validate_evaluation_name,
        validate_evaluation_tags,
    },
    portal::Portal,
    random,
    tracking::{page_token, store},
};
use serde_json::{Map, Value as Json, json};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

/// Most experiments in one call.
const EXPERIMENTS: usize = 1000;

/// Makes an empty dataset.
///
/// # Errors
/// `NotFound` where an experiment is not the team's; `Invalid` by name and limits.
pub async fn create(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    name: &str,
    tags: &[Tag],
    experiments: &[ExperimentId],
) -> Result<EvaluationDataset> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_evaluation_name(name).map_err(|reason| Error::invalid("name", reason))?;
    validate_evaluation_tags(tags)?;
    let (id, now) = (format!("d-{}", random::hex(&random::bytes::<16>())), portal.clock.now());
    let mut tx = portal.db.begin().await?;
    let numbers = numbers(&mut tx, &scope, experiments).await?;
    tx.execute(
        "INSERT INTO evaluation_datasets (id, team_id, name, digest, records, next_seq, created_by, updated_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 0, 1, $5, $5, $6, $6)",
        args![&id, &scope.team, name, digest(name, now), &scope.user, now],
    )
    .await?;
    rows::put_tags(&mut tx, &id, tags).await?;
    rows::put_experiments(&mut tx, &id, &numbers).await?;
    tx.commit().await?;
    whole(portal, &scope, &id).await
}

/// Eight digits that change with each change of the records.
fn digest(name: &str, at: Millis) -> String {
    random::digest(&format!("{name}:{at}"))[..8].to_owned()
}

async fn numbers(tx: &mut Tx, scope: &TeamScope, experiments: &[ExperimentId]) -> Result<Vec<i64>> {
    if experiments.len() > EXPERIMENTS {
        return Err(Error::invalid("experiment_ids", format!("At most {EXPERIMENTS} of them are taken at once.")));
    }
    let mut numbers = Vec::with_capacity(experiments.len());
    for id in experiments {
        numbers.push(store::experiment_tx(tx, &scope.team, id).await?.id);
    }
    Ok(numbers)
}

async fn whole(portal: &Portal, scope: &TeamScope, id: &str) -> Result<EvaluationDataset> {
    let row = rows::find(&portal.db, &scope.team, id).await?;
    rows::complete(&portal.db, vec![row]).await?.pop().ok_or(Error::NotFound("evaluation dataset"))
}

/// One dataset, without its records.
pub async fn get(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<EvaluationDataset> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    whole(portal, &scope, id).await
}

/// Deletes a dataset and its records for good.
pub async fn remove(portal: &Portal, caller: &Caller, team: &str, id: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    let row = rows::lock(&mut tx, &scope.team, id).await?;
    tx.execute("DELETE FROM evaluation_datasets WHERE id = $1", args![id]).await?;
    let entry = audit::Entry::<_, ()> {
        team: Some(team),
        action: "evaluation_dataset.delete",
        object: id,
        object_name: &row.name,
        before: Some(json!({ "records": row.records })),
        after: None,
    };
    audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    tx.commit().await
}

/// Sets tags; a tag without a value stays as it is.
pub async fn set_tags(portal: &Portal, caller: &Caller, team: &str, id: &str, tags: &[Tag]) -> Result<EvaluationDataset> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    validate_evaluation_tags(tags)?;
    let mut tx = portal.db.begin().await?;
    rows::lock(&mut tx, &scope.team, id).await?;
    rows::put_tags(&mut tx, id, tags).await?;
    let (count,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM evaluation_dataset_tags WHERE dataset_id = $1", args![id]).await?;
    if usize::try_from(count).is_ok_and(|count| count > EVALUATION_TAGS) {
        return Err(Error::QuotaExceeded(format!("A dataset has at most {EVALUATION_TAGS} tags.")));
    }
    tx.commit().await?;
    whole(portal, &scope, id).await
}

/// Removes a tag, if it is there.
pub async fn remove_tag(portal: &Portal, caller: &Caller, team: &str, id: &str, key: &str) -> Result<()> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    rows::lock(&mut tx, &scope.team, id).await?;
    tx.execute("DELETE FROM evaluation_dataset_tags WHERE dataset_id = $1 AND key = $2", args![id, key]).await?;
    tx.commit().await
}

/// Adds the dataset to experiments, or with `add` false takes it out of those it is in.
///
/// # Errors
/// `NotFound` where the dataset, or an experiment that it is added to, is not the team's.
pub async fn set_experiments(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    id: &str,
    experiments: &[ExperimentId],
    add: bool,
) -> Result<EvaluationDataset> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    let mut tx = portal.db.begin().await?;
    rows::lock(&mut tx, &scope.team, id).await?;
    let numbers = numbers(&mut tx, &scope, experiments).await?;
    if add {
        rows::put_experiments(&mut tx, id, &numbers).await?;
    } else {
        for experiment in numbers {
            tx.execute("DELETE FROM evaluation_dataset_experiments WHERE dataset_id = $1 AND experiment_id = $2", args![id, experiment])
                .await?;
        }
    }
    tx.execute("UPDATE evaluation_datasets SET updated_at = $1 WHERE id = $2", args![portal.clock.now(), id]).await?;
    tx.commit().await?;
    whole(portal, &scope, id).await
}

/// How many records were added and changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    pub inserted: usize,
    pub updated: usize,
}

/// Adds records; one whose inputs are there already is changed: its outputs replaced, its expectations and tags added to.
///
/// # Errors
/// `Invalid` by limits, `QuotaExceeded` where the dataset gets too large; nothing has been written then.
pub async fn merge_records(portal: &Portal, caller: &Caller, team: &str, id: &str, records: Vec<NewRecord>) -> Result<Merged> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    if records.len() > RECORDS_OF_A_CALL {
        return Err(Error::invalid("records", format!("At most {RECORDS_OF_A_CALL} records are taken at once.")));
    }
    for (i, record) in records.iter().enumerate() {
        record.validate(i)?;
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let dataset = rows::lock(&mut tx, &scope.team, id).await?;
    let mut schema = Schema::read(dataset.schema.as_deref());
    let inputs: Vec<String> = records.iter().map(|r| text(&json!(r.inputs))).collect();
    let hashes: Vec<String> = inputs.iter().map(|text| random::digest(text)).collect();
    let mut stored = rows::same_inputs(&mut tx, id, &hashes).await?;
    let (mut merged, mut next, mut changed) = (Merged::default(), dataset.next_seq, BTreeMap::new());
    for ((record, inputs), hash) in records.into_iter().zip(inputs).zip(hashes) {
        schema.learn(&record);
        let row = if let Some(mut row) = stored.remove(&hash) {
            merged.updated += 1;
            change(&mut row, record)?;
            row.updated_by.clone_from(&scope.user.0);
            row.updated_at = now;
            row
        } else {
            merged.inserted += 1;
            next += 1;
            added(record, next - 1, inputs, hash.clone(), &scope, now)
        };
        let length = [Some(&row.inputs), row.outputs.as_ref(), row.expectations.as_ref(), row.tags.as_ref(), row.source.as_ref()];
        if length.into_iter().flatten().map(String::len).sum::<usize>() > RECORD_LENGTH {
            return Err(Error::invalid("records", format!("A record has at most {RECORD_LENGTH} bytes.")));
        }
        changed.insert(row.seq, row.clone());
        // The same inputs may come again in this call.
        stored.insert(hash, row);
    }
    let count = dataset.records.saturating_add(i64::try_from(merged.inserted).unwrap_or(i64::MAX));
    if count > RECORDS_OF_A_DATASET {
        return Err(Error::QuotaExceeded(format!("A dataset has at most {RECORDS_OF_A_DATASET} records.")));
    }
    rows::put_records(&mut tx, id, changed.into_values().collect()).await?;
    tx.execute(
        "UPDATE evaluation_datasets SET records = $1, next_seq = $2, schema = $3, digest = $4, updated_by = $5, updated_at = $6 WHERE id = $7",
        args![count, next, schema.text(), digest(&dataset.name, now), &scope.user, now, id],
    )
    .await?;
    tx.commit().await?;
    Ok(merged)
}

/// Keys of objects come out in order, so that the same inputs have the same text.
fn text(value: &Json) -> String {
    value.to_string()
}

fn added(record: NewRecord, seq: i64, inputs: String, input_hash: String, scope: &TeamScope, now: Millis) -> RecordRow {
    let source = record.source.map(|mut source| {
        source.source_type = source.source_type.to_ascii_uppercase();
        text(&json!({ "source_type": source.source_type, "source_data": source.source_data.unwrap_or_default() }))
    });
    RecordRow {
        seq,
        id: format!("dr-{}", random::hex(&random::bytes::<16>())),
        input_hash,
        inputs,
        // MLflow's server stores an empty object where nothing was said.
        outputs: Some(record.outputs.unwrap_or_else(|| json!({}))).filter(|o| !o.is_null()).map(|o| text(&o)),
        expectations: record.expectations.map(|e| text(&json!(e))),
        tags: record.tags.map(|t| text(&json!(t))),
        source,
        created_by: scope.user.0.clone(),
        updated_by: scope.user.0.clone(),
        created_at: now,
        updated_at: now,
    }
}

fn change(row: &mut RecordRow, record: NewRecord) -> Result<()> {
    if let Some(outputs) = record.outputs {
        row.outputs = Some(outputs).filter(|o| !o.is_null()).map(|o| text(&o));
    }
    let add = |before: &mut Option<String>, more: Option<BTreeMap<String, Json>>| -> Result<()> {
        let Some(more) = more.filter(|more| !more.is_empty()) else { return Ok(()) };
        let known = before.as_deref().map(serde_json::from_str::<Map<String, Json>>).transpose();
        let mut all = known.map_err(|e| Error::internal("evaluation_records", e))?.unwrap_or_default();
        all.extend(more);
        *before = Some(text(&Json::Object(all)));
        Ok(())
    };
    add(&mut row.expectations, record.expectations)?;
    add(&mut row.tags, record.tags)
}

/// What kinds of values the fields of records have, as their first record had them.
struct Schema(Map<String, Json>);

impl Schema {
    fn read(text: Option<&str>) -> Self {
        let known = text.and_then(|t| serde_json::from_str(t).ok());
        let empty = || {
            Map::from_iter(
                [("inputs", json!({})), ("outputs", json!({})), ("expectations", json!({})), ("version", json!("1.0"))]
                    .map(|(k, v)| (k.to_owned(), v)),
            )
        };
        Self(known.unwrap_or_else(empty))
    }

    fn learn(&mut self, record: &NewRecord) {
        let empty = BTreeMap::new();
        let mut put = |part: &str, fields: &mut dyn Iterator<Item = (&String, &Json)>| {
            let Some(known) = self.0.get_mut(part).and_then(Json::as_object_mut) else { return };
            for (key, value) in fields {
                if known.len() < SCHEMA_FIELDS && !known.contains_key(key) {
                    known.insert(key.clone(), kind(value).into());
                }
            }
        };
        put("inputs", &mut record.inputs.iter());
        put("expectations", &mut record.expectations.as_ref().unwrap_or(&empty).iter());
        match &record.outputs {
            Some(Json::Object(outputs)) => put("outputs", &mut outputs.iter()),
            Some(Json::Null) | None => {}
            Some(other) => {
                if self.0.get("outputs").and_then(Json::as_object).is_some_and(Map::is_empty) {
                    self.0.insert("outputs".to_owned(), kind(other).into());
                }
            }
        }
    }

    fn text(&self) -> String {
        text(&Json::Object(self.0.clone()))
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(n) if n.is_f64() => "float",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// Most records of one answer, and most bytes of them: a page ends where either is reached.
const PAGE: i64 = 1000;
const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// Records in the order they were added, and the token of the next page.
pub async fn records(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    id: &str,
    most: i64,
    token: Option<&str>,
) -> Result<(Vec<EvaluationRecord>, Option<String>)> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    rows::find(&portal.db, &scope.team, id).await?;
    if most < 1 {
        return Err(Error::invalid("max_results", "Ask for at least 1."));
    }
    let question = format!("records {} {id}", scope.team);
    let mut after = i64::try_from(page_token::decode(token, &question)?).unwrap_or(i64::MAX);
    let most = usize::try_from(most.min(PAGE)).unwrap_or(1);
    let (mut page, mut bytes) = (Vec::new(), 0);
    // A few at a time, since a single one may be large.
    loop {
        let some = rows::records(&portal.db, id, after, 50).await?;
        let last = some.len() < 50;
        for row in some {
            if page.len() == most || bytes > PAGE_BYTES {
                let next = page_token::encode(usize::try_from(after).unwrap_or(0), &question);
                return Ok((page, Some(next)));
            }
            after = row.seq;
            bytes +=
                row.inputs.len() + [&row.outputs, &row.expectations, &row.source].into_iter().flatten().map(String::len).sum::<usize>();
            page.push(row.record()?);
        }
        if last {
            return Ok((page, None));
        }
    }
}

/// Deletes records; says how many there were.
pub async fn remove_records(portal: &Portal, caller: &Caller, team: &str, id: &str, records: &[String]) -> Result<i64> {
    let scope = caller.require_in(Permission::WriteTracking, team)?;
    if records.len() > RECORDS_OF_A_CALL {
        return Err(Error::invalid("dataset_record_ids", format!("At most {RECORDS_OF_A_CALL} records are taken at once.")));
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    let dataset = rows::lock(&mut tx, &scope.team, id).await?;
    let removed = rows::remove_records(&mut tx, id, records).await?;
    if removed > 0 {
        let sql = "UPDATE evaluation_datasets SET records = records - $1, digest = $2, updated_by = $3, updated_at = $4 WHERE id = $5";
        tx.execute(sql, args![removed, digest(&dataset.name, now), &scope.user, now, id]).await?;
    }
    tx.commit().await?;
    Ok(removed)
}

/// A search for datasets.
#[derive(Clone, Debug, Default)]
pub struct DatasetSearch {
    /// None for all of the team.
    pub experiments: Option<Vec<ExperimentId>>,
    pub filter: String,
    pub order_by: Vec<String>,
    /// From 1 to 50 000.
    pub max_results: usize,
    pub page_token: Option<String>,
}

/// The team's datasets, newest first unless ordered, and the token of the next page.
///
/// # Errors
/// `Invalid` where the filter, the order or the token cannot be used. Experiments that are not the team's have no datasets.
pub async fn search(
    portal: &Portal,
    caller: &Caller,
    team: &str,
    search: &DatasetSearch,
) -> Result<(Vec<EvaluationDataset>, Option<String>)> {
    let scope = caller.require_in(Permission::ReadTracking, team)?;
    if !(1..=50_000).contains(&search.max_results) {
        return Err(Error::invalid("max_results", "Ask for 1 to 50000."));
    }
    let question = format!("{} {:?} {:?} {:?}", scope.team, search.experiments, search.filter, search.order_by);
    let start = page_token::decode(search.page_token.as_deref(), &question)?;
    let conditions = parse_filter(&search.filter).map_err(|e| Error::invalid("filter_string", e.to_string()))?;
    let tests =
        conditions.iter().map(Test::new).collect::<Result<Vec<_>, _>>().map_err(|e| Error::invalid("filter_string", e.to_string()))?;
    let orders = search.order_by.iter().map(|text| order(text)).collect::<Result<Vec<_>>>()?;
    let experiments = match &search.experiments {
        Some(ids) if ids.len() > EXPERIMENTS => {
            return Err(Error::invalid("experiment_ids", format!("At most {EXPERIMENTS} of them are taken at once.")));
        }
        Some(ids) => {
            let found = crate::tracking::logged_models_store::experiments(&portal.db, &scope.team, ids).await?;
            Some(found.into_iter().map(|(no, _)| no).collect::<Vec<_>>())
        }
        None => None,
    };
    let mut found = rows::of_team(&portal.db, &scope.team, experiments.as_deref()).await?;
    let tags = if tests.iter().any(|t| matches!(t.field, TestField::Tag(_))) {
        rows::tags(&portal.db, &found.iter().map(|r| r.id.clone()).collect::<Vec<_>>()).await?
    } else {
        HashMap::new()
    };
    found.retain(|row| tests.iter().all(|t| t.fits(row, tags.get(&row.id).map_or(&[], Vec::as_slice))));
    found.sort_by(|a, b| {
        let chosen = orders.iter().map(|(by, ascending)| if *ascending { by(a, b) } else { by(b, a) });
        chosen.fold(Ordering::Equal, Ordering::then).then(b.created_at.cmp(&a.created_at)).then(b.id.cmp(&a.id))
    });
    let more = found.len() > start.saturating_add(search.max_results);
    let page: Vec<_> = found.into_iter().skip(start).take(search.max_results).collect();
    let next = more.then(|| page_token::encode(start + search.max_results, &question));
    Ok((rows::complete(&portal.db, page).await?, next))
}

type By = fn(&rows::DatasetRow, &rows::DatasetRow) -> Ordering;

fn order(text: &str) -> Result<(By, bool)> {
    let order = parse_order(text).map_err(|e| Error::invalid("order_by", e.to_string()))?;
    let by: By = match (order.entity.as_deref(), order.key.as_str()) {
        (None, "name") => |a, b| a.name.cmp(&b.name),
        (None, "created_time") => |a, b| a.created_at.cmp(&b.created_at),
        (None, "last_update_time") => |a, b| a.updated_at.cmp(&b.updated_at),
        _ => {
            return Err(Error::invalid(
                "order_by",
                format!("Datasets are ordered by name, created_time or last_update_time, not by \"{}\"", order.key),
            ));
        }
    };
    Ok((by, order.ascending))
}

enum TestField {
    Name,
    CreatedBy,
    UpdatedBy,
    CreatedAt,
    UpdatedAt,
    Tag(String),
}

/// One condition, ready to be asked of many datasets.
struct Test {
    field: TestField,
    op: Comparator,
    texts: Vec<String>,
    pattern: Option<Pattern>,
    number: f64,
}

impl Test {
    fn new(condition: &Condition) -> Result<Self, crate::model::FilterError> {
        use Comparator::{Eq, Ge, Gt, ILike, In, Le, Like, Lt, Ne};
        let field = match (condition.entity.as_deref(), condition.key.as_str()) {
            (Some("tags" | "tag"), key) => TestField::Tag(key.to_owned()),
            (None, "name") => TestField::Name,
            (None, "created_by") => TestField::CreatedBy,
            (None, "last_updated_by") => TestField::UpdatedBy,
            (None, "created_time") => TestField::CreatedAt,
            (None, "last_update_time") => TestField::UpdatedAt,
            _ => return Err(condition.refuse("Use name, created_time, last_update_time, created_by, last_updated_by or tags.<key>")),
        };
        let mut test = Self { field, op: condition.op, texts: Vec::new(), pattern: None, number: 0.0 };
        if matches!(test.field, TestField::CreatedAt | TestField::UpdatedAt) {
            condition.only(&[Gt, Ge, Eq, Ne, Lt, Le])?;
            test.number = condition.number()?;
            return Ok(test);
        }
        condition.only(if matches!(test.field, TestField::Name) { &[Eq, Ne, Like, ILike, In] } else { &[Eq, Ne, Like, ILike] })?;
        match condition.op {
            Like | ILike => test.pattern = Some(Pattern::new(condition.text()?, condition.op == ILike)),
            In => test.texts = condition.texts()?.into_iter().map(str::to_owned).collect(),
            _ => test.texts = vec![condition.text()?.to_owned()],
        }
        Ok(test)
    }

    fn fits(&self, row: &rows::DatasetRow, tags: &[Tag]) -> bool {
        let text = match &self.field {
            TestField::Name => &row.name,
            TestField::CreatedBy => &row.created_by,
            TestField::UpdatedBy => &row.updated_by,
            TestField::Tag(key) => match tags.iter().find(|t| t.key == *key) {
                Some(tag) => &tag.value,
                None => return false,
            },
            TestField::CreatedAt => return self.number(row.created_at),
            TestField::UpdatedAt => return self.number(row.updated_at),
        };
        match &self.pattern {
            Some(pattern) => pattern.matches(text),
            None => self.texts.contains(text) != (self.op == Comparator::Ne),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "times in milliseconds are exact in a double")]
    fn number(&self, value: Millis) -> bool {
        let order = (value as f64).total_cmp(&self.number);
        match self.op {
            Comparator::Gt => order.is_gt(),
            Comparator::Ge => order.is_ge(),
            Comparator::Eq => order.is_eq(),
            Comparator::Ne => order.is_ne(),
            Comparator::Lt => order.is_lt(),
            _ => order.is_le(),
        }
    }
}
