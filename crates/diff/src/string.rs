//! Strings of JSON text by code point.
//!
//! Inside, a string is WTF-8: UTF-8 in which an escaped lone surrogate keeps its own three bytes,
//! so that two different lone surrogates never become the same replacement character.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Undoes the escapes of a string's content (between the quotes, grammar already checked).
pub(crate) fn unescape(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.iter().position(|b| *b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        rest = push_escape(&rest[at + 1..], &mut out);
    }
    out.extend_from_slice(rest);
    out
}

fn push_escape<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((first, after)) = rest.split_first() else {
        return rest;
    };
    match first {
        b'u' => {
            let Some(unit) = hex4(after) else { return after };
            let after = &after[4..];
            if (0xd800..0xdc00).contains(&unit)
                && let Some(low) = after.strip_prefix(b"\\u").and_then(hex4)
                && (0xdc00..0xe000).contains(&low)
            {
                push_code(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
                return &after[6..];
            }
            push_code(unit, out);
            return after;
        }
        b'b' => out.push(8),
        b'f' => out.push(12),
        b'n' => out.push(b'\n'),
        b'r' => out.push(b'\r'),
        b't' => out.push(b'\t'),
        other => out.push(*other),
    }
    after
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(bytes.get(..4)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

fn push_code(code: u32, out: &mut Vec<u8>) {
    if let Some(char) = char::from_u32(code) {
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        out.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8]);
        out.push(0x80 | (code & 0x3f) as u8);
    }
}

/// Text for people and pointers; a lone surrogate becomes U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// `text` as a JSON string with its quotes.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// One spelling for all strings that differ only by case (`fold`) or composition (`compose`).
/// Lone surrogates are left alone.
pub(crate) fn canonical(bytes: &[u8], fold: bool, compose: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        let folded = if fold { Cow::Owned(fold_case(text)) } else { Cow::Borrowed(text) };
        if compose {
            // Folding can decompose what was composed, so composition comes last.
            out.extend(folded.nfc().collect::<String>().into_bytes());
        } else {
            out.extend_from_slice(folded.as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// Upper case first, so that letters with several lower-case forms (final sigma) or none of
/// their own (sharp s) meet.
fn fold_case(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_lone_surrogates_stay_apart() {
        assert_eq!(unescape(br"\u00e9\/\ud83d\ude00\u0041"), "é/😀A".as_bytes());
        assert_eq!(unescape(br"\b\f\n\r\t\\"), b"\x08\x0c\n\r\t\\");
        assert_ne!(unescape(br"\ud800"), unescape(br"\ud801"));
        assert_eq!(unescape(br"\ud800\u0041").last(), Some(&b'A'));
    }

    #[test]
    fn folding_joins_cases() {
        assert_eq!(
            canonical("ΟΔΟΣ".as_bytes(), true, false),
            canonical("οδος".as_bytes(), true, false)
        );
        assert_eq!(canonical("Stra\u{df}e".as_bytes(), true, false), b"strasse");
        assert_eq!(canonical("e\u{301}".as_bytes(), false, true), "é".as_bytes());
    }
}
