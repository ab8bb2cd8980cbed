//! Scanning of JSON text: strings, numbers, blanks, eight bytes at a time.

use super::json::Unfit;
use crate::hash::{Seed, halves};
use crate::{number, string};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A string between its quotes.
#[derive(Debug)]
pub(super) struct Text {
    /// Where the closing quote stands.
    pub(super) end: usize,
    pub(super) escaped: bool,
    /// Of the content, escapes undone.
    pub(super) hash: u64,
}

/// Marks quotes, backslashes and control characters by the high bit of their byte. Borrows only
/// run upwards, so the lowest mark is always a true one.
#[inline]
fn stops(word: u64) -> u64 {
    let quotes = (word ^ (ONES * 0x22)).wrapping_sub(ONES);
    let backslashes = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    let controls = word.wrapping_sub(ONES * 0x20);
    (quotes | backslashes | controls) & !word & HIGH
}

/// The string whose content starts at `start`.
#[inline(always)]
pub(super) fn string_at(text: &[u8], start: usize, seed: &Seed) -> Result<Text, Unfit> {
    let plain = |length: usize, low, high| {
        let hash = seed.short(low, high, length);
        Ok(Text { end: start + length, escaped: false, hash })
    };
    // Most strings end within sixteen bytes, which are then all that is looked at.
    if let Some(chunk) = text.get(start..).and_then(<[u8]>::first_chunk) {
        let (low, high) = halves(chunk);
        let bits = stops(low).trailing_zeros() & !7;
        if bits < 64 {
            if (low >> bits) as u8 == b'"' {
                return plain(bits as usize / 8, low & !(!0 << bits), 0);
            }
        } else {
            let bits = stops(high).trailing_zeros() & !7;
            if bits < 64 && (high >> bits) as u8 == b'"' {
                return plain(8 + bits as usize / 8, low, high & !(!0 << bits));
            }
        }
    }
    any_string(text, start, seed)
}

#[inline(never)]
fn any_string(text: &[u8], start: usize, seed: &Seed) -> Result<Text, Unfit> {
    let (mut at, mut escaped) = (start, false);
    loop {
        at = plain_until(text, at);
        match text.get(at) {
            Some(b'"') => break,
            Some(b'\\') => {
                escaped = true;
                at = skip_escape(text, at)?;
            }
            _ => return Err(Unfit::Syntax(at)),
        }
    }
    let content = &text[start..at];
    let hash = if escaped { seed.bytes(&string::unescape(content)) } else { seed.bytes(content) };
    Ok(Text { end: at, escaped, hash })
}

/// The first quote, backslash or control character from `at` on.
fn plain_until(text: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let found = stops(u64::from_le_bytes(*chunk));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = text.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            return at;
        }
        at += 1;
    }
    at
}

/// The first byte that is no blank of JSON from `at` on.
#[inline]
pub(super) fn skip_blanks(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(0..=b' ') => blanks_until(text, at),
        _ => at,
    }
}

/// Line ends, then runs of spaces eight at a time.
fn blanks_until(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
        while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let other = u64::from_le_bytes(*chunk) ^ (ONES * 0x20);
            let spaces = (other.trailing_zeros() / 8) as usize;
            at += spaces;
            if spaces < 8 {
                break;
            }
        }
    }
    at
}

/// An integer or plain fraction of few digits: its end and hash.
#[inline(always)]
pub(super) fn small_number(text: &[u8], at: usize) -> Option<(usize, u64)> {
    // By far the most are integers of up to seven digits.
    if let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*chunk);
        let (value, length) = eight_digits(word);
        let next = word.checked_shr(8 * length as u32).unwrap_or(0) as u8;
        let ends = matches!(next, b',' | b'}' | b']' | b'\n' | b'\r' | b' ' | b'\t');
        let zero_first = length > 1 && word as u8 == b'0';
        if ends && length > 0 && !zero_first {
            return Some((at + length, number::integer_hash(value as i64)));
        }
    }
    medium_number(text, at)
}

/// An integer or plain fraction of up to 18 digits, by far the most numbers: its end and hash.
/// `None` where another number stands, or none.
#[inline(never)]
fn medium_number(text: &[u8], at: usize) -> Option<(usize, u64)> {
    let negative = text.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let (mut value, whole) = digits(text, start);
    let mut end = start + whole;
    let mut behind = 0;
    if text.get(end) == Some(&b'.') {
        let fraction;
        (fraction, behind) = digits(text, end + 1);
        if behind == 0 || whole + behind > number::SMALL {
            return None;
        }
        value = value * number::TENS[behind] + fraction;
        end += 1 + behind;
    }
    let zero_first = whole > 1 && text.get(start) == Some(&b'0');
    if whole == 0 || whole > number::SMALL || zero_first {
        return None;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        return None;
    }
    Some((end, number::small_hash(negative, value, behind)))
}

/// The digits from `at` on: their value and number. Past 18 the value is not to be used.
#[inline]
fn digits(text: &[u8], at: usize) -> (u64, usize) {
    let (mut value, mut count) = (0_u64, 0);
    while let Some(chunk) = text.get(at + count..).and_then(<[u8]>::first_chunk) {
        let (next, length) = eight_digits(u64::from_le_bytes(*chunk));
        value = value.wrapping_mul(number::TENS[length]).wrapping_add(next);
        count += length;
        if length < 8 || count > number::SMALL {
            return (value, count);
        }
    }
    while let Some(digit @ b'0'..=b'9') = text.get(at + count) {
        value = value.wrapping_mul(10).wrapping_add((digit - b'0').into());
        count += 1;
    }
    (value, count)
}

/// The value and number of the digits at the start of eight bytes.
#[inline]
fn eight_digits(word: u64) -> (u64, usize) {
    let digits = word ^ (ONES * 0x30);
    let others = (digits.wrapping_add(ONES * 0x76) | digits) & HIGH;
    let bits = others.trailing_zeros() & !7;
    if bits == 0 {
        return (0, 0);
    }
    // Zeros come in front; then neighbours are joined to pairs, fours and eights.
    let digits = digits << (64 - bits);
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let eight = (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff;
    (eight, bits as usize / 8)
}

/// The end of any number of the grammar.
pub(super) fn any_number(text: &[u8], mut at: usize) -> Result<usize, Unfit> {
    at += usize::from(text.get(at) == Some(&b'-'));
    if text.get(at) == Some(&b'0') {
        at += 1;
    } else {
        at = some_digits(text, at)?;
    }
    if text.get(at) == Some(&b'.') {
        at = some_digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        at = some_digits(text, at)?;
    }
    Ok(at)
}

fn some_digits(text: &[u8], start: usize) -> Result<usize, Unfit> {
    let mut at = start;
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    if at == start { Err(Unfit::Syntax(start)) } else { Ok(at) }
}

pub(super) fn skip_escape(text: &[u8], at: usize) -> Result<usize, Unfit> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let digits = text.get(at + 2..at + 6).ok_or(Unfit::Syntax(at))?;
            if digits.iter().all(u8::is_ascii_hexdigit) {
                Ok(at + 6)
            } else {
                Err(Unfit::Syntax(at))
            }
        }
        _ => Err(Unfit::Syntax(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_stops_where_it_should() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut text = vec![b'a'; 20];
                text[at] = byte;
                let stops = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(plain_until(&text, 0), if stops { at } else { 20 }, "{byte} {at}");
            }
        }
    }

    #[test]
    fn strings_end_and_hash_alike_wherever_they_stand() {
        let seed = Seed::of(b"", b"");
        for length in 0..40 {
            let content = "ab\u{e9}cdefghijklmnopqrstuvwxyz0123456789ABCDEF".as_bytes();
            let content = &content[..length];
            for behind in 0..20 {
                let text = [content, b"\"", &vec![b','; behind]].concat();
                let read = string_at(&text, 0, &seed).expect("a string");
                assert_eq!((read.end, read.escaped), (length, false));
                assert_eq!(read.hash, seed.bytes(content), "{length} {behind}");
            }
        }
        let read = string_at(br#"a\u0062c""#, 0, &seed).expect("a string");
        assert_eq!((read.escaped, read.hash), (true, seed.bytes(b"abc")));
        for wrong in ["abc", "a\u{1}\"", "0123456789a\u{1f}\"      ", "\\x\"", "\\u12g4\""] {
            assert!(string_at(wrong.as_bytes(), 0, &seed).is_err(), "{wrong}");
        }
    }

    #[test]
    fn small_numbers_hash_like_any_other() {
        let seed = Seed::of(b"", b"");
        for text in [
            "0",
            "-0",
            "7",
            "-12",
            "99999999",
            "100000000",
            "1234567890123456",
            "12.50",
            "0.001",
            "-0.10",
            "999999999999999999",
            "12345678.87654321",
            "1.000000000",
        ] {
            for behind in ["", ",", "]          ", "}\n\n\n\n\n\n\n\n\n"] {
                let read = small_number(format!("{text}{behind}").as_bytes(), 0);
                let hash = number::hash(text.as_bytes(), &seed);
                assert_eq!(read, Some((text.len(), hash)), "{text}{behind}");
            }
        }
        for text in ["", "-", "01", "1.", "1e5", "1.5E3", "1000000000000000000", ".5", "x"] {
            assert_eq!(small_number(format!("{text}       ,").as_bytes(), 0), None, "{text}");
            assert_eq!(small_number(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn blanks_are_those_of_json() {
        for text in ["", " ", "\n        ", "\r\n\t  \t", "                 \n"] {
            assert_eq!(skip_blanks(format!("{text}x         ").as_bytes(), 0), text.len());
            assert_eq!(skip_blanks(text.as_bytes(), 0), text.len());
        }
        assert_eq!(skip_blanks(b"\x0c ", 0), 0);
    }
}
