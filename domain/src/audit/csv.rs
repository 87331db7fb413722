//! CSV (RFC 4180) that a spreadsheet cannot take for formulas.

/// Appends one record. Text is always quoted; a cell that a spreadsheet would take for a formula starts with an apostrophe.
pub(crate) fn push(out: &mut String, cells: &[Cell<'_>]) {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match cell {
            Cell::Number(n) => out.push_str(&n.to_string()),
            Cell::Plain(text) => out.push_str(text),
            Cell::Text(text) => {
                out.push('"');
                if is_formula(text) {
                    out.push('\'');
                }
                out.push_str(&text.replace('"', "\"\""));
                out.push('"');
            }
        }
    }
    out.push_str("\r\n");
}

pub(crate) enum Cell<'a> {
    Number(i64),
    /// A number or a time that is text already, with nothing in it that anybody typed.
    Plain(&'a str),
    Text(&'a str),
}

/// Starts like a formula, at once or after what a spreadsheet may take for a separator or leave out.
fn is_formula(text: &str) -> bool {
    if text.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let skipped = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '|' | '\u{feff}' | '\u{200b}');
    text.trim_start_matches(skipped).starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        let mut out = String::new();
        push(&mut out, &[Cell::Number(-1), Cell::Text(text)]);
        out
    }

    #[test]
    fn text_that_starts_like_a_formula_becomes_text_and_numbers_stay_numbers() {
        for bad in ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)", "\t=1", "\rx", "＝1", " =1", ";=cmd|'/C calc'!A0", "'=1"] {
            assert_eq!(line(bad), format!("-1,\"'{bad}\"\r\n"), "{bad:?}");
        }
        assert_eq!(line("\";=cmd|'/C calc'!A0"), "-1,\"'\"\";=cmd|'/C calc'!A0\"\r\n");
        for good in ["a=b", "churn", "", "2-1", "{\"a\":-1}"] {
            assert_eq!(line(good), format!("-1,\"{}\"\r\n", good.replace('"', "\"\"")), "{good:?}");
        }
    }

    #[test]
    fn quotes_commas_and_line_ends_stay_inside_their_cell() {
        assert_eq!(line("a \"b\", c\nd\u{2028}e"), "-1,\"a \"\"b\"\", c\nd\u{2028}e\"\r\n");
    }
}
