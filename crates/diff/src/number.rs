//! Numbers of JSON text as exact decimals, never as doubles.

use std::borrow::Cow;

use crate::hash::{Seed, mix};

/// `digits` × 10^`exponent`, negative or not. `digits` has no zero at either end; zero is the
/// empty string with exponent 0 and no sign, so two equal numbers have equal fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    digits: Cow<'a, [u8]>,
    exponent: i128,
}

impl<'a> Decimal<'a> {
    /// Reads a number that follows the JSON grammar. `None` where the exponent alone has more
    /// digits than 128 bits hold: such numbers are compared as they are written.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, written) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&text[..at], read_exponent(&text[at + 1..])),
            None => (text, Some(0)),
        };
        let (digits, fraction) = match mantissa.iter().position(|b| *b == b'.') {
            Some(dot) => {
                let (whole, fraction) = (&mantissa[..dot], &mantissa[dot + 1..]);
                let all = if whole == b"0" {
                    Cow::Borrowed(fraction)
                } else {
                    Cow::Owned([whole, fraction].concat())
                };
                (all, fraction.len())
            }
            None => (Cow::Borrowed(mantissa), 0),
        };
        let Some(first) = digits.iter().position(|b| *b != b'0') else {
            return Some(Self { negative: false, digits: Cow::Borrowed(&[]), exponent: 0 });
        };
        let end = digits.iter().rposition(|b| *b != b'0').map_or(first, |last| last + 1);
        let dropped = digits.len() - end;
        let exponent = written?.checked_sub(fraction as i128)?.checked_add(dropped as i128)?;
        let digits = match digits {
            Cow::Borrowed(all) => Cow::Borrowed(&all[first..end]),
            Cow::Owned(all) => Cow::Owned(all[first..end].to_vec()),
        };
        Some(Self { negative, digits, exponent })
    }

    fn hash(&self, seed: &Seed) -> u64 {
        if self.digits.len() <= SMALL && (-64..0).contains(&self.exponent) {
            let text = std::str::from_utf8(&self.digits).unwrap_or_default();
            let digits: i64 = text.parse().unwrap_or_default();
            let signed = if self.negative { -digits } else { digits };
            return fraction_hash(signed, self.exponent as i64);
        }
        let sign = u64::from(self.negative);
        mix(seed.bytes(&self.digits) ^ sign, self.exponent as u64)
    }

    /// The number in units of 10^`unit`, where that is a whole number of 128 bits.
    fn scaled(&self, unit: i128) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let shift = u32::try_from(self.exponent.checked_sub(unit)?).ok()?;
        let digits = std::str::from_utf8(&self.digits).ok()?.parse::<i128>().ok()?;
        let value = digits.checked_mul(10_i128.checked_pow(shift)?)?;
        Some(if self.negative { -value } else { value })
    }
}

fn read_exponent(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

/// Numbers of up to this many digits are hashed without looking at their text again.
pub(crate) const SMALL: usize = 18;

/// Powers of ten.
pub(crate) const TENS: [u64; SMALL + 1] = {
    let mut tens = [1; SMALL + 1];
    let mut at = 1;
    while at <= SMALL {
        tens[at] = 10 * tens[at - 1];
        at += 1;
    }
    tens
};

/// The hash of a number, the same for all its spellings.
pub(crate) fn hash(text: &[u8], seed: &Seed) -> u64 {
    match Decimal::read(text) {
        Some(decimal) => match decimal.as_small_integer() {
            Some(small) => integer_hash(small),
            None => decimal.hash(seed),
        },
        None => seed.bytes(text),
    }
}

#[inline]
pub(crate) fn integer_hash(value: i64) -> u64 {
    mix(value as u64, 0x6e75_6d62)
}

/// Of `digits` × 10^`exponent`, without zeros at the end of `digits`.
fn fraction_hash(digits: i64, exponent: i64) -> u64 {
    mix(integer_hash(digits), exponent as u64)
}

/// The hash of `digits`, at most [`SMALL`] of them, the last `behind` of which are a fraction.
#[inline]
pub(crate) fn small_hash(negative: bool, digits: u64, behind: usize) -> u64 {
    let (mut digits, mut behind) = (digits, behind);
    while behind > 0 && digits.is_multiple_of(10) {
        digits /= 10;
        behind -= 1;
    }
    let signed = if negative { (digits as i64).wrapping_neg() } else { digits as i64 };
    if behind == 0 { integer_hash(signed) } else { fraction_hash(signed, -(behind as i64)) }
}

impl Decimal<'_> {
    /// The value of this number where it is an integer of few digits.
    fn as_small_integer(&self) -> Option<i64> {
        let length = self.digits.len() as i128 + self.exponent;
        if self.exponent < 0 || length > SMALL as i128 {
            return None;
        }
        self.scaled(0).and_then(|value| i64::try_from(value).ok())
    }
}

/// Whether a text follows the JSON grammar of numbers.
pub(crate) fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (mantissa, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = mantissa.splitn(2, |b| *b == b'.');
    let whole = parts.next().unwrap_or_default();
    let plain = digits(whole) && (whole.len() == 1 || whole.first() != Some(&b'0'));
    plain
        && parts.next().is_none_or(digits)
        && exponent.is_none_or(|text| {
            digits(text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text))
        })
}

/// Whether two numbers are the same decimal value.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    if left == right {
        return true;
    }
    match (Decimal::read(left), Decimal::read(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// How far apart two numbers may be. Exact where 128 bits allow: 1.00 and 1.01 are 0.01 apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tolerance {
    pub(crate) abs: Option<f64>,
    pub(crate) rel: Option<f64>,
}

impl Tolerance {
    pub(crate) fn accepts(&self, left: &[u8], right: &[u8]) -> bool {
        if equal(left, right) {
            return true;
        }
        self.abs.is_some_and(|abs| within_abs(left, right, abs))
            || self.rel.is_some_and(|rel| within_rel(left, right, rel))
    }
}

fn within_abs(left: &[u8], right: &[u8], abs: f64) -> bool {
    let written = format!("{abs:e}");
    exact_within(left, right, &written, false).unwrap_or_else(|| {
        let (left, right) = (double(left), double(right));
        (left - right).abs() <= abs
    })
}

fn within_rel(left: &[u8], right: &[u8], rel: f64) -> bool {
    let written = format!("{rel:e}");
    exact_within(left, right, &written, true).unwrap_or_else(|| {
        let (left, right) = (double(left), double(right));
        (left - right).abs() <= rel * left.abs().max(right.abs())
    })
}

fn exact_within(left: &[u8], right: &[u8], bound: &str, relative: bool) -> Option<bool> {
    let (left, right) = (Decimal::read(left)?, Decimal::read(right)?);
    let bound = Decimal::read(bound.as_bytes())?;
    let unit = left.exponent.min(right.exponent);
    if relative {
        let (left, right) = (left.scaled(unit)?, right.scaled(unit)?);
        let shift = bound.exponent.min(0);
        let one = 10_i128.checked_pow(u32::try_from(-shift).ok()?)?;
        let apart = left.checked_sub(right)?.checked_abs()?.checked_mul(one)?;
        let largest = left.checked_abs()?.max(right.checked_abs()?);
        Some(apart <= largest.checked_mul(bound.scaled(shift)?)?)
    } else {
        let unit = unit.min(bound.exponent);
        let apart = left.scaled(unit)?.checked_sub(right.scaled(unit)?)?.checked_abs()?;
        Some(apart <= bound.scaled(unit)?)
    }
}

/// Numbers no double holds become infinite, and infinities are never near each other.
fn double(text: &[u8]) -> f64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_equal_and_hash_alike() {
        let seed = Seed::of(b"", b"");
        for (left, right, same) in [
            ("1", "1.0", true),
            ("1", "1e0", true),
            ("-0", "0.000", true),
            ("0e999999999999999999999999999999999999999999", "0", true),
            ("1e2", "100", true),
            ("123000000000000000000000", "1.23E+23", true),
            ("0.1e3", "100", true),
            ("9007199254740993", "9007199254740992", false),
            ("1e400", "1e401", false),
            ("1e99999999999999999999", "1e99999999999999999998", false),
            ("-1", "1", false),
            ("-1", "0", false),
            ("0.30000000000000004", "0.3", false),
        ] {
            assert_eq!(equal(left.as_bytes(), right.as_bytes()), same, "{left} {right}");
            let hashes = hash(left.as_bytes(), &seed) == hash(right.as_bytes(), &seed);
            assert_eq!(hashes, same, "{left} {right}");
        }
    }

    #[test]
    fn tolerance_is_exact() {
        let abs = |abs| Tolerance { abs: Some(abs), rel: None };
        assert!(abs(0.01).accepts(b"1.00", b"1.01"));
        assert!(!abs(0.01).accepts(b"1.00", b"1.0100000000000001"));
        assert!(!abs(0.5).accepts(b"9007199254740993", b"9007199254740992"));
        assert!(abs(1.0).accepts(b"9007199254740993", b"9007199254740992"));
        assert!(!abs(1.0).accepts(b"1e400", b"2e400"));
        let rel = Tolerance { abs: None, rel: Some(0.1) };
        assert!(rel.accepts(b"100", b"90"));
        assert!(!rel.accepts(b"100", b"89.9"));
    }
}
