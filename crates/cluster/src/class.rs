//! The class of a value: what kind of thing it is, not which one.

use diff::{Fragment, ValueType};
use exchange::Micros;
use jiff::{Timestamp, civil, fmt::rfc2822, tz};
use serde::{Deserialize, Serialize};

use crate::shape;

/// Written as a short word in stored places: `null`, `boolean`, `integer`, `decimal`,
/// `numeric_string`, `uuid`, `ulid`, `instant`, `instant_near` (within two minutes of the moment
/// its side answered), `date`, `hex:32`, `token:22` (with their lengths), `id` (`L48211`),
/// `url`, `email`, `word`, `text`, `empty`, `array`, `object`, `bytes`, `over_cap`, `missing`;
/// for the status `status:404`, for redirects `path:/loans/{id}`; `mapped` for values that are known to stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValueClass(pub String);

/// How far from the moment of its answer a time still counts as made for it.
const NEAR: Micros = 120 * 1_000_000;

impl ValueClass {
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    #[must_use]
    pub fn missing() -> Self {
        Self::named("missing")
    }

    #[must_use]
    pub fn status(status: u16) -> Self {
        Self(format!("status:{status}"))
    }

    /// The class of one side's value; `moments` are when that side was asked and when the
    /// request was captured: times close to one of them were made for this answer.
    #[must_use]
    pub fn of(fragment: Option<&Fragment>, moments: &[Micros]) -> Self {
        let Some(fragment) = fragment else { return Self::missing() };
        match fragment.value_type {
            ValueType::Null => Self::named("null"),
            ValueType::Boolean => Self::named("boolean"),
            ValueType::Number => Self::of_number(&fragment.json, moments),
            ValueType::String if fragment.cut => Self::named("text"),
            ValueType::String => match serde_json::from_str::<String>(&fragment.json) {
                Ok(text) => Self::of_text(&text, moments),
                // Lone surrogates: no class but text fits.
                Err(_) => Self::named("text"),
            },
            ValueType::Array => Self::named("array"),
            ValueType::Object => Self::named("object"),
            ValueType::Bytes => Self::named("bytes"),
        }
    }

    /// The class of a number as it was spelled.
    #[must_use]
    pub fn of_number(spelled: &str, moments: &[Micros]) -> Self {
        let near =
            spelled.len() >= 10 && spelled.parse().is_ok_and(|number| epoch_near(number, moments));
        let whole = spelled.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        Self::named(match (near, whole) {
            (true, _) => "instant_near",
            (false, true) => "integer",
            (false, false) => "decimal",
        })
    }

    #[must_use]
    pub fn of_text(text: &str, moments: &[Micros]) -> Self {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Self::named("empty");
        }
        if trimmed.len() > shape::LONGEST {
            return Self::named("text");
        }
        if shape::is_uuid(trimmed) {
            return Self::named("uuid");
        }
        if let Some(class) = of_time(trimmed, moments) {
            return class;
        }
        if shape::is_number(trimmed) {
            let long = trimmed.len() >= 10 && !trimmed.starts_with('0');
            let near = long && trimmed.parse().is_ok_and(|number| epoch_near(number, moments));
            return Self::named(if near { "instant_near" } else { "numeric_string" });
        }
        if shape::is_ulid(trimmed) {
            return Self::named("ulid");
        }
        if shape::is_hex(trimmed) {
            return Self(format!("hex:{}", trimmed.len()));
        }
        Self::of_words(trimmed)
    }

    fn of_words(text: &str) -> Self {
        let lower_start = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        if lower_start.starts_with("http://")
            || lower_start.starts_with("https://")
            || text.starts_with('/')
        {
            return Self::named("url");
        }
        if let Some((user, host)) = text.split_once('@')
            && !user.is_empty()
            && host.contains('.')
            && !text.contains(char::is_whitespace)
        {
            return Self::named("email");
        }
        if shape::is_opaque(text) {
            return Self(format!("token:{}", text.len()));
        }
        if shape::is_prefixed_id(text) {
            return Self::named("id");
        }
        let wordlike = text.len() <= 40
            && text.starts_with(|c: char| c.is_alphabetic())
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/'));
        Self::named(if wordlike { "word" } else { "text" })
    }

    /// Classes that one source may give by turns (a hash can be all digits): what a volatile
    /// place has shown of one of them, it may show of the others.
    #[must_use]
    pub fn family(&self) -> &str {
        match self.name() {
            "hex" | "token" | "id" | "numeric_string" => "made",
            "integer" | "decimal" => "number",
            "instant" | "date" => "time",
            "word" | "text" | "url" | "email" => "text",
            "path" => self.0.as_str(),
            name => name,
        }
    }

    /// Whether values of this class, where they differ nearly always, are made anew for every
    /// answer rather than looked up.
    #[must_use]
    pub fn is_made_afresh(&self) -> bool {
        matches!(self.name(), "uuid" | "ulid" | "hex" | "token" | "instant_near" | "path")
    }

    /// Without its length or detail.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(name, _)| name)
    }
}

impl std::fmt::Display for ValueClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn of_time(text: &str, moments: &[Micros]) -> Option<ValueClass> {
    if !shape::starts_like_date(text) {
        let http_date = text.len() >= 22 && text.as_bytes().get(3) == Some(&b',');
        let instant = http_date.then(|| rfc2822::parse(text).ok()).flatten()?;
        return Some(instant_class(instant.timestamp(), moments));
    }
    if text.len() <= 10 {
        return Some(ValueClass::named("date"));
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant_class(instant, moments));
    }
    // Without a zone it is taken for UTC.
    let local = text.parse::<civil::DateTime>().ok()?;
    let instant = local.to_zoned(tz::TimeZone::UTC).ok()?.timestamp();
    Some(instant_class(instant, moments))
}

fn instant_class(instant: Timestamp, moments: &[Micros]) -> ValueClass {
    let near = is_near(instant.as_microsecond(), moments);
    ValueClass::named(if near { "instant_near" } else { "instant" })
}

/// Whether a number is one of the moments in seconds, milli-, micro- or nanoseconds.
fn epoch_near(number: f64, moments: &[Micros]) -> bool {
    [1e6, 1e3, 1.0, 1e-3].iter().any(|scale| {
        let micros = number * scale;
        micros.is_finite() && micros.abs() < 4e18 && is_near(micros as i64, moments)
    })
}

fn is_near(instant: Micros, moments: &[Micros]) -> bool {
    moments.iter().any(|moment| instant.abs_diff(*moment) <= NEAR.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T13:22:26Z
    const NOW: Micros = 1_795_180_946_000_000;

    #[test]
    fn every_text_has_its_class() {
        let table = [
            ("", "empty"),
            ("   ", "empty"),
            ("2f1b6c1e-7f0e-4c55-9d0a-0f3b6c2d1e5a", "uuid"),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "ulid"),
            ("2026-11-20T13:22:27.123456Z", "instant_near"),
            ("2026-11-20 13:21:00", "instant_near"),
            ("2026-11-20T14:22:26+01:00", "instant_near"),
            ("Fri, 20 Nov 2026 13:22:26 GMT", "instant_near"),
            ("2026-11-20T12:22:26Z", "instant"),
            ("1970-01-01T00:00:00Z", "instant"),
            ("2025-03-07", "date"),
            ("2025-03", "date"),
            ("1795180946", "instant_near"),
            ("4711", "numeric_string"),
            ("-12.50", "numeric_string"),
            ("d41d8cd98f00b204e9800998ecf8427e", "hex:32"),
            ("rq_00f3a9b1c7d2", "token:15"),
            ("rq_123456789012", "token:15"),
            ("rq_abcdefabcdef", "token:15"),
            ("dGhpcyBpcyBhIHRva2VuIG9m", "token:24"),
            ("L48211", "id"),
            ("C-1001", "id"),
            ("cust_8f3a", "id"),
            ("REVIEW", "word"),
            ("in_house_only", "word"),
            ("a", "word"),
            ("application/json", "word"),
            ("getCustomerByIdAndName", "word"),
            ("Please call the service desk.", "text"),
            ("https://example.org/loans/7", "url"),
            ("ada@example.org", "email"),
        ];
        for (text, class) in table {
            assert_eq!(ValueClass::of_text(text, &[NOW]).0, class, "{text}");
        }
    }

    #[test]
    fn numbers_near_the_moment_are_times() {
        for (number, class) in [
            ("0", "integer"),
            ("-0", "integer"),
            ("1e3", "decimal"),
            ("0.61", "decimal"),
            ("1795180946", "instant_near"),
            ("1795180946123", "instant_near"),
            ("1795180946.5", "instant_near"),
            ("1795180946123456", "instant_near"),
            ("1595180946", "integer"),
            ("12345678901234567890123456789", "integer"),
            ("1e999999", "decimal"),
        ] {
            assert_eq!(ValueClass::of_number(number, &[NOW]).0, class, "{number}");
        }
    }

    #[test]
    fn a_fragment_without_text_has_the_class_of_its_type() {
        let fragment =
            |value_type, json: &str, cut| Fragment { value_type, json: json.into(), cut };
        let class = |f: &Fragment| ValueClass::of(Some(f), &[NOW]).0;
        assert_eq!(class(&fragment(ValueType::Null, "null", false)), "null");
        assert_eq!(class(&fragment(ValueType::Array, "[]", false)), "array");
        assert_eq!(class(&fragment(ValueType::String, "\"\\ud800\"", false)), "text");
        assert_eq!(class(&fragment(ValueType::String, "\"cut\"", true)), "text");
        assert_eq!(ValueClass::of(None, &[]).0, "missing");
    }
}
