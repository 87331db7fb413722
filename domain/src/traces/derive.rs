//! What a trace is, said from its spans: token counts, cost, previews.

use super::span_store::Outline;
use crate::model::{PREVIEW_LENGTH, cut};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Always counted; then those that are counted where a span has them.
pub(super) const TOKENS: [&str; 3] = ["input_tokens", "output_tokens", "total_tokens"];
pub(super) const CACHE_TOKENS: [&str; 3] =
    ["cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_input_tokens_above_1hr"];
const COSTS: [&str; 3] = ["input_cost", "output_cost", "total_cost"];

/// Spans whose numbers count: a span's own numbers already hold those of the spans below it, so they are not added again.
fn counted(spans: &[Outline], has: impl Fn(&Outline) -> bool) -> Vec<&Outline> {
    let ids: HashSet<&str> = spans.iter().map(|s| s.span_id.as_str()).collect();
    let mut children: HashMap<&str, Vec<&Outline>> = HashMap::new();
    let mut open: Vec<(&Outline, bool)> = Vec::new();
    for span in spans {
        match span.parent_id.as_deref().filter(|parent| ids.contains(parent)) {
            Some(parent) => children.entry(parent).or_default().push(span),
            None => open.push((span, false)),
        }
    }
    let mut counted = Vec::new();
    while let Some((span, covered)) = open.pop() {
        let own = has(span);
        if own && !covered {
            counted.push(span);
        }
        // Taken out, so that spans that are their own ancestors end.
        open.extend(children.remove(span.span_id.as_str()).unwrap_or_default().into_iter().map(|child| (child, covered || own)));
    }
    counted
}

/// Token counts of the whole trace; none where no span has any.
pub(super) fn usage(spans: &[Outline]) -> Option<Map<String, Value>> {
    let counted = counted(spans, |s| s.usage.is_some());
    if counted.is_empty() {
        return None;
    }
    let mut sums: Map<String, Value> = TOKENS.iter().map(|key| ((*key).to_owned(), json!(0))).collect();
    for span in counted {
        let usage: Map<String, Value> = span.usage.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        for key in TOKENS.iter().chain(&CACHE_TOKENS) {
            if let Some(count) = usage.get(*key).and_then(whole) {
                let sum = sums.get(*key).and_then(Value::as_i64).unwrap_or_default();
                sums.insert((*key).to_owned(), json!(sum.saturating_add(count)));
            }
        }
    }
    Some(sums)
}

/// Cost of the whole trace; none where no span has any.
pub(super) fn cost(spans: &[Outline]) -> Option<Map<String, Value>> {
    let counted = counted(spans, |s| s.total_cost.or(s.input_cost).or(s.output_cost).is_some());
    if counted.is_empty() {
        return None;
    }
    let sum = |pick: fn(&Outline) -> Option<f64>| counted.iter().filter_map(|s| pick(s)).sum::<f64>();
    let sums = [sum(|s| s.input_cost), sum(|s| s.output_cost), sum(|s| s.total_cost)];
    Some(COSTS.into_iter().map(str::to_owned).zip(sums.map(|sum| json!(sum))).collect())
}

/// A count of tokens that is a whole number, not negative.
pub(super) fn whole(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    let from_float = |f: f64| (f.fract() == 0.0 && f.abs() < 9e15).then_some(f as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(from_float)).filter(|count| *count >= 0)
}

/// What a list of traces shows of a request or response: the last message of `role` in a chat, or the beginning of the whole.
pub(super) fn preview(value: &Value, role: &str) -> String {
    let text = messages(value, 0).and_then(|messages| last_text(&messages, role)).filter(|text| !text.is_empty());
    short(&text.unwrap_or_else(|| value.to_string()))
}

/// Cut to the length of a preview.
pub(super) fn short(text: &str) -> String {
    let text = text.replace('\0', "\u{fffd}");
    if text.chars().count() <= PREVIEW_LENGTH { text } else { format!("{}...", cut(&text, PREVIEW_LENGTH - 3)) }
}

/// Messages of a chat in one of the usual shapes.
fn messages(value: &Value, depth: usize) -> Option<Vec<&Value>> {
    let value = value.as_object()?;
    let is_message = |item: &&Value| item.get("role").is_some() && item.get("content").is_some();
    let listed = |key: &str| value.get(key).and_then(Value::as_array).filter(|list| !list.is_empty());
    if let Some(list) = listed("messages") {
        return Some(list.iter().filter(is_message).collect());
    }
    if let Some(message) = listed("choices").and_then(|list| list[0].get("message")).filter(is_message) {
        return Some(vec![message]);
    }
    if let Some(list) = listed("input").or_else(|| listed("output")) {
        return Some(list.iter().filter(is_message).collect());
    }
    value.get("request").filter(|_| depth < 8).and_then(|inner| messages(inner, depth + 1))
}

fn last_text(messages: &[&Value], role: &str) -> Option<String> {
    let message = messages.iter().rev().find(|m| m["role"] == role).or(messages.last())?;
    match &message["content"] {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.iter().find_map(|part| {
            let is_text = matches!(part["type"].as_str(), Some("text" | "output_text"));
            part.as_str().or(part["text"].as_str().filter(|_| is_text)).map(str::to_owned)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(id: &str, parent: Option<&str>, input: Option<i64>) -> Outline {
        Outline {
            span_id: id.into(),
            parent_id: parent.map(str::to_owned),
            usage: input.map(|n| json!({ "input_tokens": n, "output_tokens": 1, "total_tokens": n + 1 }).to_string()),
            input_cost: None,
            output_cost: None,
            total_cost: input.map(|_| 0.5),
        }
    }

    #[test]
    fn a_span_that_sums_up_those_below_it_counts_once() {
        let spans = [
            outline("root", None, None),
            outline("agent", Some("root"), Some(30)),
            outline("call", Some("agent"), Some(10)),
            outline("other", Some("root"), Some(5)),
            outline("elsewhere", Some("not here"), Some(1)),
        ];
        let usage = usage(&spans).expect("usage");
        assert_eq!((usage["input_tokens"].as_i64(), usage["output_tokens"].as_i64()), (Some(36), Some(3)));
        assert_eq!(cost(&spans).expect("cost")["total_cost"].as_f64(), Some(1.5));
        assert_eq!(super::usage(&[outline("root", None, None)]), None);
    }

    #[test]
    fn spans_that_are_their_own_ancestors_end() {
        assert_eq!(usage(&[outline("a", Some("b"), Some(1)), outline("b", Some("a"), Some(1))]), None);
        assert_eq!(usage(&[outline("a", Some("a"), Some(1))]), None);
    }

    #[test]
    fn a_preview_is_the_last_message_of_a_chat_or_the_beginning() {
        let chat = json!({ "messages": [{ "role": "user", "content": "one" }, { "role": "user", "content": [{ "type": "text", "text": "two" }] },
            { "role": "assistant", "content": "three" }] });
        assert_eq!(preview(&chat, "user"), "two");
        assert_eq!(preview(&json!({ "choices": [{ "message": { "role": "assistant", "content": "yes" } }] }), "assistant"), "yes");
        assert_eq!(preview(&json!({ "q": 1 }), "user"), r#"{"q":1}"#);
        assert_eq!(preview(&json!("ä".repeat(2000)), "user").chars().count(), PREVIEW_LENGTH);
    }
}
