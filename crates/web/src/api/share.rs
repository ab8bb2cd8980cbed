//! Shares as people write them: `0.1%` or `0.001`.

use serde::{Deserialize, Deserializer};

/// Reads `0.1%` and `0.001` as the same share, 0.001. From 0 to 1.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let trimmed = text.trim();
    let (number, divisor) = match trimmed.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 100.0),
        None => (trimmed, 1.0),
    };
    let wrong =
        || format!("`{text}` is no share; write a percentage such as 0.1% or a number from 0 to 1");
    let value: f64 = number.parse().map_err(|_| wrong())?;
    let share = value / divisor;
    if share.is_finite() && (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wrong()) }
}

/// For query parameters and JSON bodies; an empty text is an absent one.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.filter(|text| !text.is_empty())
        .map(|text| parse_share(&text).map_err(serde::de::Error::custom))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_and_fractions_are_the_same_share() {
        for (text, share) in [
            ("0.1%", 0.001),
            ("0.001", 0.001),
            ("95 %", 0.95),
            ("1", 1.0),
            ("0", 0.0),
            ("1e-3", 0.001),
        ] {
            let read = parse_share(text).unwrap();
            assert!((read - share).abs() < 1e-12, "{text} is {read}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused_with_an_example() {
        for text in ["", "%", "x", "-1%", "101%", "2", "NaN", "inf", "0,1%"] {
            let refused = parse_share(text).unwrap_err();
            assert!(refused.contains("0.1%"), "{refused}");
        }
    }
}
