//! What to mark in two strings that differ.

use super::Piece;
use super::cell::piece;
use crate::align::{Work, common};
use crate::hash::Seed;

/// Steps of alignment spent on one line.
const MAX_WORK: u64 = 100_000;

/// Both texts in pieces: the words that differ are marked, or everything where no word is shared.
pub(super) fn marked(left: &str, right: &str) -> (Vec<Piece>, Vec<Piece>) {
    let seed = Seed::of(left.as_bytes(), right.as_bytes());
    let (lefts, rights) = (tokens(left), tokens(right));
    let hashes = |tokens: &[&str]| -> Vec<u64> {
        tokens.iter().map(|token| seed.bytes(token.as_bytes())).collect()
    };
    let pairs = common(&hashes(&lefts), &hashes(&rights), &mut Work::new(MAX_WORK));
    let (mut left_marks, mut right_marks) = (vec![true; lefts.len()], vec![true; rights.len()]);
    let mut shares_a_word = false;
    for (l, r) in pairs {
        if lefts[l] == rights[r] {
            (left_marks[l], right_marks[r]) = (false, false);
            shares_a_word |= is_word(lefts[l]);
        }
    }
    if !shares_a_word {
        return (vec![piece(left.to_owned(), true)], vec![piece(right.to_owned(), true)]);
    }
    (joined(&lefts, &left_marks), joined(&rights, &right_marks))
}

fn is_word(token: &str) -> bool {
    token.starts_with(char::is_alphanumeric)
}

/// Words, runs of blanks, and every other character alone.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if first.is_alphanumeric() {
            rest.find(|c: char| !c.is_alphanumeric())
        } else if first.is_whitespace() {
            rest.find(|c: char| !c.is_whitespace())
        } else {
            Some(first.len_utf8())
        };
        let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// Neighbours of one kind in one piece; a blank between two marked words is marked with them.
fn joined(tokens: &[&str], marks: &[bool]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let between = at > 0
            && marks[at - 1]
            && marks.get(at + 1).is_some_and(|mark| *mark)
            && token.trim().is_empty();
        let mark = marks[at] || between;
        match pieces.last_mut() {
            Some(last) if last.marked == mark => last.text.push_str(token),
            _ => pieces.push(piece((*token).to_owned(), mark)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[Piece]) -> String {
        let show = |p: &Piece| if p.marked { format!("[{}]", p.text) } else { p.text.clone() };
        pieces.iter().map(show).collect()
    }

    #[test]
    fn only_changed_words_are_marked() {
        let (left, right) = marked("\"Needs a second look: amount\"", "\"Fine: amount\"");
        assert_eq!(shown(&left), "\"[Needs a second look]: amount\"");
        assert_eq!(shown(&right), "\"[Fine]: amount\"");
    }

    #[test]
    fn texts_with_nothing_in_common_are_marked_whole() {
        let (left, right) = marked("\"REVIEW\"", "\"APPROVED\"");
        assert_eq!((shown(&left), shown(&right)), ("[\"REVIEW\"]".into(), "[\"APPROVED\"]".into()));
    }
}
