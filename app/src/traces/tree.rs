//! The spans of a trace in the order of a waterfall: each below the one that it is a step of.

use super::api::SpanLine;
use domain::model::{SPAN_MODEL, Span};
use std::collections::{HashMap, HashSet};

/// Deepest indentation that is shown.
const DEEPEST: usize = 12;

/// A line for each span, the first `most` of them. Spans whose parent has not come, or that go round in a circle, are roots.
pub(super) fn lines(spans: &[Span], most: usize) -> Vec<SpanLine> {
    let known: HashSet<&str> = spans.iter().map(|s| s.id.as_str()).collect();
    let mut children: HashMap<&str, Vec<&Span>> = HashMap::new();
    let mut roots: Vec<&Span> = Vec::new();
    for span in spans {
        match span.parent_id.as_deref().filter(|parent| known.contains(parent) && *parent != span.id) {
            Some(parent) => children.entry(parent).or_default().push(span),
            None => roots.push(span),
        }
    }
    let start = spans.iter().map(|s| s.start).min().unwrap_or(0);
    let (mut lines, mut seen) = (Vec::new(), HashSet::new());
    roots.sort_by_key(|s| s.start);
    for list in children.values_mut() {
        list.sort_by_key(|s| s.start);
    }
    let mut waiting: Vec<(&Span, usize)> = Vec::new();
    // What no root leads to goes round in a circle, and begins with its first.
    for root in roots.into_iter().chain(spans) {
        waiting.push((root, 0));
        while let Some((span, depth)) = waiting.pop() {
            if !seen.insert(span.id.as_str()) {
                continue;
            }
            if lines.len() >= most {
                return lines;
            }
            lines.push(line(span, depth.min(DEEPEST), start));
            waiting.extend(children.get(span.id.as_str()).into_iter().flatten().rev().map(|child| (*child, depth + 1)));
        }
    }
    lines
}

fn line(span: &Span, depth: usize, start: i64) -> SpanLine {
    SpanLine {
        id: span.id.clone(),
        depth,
        name: span.name.clone(),
        kind: span.kind_of_step().to_owned(),
        model: span.text(SPAN_MODEL).map(str::to_owned),
        status: span.status,
        from: span.start.saturating_sub(start),
        lasted: span.end.map(|end| end.saturating_sub(span.start).max(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: Option<&str>, start: i64) -> Span {
        Span { id: id.into(), parent_id: parent.map(Into::into), name: id.into(), start, end: Some(start + 10), ..Span::default() }
    }

    fn order(spans: &[Span]) -> Vec<(String, usize)> {
        lines(spans, 100).into_iter().map(|l| (l.id, l.depth)).collect()
    }

    #[test]
    fn steps_stand_below_what_they_are_part_of_by_their_start() {
        let spans = [span("a", None, 5), span("c", Some("a"), 30), span("b", Some("a"), 10), span("d", Some("b"), 11)];
        let expected = [("a", 0), ("b", 1), ("d", 2), ("c", 1)].map(|(id, depth)| (id.to_owned(), depth));
        assert_eq!(order(&spans), expected);
        assert_eq!(lines(&spans, 100)[1].from, 5);
        assert_eq!(lines(&spans, 2).len(), 2);
    }

    #[test]
    fn orphans_and_circles_are_shown_once() {
        let spans = [span("a", Some("gone"), 1), span("b", Some("c"), 2), span("c", Some("b"), 3), span("d", Some("d"), 4)];
        let mut ids: Vec<String> = order(&spans).into_iter().map(|(id, _)| id).collect();
        ids.sort();
        assert_eq!(ids, ["a", "b", "c", "d"]);
        let deep: Vec<Span> = (0..5000).map(|i| span(&format!("{i}"), (i > 0).then(|| format!("{}", i - 1)).as_deref(), i)).collect();
        assert_eq!(lines(&deep, 10_000).len(), 5000);
        assert!(lines(&deep, 10_000).iter().all(|l| l.depth <= DEEPEST));
    }
}
