//! Tables as text with separators (RFC 4180): quotes, line breaks within quotes, rows of unequal length.

use super::Table;

/// Rows and columns that are shown.
const ROWS: usize = 1000;
const COLUMNS: usize = 50;
/// Characters of a cell that are shown, and of all cells together.
const CELL: usize = 300;
const ALL: usize = 1024 * 1024;

/// Reads the text; `complete` says whether it is the whole file. The first row names the columns. None where there is no row.
pub(super) fn table(text: &str, separator: char, complete: bool) -> Option<Table> {
    let mut reader = Reader { chars: text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable(), separator };
    of_rows(std::iter::from_fn(|| reader.row()), complete)
}

/// The first of the rows names the columns; `complete` says whether they are all. None where there is no row.
pub(super) fn of_rows(mut rows: impl Iterator<Item = Vec<String>>, complete: bool) -> Option<Table> {
    let head = rows.next()?;
    let width = head.len();
    let mut table = Table { columns: head.into_iter().take(COLUMNS).collect(), complete, ..Table::default() };
    let (mut kept, mut widest, mut last_is_cut) = (0, width, false);
    for row in rows {
        table.counted += 1;
        widest = widest.max(row.len());
        if table.rows.len() < ROWS && kept < ALL {
            let row: Vec<String> = row.into_iter().take(COLUMNS).collect();
            kept += row.iter().map(String::len).sum::<usize>();
            table.rows.push(row);
            last_is_cut = true;
        } else {
            last_is_cut = false;
        }
    }
    // The last row of a beginning is rarely whole.
    if !complete {
        table.counted = table.counted.saturating_sub(1);
        if last_is_cut {
            table.rows.pop();
        }
    }
    let shown = widest.min(COLUMNS);
    table.more_columns = widest - shown;
    table.columns.resize(shown, String::new());
    table.rows.iter_mut().for_each(|row| row.resize(shown, String::new()));
    table.numeric = (0..shown).map(|i| is_numeric(&table.rows, i)).collect();
    Some(table)
}

/// A cell as it is shown: without control characters, and not longer than is read.
pub(super) fn cell(text: &str) -> String {
    let mut shown: String = text.chars().take(CELL).map(plain).collect();
    if text.chars().nth(CELL).is_some() {
        shown.push('…');
    }
    shown
}

fn plain(c: char) -> char {
    if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }
}

fn is_numeric(rows: &[Vec<String>], column: usize) -> bool {
    let mut cells = rows.iter().map(|row| row[column].trim()).filter(|cell| !cell.is_empty()).peekable();
    cells.peek().is_some() && cells.all(|cell| cell.parse::<f64>().is_ok())
}

struct Reader<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    separator: char,
}

impl Reader<'_> {
    /// The next row that is not blank.
    fn row(&mut self) -> Option<Vec<String>> {
        loop {
            self.chars.peek()?;
            let mut row = Vec::new();
            while !self.cell(&mut row) {}
            if row.len() > 1 || row.iter().any(|cell| !cell.is_empty()) {
                return Some(row);
            }
        }
    }

    /// Reads a cell; true where it was the last of its row.
    fn cell(&mut self, row: &mut Vec<String>) -> bool {
        let (mut cell, mut length) = (String::new(), 0);
        let mut push = |c: char| {
            length += 1;
            if length <= CELL {
                cell.push(plain(c));
            } else if length == CELL + 1 {
                cell.push('…');
            }
        };
        let mut quoted = self.chars.next_if_eq(&'"').is_some();
        let end = loop {
            match self.chars.next() {
                None => break true,
                Some('"') if quoted => {
                    if self.chars.next_if_eq(&'"').is_some() {
                        push('"');
                    } else {
                        quoted = false;
                    }
                }
                // Both kinds of line ends are one.
                Some('\r') if self.chars.peek() == Some(&'\n') => {}
                Some('\n' | '\r') if !quoted => break true,
                Some(c) if c == self.separator && !quoted => break false,
                Some(c) => push(c),
            }
        };
        row.push(cell);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let table = table(text, ',', true).expect("a table");
        std::iter::once(table.columns).chain(table.rows).collect()
    }

    #[test]
    fn quotes_line_breaks_and_ragged_rows_are_read_as_they_are_meant() {
        assert_eq!(rows("a,b\n1,2\n"), [["a", "b"], ["1", "2"]]);
        assert_eq!(rows("\u{feff}a,b\r\n1,\"x,\r\n\"\"y\"\"\"\r\n\r\n"), [["a", "b"], ["1", "x,\n\"y\""]]);
        assert_eq!(rows("a,b\n1\n1,2,3"), [["a", "b", ""], ["1", "", ""], ["1", "2", "3"]]);
        assert_eq!(rows("a\n\"open, to the end\n"), [["a"], ["open, to the end\n"]]);
        assert_eq!(rows("a\tb,c"), [["a\tb", "c"]]);
        assert_eq!(table("", ',', true), None);
        assert_eq!(table("\n\n", ',', true), None);
    }

    #[test]
    fn a_long_table_says_how_many_rows_it_has() {
        let text: String = std::iter::once("a,b\n".to_owned()).chain((0..2500).map(|i| format!("{i},x{i}\n"))).collect();
        let found = table(&text, ',', true).expect("a table");
        assert_eq!((found.rows.len(), found.counted, found.complete), (1000, 2500, true));
        assert_eq!(found.numeric, [true, false]);
        let found = table(&text[..1000], ',', false).expect("a table");
        assert_eq!((found.rows.len(), found.counted), (found.counted, found.rows.len()), "the row that is cut is not shown");
        assert!(!found.complete && found.counted > 50);
        let wide = table(&"x,".repeat(200), ',', true).expect("a table");
        assert_eq!((wide.columns.len(), wide.more_columns), (50, 151));
        let long = table(&format!("a\n{}", "y".repeat(10_000)), ',', true).expect("a table");
        assert_eq!(long.rows[0][0].chars().count(), 301);
    }
}
