//! JSON set out for people: the same characters in the same order, on lines of their own.

use super::{Table, separated};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

/// The text with line breaks and indentation; none where it is no JSON.
pub(super) fn set_out(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    let (mut depth, mut chars) = (0_usize, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                let mut escaped = false;
                for c in chars.by_ref() {
                    out.push(c);
                    if c == '"' && !escaped {
                        break;
                    }
                    escaped = c == '\\' && !escaped;
                }
            }
            '[' | '{' => {
                out.push(c);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = chars.next_if(|c| matches!(c, ']' | '}')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    Some(out)
}

/// As pandas' `to_json(orient="split")`, which MLflow's `log_table` writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    columns: Vec<Value>,
    #[serde(default, rename = "index")]
    _index: IgnoredAny,
    data: Vec<Vec<Value>>,
}

/// The text as a table, where it is one; none else.
pub(super) fn table(text: &str) -> Option<Table> {
    let split: Split = serde_json::from_str(text).ok()?;
    let cell = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => separated::cell(&text),
        other => separated::cell(&other.to_string()),
    };
    let rows = std::iter::once(split.columns).chain(split.data).map(|row| row.into_iter().map(cell).collect());
    separated::of_rows(rows, true)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::{set_out, table};

    #[test]
    fn what_log_table_writes_is_a_table() {
        let found =
            table(r#"{"columns": ["question", "score", "ok"], "data": [["a \"b\"", 0.5, true], [null, 2, {"x": [1]}]]}"#).expect("a table");
        assert_eq!(found.columns, ["question", "score", "ok"]);
        assert_eq!(found.rows, [["a \"b\"", "0.5", "true"], ["", "2", "{\"x\":[1]}"]]);
        assert_eq!((found.numeric, found.counted, found.complete), (vec![false, true, false], 2, true));
        for other in [
            "{\"columns\": [], \"data\": []}",
            "{\"columns\": [\"a\"]}",
            "{\"columns\": [\"a\"], \"data\": [1]}",
            "[]",
            "{\"columns\": [\"a\"], \"data\": [], \"x\": 1}",
        ] {
            assert!(table(other).is_none_or(|table| table.columns.is_empty()), "{other}");
        }
    }

    #[test]
    fn json_is_set_out_and_not_rewritten() {
        let text = r#" {"b":[1,2.50,{}],"a": "x\"},{\\", "big":12345678901234567890.10, "e":[ ] } "#;
        let expected = "{\n  \"b\": [\n    1,\n    2.50,\n    {}\n  ],\n  \"a\": \"x\\\"},{\\\\\",\n  \"big\": 12345678901234567890.10,\n  \"e\": []\n}";
        assert_eq!(set_out(text).as_deref(), Some(expected));
        for bad in ["{\"a\": NaN}", "", "{", "[1,]", "{'a': 1}", &"[".repeat(1000)] {
            assert_eq!(set_out(bad), None, "{bad}");
        }
    }
}
