//! What a search over runs asks: its filter and its order, read and checked, in MLflow's words.

use super::columns::Key;
use crate::{
    error::{Error, Result},
    model::{Comparator, Condition, FilterError, ORDERS, Order, Pattern, parse_filter, parse_order},
};
use std::collections::HashSet;

/// What every run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Attribute {
    RunId,
    Status,
    Start,
    End,
    ArtifactUri,
}

/// What a condition or an order is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    Column(Key),
    Attribute(Attribute),
}

/// What is asked of a text.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    Is(String),
    IsNot(String),
    Like(Pattern),
    In(HashSet<String>),
    NotIn(HashSet<String>),
}

impl TextTest {
    pub fn holds(&self, text: &str) -> bool {
        match self {
            Self::Is(value) => text == value,
            Self::IsNot(value) => text != value,
            Self::Like(pattern) => pattern.matches(text),
            Self::In(values) => values.contains(text),
            Self::NotIn(values) => !values.contains(text),
        }
    }
}

/// What is asked of one thing of a run. A run without it fits `Absent` and nothing else.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Number(Comparator, f64),
    Text(TextTest),
    Present,
    Absent,
}

/// A condition of a filter.
#[derive(Clone, Debug)]
pub(super) struct Predicate {
    pub target: Target,
    pub test: Test,
}

/// A field of a dataset that is an input of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DatasetField {
    Name,
    Digest,
    Context,
}

/// Some input of the run has a dataset that fits.
#[derive(Clone, Debug)]
pub(super) struct DatasetTest {
    pub field: DatasetField,
    pub test: TextTest,
}

/// An entry of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct By {
    pub target: Target,
    pub ascending: bool,
}

/// A search, read.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub predicates: Vec<Predicate>,
    pub datasets: Vec<DatasetTest>,
    /// Empty for the order that runs have anyway.
    pub order: Vec<By>,
}

impl Query {
    /// # Errors
    /// `Invalid`, saying what cannot be read and where.
    pub fn read(filter: &str, order_by: &[String]) -> Result<Self> {
        let mut query = Self::default();
        for condition in parse_filter(filter).map_err(bad_filter)? {
            read_condition(&mut query, &condition).map_err(bad_filter)?;
        }
        if order_by.len() > ORDERS {
            return Err(Error::invalid("order_by", format!("An order has at most {ORDERS} keys.")));
        }
        for text in order_by {
            let order = parse_order(text).map_err(bad_order)?;
            let by = By { target: order_target(&order).map_err(|reason| Error::invalid("order_by", reason))?, ascending: order.ascending };
            if query.order.iter().any(|other| other.target == by.target) {
                return Err(Error::invalid("order_by", format!("`order_by` contains duplicate fields: {}.", order.key)));
            }
            query.order.push(by);
        }
        Ok(query)
    }

    /// The columns that it takes to answer it.
    pub fn columns(&self) -> Vec<&Key> {
        let targets = self.predicates.iter().map(|p| &p.target).chain(self.order.iter().map(|by| &by.target));
        let mut keys: Vec<&Key> = Vec::new();
        for target in targets {
            if let Target::Column(key) = target
                && !keys.contains(&key)
            {
                keys.push(key);
            }
        }
        keys
    }
}

pub(super) fn bad_filter(error: FilterError) -> Error {
    Error::invalid("filter", error.to_string())
}

pub(super) fn bad_order(error: FilterError) -> Error {
    Error::invalid("order_by", error.to_string())
}

const ENTITIES: &str = "metrics, params, tags, attributes and datasets";
const NUMBERS: [Comparator; 6] = [Comparator::Gt, Comparator::Ge, Comparator::Eq, Comparator::Ne, Comparator::Lt, Comparator::Le];
const TEXTS: [Comparator; 4] = [Comparator::Eq, Comparator::Ne, Comparator::Like, Comparator::ILike];
const TEXTS_OR_NOTHING: [Comparator; 6] =
    [Comparator::Eq, Comparator::Ne, Comparator::Like, Comparator::ILike, Comparator::IsNull, Comparator::IsNotNull];
const TEXTS_AND_LISTS: [Comparator; 6] =
    [Comparator::Eq, Comparator::Ne, Comparator::Like, Comparator::ILike, Comparator::In, Comparator::NotIn];

fn read_condition(query: &mut Query, condition: &Condition) -> std::result::Result<(), FilterError> {
    let key = || condition.key.clone();
    let target = match condition.entity.as_deref() {
        Some("metric" | "metrics") => Target::Column(Key::Metric(key())),
        Some("param" | "params" | "parameter" | "parameters") => Target::Column(Key::Param(key())),
        Some("tag" | "tags") => Target::Column(Key::Tag(key())),
        None | Some("attribute" | "attributes" | "attr" | "run") => attribute(&condition.key).map_err(|reason| condition.refuse(reason))?,
        Some("dataset" | "datasets") => {
            let field = dataset_field(condition)?;
            condition.only(&TEXTS_AND_LISTS)?;
            query.datasets.push(DatasetTest { field, test: text_test(condition)? });
            return Ok(());
        }
        Some(other) => return Err(condition.refuse(format!("There is no \"{other}\" of a run; there are {ENTITIES}"))),
    };
    let test = match &target {
        Target::Column(Key::Metric(_)) | Target::Attribute(Attribute::Start | Attribute::End) => {
            condition.only(&NUMBERS)?;
            Test::Number(condition.op, condition.number()?)
        }
        Target::Column(Key::Param(_) | Key::Tag(_)) => {
            condition.only(&TEXTS_OR_NOTHING)?;
            match condition.op {
                Comparator::IsNull => Test::Absent,
                Comparator::IsNotNull => Test::Present,
                _ => Test::Text(text_test(condition)?),
            }
        }
        Target::Attribute(Attribute::RunId) => {
            condition.only(&TEXTS_AND_LISTS)?;
            Test::Text(text_test(condition)?)
        }
        Target::Column(Key::Name | Key::User) | Target::Attribute(Attribute::Status | Attribute::ArtifactUri) => {
            condition.only(&TEXTS)?;
            Test::Text(text_test(condition)?)
        }
    };
    query.predicates.push(Predicate { target, test });
    Ok(())
}

/// What the condition asks of a text; which comparisons are allowed is checked before.
pub(super) fn text_test(condition: &Condition) -> std::result::Result<TextTest, FilterError> {
    let texts = || Ok(condition.texts()?.into_iter().map(str::to_owned).collect::<HashSet<_>>());
    Ok(match condition.op {
        Comparator::In => TextTest::In(texts()?),
        Comparator::NotIn => TextTest::NotIn(texts()?),
        Comparator::Like => TextTest::Like(Pattern::new(condition.text()?, false)),
        Comparator::ILike => TextTest::Like(Pattern::new(condition.text()?, true)),
        Comparator::Ne => TextTest::IsNot(condition.text()?.to_owned()),
        _ => TextTest::Is(condition.text()?.to_owned()),
    })
}

fn attribute(key: &str) -> std::result::Result<Target, String> {
    Ok(match key {
        "run_id" => Target::Attribute(Attribute::RunId),
        "run_name" | "run name" | "Run name" | "Run Name" => Target::Column(Key::Name),
        "user_id" => Target::Column(Key::User),
        "status" => Target::Attribute(Attribute::Status),
        "start_time" | "created" | "Created" => Target::Attribute(Attribute::Start),
        "end_time" => Target::Attribute(Attribute::End),
        "artifact_uri" => Target::Attribute(Attribute::ArtifactUri),
        _ => {
            let known = "run_id, run_name, user_id, status, start_time, end_time and artifact_uri";
            let shown = crate::model::cut(key, 80);
            return Err(format!("Invalid attribute key '{shown}': a run has {known}; others are written as metrics.x, params.x or tags.x"));
        }
    })
}

fn dataset_field(condition: &Condition) -> std::result::Result<DatasetField, FilterError> {
    match condition.key.as_str() {
        "name" => Ok(DatasetField::Name),
        "digest" => Ok(DatasetField::Digest),
        "context" => Ok(DatasetField::Context),
        _ => Err(condition.refuse("A dataset has a name, a digest and a context")),
    }
}

fn order_target(order: &Order) -> std::result::Result<Target, String> {
    let key = || order.key.clone();
    match order.entity.as_deref() {
        Some("metric" | "metrics") => Ok(Target::Column(Key::Metric(key()))),
        Some("param" | "params" | "parameter" | "parameters") => Ok(Target::Column(Key::Param(key()))),
        Some("tag" | "tags") => Ok(Target::Column(Key::Tag(key()))),
        None | Some("attribute" | "attributes" | "attr" | "run") => attribute(&order.key),
        Some("dataset" | "datasets") => Err("Runs cannot be ordered by their datasets.".to_owned()),
        Some(other) => Err(format!("There is no \"{}\" of a run; there are {ENTITIES}.", crate::model::cut(other, 80))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mlflow_refuses_is_refused() {
        for filter in [
            "metrics.acc > 'x'",
            "params.lr > 1",
            "params.lr = 3",
            "params.lr > '3'",
            "nosuch.x = 'y'",
            "metrics.acc >",
            "attributes.nosuch = 'x'",
            "tags.k = a",
            "attributes.status IN ('a')",
            "run_name IN ('a')",
            "metrics.acc IS NULL",
            "metrics.acc LIKE 'x'",
            "start_time = '5'",
            "start_time IS NOT NULL",
            "run_id IN (1)",
            "tags.k RLIKE 'a'",
            "datasets.nosuch = 'a'",
            "datasets.name > 'a'",
        ] {
            assert!(matches!(Query::read(filter, &[]), Err(Error::Invalid(_))), "{filter}");
        }
        for order in ["metrics.acc UPWARDS", "nosuch.x", "nosuch", "datasets.name", "metrics.a ASC; --"] {
            assert!(matches!(Query::read("", &[order.to_owned()]), Err(Error::Invalid(_))), "{order}");
        }
        let twice = ["created DESC".to_owned(), "attributes.start_time".to_owned()];
        assert!(matches!(Query::read("", &twice), Err(Error::Invalid(_))));
        assert!(matches!(Query::read("", &vec!["run_id".to_owned(); 40]), Err(Error::Invalid(_))));
    }

    #[test]
    fn aliases_are_the_same_thing() {
        let columns = |filter: &str| Query::read(filter, &[]).map(|q| q.columns().into_iter().cloned().collect::<Vec<_>>());
        for filter in ["run_name = 'a'", "attributes.`run name` = 'a'", "run name = 'a'", "attr.`Run name` = 'a'", "run.run_name = 'a'"] {
            assert_eq!(columns(filter).expect("read"), [Key::Name], "{filter}");
        }
        for filter in ["param.a = '1'", "params.a = '1'", "parameter.a = '1'", "parameters.a = '1' AND params.a != '2'"] {
            assert_eq!(columns(filter).expect("read"), [Key::Param("a".into())], "{filter}");
        }
        let query = Query::read("created > 5 and run_id NOT IN ('a')", &["tags.`a b` DESC".into(), "metric.m".into()]).expect("read");
        assert_eq!(query.columns(), [&Key::Tag("a b".into()), &Key::Metric("m".into())]);
        assert_eq!(query.order.iter().map(|by| by.ascending).collect::<Vec<_>>(), [false, true]);
    }
}
