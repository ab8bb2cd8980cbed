//! What a piece of text looks like: a UUID, a hash, a number, a date, an opaque token.
//!
//! Looked at byte by byte and without regular expressions: these run for every path and every
//! differing value.

/// Longer text is not looked at: it is opaque.
pub(crate) const LONGEST: usize = 512;

/// `8-4-4-4-12` hex digits, bare, in braces or as `urn:uuid:`.
pub(crate) fn is_uuid(text: &str) -> bool {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// 26 characters of Crockford's base 32, of which the first is 0 to 7.
pub(crate) fn is_ulid(text: &str) -> bool {
    let one_case = !text.bytes().any(|b| b.is_ascii_lowercase())
        || !text.bytes().any(|b| b.is_ascii_uppercase());
    text.len() == 26
        && one_case
        && text.bytes().next().is_some_and(|b| (b'0'..=b'7').contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| {
            b.is_ascii_alphanumeric()
                && !matches!(b.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U')
        })
}

/// Digits, with sign and fraction (`-7`, `52.516`).
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    all_digits(whole) && fraction.is_none_or(all_digits)
}

pub(crate) fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Eight hex digits or more, letters and decimal digits among them.
pub(crate) fn is_hex(text: &str) -> bool {
    text.len() >= 8
        && text.bytes().all(|b| b.is_ascii_hexdigit())
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

/// `2025-03-07`, `2025-03`, `2025-W10`, `2025-03-07T10:15` and longer.
pub(crate) fn starts_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| {
        bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let year =
        digits(0, 4) && matches!(bytes.first(), Some(b'1' | b'2')) && bytes.get(4) == Some(&b'-');
    if !year {
        return false;
    }
    match bytes.len() {
        7 => digits(5, 7),
        8 => bytes.get(5) == Some(&b'W') && digits(6, 8),
        10 => digits(5, 7) && bytes.get(7) == Some(&b'-') && digits(8, 10),
        11.. => {
            digits(5, 7)
                && bytes.get(7) == Some(&b'-')
                && digits(8, 10)
                && matches!(bytes.get(10), Some(b'T' | b't' | b' '))
                && digits(11, 13)
        }
        _ => false,
    }
}

/// Letters, then a number or a token: `L48211`, `C-1001`, `cust_8f3a`, `ORD-2024-0007`. Words
/// that end in a digit (`oauth2`, `v1`, `step-2`) are none.
pub(crate) fn is_prefixed_id(text: &str) -> bool {
    let prefix = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest = text.get(prefix..).unwrap_or_default();
    if prefix == 0 || prefix > 12 || rest.is_empty() || is_version(text) {
        return false;
    }
    let Some(tail) = rest.strip_prefix(['-', '_', ':', '.']) else {
        let fewest = if prefix == 1 { 2 } else { 3 };
        return prefix <= 4 && all_digits(rest) && rest.len() >= fewest;
    };
    let parts = || tail.split(['-', '_', ':', '.']);
    let fewest = if prefix == 1 { 2 } else { 3 };
    parts().all(|part| all_digits(part) || is_mixed(part))
        && parts().any(|part| (all_digits(part) && part.len() >= fewest) || is_mixed(part))
}

/// Digits in groups (`10:30`, `07.03.2025`, `2024_11`), or a version of several (`v2.0-rc1`).
pub(crate) fn is_numbering(text: &str) -> bool {
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let groups = || bare.split(['.', ':', '-', '_', '+']);
    let numbers = groups().take_while(|group| all_digits(group)).count();
    numbers >= 2 && text.len() <= 32 && groups().skip(numbers).all(|tail| tail.len() <= 8)
}

/// An id of four digits and more: `L48211`, `C-1001`. Names of things of few words that end in
/// digits (`sha256`) are none.
pub(crate) fn is_long_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let prefix = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let parted = prefix == 1 || text.contains(['-', '_', ':', '.']);
    digits >= 4 && parted && is_prefixed_id(text)
}

/// `v1`, `v2.1`, `V10`.
pub(crate) fn is_version(text: &str) -> bool {
    text.strip_prefix(['v', 'V']).is_some_and(|rest| {
        rest.len() <= 6
            && rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
}

/// Digits and letters mixed in a way that words are not: hex, or two digits and more.
fn is_mixed(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
    part.len() >= 4
        && digits + letters == part.len()
        && letters > 0
        && (digits >= 2 || (digits == 1 && part.bytes().all(|b| b.is_ascii_hexdigit())))
}

/// A long token without words in it: twelve characters and more of an URL-safe or base64
/// alphabet, with a run that looks random.
pub(crate) fn is_opaque(text: &str) -> bool {
    text.len() >= 12
        && text.bytes().all(|b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'-' | b'_' | b'+' | b'/' | b'=' | b'.' | b'~' | b':')
        })
        && !text.contains("//")
        && text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|run| run.len() >= 8 && looks_random(run))
}

/// A run of eight letters and digits or more: hex, digits behind a prefix, or one that changes
/// between small letters, capitals and digits more often than words do.
fn looks_random(run: &str) -> bool {
    let letters_of_hex = run.len() >= 10 && run.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex(run) || all_digits(run) || letters_of_hex {
        return true;
    }
    let kind = |b: u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        _ => 2,
    };
    let bytes = run.as_bytes();
    if !bytes.iter().any(u8::is_ascii_digit) {
        // Letters alone: camel case has humps, random letters also have lone small ones.
        let lone = bytes.windows(3).filter(
            |three| matches!(three, [a, b, c] if (kind(*a), kind(*b), kind(*c)) == (2, 1, 2)),
        );
        return lone.count() >= 3;
    }
    let turns = bytes.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    turns >= 3.max(run.len() / 3)
}
