//! Holds traces against the patterns of a filter: LIKE, ILIKE and RLIKE, and whatever looks into spans.

use super::{
    assessment_store,
    filter::{Field, Filter, Matcher, Subject},
    span_store::{self, Seen},
    store::{self, Kind, TraceRow},
};
use crate::{
    db::Db,
    error::Result,
    model::{Judgement, Pairs},
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Spans that are looked into at a time, in bytes.
const LOOKED_INTO: i64 = 32 * 1024 * 1024;

/// Which of these traces fit, in their order.
pub(super) async fn fits(db: &Db, filter: &Filter, rows: &[TraceRow]) -> Result<Vec<bool>> {
    let nos: Vec<i64> = rows.iter().map(|row| row.no).collect();
    let asks = |wanted: fn(&Subject) -> bool| filter.patterns.iter().any(|(subject, _)| wanted(subject));
    let mut tags = HashMap::new();
    if asks(|s| matches!(s, Subject::Tag(_))) {
        tags = store::pairs(db, Kind::Tags, &nos).await?;
    }
    let mut metadata = HashMap::new();
    if asks(|s| matches!(s, Subject::Metadata(_))) {
        metadata = store::pairs(db, Kind::Metadata, &nos).await?;
    }
    let mut assessments = HashMap::new();
    if asks(|s| matches!(s, Subject::Assessment(..))) {
        assessments = assessment_store::all(db, &nos).await?;
    }
    let value = |pairs: &HashMap<i64, Pairs>, no: i64, key: &str, matcher: &Matcher| {
        pairs.get(&no).and_then(|pairs| pairs.get(key)).is_some_and(|value| matcher.matches(value))
    };
    let fits = |row: &TraceRow, subject: &Subject, matcher: &Matcher| match subject {
        Subject::Id => matcher.matches(&row.id),
        Subject::State => matcher.matches(&row.state),
        Subject::Name => row.name.as_deref().is_some_and(|name| matcher.matches(name)),
        Subject::ClientRequestId => row.client_request_id.as_deref().is_some_and(|id| matcher.matches(id)),
        Subject::Tag(key) => value(&tags, row.no, key, matcher),
        Subject::Metadata(key) => value(&metadata, row.no, key, matcher),
        Subject::Assessment(kind, name) => assessments.get(&row.no).into_iter().flatten().any(|said| {
            let (Judgement::Feedback { value, .. } | Judgement::Expectation { value }) = &said.judgement else { return false };
            said.valid && said.judgement.kind() == *kind && said.name == *name && matcher.matches(&shown(value))
        }),
    };
    let mut left: HashSet<i64> =
        rows.iter().filter(|row| filter.patterns.iter().all(|(subject, matcher)| fits(row, subject, matcher))).map(|row| row.no).collect();
    if !filter.spans.is_empty() {
        left = with_a_span(db, &filter.spans, left).await?;
    }
    Ok(rows.iter().map(|row| left.contains(&row.no)).collect())
}

/// Text as it is, anything else as JSON.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Those that have a span for which all of it is true.
async fn with_a_span(db: &Db, all: &[(Field, Matcher)], traces: HashSet<i64>) -> Result<HashSet<i64>> {
    let inside = all.iter().any(|(field, _)| matches!(field, Field::Content | Field::Attribute(_)));
    let traces: Vec<i64> = traces.into_iter().collect();
    let mut found = HashSet::new();
    if traces.is_empty() {
        return Ok(found);
    }
    let groups = if inside { span_store::groups(db, &traces, LOOKED_INTO).await? } else { vec![traces] };
    for group in groups {
        let spans = span_store::seen(db, &group, inside).await?;
        found.extend(spans.iter().filter(|span| all.iter().all(|(field, matcher)| span_fits(span, field, matcher))).map(|s| s.trace_no));
    }
    Ok(found)
}

fn span_fits(span: &Seen, field: &Field, matcher: &Matcher) -> bool {
    match field {
        Field::Name => matcher.matches(&span.name),
        Field::Type => matcher.matches(&span.step),
        Field::Status => matcher.matches(&span.status),
        Field::Content => matcher.matches(&format!("{} {}", span.name, span.content)),
        Field::Attribute(key) => span.attribute(key).is_some_and(|value| matcher.matches(&value)),
    }
}
