//! The lines of a log as they are known here: whole, in order, each once, and not too many.

use domain::model::{LogLine, LogPage};

/// Lines that are kept on the page at most.
pub const KEPT: usize = 5000;

/// Something in the log view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Line(LogLine),
    /// Bytes that are gone or were skipped before the line that follows.
    Gap {
        at: u64,
        bytes: u64,
    },
}

impl Entry {
    /// Unique in the view.
    pub fn key(&self) -> (u64, bool) {
        match self {
            Self::Line(line) => (line.next, false),
            Self::Gap { at, .. } => (*at, true),
        }
    }
}

/// What is known of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    pub entries: Vec<Entry>,
    /// Where to go on reading.
    pub next: u64,
    /// Whether lines before the first one may exist.
    pub has_older: bool,
}

impl Lines {
    /// The last lines, as first fetched.
    pub fn new(page: LogPage, limit: usize) -> Self {
        let mut lines = Self { has_older: page.lines.len() >= limit, ..Self::default() };
        lines.append(page);
        lines
    }

    /// Adds what follows. Lines that are known already, as after a reconnection, are left out.
    pub fn append(&mut self, page: LogPage) {
        if page.dropped_bytes > 0 && page.next > self.next {
            self.entries.push(Entry::Gap { at: self.next, bytes: page.dropped_bytes });
        }
        let known = self.next;
        self.entries.extend(page.lines.into_iter().filter(|line| line.next > known).map(Entry::Line));
        self.next = self.next.max(page.next);
        let surplus = self.entries.len().saturating_sub(KEPT);
        if surplus > 0 {
            self.entries.drain(..surplus);
            self.has_older = true;
        }
    }

    /// Where the first line known ends, if there is one.
    pub fn first_end(&self) -> Option<u64> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Line(line) => Some(line.next),
            Entry::Gap { .. } => None,
        })
    }

    /// Adds older lines, read from byte `from` on. The first of them may be a part of a line, unless the log starts there, and is left out.
    /// Returns whether anything came.
    pub fn prepend(&mut self, page: LogPage, from: u64) -> bool {
        let Some(first) = self.first_end() else { return false };
        let cut = usize::from(from > 0 && page.dropped_bytes == 0);
        let mut older: Vec<Entry> = page.lines.into_iter().skip(cut).filter(|line| line.next < first).map(Entry::Line).collect();
        if page.dropped_bytes > 0 {
            older.insert(0, Entry::Gap { at: from, bytes: page.dropped_bytes });
        }
        self.has_older = from > 0 && page.dropped_bytes == 0 && self.entries.len() + older.len() < KEPT;
        let came = !older.is_empty();
        older.append(&mut self.entries);
        self.entries = older;
        came
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(lines: &[(u64, &str)], next: u64) -> LogPage {
        LogPage { dropped_bytes: 0, next, lines: lines.iter().map(|(next, text)| LogLine { next: *next, text: (*text).into() }).collect() }
    }
    fn texts(lines: &Lines) -> Vec<String> {
        let said = |e: &Entry| match e {
            Entry::Line(line) => line.text.clone(),
            Entry::Gap { bytes, .. } => format!("[{bytes}]"),
        };
        lines.entries.iter().map(said).collect()
    }

    #[test]
    fn a_reconnection_repeats_and_loses_nothing() {
        let mut lines = Lines::new(page(&[(2, "a"), (4, "b")], 4), 500);
        lines.append(page(&[(4, "b"), (6, "c")], 6));
        lines.append(page(&[(6, "c")], 6));
        assert_eq!(texts(&lines), ["a", "b", "c"]);
        assert_eq!(lines.next, 6);
        assert!(!lines.has_older);
    }

    #[test]
    fn what_was_dropped_is_said_where_it_was() {
        let mut lines = Lines::new(page(&[(2, "a")], 2), 500);
        lines.append(LogPage { dropped_bytes: 100, ..page(&[(104, "z")], 104) });
        assert_eq!(texts(&lines), ["a", "[100]", "z"]);
    }

    #[test]
    fn older_lines_come_before_and_half_lines_do_not() {
        let mut lines = Lines::new(page(&[(20, "x"), (22, "y")], 22), 2);
        assert!(lines.has_older);
        assert!(lines.prepend(page(&[(11, "lf line"), (18, "v"), (20, "x"), (22, "y")], 22), 8));
        assert_eq!(texts(&lines), ["v", "x", "y"]);
        assert!(lines.prepend(page(&[(4, "one"), (11, "half line"), (18, "v")], 18), 0));
        assert_eq!(texts(&lines), ["one", "half line", "v", "x", "y"]);
        assert!(!lines.has_older);
    }

    #[test]
    fn only_so_many_lines_are_kept() {
        let many: Vec<LogLine> = (1..=6000).map(|n| LogLine { next: n, text: n.to_string() }).collect();
        let lines = Lines::new(LogPage { dropped_bytes: 0, lines: many, next: 6000 }, 500);
        assert_eq!(lines.entries.len(), KEPT);
        assert_eq!(texts(&lines)[0], "1001");
        assert!(lines.has_older);
    }
}
