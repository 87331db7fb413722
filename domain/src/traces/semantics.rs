//! Spans of other tracers in MLflow's words: what OpenTelemetry's conventions for generative AI and `OpenInference` call the same things.

use super::derive::whole;
use crate::model::{SPAN_INPUTS, SPAN_MODEL, SPAN_OUTPUTS, SPAN_PROVIDER, SPAN_TRACE_ID, SPAN_TYPE, SPAN_USAGE};
use serde_json::{Map, Value, json};

/// Deepest nesting of an attribute; what is deeper stays text.
pub(super) const DEPTH: usize = 64;

/// Where each convention says the same: MLflow's key, theirs in the order in which they are asked.
const SAME: [(&str, &[&str]); 4] = [
    (SPAN_INPUTS, &["input.value", "gen_ai.input.messages", "gen_ai.tool.call.arguments", "traceloop.entity.input", "gen_ai.prompt"]),
    (SPAN_OUTPUTS, &["output.value", "gen_ai.output.messages", "gen_ai.tool.call.result", "traceloop.entity.output", "gen_ai.completion"]),
    (SPAN_MODEL, &["gen_ai.response.model", "gen_ai.request.model", "llm.response.model_name", "llm.model_name", "embedding.model_name"]),
    (SPAN_PROVIDER, &["gen_ai.provider.name", "gen_ai.system", "llm.provider"]),
];

/// Token counts: MLflow's key within `mlflow.chat.tokenUsage`, theirs.
const USAGE: [(&str, &[&str]); 5] = [
    ("input_tokens", &["llm.token_count.prompt", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]),
    ("output_tokens", &["llm.token_count.completion", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"]),
    ("total_tokens", &["llm.token_count.total", "llm.usage.total_tokens"]),
    ("cache_read_input_tokens", &["llm.token_count.prompt_details.cache_read", "gen_ai.usage.cache_read.input_tokens"]),
    (
        "cache_creation_input_tokens",
        &[
            "llm.token_count.prompt_details.cache_write",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
        ],
    ),
];

/// Types of spans: theirs, MLflow's.
const TYPES: [(&str, &[(&str, &str)]); 3] = [
    (
        "openinference.span.kind",
        &[
            ("TOOL", "TOOL"),
            ("CHAIN", "CHAIN"),
            ("LLM", "LLM"),
            ("RETRIEVER", "RETRIEVER"),
            ("EMBEDDING", "EMBEDDING"),
            ("AGENT", "AGENT"),
            ("RERANKER", "RERANKER"),
            ("GUARDRAIL", "GUARDRAIL"),
            ("EVALUATOR", "EVALUATOR"),
        ],
    ),
    (
        "gen_ai.operation.name",
        &[
            ("chat", "CHAT_MODEL"),
            ("create_agent", "AGENT"),
            ("embeddings", "EMBEDDING"),
            ("execute_tool", "TOOL"),
            ("generate_content", "LLM"),
            ("invoke_agent", "AGENT"),
            ("text_completion", "LLM"),
            ("response", "LLM"),
        ],
    ),
    ("traceloop.span.kind", &[("workflow", "WORKFLOW"), ("task", "TASK"), ("agent", "AGENT"), ("tool", "TOOL")]),
];

/// Brings a span's attributes into MLflow's words. What the client said itself stays.
pub(super) fn translate(attributes: &mut Map<String, Value>) {
    // The trace's id is what the span's own field says.
    attributes.remove(SPAN_TRACE_ID);
    for value in attributes.values_mut() {
        unfold(value);
    }
    for (key, theirs) in SAME {
        let said = theirs.iter().find_map(|theirs| attributes.get(*theirs).filter(|v| !v.is_null() && v.as_str() != Some(""))).cloned();
        if let Some(said) = said.filter(|_| !attributes.contains_key(key)) {
            attributes.insert(key.to_owned(), said);
        }
    }
    if matches!(attributes.get(SPAN_TYPE).and_then(Value::as_str), None | Some("UNKNOWN")) {
        let found = TYPES.iter().find_map(|(key, names)| {
            let said = attributes.get(*key).and_then(Value::as_str)?;
            names.iter().find(|(theirs, _)| *theirs == said).map(|(_, ours)| *ours)
        });
        if let Some(found) = found {
            attributes.insert(SPAN_TYPE.to_owned(), found.into());
        }
    }
    if !attributes.contains_key(SPAN_USAGE)
        && let Some(usage) = usage(attributes)
    {
        attributes.insert(SPAN_USAGE.to_owned(), Value::Object(usage));
    }
}

/// MLflow's own tracer, and others, write structures as JSON in text.
fn unfold(value: &mut Value) {
    let Some(text) = value.as_str().filter(|text| text.starts_with(['{', '[', '"'])) else { return };
    let read = serde_json::from_str::<Value>(text).ok();
    if let Some(read) = read.filter(|read| matches!(read, Value::String(_) | Value::Object(_) | Value::Array(_)) && is_flat(read, DEPTH)) {
        *value = read;
    }
}

/// Whether nothing in it is nested deeper.
pub(super) fn is_flat(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if depth == 0 => false,
        Value::Array(items) => items.iter().all(|item| is_flat(item, depth - 1)),
        Value::Object(items) => items.values().all(|item| is_flat(item, depth - 1)),
        _ => true,
    }
}

fn usage(attributes: &Map<String, Value>) -> Option<Map<String, Value>> {
    let count = |value: &Value| whole(value).or_else(|| value.as_str().and_then(|text| text.parse::<i64>().ok()).filter(|n| *n >= 0));
    let mut usage: Map<String, Value> = USAGE
        .iter()
        .filter_map(|(key, theirs)| {
            let said = theirs.iter().find_map(|theirs| attributes.get(*theirs).and_then(count))?;
            Some(((*key).to_owned(), json!(said)))
        })
        .collect();
    let of = |key: &str| usage.get(key).and_then(Value::as_i64);
    if let (Some(input), Some(output), None) = (of("input_tokens"), of("output_tokens"), of("total_tokens")) {
        usage.insert("total_tokens".to_owned(), json!(input.saturating_add(output)));
    }
    ["input_tokens", "output_tokens", "total_tokens"].iter().any(|key| usage.contains_key(*key)).then_some(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(attributes: Value) -> Value {
        let Value::Object(mut attributes) = attributes else { panic!("an object") };
        translate(&mut attributes);
        Value::Object(attributes)
    }

    #[test]
    fn a_call_in_the_words_of_opentelemetry_is_understood() {
        let span = translated(json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1", "gen_ai.provider.name": "acme",
            "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": "5", "gen_ai.input.messages": "[{\"role\":\"user\"}]" }));
        assert_eq!((&span[SPAN_TYPE], &span[SPAN_MODEL], &span[SPAN_PROVIDER]), (&json!("CHAT_MODEL"), &json!("m-1"), &json!("acme")));
        assert_eq!(span[SPAN_USAGE], json!({ "input_tokens": 7, "output_tokens": 5, "total_tokens": 12 }));
        assert_eq!(span[SPAN_INPUTS], json!([{ "role": "user" }]));
    }

    #[test]
    fn what_the_client_said_itself_stays() {
        let span =
            translated(json!({ SPAN_TYPE: "\"TOOL\"", SPAN_INPUTS: "{\"q\": 1}", "input.value": "x", "openinference.span.kind": "LLM",
            SPAN_TRACE_ID: "tr-of-somebody-else" }));
        assert_eq!((&span[SPAN_TYPE], &span[SPAN_INPUTS]), (&json!("TOOL"), &json!({ "q": 1 })));
        assert_eq!(span.get(SPAN_TRACE_ID), None);
        assert_eq!(
            translated(json!({ "a": "1", "b": "true", "c": "{no", "d": "" })),
            json!({ "a": "1", "b": "true", "c": "{no", "d": "" })
        );
    }

    #[test]
    fn deep_nesting_stays_text() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(translated(json!({ "a": deep }))["a"], json!(deep));
    }
}
