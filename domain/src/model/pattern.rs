//! Patterns of LIKE and ILIKE, matched in time proportional to the text, whoever wrote the pattern.

use std::collections::HashMap;

/// A pattern of LIKE: `%` for any text, `_` for one character. Matching takes time proportional to the text.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What stands between the `%`; one part where there is none.
    parts: Vec<Part>,
    any_case: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Plain(String),
    /// With some `_` in it.
    Wild(Wild),
}

impl Pattern {
    /// For LIKE, or with `any_case` for ILIKE.
    pub fn new(pattern: &str, any_case: bool) -> Self {
        let folded = if any_case { pattern.to_lowercase() } else { pattern.to_owned() };
        let part = |text: &str| if text.contains('_') { Part::Wild(Wild::new(text)) } else { Part::Plain(text.to_owned()) };
        let mut parts: Vec<Part> = folded.split('%').map(part).collect();
        // Several % in a row are one.
        let last = parts.len() - 1;
        let mut at = 0;
        parts.retain(|part| {
            at += 1;
            at == 1 || at == last + 1 || !matches!(part, Part::Plain(text) if text.is_empty())
        });
        Self { parts, any_case }
    }

    /// Whether the whole text fits.
    pub fn matches(&self, text: &str) -> bool {
        if self.any_case && text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
            return self.fits(&text.to_lowercase());
        }
        self.fits(text)
    }

    fn fits(&self, text: &str) -> bool {
        let (first, rest) = match self.parts.as_slice() {
            [] => return text.is_empty(),
            [only] => return only.opens(text) == Some(text.len()),
            [first, rest @ ..] => (first, rest),
        };
        let Some(mut at) = first.opens(text) else { return false };
        let Some((last, middle)) = rest.split_last() else { return false };
        for part in middle {
            // The earliest end leaves most for what follows.
            let Some(end) = part.find(&text[at..]) else { return false };
            at += end;
        }
        last.closes(&text[at..])
    }
}

impl Part {
    /// Where the part ends, if the text begins with it.
    fn opens(&self, text: &str) -> Option<usize> {
        match self {
            Self::Plain(plain) => text.starts_with(plain.as_str()).then_some(plain.len()),
            Self::Wild(wild) => wild.opens(text),
        }
    }
    /// Whether the text ends with the part.
    fn closes(&self, text: &str) -> bool {
        match self {
            Self::Plain(plain) => text.ends_with(plain.as_str()),
            Self::Wild(wild) => {
                let start = text.char_indices().nth_back(wild.letters.len() - 1).map(|(start, _)| start);
                start.is_some_and(|start| wild.opens(&text[start..]).is_some())
            }
        }
    }
    /// The earliest place where the part ends, wherever it begins.
    fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Plain(plain) => text.find(plain.as_str()).map(|start| start + plain.len()),
            Self::Wild(wild) => wild.find(text),
        }
    }
}

/// A part with `_`: found by keeping, as bits, which beginnings of it the text has just now.
#[derive(Clone, Debug)]
struct Wild {
    /// None for `_`.
    letters: Vec<Option<char>>,
    /// For each letter, at which places it fits; and for all others.
    fits: HashMap<char, Vec<u64>>,
    any: Vec<u64>,
}

impl Wild {
    fn new(text: &str) -> Self {
        let letters: Vec<Option<char>> = text.chars().map(|c| (c != '_').then_some(c)).collect();
        let mut any = vec![0; letters.len().div_ceil(64)];
        for (i, _) in letters.iter().enumerate().filter(|(_, letter)| letter.is_none()) {
            any[i / 64] |= 1 << (i % 64);
        }
        let mut fits: HashMap<char, Vec<u64>> = HashMap::new();
        for (i, letter) in letters.iter().enumerate() {
            if let Some(letter) = letter {
                fits.entry(*letter).or_insert_with(|| any.clone())[i / 64] |= 1 << (i % 64);
            }
        }
        Self { letters, fits, any }
    }

    fn opens(&self, text: &str) -> Option<usize> {
        let mut chars = text.char_indices();
        for letter in &self.letters {
            let (_, c) = chars.next()?;
            if letter.is_some_and(|letter| letter != c) {
                return None;
            }
        }
        Some(chars.next().map_or(text.len(), |(end, _)| end))
    }

    fn find(&self, text: &str) -> Option<usize> {
        let mut state = vec![0_u64; self.any.len()];
        let last = self.letters.len() - 1;
        for (at, c) in text.char_indices() {
            let fits = self.fits.get(&c).unwrap_or(&self.any);
            let mut carry = 1;
            for (word, fits) in state.iter_mut().zip(fits) {
                let next = *word >> 63;
                *word = (*word << 1 | carry) & fits;
                carry = next;
            }
            if state[last / 64] >> (last % 64) & 1 == 1 {
                return Some(at + c.len_utf8());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_the_whole_text() {
        for (pattern, text, fits) in [
            ("Ad%", "Adam", true),
            ("ad%", "Adam", false),
            ("%a_", "Adam", true),
            ("%", "", true),
            ("_", "", false),
            ("run-%", "run-2", true),
            ("a%b%c", "a1b2b3c", true),
            ("a%b", "a1b2", false),
            ("", "", true),
            ("", "a", false),
            ("a", "a", true),
            ("ab%ba", "aba", false),
            ("ab%ba", "abba", true),
            ("_%_", "a", false),
            ("%_ä_%", "xxäx", true),
            ("%_ä_%", "äx", false),
            ("a__%", "aä", false),
            ("%b_", "abab", false),
            ("%%b_%%", "abab", true),
            ("%a_c%a_c", "abcabc", true),
            ("%a_c%a_c", "abcbc", false),
        ] {
            assert_eq!(Pattern::new(pattern, false).matches(text), fits, "{pattern} {text}");
        }
        assert!(Pattern::new("AD%", true).matches("adam") && Pattern::new("%Ö", true).matches("Köhö"));
        let long = format!("%{}_b%", "a".repeat(100));
        assert!(Pattern::new(&long, false).matches(&format!("{}cb", "a".repeat(130))));
        assert!(!Pattern::new(&long, false).matches(&format!("{}cb", "a".repeat(99))));
    }

    #[test]
    fn hostile_patterns_take_linear_time() {
        let start = std::time::Instant::now();
        for (pattern, text) in [
            ("%a".repeat(1000), "b".repeat(10_000)),
            (format!("%{}b%", "a".repeat(4000)), "a".repeat(8000)),
            (format!("%{}b%", "a_".repeat(2000)), "a".repeat(8000)),
            ("%a_".repeat(2000), "ac".repeat(4000)),
            ("_".repeat(8001), "a".repeat(8000)),
        ] {
            assert!(!Pattern::new(&pattern, false).matches(&text) || pattern.starts_with("%a_"));
        }
        assert!(start.elapsed().as_secs() < 5);
    }
}
