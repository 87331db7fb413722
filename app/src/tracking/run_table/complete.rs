//! What may be typed next in a filter, and which word of it cannot be read.

use domain::model::{RunKeys, parse_filter};

/// Suggestions that are shown at most.
const MOST: usize = 8;
const ATTRIBUTES: [&str; 6] =
    ["attributes.status", "attributes.run_name", "attributes.start_time", "attributes.end_time", "attributes.user_id", "attributes.run_id"];
const STATUSES: [&str; 5] = ["'RUNNING'", "'FINISHED'", "'FAILED'", "'KILLED'", "'SCHEDULED'"];

/// Words of the text, each with where it begins; what is quoted is one.
fn words(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start, mut quote) = (Vec::new(), None, None);
    for (at, c) in text.char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c.is_whitespace() => {
                if let Some(from) = start.take() {
                    found.push((from, &text[from..at]));
                }
                continue;
            }
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            Some(_) | None => {}
        }
        start.get_or_insert(at);
    }
    if let Some(from) = start {
        found.push((from, &text[from..]));
    }
    found
}

/// A key as the language writes it.
fn quoted(kind: &str, key: &str) -> String {
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    if plain { format!("{kind}.{key}") } else { format!("{kind}.`{key}`") }
}

/// What may stand at the end of `text`, and where in it that begins.
pub fn suggestions(text: &str, keys: &RunKeys) -> (usize, Vec<String>) {
    let mut words = words(text);
    // What is being typed; after a space that is nothing yet.
    let typed = if text.ends_with(char::is_whitespace) || text.is_empty() { None } else { words.pop() };
    let (start, typed) = typed.unwrap_or((text.len(), ""));
    let since = words.iter().rposition(|(_, word)| word.eq_ignore_ascii_case("and")).map_or(0, |at| at + 1);
    let condition: Vec<&str> = words[since..].iter().map(|(_, word)| *word).collect();
    let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let all = match condition.as_slice() {
        [] => {
            let logged = |kind: &'static str, keys: &[String]| keys.iter().map(|key| quoted(kind, key)).collect::<Vec<_>>();
            let (metrics, params) = (logged("metrics", &keys.metrics), logged("params", &keys.params));
            [own(&ATTRIBUTES), metrics, params, logged("tags", &keys.tags)].concat()
        }
        [key] if key.starts_with("metric") || key.ends_with("_time") => own(&["<", ">", "<=", ">=", "=", "!="]),
        [key] if key.starts_with("param") || key.starts_with("tag") => own(&["=", "!=", "LIKE", "ILIKE", "IS NULL", "IS NOT NULL"]),
        [_] => own(&["=", "!=", "LIKE", "ILIKE"]),
        [key, _] if key.ends_with("status") => own(&STATUSES),
        [_, _] => Vec::new(),
        _ => own(&["AND"]),
    };
    let small = typed.to_lowercase().replace('`', "");
    let fits = |text: &String| text.to_lowercase().replace('`', "").contains(&small) && *text != typed;
    // `te` means `tags.team` rather than `attributes.status`.
    let begins = |text: &String| {
        let text = text.to_lowercase().replace('`', "");
        text.starts_with(&small) || text.split_once('.').is_some_and(|(_, key)| key.starts_with(&small))
    };
    let (mut first, mut rest): (Vec<String>, Vec<String>) = all.into_iter().filter(fits).partition(begins);
    first.append(&mut rest);
    first.truncate(MOST);
    (start, first)
}

/// Which bytes of the filter are at fault, where it cannot be read or `refused` says why; the latter names a character.
pub fn fault(text: &str, refused: &str) -> Option<(usize, usize)> {
    let place = match parse_filter(text) {
        Err(error) => Some((error.start.min(text.len()), error.end.min(text.len()))),
        Ok(conditions) => {
            let number = refused.rsplit_once("(at character ")?.1.trim_end_matches(')');
            let start = number.parse::<usize>().ok()?.checked_sub(1)?;
            conditions.iter().find(|condition| condition.start == start).map(|condition| (condition.start, condition.end))
        }
    };
    place.filter(|(start, end)| start <= end && text.is_char_boundary(*start) && text.is_char_boundary(*end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> RunKeys {
        let own = |list: &[&str]| list.iter().map(|key| (*key).to_owned()).collect();
        RunKeys { metrics: own(&["loss", "val/loss"]), params: own(&["lr"]), tags: own(&["team"]) }
    }

    #[test]
    fn what_fits_next_is_suggested() {
        for (text, start, expected) in [
            ("metr", 0, "metrics.loss"),
            ("LOSS", 0, "metrics.loss"),
            ("val/l", 0, "metrics.`val/loss`"),
            ("metrics.loss ", 13, "<"),
            ("params.lr ", 10, "="),
            ("attributes.status = ", 20, "'RUNNING'"),
            ("metrics.loss < 1 ", 17, "AND"),
            ("metrics.loss < 1 and te", 21, "tags.team"),
            ("tags.team = 'a and b' ", 22, "AND"),
        ] {
            let (at, all) = suggestions(text, &keys());
            assert_eq!((at, all.first().map(String::as_str)), (start, Some(expected)), "{text}");
        }
        assert!(suggestions("metrics.loss < ", &keys()).1.is_empty() && suggestions("nosuchkey", &keys()).1.is_empty());
        assert!(suggestions("tags.x = 'ä", &keys()).1.is_empty());
    }

    #[test]
    fn the_word_at_fault_is_found() {
        assert_eq!(fault("metrics.loss <", ""), parse_filter("metrics.loss <").err().map(|e| (e.start, e.end.min(14))));
        let text = "metrics.loss < 1 AND attributes.nosuch = 'x'";
        assert_eq!(fault(text, "Invalid attribute key (at character 22)").map(|(a, b)| &text[a..b]), Some("attributes.nosuch = 'x'"));
        assert_eq!(fault("metrics.loss < 1", "something else"), None);
    }
}
