//! JSON set out for people: the same characters in the same order, on lines of their own.

use serde::de::IgnoredAny;

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

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::set_out;

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
