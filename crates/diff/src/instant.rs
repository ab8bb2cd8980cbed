//! Points in time as services write them in strings.

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::hash::mix;

/// A point in time, or a clock reading without a zone; the two are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    zoned: bool,
    nanoseconds: i128,
}

/// The longest text that is looked at.
const MAX_LENGTH: usize = 64;

impl Instant {
    /// RFC 3339 and ISO 8601 with or without a zone, or the date of mail and HTTP (RFC 2822).
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        if !(10..=MAX_LENGTH).contains(&text.len()) || !text.contains(&b':') {
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
    }
}
