//! A dictionary of texts: each different one is kept once and known by a number.

use std::{
    cmp::Ordering,
    hash::{BuildHasher, RandomState},
};

/// The number of no text.
pub(super) const ABSENT: u32 = 0;

/// Texts by number, from 1 on, and numbers by text.
pub(super) struct Words {
    text: String,
    /// Where each text ends; the first entry is where number 0 would.
    ends: Vec<u32>,
    /// Numbers by hash, linear probing, a power of two; 0 is free.
    table: Vec<u32>,
    /// What all texts begin with, in bytes; and the eight bytes after it of each, which order them in most cases.
    shared: usize,
    heads: Vec<u64>,
    /// Random, so that nobody can make texts collide.
    hasher: RandomState,
}

impl Default for Words {
    fn default() -> Self {
        Self { text: String::new(), ends: vec![0], table: vec![0; 16], shared: 0, heads: vec![0], hasher: RandomState::new() }
    }
}

impl Words {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// The text of this number; empty for `ABSENT`.
    pub fn get(&self, code: u32) -> &str {
        let at = code as usize;
        if at == 0 { "" } else { &self.text[self.ends[at - 1] as usize..self.ends[at] as usize] }
    }

    /// The number of this text, if it is known.
    pub fn find(&self, word: &str) -> Option<u32> {
        let code = self.table[self.slot(word)];
        (code != ABSENT).then_some(code)
    }

    /// The number of this text, which is remembered. None where there is no room for more (4 GiB).
    pub fn code(&mut self, word: &str) -> Option<u32> {
        let slot = self.slot(word);
        if self.table[slot] != ABSENT {
            return Some(self.table[slot]);
        }
        let (code, end) = (u32::try_from(self.ends.len()).ok()?, u32::try_from(self.text.len() + word.len()).ok()?);
        self.text.push_str(word);
        self.ends.push(end);
        self.table[slot] = code;
        self.learn_head(code);
        if self.ends.len() * 4 > self.table.len() * 3 {
            self.grow();
        }
        Some(code)
    }

    fn slot(&self, word: &str) -> usize {
        let mask = self.table.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
        let mut at = self.hasher.hash_one(word) as usize & mask;
        while self.table[at] != ABSENT && self.get(self.table[at]) != word {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        self.table = vec![ABSENT; self.table.len() * 2];
        for code in 1..u32::try_from(self.ends.len()).unwrap_or(u32::MAX) {
            let slot = self.slot(self.get(code));
            self.table[slot] = code;
        }
    }

    fn learn_head(&mut self, code: u32) {
        if code == 1 {
            self.shared = self.get(1).len();
        }
        let common = self.get(code).bytes().zip(self.get(1).bytes()).take(self.shared).take_while(|(a, b)| a == b).count();
        self.heads.push(0);
        if common < self.shared {
            self.shared = common;
            for code in 1..=code {
                self.heads[code as usize] = self.head_of(code);
            }
        } else {
            self.heads[code as usize] = self.head_of(code);
        }
    }

    fn head_of(&self, code: u32) -> u64 {
        let rest = &self.get(code).as_bytes()[self.shared..];
        let mut head = [0; 8];
        let length = rest.len().min(8);
        head[..length].copy_from_slice(&rest[..length]);
        u64::from_be_bytes(head)
    }

    /// A number that is smaller where the text is; equal ones are told apart by `compare`.
    pub fn head(&self, code: u32) -> u64 {
        self.heads[code as usize]
    }

    /// By bytes, as both databases do for text without a language.
    pub fn compare(&self, a: u32, b: u32) -> Ordering {
        if a == b { Ordering::Equal } else { self.get(a).cmp(self.get(b)) }
    }

    /// Memory, about.
    pub fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + self.table.capacity() * 4 + self.heads.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_number_and_heads_are_in_its_order() {
        let mut words = Words::default();
        let mut texts: Vec<String> = (0..2000).map(|i| format!("run-{}", i * 7919 % 2003)).collect();
        texts.extend(["run".to_owned(), String::new(), "ä".to_owned(), "run-1".to_owned()]);
        let codes: Vec<u32> = texts.iter().map(|t| words.code(t).expect("room")).collect();
        for (text, code) in texts.iter().zip(&codes) {
            assert_eq!(words.code(text), Some(*code));
            assert_eq!((words.get(*code), words.find(text)), (text.as_str(), Some(*code)));
        }
        assert_eq!(words.find("run-99999"), None);
        for pair in codes.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let by_head = words.head(a).cmp(&words.head(b)).then_with(|| words.compare(a, b));
            assert_eq!(by_head, words.get(a).cmp(words.get(b)));
        }
    }
}
