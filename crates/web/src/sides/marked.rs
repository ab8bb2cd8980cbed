//! Two values next to each other: only what changed is marked.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::line::Piece;

/// Longer texts are only trimmed at both ends.
const LONGEST: usize = 20_000;
/// Values up to this length are read as a whole.
const SHORT: usize = 12;
/// Equal text shown before and after what changed.
const AROUND: usize = 400;
/// Changed text that is shown.
const MOST_CHANGED: usize = 4_000;

/// Both values as pieces; a mark is what the other side does not have.
pub(super) fn marked(left: &str, right: &str) -> (Vec<Piece>, Vec<Piece>) {
    let whole = |text: &str| vec![piece(text, "mark")];
    if left.chars().count().min(right.chars().count()) < SHORT {
        return (whole(left), whole(right));
    }
    let (one, other) = if left.len() + right.len() <= LONGEST {
        by_words(left, right)
    } else {
        trimmed(left, right)
    };
    // Where hardly anything is common, marks would only be confetti.
    let common: usize =
        one.iter().filter(|(_, changed)| !changed).map(|(text, _)| text.len()).sum();
    if common < left.len().min(right.len()) / 3 {
        return (whole(left), whole(right));
    }
    (pieces(&one), pieces(&other))
}

/// Stretches of text, and whether they changed.
type Stretches<'t> = Vec<(&'t str, bool)>;

fn by_words<'t>(left: &'t str, right: &'t str) -> (Stretches<'t>, Stretches<'t>) {
    let (left_words, right_words) = (words(left), words(right));
    let diff = TextDiff::configure()
        .timeout(Duration::from_millis(50))
        .diff_slices(&left_words, &right_words);
    let (mut one, mut other) = (Stretches::new(), Stretches::new());
    let (mut gone, mut come) = (Span::default(), Span::default());
    let (mut left_at, mut right_at) = (0, 0);
    for change in diff.iter_all_changes() {
        let length = change.value().len();
        match change.tag() {
            ChangeTag::Delete => {
                gone.grow(left_at, length);
                left_at += length;
            }
            ChangeTag::Insert => {
                come.grow(right_at, length);
                right_at += length;
            }
            ChangeTag::Equal => {
                flush((left, right), (&mut gone, &mut come), (&mut one, &mut other));
                one.push((cut(left, left_at, length), false));
                other.push((cut(right, right_at, length), false));
                left_at += length;
                right_at += length;
            }
        }
    }
    flush((left, right), (&mut gone, &mut come), (&mut one, &mut other));
    (one, other)
}

#[derive(Clone, Copy, Default)]
struct Span {
    start: usize,
    length: usize,
}

impl Span {
    fn grow(&mut self, at: usize, length: usize) {
        if self.length == 0 {
            self.start = at;
        }
        self.length += length;
    }
}

/// A run that was replaced: what both ends still have in common is no change.
fn flush<'t>(
    (left, right): (&'t str, &'t str),
    (gone, come): (&mut Span, &mut Span),
    (one, other): (&mut Stretches<'t>, &mut Stretches<'t>),
) {
    let gone_text = cut(left, gone.start, gone.length);
    let come_text = cut(right, come.start, come.length);
    (*gone, *come) = (Span::default(), Span::default());
    let (a, b) = trimmed(gone_text, come_text);
    one.extend(a);
    other.extend(b);
}

/// The common beginning and end, and what is between them.
fn trimmed<'t>(left: &'t str, right: &'t str) -> (Stretches<'t>, Stretches<'t>) {
    let common = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(a, b)| a == b).map(|(letter, _)| letter.len_utf8()).sum()
    };
    let head = common(&mut left.chars().zip(right.chars()));
    let (left_rest, right_rest) = (&left[head..], &right[head..]);
    let tail = common(&mut left_rest.chars().rev().zip(right_rest.chars().rev()));
    let split = |text: &'t str| {
        let end = text.len() - tail;
        let parts = [(&text[..head], false), (&text[head..end], true), (&text[end..], false)];
        parts.into_iter().filter(|(part, _)| !part.is_empty()).collect()
    };
    (split(left), split(right))
}

/// Runs of letters and digits; everything else by itself.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, letter) in text.char_indices() {
        if letter.is_alphanumeric() {
            continue;
        }
        if start < at {
            words.push(&text[start..at]);
        }
        let end = at + letter.len_utf8();
        words.push(&text[at..end]);
        start = end;
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

fn cut(text: &str, start: usize, length: usize) -> &str {
    text.get(start..start + length).unwrap_or_default()
}

/// Neighbours joined, and long equal stretches shortened.
fn pieces(stretches: &Stretches<'_>) -> Vec<Piece> {
    let mut joined: Vec<(String, bool)> = Vec::new();
    for (text, changed) in stretches {
        match joined.last_mut() {
            Some((last, same)) if same == changed => last.push_str(text),
            _ => joined.push(((*text).to_owned(), *changed)),
        }
    }
    let shown = joined.into_iter().map(|(text, changed)| match changed {
        true => piece(&shortened(&text, MOST_CHANGED), "mark"),
        false => piece(&shortened(&text, 2 * AROUND), ""),
    });
    shown.collect()
}

/// The beginning and the end of a long text.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let letters = text.chars().count();
    if letters <= most {
        return text.to_owned();
    }
    let half = most / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(letters - half).collect();
    format!("{head} … {} more letters … {tail}", letters - 2 * half)
}

fn piece(text: &str, class: &'static str) -> Piece {
    Piece { text: text.to_owned(), class }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(left: &str, right: &str) -> (Vec<String>, Vec<String>) {
        let text = |pieces: Vec<Piece>| {
            pieces.iter().map(|piece| format!("{}|{}", piece.class, piece.text)).collect()
        };
        let (left, right) = marked(left, right);
        (text(left), text(right))
    }

    #[test]
    fn only_the_changed_part_of_a_long_text_is_marked() {
        let (left, right) = shown("\"Origination fee\"", "\"Origination Fee\"");
        assert_eq!(left, ["|\"Origination ", "mark|f", "|ee\""]);
        assert_eq!(right, ["|\"Origination ", "mark|F", "|ee\""]);
        assert_eq!(shown("\"é\"", "\"è\"").0, ["mark|\"é\""]);
        assert_eq!(shown("aaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa").0, ["|aaaaaaaaaaaaaa"]);
    }

    #[test]
    fn several_changed_words_are_marked_each() {
        let (left, right) = shown(
            "\"amount above 50,000 in DE, income verified\"",
            "\"amount above 60,000 in AT, income verified\"",
        );
        assert_eq!(
            left,
            ["|\"amount above ", "mark|5", "|0,000 in ", "mark|DE", "|, income verified\""]
        );
        assert_eq!(right[3], "mark|AT");
    }

    #[test]
    fn texts_with_little_in_common_are_marked_as_a_whole() {
        assert_eq!(shown("\"alpha beta gamma\"", "\"one two three four\"").0.len(), 1);
    }

    #[test]
    fn long_equal_text_is_shortened() {
        let long = "word ".repeat(1_000);
        let (left, _) = shown(&format!("{long}old"), &format!("{long}new"));
        assert!(left[0].contains("more letters") && left[0].len() < 1_000, "{left:?}");
        assert_eq!(left[1], "mark|old");
    }
}
