//! Points in time as services write them in strings.

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::hash::mix;
use crate::number::{self, Tolerance};

/// A point in time, or a clock reading without a zone; the two are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    zoned: bool,
    nanoseconds: i128,
}

/// The longest text that is looked at.
const MAX_LENGTH: usize = 64;

impl Instant {
    /// RFC 3339 and ISO 8601 with or without a zone, a date alone, or the date of mail and HTTP
    /// (RFC 2822).
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        if !(10..=MAX_LENGTH).contains(&text.len()) || !is_shaped(text) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            if let Ok(timestamp) = text.parse::<Timestamp>() {
                return Some(Self { zoned: true, nanoseconds: timestamp.as_nanosecond() });
            }
            let local = text.parse::<DateTime>().ok()?;
            let as_if_utc = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
            return Some(Self { zoned: false, nanoseconds: as_if_utc.as_nanosecond() });
        }
        let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(Self { zoned: true, nanoseconds: zoned.timestamp().as_nanosecond() })
    }

    pub(crate) fn hash(&self) -> u64 {
        let low = self.nanoseconds as u64;
        mix(low, (self.nanoseconds >> 64) as u64 ^ u64::from(self.zoned))
    }

    pub(crate) fn is_within(&self, other: &Self, seconds: f64) -> bool {
        let apart = self.nanoseconds.abs_diff(other.nanoseconds);
        self.zoned == other.zoned && apart <= (seconds * 1e9).round() as u128
    }
}

/// Most strings are no times: none of these marks, and nothing more is looked at.
fn is_shaped(text: &[u8]) -> bool {
    let date = text.len() == 10 && text[4] == b'-' && text[7] == b'-';
    date || text.contains(&b':') || text.get(8) == Some(&b'T')
}

/// Whether two numbers are times since 1970 in one unit, told by their size, at most `seconds` apart.
pub(crate) fn epochs_within(left: &[u8], right: &[u8], seconds: f64) -> bool {
    match (epoch_unit(left), epoch_unit(right)) {
        (Some(unit), Some(other)) if unit == other => {
            Tolerance { abs: Some(seconds * unit), rel: None }.accepts(left, right)
        }
        _ => false,
    }
}

/// How many of its units a second has: seconds, milliseconds, microseconds or nanoseconds since
/// 1970, for all times from 1973 on.
pub(crate) fn epoch_unit(text: &[u8]) -> Option<f64> {
    let whole = text.split(|byte| *byte == b'.').next().unwrap_or_default();
    if !number::is_number(text) || !whole.iter().all(u8::is_ascii_digit) {
        return None;
    }
    match whole.len() {
        9..=11 => Some(1.0),
        12..=14 => Some(1e3),
        15..=17 => Some(1e6),
        18..=20 => Some(1e9),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_however_written() {
        let read = |text: &str| Instant::read(text.as_bytes());
        let noon = read("2024-03-10T12:00:00Z").expect("an instant");
        for same in [
            "2024-03-10T13:00:00+01:00",
            "2024-03-10T12:00:00.000Z",
            "2024-03-10 12:00:00+00:00",
            "Sun, 10 Mar 2024 12:00:00 GMT",
        ] {
            assert_eq!(read(same), Some(noon), "{same}");
        }
        let later = read("2024-03-10T12:00:01Z").expect("an instant");
        assert!(noon.is_within(&later, 1.0) && !noon.is_within(&later, 0.999));
        assert_ne!(read("2024-03-10T12:00:00"), Some(noon));
        assert_eq!(read("10:20 at the earliest"), None);
        assert_eq!(read("20240310T120000Z"), Some(noon));
        assert_eq!(read("2024-03-10"), read("2024-03-10T00:00:00"));
        for none in ["2024031012", "12345678-abcd", "2024-13-10", "0T", "1234567890"] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn numbers_are_times_by_their_size() {
        let near = |left: &str, right: &str, seconds| {
            epochs_within(left.as_bytes(), right.as_bytes(), seconds)
        };
        assert!(near("1710072000", "1710072002", 2.0) && !near("1710072000", "1710072003", 2.0));
        assert!(near("1710072000000", "1710072001999", 2.0));
        assert!(!near("1710072000000", "1710072002001", 2.0));
        assert!(near("1710072000.25", "1710072000.5", 0.25));
        assert!(!near("1710072000", "1710072000000", 1e9), "one unit on both sides");
        assert!(!near("7", "8", 2.0) && !near("1e9", "1e9", 2.0) && !near("-1710072000", "0", 2.0));
    }
}
