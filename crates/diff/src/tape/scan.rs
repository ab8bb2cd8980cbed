//! Scanning inside strings.

use super::json::Unfit;

/// The first quote, backslash or control character from `at` on, eight bytes at a time.
#[inline]
pub(super) fn plain_until(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    while let Some(Ok(chunk)) = text.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(chunk);
        let quote = zero_byte(word ^ (ONES * 0x22));
        let backslash = zero_byte(word ^ (ONES * 0x5c));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = quote | backslash | control;
        if found != 0 {
            // Borrows only run upwards, so the lowest mark is always a true one.
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

/// The first byte that is no blank of JSON from `at` on; runs of spaces eight at a time.
pub(super) fn blanks_until(text: &[u8], mut at: usize) -> usize {
    const SPACES: u64 = 0x2020_2020_2020_2020;
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
        while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let other = u64::from_le_bytes(*chunk) ^ SPACES;
            let spaces = (other.trailing_zeros() / 8) as usize;
            at += spaces;
            if spaces < 8 {
                break;
            }
        }
    }
    at
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
}
