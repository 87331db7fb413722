//! Two texts line by line: what differs, and what is around it.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use std::time::Duration;

/// Most lines of a comparison that are shown.
#[cfg(feature = "ssr")]
const LINES: usize = 2000;
/// Lines around a change.
#[cfg(feature = "ssr")]
const AROUND: usize = 3;
/// How long the shortest comparison is looked for; after it a longer one will do.
#[cfg(feature = "ssr")]
const PATIENCE: Duration = Duration::from_millis(300);

/// A line with its number in the files that have it, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    pub first: Option<usize>,
    pub second: Option<usize>,
    pub text: String,
}

/// Myers' shortest edit script by lines, or a longer one where that takes too long: parts that differ, with what is around them; whether there are more.
#[cfg(feature = "ssr")]
pub(crate) fn differences(first: &str, second: &str) -> (Vec<Vec<DiffLine>>, bool) {
    let diff = similar::TextDiff::configure().timeout(PATIENCE).diff_lines(first, second);
    let shown = |text: &str| text.trim_end_matches(['\n', '\r']).replace('\0', "\u{fffd}");
    let (mut parts, mut room) = (Vec::new(), LINES);
    for group in diff.grouped_ops(AROUND) {
        let line = |change: similar::Change<&str>| DiffLine {
            first: change.old_index().map(|i| i + 1),
            second: change.new_index().map(|i| i + 1),
            text: shown(change.value()),
        };
        let part: Vec<DiffLine> = group.iter().flat_map(|op| diff.iter_changes(op)).map(line).take(room).collect();
        if part.is_empty() {
            return (parts, true);
        }
        room -= part.len();
        parts.push(part);
    }
    (parts, room == 0)
}

#[component]
pub fn Lines(parts: Vec<Vec<DiffLine>>, label: String) -> impl IntoView {
    let number = |number: Option<usize>| number.map(|n| n.to_string()).unwrap_or_default();
    let row = move |line: DiffLine| {
        let (class, sign) = match (line.first, line.second) {
            (Some(_), None) => ("diff-old", "−"),
            (None, Some(_)) => ("diff-new", "+"),
            _ => ("", ""),
        };
        view! {
            <tr class=class>
                <td class="num faint">{number(line.first)}</td>
                <td class="num faint">{number(line.second)}</td>
                <td class="diff-sign">{sign}</td>
                <td>
                    <code>{line.text}</code>
                </td>
            </tr>
        }
    };
    let bodies = parts.into_iter().map(|part| view! { <tbody>{part.into_iter().map(row).collect_view()}</tbody> }).collect_view();
    view! {
        <div class="table-wrap" tabindex="0" role="group" aria-label=label>
            <table class="diff-lines mono">
                <caption class="sr-only">"Lines that differ, and those around them"</caption>
                <thead class="sr-only">
                    <tr>
                        <th scope="col">"Line of the first"</th>
                        <th scope="col">"Line of the second"</th>
                        <th scope="col">"Change"</th>
                        <th scope="col">"Text"</th>
                    </tr>
                </thead>
                {bodies}
            </table>
        </div>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_come_with_those_around_them() {
        let first = (1..=40).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n") + "\n";
        let second = first.replace("line 20\n", "line twenty\nand one\n").replace("line 40\n", "line 40");
        let (parts, more) = differences(&first, &second);
        assert!(!more && parts.len() == 2, "{parts:?}");
        let numbers: Vec<_> = parts[0].iter().map(|line| (line.first, line.second)).collect();
        let both = |n: usize| (Some(n), Some(n));
        let expected = [
            both(17),
            both(18),
            both(19),
            (Some(20), None),
            (None, Some(20)),
            (None, Some(21)),
            (Some(21), Some(22)),
            (Some(22), Some(23)),
            (Some(23), Some(24)),
        ];
        assert_eq!(numbers, expected);
        assert_eq!((parts[0][3].text.as_str(), parts[0][4].text.as_str()), ("line 20", "line twenty"));
    }

    #[test]
    fn a_comparison_without_end_is_cut_and_says_so() {
        let lines = |word: &str| (0..60_000).map(|n| format!("{word}{n}")).collect::<Vec<_>>().join("\n");
        let (first, second) = (lines("a"), lines("b"));
        let (parts, more) = differences(&first, &second);
        assert!(more && parts.iter().map(Vec::len).sum::<usize>() == LINES);
    }
}
