//! JSON text with sensitive scalars replaced and every other byte kept.
//!
//! A scanner over tokens rather than a parser: it needs no valid document, keeps the text's own
//! spelling, and its stack lies on the heap, so depth is bounded by the text alone.

use std::borrow::Cow;

use super::{Redactor, places::Standing};

/// `text` with the sensitive scalars of `redactor` replaced by tokens.
pub(super) fn view(redactor: &Redactor, text: &str) -> String {
    let mut scan = Scan {
        redactor,
        out: String::with_capacity(text.len()),
        root: redactor.places.root(),
        frames: Vec::new(),
    };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, first));
        scan.token(first, token);
        rest = after;
    }
    scan.out
}

struct Scan<'a> {
    redactor: &'a Redactor,
    out: String,
    root: Standing,
    frames: Vec<Frame>,
}

/// One open object or array.
struct Frame {
    at: Standing,
    /// Where the next value stands.
    value: Standing,
    kind: Kind,
}

enum Kind {
    Object { awaits_key: bool },
    Array { index: usize },
}

impl Scan<'_> {
    fn token(&mut self, first: char, token: &str) {
        match first {
            '{' => self.open(Kind::Object { awaits_key: true }),
            '[' => self.open(Kind::Array { index: 0 }),
            '}' | ']' => {
                self.frames.pop();
            }
            ',' => self.next(),
            ':' => {}
            blank if blank.is_whitespace() => {}
            _ => return self.word(token),
        }
        self.out.push_str(token);
    }

    fn open(&mut self, kind: Kind) {
        let at = self.frames.last().map_or(&self.root, |frame| &frame.value).clone();
        let value = match kind {
            Kind::Object { .. } => at.clone(),
            Kind::Array { index } => self.redactor.places.item(&at, index),
        };
        self.frames.push(Frame { at, value, kind });
    }

    fn next(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        match &mut frame.kind {
            Kind::Object { awaits_key } => *awaits_key = true,
            Kind::Array { index } => {
                *index += 1;
                frame.value = self.redactor.places.item(&frame.at, *index);
            }
        }
    }

    /// A string or a bare word: a key or a scalar.
    fn word(&mut self, token: &str) {
        if let Some(frame) = self.frames.last_mut()
            && let Kind::Object { awaits_key: awaits_key @ true } = &mut frame.kind
        {
            *awaits_key = false;
            frame.value = self.redactor.places.field(&frame.at, &unquote(token));
            self.out.push_str(token);
            return;
        }
        let hidden = self.frames.last().is_some_and(|frame| frame.value.hidden);
        let value = unquote(token);
        if hidden && token != "null" && !value.is_empty() {
            self.out.push('"');
            self.out.push_str(&self.redactor.token(value.as_bytes()));
            self.out.push('"');
        } else {
            self.out.push_str(token);
        }
    }
}

/// Bytes of the token that `text` begins with; at least those of `first`.
fn token_length(text: &str, first: char) -> usize {
    match first {
        '"' => string_length(text),
        '{' | '}' | '[' | ']' | ',' | ':' => 1,
        blank if blank.is_whitespace() => {
            text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len())
        }
        _ => text.find(|c: char| c.is_whitespace() || "{}[],:\"".contains(c)).unwrap_or(text.len()),
    }
}

/// Through the closing quote, or to the end where there is none.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The value of a string token; other tokens and broken strings stand for themselves.
fn unquote(token: &str) -> Cow<'_, str> {
    let Some(inner) = token.strip_prefix('"') else { return Cow::Borrowed(token) };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(token).map_or(Cow::Borrowed(inner), Cow::Owned)
}
