//! The order of a search for traces: nothing last, newest first among equals.

use crate::{
    db::Value,
    error::{Error, Result},
    model::{Order, TRACE_NAME, TRACE_SOURCE_RUN, parse_order},
};
use std::collections::HashSet;

/// Most entries of one ORDER BY.
const ENTRIES: usize = 10;

/// `ORDER BY …` over `traces t`.
///
/// # Errors
/// `Invalid` for `order_by`: unknown keys, and keys that come twice.
pub(super) fn order_by(entries: &[String], args: &mut Vec<Value>) -> Result<String> {
    let refused = |reason: String| Error::invalid("order_by", reason);
    if entries.len() > ENTRIES {
        return Err(refused(format!("Order by at most {ENTRIES} keys.")));
    }
    let mut seen = HashSet::new();
    let mut sql = "ORDER BY ".to_owned();
    for text in entries {
        let order = parse_order(text).map_err(|e| refused(e.to_string()))?;
        let key = key(&order, args).ok_or_else(|| refused(format!("Invalid order_by key '{}'.", order.key)))?;
        // The same key by another of its names has the same SQL, except for the numbers of arguments.
        if !seen.insert(if key.starts_with('(') { format!("{:?}.{}", order.entity, order.key) } else { key.clone() }) {
            return Err(refused(format!("`order_by` contains duplicate fields: {text}")));
        }
        let direction = if order.ascending { "ASC" } else { "DESC" };
        let entry = format!("CASE WHEN {key} IS NULL THEN 1 ELSE 0 END, {key} {direction}, ");
        sql.push_str(&entry);
    }
    Ok(sql + "t.request_time DESC, t.id")
}

fn key(order: &Order, args: &mut Vec<Value>) -> Option<String> {
    let mut pair = |table: &str, key: &str| {
        args.push(key.into());
        Some(format!("(SELECT p.value FROM {table} p WHERE p.trace_no = t.no AND p.key = ${})", args.len()))
    };
    match order.entity.as_deref() {
        Some("tag" | "tags") if order.key == TRACE_NAME => Some("t.name".to_owned()),
        Some("tag" | "tags") => pair("trace_tags", &order.key),
        Some("metadata" | "request_metadata") => pair("trace_metadata", &order.key),
        None | Some("attribute" | "attributes" | "trace") => match order.key.to_ascii_lowercase().as_str() {
            "timestamp" | "timestamp_ms" => Some("t.request_time".to_owned()),
            "execution_time" | "execution_time_ms" => Some("t.duration".to_owned()),
            "end_time" | "end_time_ms" => Some("t.request_time + COALESCE(t.duration, 0)".to_owned()),
            "status" | "state" => Some("t.state".to_owned()),
            "request_id" | "trace_id" => Some("t.id".to_owned()),
            "experiment_id" => Some("t.experiment_id".to_owned()),
            "name" => Some("t.name".to_owned()),
            "run_id" => pair("trace_metadata", TRACE_SOURCE_RUN),
            _ => None,
        },
        Some(_) => None,
    }
}
