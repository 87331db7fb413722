//! Colours of a terminal (SGR sequences) as classes, and matches of a search inside a line.

/// A piece of a line that looks the same throughout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// For example `sgr-1 sgr-31`; empty for plain text.
    pub class: String,
    pub text: String,
    /// Whether it matches the search.
    pub found: bool,
}

#[derive(Clone, Default)]
struct Look {
    codes: Vec<u8>,
}

impl Look {
    fn apply(&mut self, parameters: &str) {
        let mut codes = parameters.split([';', ':']).map(|p| p.parse::<u16>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => self.codes.clear(),
                38 | 48 => self.extended(code == 48, &mut codes),
                39 => self.drop_range(30, 37),
                49 => self.drop_range(40, 47),
                22 => self.drop_range(1, 2),
                23 => self.drop_range(3, 3),
                24 => self.drop_range(4, 4),
                1..=4 => self.add(code),
                30..=37 | 90..=97 => {
                    self.drop_range(30, 37);
                    self.drop_range(90, 97);
                    self.add(code);
                }
                40..=47 | 100..=107 => {
                    self.drop_range(40, 47);
                    self.drop_range(100, 107);
                    self.add(code);
                }
                _ => {}
            }
        }
    }

    /// `38;5;N` of the first sixteen colours; the rest of the 256 and true colours are left as plain text.
    fn extended(&mut self, background: bool, codes: &mut impl Iterator<Item = u16>) {
        let kind = codes.next();
        let values: Vec<u16> = codes.by_ref().take(if kind == Some(5) { 1 } else { 3 }).collect();
        if let (Some(5), Some(colour @ 0..=15)) = (kind, values.first()) {
            let base = if *colour < 8 { 30 + colour } else { 82 + colour };
            self.apply(&(base + if background { 10 } else { 0 }).to_string());
        }
    }

    fn drop_range(&mut self, first: u8, last: u8) {
        self.codes.retain(|code| !(first..=last).contains(code));
    }
    fn add(&mut self, code: u16) {
        if let Ok(code) = u8::try_from(code)
            && !self.codes.contains(&code)
        {
            self.codes.push(code);
        }
    }
    fn class(&self) -> String {
        self.codes.iter().map(|code| format!("sgr-{code}")).collect::<Vec<_>>().join(" ")
    }
}

/// A line cut at its colour changes; other escape sequences are left out.
pub fn pieces(line: &str) -> Vec<Piece> {
    let (mut look, mut all) = (Look::default(), Vec::new());
    let mut rest = line;
    loop {
        let (text, tail) = rest.split_at(rest.find('\u{1b}').unwrap_or(rest.len()));
        if !text.is_empty() {
            all.push(Piece { class: look.class(), text: text.to_owned(), found: false });
        }
        let Some(sequence) = tail.strip_prefix('\u{1b}') else { return all };
        rest = match sequence.strip_prefix('[').and_then(|s| s.find(|c: char| ('@'..='~').contains(&c)).map(|end| s.split_at(end))) {
            Some((parameters, end)) => {
                if end.starts_with('m') {
                    look.apply(parameters);
                }
                &end[1..]
            }
            None => sequence,
        };
    }
}

/// The line without its colours.
pub fn plain(line: &str) -> String {
    if line.contains('\u{1b}') { pieces(line).into_iter().map(|p| p.text).collect() } else { line.to_owned() }
}

/// Cuts pieces further where `needle` (lower case ASCII folding) is found. A match that crosses a colour change is marked in both.
pub fn mark(pieces: Vec<Piece>, needle: &str) -> Vec<Piece> {
    if needle.is_empty() {
        return pieces;
    }
    let whole: String = pieces.iter().map(|p| p.text.to_ascii_lowercase()).collect();
    let hits: Vec<(usize, usize)> = whole.match_indices(&needle.to_ascii_lowercase()).map(|(at, hit)| (at, at + hit.len())).collect();
    let (mut all, mut start) = (Vec::new(), 0);
    for piece in pieces {
        let end = start + piece.text.len();
        let mut at = start;
        let cuts = hits.iter().filter(|(from, to)| *from < end && *to > start).flat_map(|(from, to)| [(*from, false), (*to, true)]);
        for (cut, found) in cuts.chain([(end, false)]) {
            let cut = cut.clamp(at, end);
            if cut > at {
                all.push(Piece { class: piece.class.clone(), text: piece.text[at - start..cut - start].to_owned(), found });
                at = cut;
            }
        }
        start = end;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str, needle: &str) -> Vec<String> {
        let shown = |p: Piece| if p.found { format!("{}*{}", p.class, p.text) } else { format!("{}|{}", p.class, p.text) };
        mark(pieces(line), needle).into_iter().map(shown).collect()
    }

    #[test]
    fn colours_become_classes() {
        assert_eq!(said("plain", ""), ["|plain"]);
        assert_eq!(said("\u{1b}[1;31merror\u{1b}[0m: x", ""), ["sgr-1 sgr-31|error", "|: x"]);
        assert_eq!(said("\u{1b}[31ma\u{1b}[32mb\u{1b}[39mc", ""), ["sgr-31|a", "sgr-32|b", "|c"]);
        assert_eq!(said("\u{1b}[38;5;9mred\u{1b}[38;2;1;2;3mx\u{1b}[m", ""), ["sgr-91|red", "sgr-91|x"]);
        assert_eq!(said("a\u{1b}[2Kb\u{1b}c", ""), ["|a", "|b", "|c"]);
    }

    #[test]
    fn a_search_marks_also_across_colours_and_letters_of_any_language() {
        assert_eq!(said("Error and error", "error"), ["*Error", "| and ", "*error"]);
        assert_eq!(said("\u{1b}[31mab\u{1b}[0mcd", "bc"), ["sgr-31|a", "sgr-31*b", "*c", "|d"]);
        assert_eq!(said("größe β x", "β"), ["|größe ", "*β", "| x"]);
    }
}
