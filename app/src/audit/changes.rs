//! What a change changed: the fields that differ between before and after.

use leptos::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// (field, before, after) of each field that differs; fields inside fields are joined by dots.
fn differences(before: Option<&str>, after: Option<&str>) -> Vec<(String, Option<String>, Option<String>)> {
    let read = |text: Option<&str>| {
        let mut fields = BTreeMap::new();
        if let Some(value) = text.and_then(|t| serde_json::from_str::<Value>(t).ok()) {
            flatten("", &value, &mut fields);
        }
        fields
    };
    let (before, after) = (read(before), read(after));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| (name.clone(), before.get(name).cloned(), after.get(name).cloned()))
        .collect()
}

fn flatten(path: &str, value: &Value, fields: &mut BTreeMap<String, String>) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| flatten(&join(name), value, fields)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, value)| flatten(&join(&i.to_string()), value, fields)),
        Value::Null => {}
        Value::String(text) => _ = fields.insert(path.to_owned(), text.clone()),
        other => _ = fields.insert(path.to_owned(), readable(path, other)),
    }
}

/// Moments as dates, the rest as it is.
fn readable(path: &str, value: &Value) -> String {
    match value.as_i64() {
        Some(at) if path.ends_with("_at") => crate::components::exact_time(at),
        _ => value.to_string(),
    }
}

/// The fields that differ, folded.
#[component]
pub fn Changes(before: Option<String>, after: Option<String>) -> impl IntoView {
    let differences = differences(before.as_deref(), after.as_deref());
    let count = differences.len();
    (count > 0).then(|| {
        view! {
            <details class="changes">
                <summary>{crate::components::count(count, "field", "fields")}</summary>
                <dl>
                    {differences
                        .into_iter()
                        .map(|(name, before, after)| {
                            view! {
                                <div>
                                    <dt class="mono">{if name.is_empty() { "value".to_owned() } else { name }}</dt>
                                    <dd>
                                        {before.map(|text| view! { <del class="mono">{text}</del> })}
                                        {after.map(|text| view! { <ins class="mono">{text}</ins> })}
                                    </dd>
                                </div>
                            }
                        })
                        .collect_view()}
                </dl>
            </details>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn only_what_differs_is_listed() {
        let found = differences(Some(r#"{"role":"member","a":{"b":[1,2]},"same":1}"#), Some(r#"{"role":"admin","a":{"b":[1]},"same":1}"#));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(found, [("a.b.1".to_owned(), some("2"), None), ("role".to_owned(), some("member"), some("admin"))]);
        assert_eq!(differences(None, Some(r#"{"expires_at":0}"#)), [("expires_at".to_owned(), None, some("1 Jan 1970, 00:00:00 UTC"))]);
        assert!(differences(None, None).is_empty());
        assert_eq!(differences(None, Some("\"x\"")), [(String::new(), None, some("x"))]);
    }
}
