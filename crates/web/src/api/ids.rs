//! Identities and instants as the API writes them.

use exchange::Micros;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `C-12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(pub i64);

impl std::fmt::Display for ClusterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "C-{}", self.0)
    }
}

impl std::str::FromStr for ClusterId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("C-")
            .and_then(|digits| digits.parse().ok())
            .filter(|id| *id > 0)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no cluster id; they look like C-12"))
    }
}

impl Serialize for ClusterId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClusterId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// RFC 3339, UTC. What lies outside of the calendar is clamped to its ends.
#[must_use]
pub fn instant(at: Micros) -> String {
    let clamped = jiff::Timestamp::from_microsecond(at).unwrap_or(if at < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    });
    clamped.to_string()
}

/// Minutes since the Unix epoch as RFC 3339, UTC.
#[must_use]
pub fn minute_instant(minute: i64) -> String {
    instant(minute.saturating_mul(60_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_ids_are_written_with_their_letter_and_read_back() {
        assert_eq!("C-12".parse(), Ok(ClusterId(12)));
        assert_eq!(ClusterId(12).to_string(), "C-12");
        for wrong in ["12", "C-", "C-x", "C--1", "C-0", "c-1", "C-99999999999999999999"] {
            assert!(wrong.parse::<ClusterId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn instants_are_utc_and_never_fail() {
        assert_eq!(instant(1_700_000_000_123_456), "2023-11-14T22:13:20.123456Z");
        assert_eq!(minute_instant(28_333_333), "2023-11-14T22:13:00Z");
        assert!(instant(i64::MAX).starts_with("9999"));
        assert!(minute_instant(i64::MIN).starts_with('-'));
    }
}
