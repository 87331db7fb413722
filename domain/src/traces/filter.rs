//! MLflow's filter over traces: what the database can answer becomes SQL, patterns stay to be matched by us, the same on both databases.

use super::store::list;
use crate::{
    db::Value,
    error::{Error, Result},
    model::{Comparator, Condition, FilterError, Literal, Pattern, TRACE_NAME, TRACE_SOURCE_RUN, parse_filter},
};
use regex::{Regex, RegexBuilder};

/// Largest compiled regular expression, in bytes; they take time linear in the text.
const REGEX: usize = 1024 * 1024;

/// What a pattern is held against.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    Id,
    State,
    Name,
    ClientRequestId,
    Tag(String),
    Metadata(String),
    /// Of a valid assessment of this kind and name.
    Assessment(&'static str, String),
}

/// What of a span.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Name,
    Type,
    Status,
    Content,
    Attribute(String),
}

/// A comparison of texts.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    Is(Vec<String>),
    IsNot(Vec<String>),
    Like(Pattern),
    Regex(Box<Regex>),
}

impl Matcher {
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Is(these) => these.iter().any(|t| t == text),
            Self::IsNot(these) => !these.iter().any(|t| t == text),
            Self::Like(pattern) => pattern.matches(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
    fn is_pattern(&self) -> bool {
        matches!(self, Self::Like(_) | Self::Regex(_))
    }
}

/// A filter that was understood.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// ` AND …` over `traces t`.
    pub sql: String,
    pub patterns: Vec<(Subject, Matcher)>,
    /// All of one span, where some of them are patterns; otherwise empty.
    pub spans: Vec<(Field, Matcher)>,
}

impl Filter {
    /// Whether the database answers all of it.
    pub fn is_exact(&self) -> bool {
        self.patterns.is_empty() && self.spans.is_empty()
    }
    fn and(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }
}

/// Understands a filter; its values become arguments.
///
/// # Errors
/// `Invalid` for `filter`, with what is wrong and where.
pub(super) fn compile(text: &str, args: &mut Vec<Value>) -> Result<Filter> {
    let refused = |e: FilterError| Error::invalid("filter", e.to_string());
    let mut filter = Filter::default();
    let mut spans: Vec<(Field, Matcher)> = Vec::new();
    for condition in parse_filter(text).map_err(refused)? {
        one(&condition, args, &mut filter, &mut spans).map_err(refused)?;
    }
    if !spans.is_empty() {
        let exact: String = spans.iter().filter_map(|(field, matcher)| span_sql(field, matcher, args)).collect();
        filter.and(&format!(" AND EXISTS (SELECT 1 FROM spans s WHERE s.trace_no = t.no{exact})"));
        if spans.iter().any(|(field, matcher)| matcher.is_pattern() || matches!(field, Field::Attribute(_) | Field::Content)) {
            filter.spans = spans;
        }
    }
    Ok(filter)
}

fn one(c: &Condition, args: &mut Vec<Value>, filter: &mut Filter, spans: &mut Vec<(Field, Matcher)>) -> Result<(), FilterError> {
    match c.entity.as_deref() {
        None | Some("attribute" | "attributes" | "trace") => attribute(c, args, filter, spans),
        Some("tag" | "tags") if c.key == TRACE_NAME => name(c, args, filter),
        Some("tag" | "tags") => pair(c, "trace_tags", Subject::Tag(c.key.clone()), args, filter),
        Some("metadata" | "request_metadata") if c.key == TRACE_SOURCE_RUN && c.op == Comparator::Eq => run(c, args, filter),
        Some("metadata" | "request_metadata") => pair(c, "trace_metadata", Subject::Metadata(c.key.clone()), args, filter),
        Some("span") => {
            spans.push((field(c)?, matcher(c)?));
            Ok(())
        }
        Some("feedback") => assessment(c, "feedback", args, filter),
        Some("expectation") => assessment(c, "expectation", args, filter),
        Some("issue") => issue(c, args, filter),
        Some(other) => {
            Err(c.refuse(format!("Invalid entity type '{other}'. Use tags, metadata, attributes, span, feedback, expectation or issue.")))
        }
    }
}

fn attribute(c: &Condition, args: &mut Vec<Value>, filter: &mut Filter, spans: &mut Vec<(Field, Matcher)>) -> Result<(), FilterError> {
    match c.key.to_ascii_lowercase().as_str() {
        "timestamp" | "timestamp_ms" => number(c, "t.request_time", args, filter),
        "execution_time" | "execution_time_ms" => number(c, "t.duration", args, filter),
        "end_time" | "end_time_ms" => number(c, "(t.request_time + COALESCE(t.duration, 0))", args, filter),
        "request_id" | "trace_id" => column(c, "t.id", Subject::Id, args, filter),
        "status" | "state" => column(c, "t.state", Subject::State, args, filter),
        "client_request_id" => column(c, "t.client_request_id", Subject::ClientRequestId, args, filter),
        "name" => name(c, args, filter),
        "run_id" if c.op == Comparator::Eq => run(c, args, filter),
        "run_id" => pair(c, "trace_metadata", Subject::Metadata(TRACE_SOURCE_RUN.to_owned()), args, filter),
        "prompt" => prompt(c, args, filter),
        "text" => {
            c.only(&[Comparator::Like, Comparator::ILike])?;
            spans.push((Field::Content, matcher(c)?));
            Ok(())
        }
        other => Err(c.refuse(format!(
            "Invalid attribute key '{other}'. Use request_id, timestamp_ms, execution_time_ms, end_time_ms, status, client_request_id, name, \
             run_id, prompt or text."
        ))),
    }
}

/// The place of a new argument: `$7`.
fn bind(args: &mut Vec<Value>, value: impl Into<Value>) -> String {
    args.push(value.into());
    format!("${}", args.len())
}

fn number(c: &Condition, column: &str, args: &mut Vec<Value>, filter: &mut Filter) -> Result<(), FilterError> {
    use Comparator::{Eq, Ge, Gt, Le, Lt, Ne};
    c.only(&[Gt, Ge, Eq, Ne, Lt, Le])?;
    let value = c.number()?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    let value = if value.fract() == 0.0 && value.abs() < 9e15 { Value::from(value as i64) } else { Value::from(value) };
    let place = bind(args, value);
    filter.and(&format!(" AND {column} {} {place}", c.op.as_str()));
    Ok(())
}

fn matcher(c: &Condition) -> Result<Matcher, FilterError> {
    let all = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    Ok(match c.op {
        Comparator::Eq => Matcher::Is(vec![c.text()?.to_owned()]),
        Comparator::Ne => Matcher::IsNot(vec![c.text()?.to_owned()]),
        Comparator::In => Matcher::Is(all(c.texts()?)),
        Comparator::NotIn => Matcher::IsNot(all(c.texts()?)),
        Comparator::Like => Matcher::Like(Pattern::new(c.text()?, false)),
        Comparator::ILike => Matcher::Like(Pattern::new(c.text()?, true)),
        Comparator::RLike => {
            let regex = RegexBuilder::new(c.text()?).size_limit(REGEX).dfa_size_limit(REGEX).nest_limit(50).build();
            Matcher::Regex(Box::new(regex.map_err(|e| c.refuse(format!("This is no regular expression that can be used: {e}")))?))
        }
        op => return Err(c.refuse(format!("{} cannot be compared with {}", c.key, op.as_str()))),
    })
}

/// ` AND column IN (…)`; nothing for a pattern.
fn exact(column: &str, matcher: &Matcher, args: &mut Vec<Value>) -> Option<String> {
    match matcher {
        Matcher::Is(these) => Some(format!(" AND {column} IN {}", list(args, these))),
        Matcher::IsNot(these) => Some(format!(" AND {column} NOT IN {}", list(args, these))),
        Matcher::Like(_) | Matcher::Regex(_) => None,
    }
}

fn column(c: &Condition, column: &str, subject: Subject, args: &mut Vec<Value>, filter: &mut Filter) -> Result<(), FilterError> {
    let matcher = matcher(c)?;
    match exact(column, &matcher, args) {
        Some(sql) => filter.sql += &sql,
        None => filter.patterns.push((subject, matcher)),
    }
    Ok(())
}

fn name(c: &Condition, args: &mut Vec<Value>, filter: &mut Filter) -> Result<(), FilterError> {
    match c.op {
        Comparator::IsNull => filter.sql += " AND t.name IS NULL",
        Comparator::IsNotNull => filter.sql += " AND t.name IS NOT NULL",
        _ => return column(c, "t.name", Subject::Name, args, filter),
    }
    Ok(())
}

/// A tag or metadata. What is compared must be there.
fn pair(c: &Condition, table: &'static str, subject: Subject, args: &mut Vec<Value>, filter: &mut Filter) -> Result<(), FilterError> {
    let (Subject::Tag(key) | Subject::Metadata(key)) = &subject else { return Err(c.refuse("This is neither tag nor metadata.")) };
    let place = bind(args, key);
    let there = format!("EXISTS (SELECT 1 FROM {table} p WHERE p.trace_no = t.no AND p.key = {place}");
    match c.op {
        Comparator::IsNull => filter.and(&format!(" AND NOT {there})")),
        Comparator::IsNotNull => filter.and(&format!(" AND {there})")),
        _ => {
            let matcher = matcher(c)?;
            let exact = exact("p.value", &matcher, args);
            filter.and(&format!(" AND {there}{})", exact.as_deref().unwrap_or_default()));
            if exact.is_none() {
                filter.patterns.push((subject, matcher));
            }
        }
    }
    Ok(())
}

/// A run made the trace, or is linked to it.
fn run(c: &Condition, args: &mut Vec<Value>, filter: &mut Filter) -> Result<(), FilterError> {
    let (key, run) = (bind(args, TRACE_SOURCE_RUN), bind(args, c.text()?));
    filter.and(&format!(
        " AND (EXISTS (SELECT 1 FROM trace_metadata p WHERE p.trace_no = t.no AND p.key = {key} AND p.value = {run})
         OR EXISTS (SELECT 1 FROM trace_runs l JOIN runs r ON r.no = l.run_no WHERE l.trace_no = t.no AND r.id = {run}))"
    ));
    Ok(())
}

fn prompt(c: &Condition, args: &mut Vec<Value>, filter: &mut Filter) -> Result<(), FilterError> {
    c.only(&[Comparator::Eq])?;
    let prompt = c.text()?;
    if prompt.matches('/').count() != 1 {
        return Err(c.refuse(format!("Invalid prompts filter value '{prompt}'. Expected format: prompt = \"name/version\"")));
    }
    let place = bind(args, prompt);
    filter.and(&format!(" AND EXISTS (SELECT 1 FROM trace_prompts p WHERE p.trace_no = t.no AND p.prompt = {place})"));
    Ok(())
}

fn field(c: &Condition) -> Result<Field, FilterError> {
    Ok(match c.key.as_str() {
        "name" => Field::Name,
        "type" => Field::Type,
        "status" => Field::Status,
        "content" => {
            c.only(&[Comparator::Like, Comparator::ILike])?;
            Field::Content
        }
        key => {
            let Some(key) = key.strip_prefix("attributes.").filter(|key| !key.is_empty()) else {
                let reason =
                    format!("Invalid span attribute '{key}'. Supported attributes: name, status, type, attributes.<attribute_name>.");
                return Err(c.refuse(reason));
            };
            Field::Attribute(key.to_owned())
        }
    })
}

fn span_sql(field: &Field, matcher: &Matcher, args: &mut Vec<Value>) -> Option<String> {
    match field {
        Field::Name => exact("s.name", matcher, args),
        Field::Type => exact("s.type", matcher, args),
        Field::Status => exact("s.status", matcher, args),
        Field::Content | Field::Attribute(_) => None,
    }
}

fn assessment(c: &Condition, kind: &'static str, args: &mut Vec<Value>, filter: &mut Filter) -> Result<(), FilterError> {
    c.only(&[
        Comparator::Ne,
        Comparator::Eq,
        Comparator::Gt,
        Comparator::Ge,
        Comparator::Lt,
        Comparator::Le,
        Comparator::Like,
        Comparator::ILike,
        Comparator::RLike,
        Comparator::IsNull,
        Comparator::IsNotNull,
    ])?;
    let (kind_place, name) = (bind(args, kind), bind(args, &c.key));
    let there = format!(
        "EXISTS (SELECT 1 FROM assessments a WHERE a.trace_no = t.no AND a.kind = {kind_place} AND a.name = {name} AND a.valid = 1"
    );
    // A number, not what merely counts as one.
    let is_number = "substr(a.value, 1, 1) NOT IN ('\"', 't', 'f')";
    let condition = match (&c.value, c.op) {
        (_, Comparator::IsNull) => {
            filter.and(&format!(" AND NOT {there})"));
            return Ok(());
        }
        (_, Comparator::IsNotNull) => String::new(),
        (Literal::Number(value), op @ (Comparator::Eq | Comparator::Gt | Comparator::Ge | Comparator::Lt | Comparator::Le)) => {
            format!(" AND {is_number} AND a.number {} {}", op.as_str(), bind(args, *value))
        }
        (Literal::Number(value), Comparator::Ne) => format!(" AND NOT ({is_number} AND COALESCE(a.number, 0) = {})", bind(args, *value)),
        (_, op) if op.is_order() => {
            let value: f64 = c.text()?.trim().parse().map_err(|_| c.refuse("An order compares numbers."))?;
            format!(" AND {is_number} AND a.number {} {}", op.as_str(), bind(args, value))
        }
        (_, op @ (Comparator::Eq | Comparator::Ne)) => {
            let text = c.text()?;
            let not = if op == Comparator::Ne { "NOT " } else { "" };
            let (plain, quoted) = (bind(args, text), bind(args, serde_json::Value::from(text).to_string()));
            format!(" AND {not}(a.value = {plain} OR a.value = {quoted})")
        }
        _ => {
            filter.patterns.push((Subject::Assessment(kind, c.key.clone()), matcher(c)?));
            String::new()
        }
    };
    filter.and(&format!(" AND {there}{condition})"));
    Ok(())
}

fn issue(c: &Condition, args: &mut Vec<Value>, filter: &mut Filter) -> Result<(), FilterError> {
    c.only(&[Comparator::Eq])?;
    if c.key != "id" {
        return Err(c.refuse(format!("Invalid issue attribute '{}'. Supported attributes: id", c.key)));
    }
    let place = bind(args, c.text()?);
    filter.and(&format!(" AND EXISTS (SELECT 1 FROM assessments a WHERE a.trace_no = t.no AND a.kind = 'issue' AND a.name = {place})"));
    Ok(())
}
