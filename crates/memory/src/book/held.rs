//! Plain words that have held ids: `{"target": 57}` names a comment where `target` has been seen to.
//!
//! The evidence is in the answers: under one word both sides say what is known to stand for one
//! another. Figures do that once by chance, and not thrice for different values with hardly an
//! exception.

use std::collections::HashMap;

/// Different values from which a word is believed.
const ENOUGH: usize = 3;
/// Values remembered of one word.
const KEPT: usize = 8;
/// Words remembered.
const MOST_WORDS: usize = 1_000;
/// One exception in so many is allowed.
const ONE_IN: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Held {
    words: HashMap<String, Word>,
}

#[derive(Debug, Default)]
struct Word {
    kind: String,
    values: Vec<String>,
    agreed: usize,
    denied: usize,
}

impl Held {
    /// Both sides named the same thing of `kind` under `word`.
    pub(super) fn agrees(&mut self, word: &str, kind: &str, value: &str) {
        if self.words.len() >= MOST_WORDS && !self.words.contains_key(word) {
            return;
        }
        let held = self.words.entry(word.to_owned()).or_default();
        if held.kind != kind {
            *held = Word { kind: kind.to_owned(), denied: held.denied, ..Word::default() };
        }
        held.agreed += 1;
        if held.values.len() < KEPT && !held.values.iter().any(|known| known == value) {
            held.values.push(value.to_owned());
        }
    }

    /// They said what cannot name the same thing.
    pub(super) fn denies(&mut self, word: &str) {
        if let Some(held) = self.words.get_mut(word) {
            held.denied += 1;
        }
    }

    /// What a word names, where that is known.
    pub(super) fn kind(&self, word: &str) -> Option<&str> {
        let held = self.words.get(word)?;
        let believed = held.values.len() >= ENOUGH && held.denied * ONE_IN <= held.agreed;
        believed.then_some(held.kind.as_str())
    }
}
