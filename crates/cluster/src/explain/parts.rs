//! Beginnings, endings and words of texts that many mismatches share.

use std::collections::BTreeMap;

use super::{bits::Bits, table::Column, term::Test};

/// Distinct texts from which on all their parts are tried; of fewer, down to these, what codes
/// have in common at their beginning.
const MANY_TEXTS: usize = 12;
const SOME_TEXTS: usize = 3;
/// Letters that words have in common only by chance: `DE` and `DK`.
const BY_CHANCE: usize = 2;
/// Parts tried of one kind.
const MOST: usize = 16;
const LETTERS: usize = 3;
const FIRST_LETTERS: usize = 6;
const SEPARATORS: [char; 9] = ['-', '_', '@', '/', ':', '.', ' ', '+', ','];

/// Tests of parts with their extra cost.
pub(super) fn of_texts(column: &Column, differing: &Bits) -> Vec<(Test, f64)> {
    if column.values.len() <= SOME_TEXTS {
        return Vec::new();
    }
    let mut starts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    let mut words: BTreeMap<&str, u64> = BTreeMap::new();
    let mut total = 0;
    for (row, value) in &column.cells {
        let text = column.values.get(*value as usize).and_then(|value| value.text());
        let Some(text) = text.filter(|_| differing.has(*row as usize)) else { continue };
        total += 1;
        beginnings(text).into_iter().for_each(|start| *starts.entry(start).or_default() += 1);
        endings(text).into_iter().for_each(|end| *ends.entry(end).or_default() += 1);
        inner_words(text).into_iter().for_each(|word| *words.entry(word).or_default() += 1);
    }
    if column.values.len() <= MANY_TEXTS {
        starts.retain(|start, _| start.chars().count() > BY_CHANCE);
        return most_frequent(starts, total, Test::StartsWith, 1.0);
    }
    let mut tests = most_frequent(starts, total, Test::StartsWith, 1.0);
    tests.extend(most_frequent(ends, total, Test::EndsWith, 3.0));
    tests.extend(most_frequent(words, total, Test::Contains, 4.0));
    tests
}

fn most_frequent(
    counts: BTreeMap<&str, u64>,
    total: u64,
    test: fn(String) -> Test,
    cost: f64,
) -> Vec<(Test, f64)> {
    let mut frequent: Vec<(&str, u64)> =
        counts.into_iter().filter(|(_, n)| *n >= 3 && n * 20 >= total).collect();
    // Of parts that are as frequent the longer says more, and the search finds the shorter.
    frequent.sort_by(|a, b| b.1.cmp(&a.1).then(b.0.len().cmp(&a.0.len())).then(a.0.cmp(b.0)));
    frequent.into_iter().take(MOST).map(|(part, _)| (test(part.to_owned()), cost)).collect()
}

/// The first letters, and all up to a separator.
fn beginnings(text: &str) -> Vec<&str> {
    let letters = text.char_indices().skip(1).take(FIRST_LETTERS).map(|(at, _)| &text[..at]);
    let mut found: Vec<&str> = letters.collect();
    for (at, letter) in text.char_indices().skip(LETTERS).take(24) {
        if SEPARATORS.contains(&letter) {
            found.push(&text[..at]);
        }
    }
    found
}

/// The last letters, and all from a separator on.
fn endings(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for (seen, (at, letter)) in text.char_indices().rev().take(24).enumerate() {
        if at > 0 && (seen < LETTERS || SEPARATORS.contains(&letter)) {
            found.push(&text[at..]);
        }
    }
    found
}

/// Words between separators, but for the first and the last.
fn inner_words(text: &str) -> Vec<&str> {
    let words: Vec<&str> = text.split(SEPARATORS).take(16).collect();
    let inner = words.get(1..words.len().saturating_sub(1)).unwrap_or_default();
    let mut inner: Vec<&str> = inner.iter().copied().filter(|word| word.len() >= 2).collect();
    inner.sort_unstable();
    inner.dedup();
    inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart_at_letters_and_separators() {
        assert_eq!(beginnings("REF-17"), ["R", "RE", "REF", "REF-", "REF-1", "REF"]);
        assert_eq!(endings("a@b.org"), ["g", "rg", "org", ".org", "@b.org"]);
        assert_eq!(inner_words("eu-berlin-7"), ["berlin"]);
        assert_eq!((beginnings("").len(), endings("é").len(), inner_words("a").len()), (0, 0, 0));
    }
}
