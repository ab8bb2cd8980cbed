//! Places of the primary's answers that hold one of few values: the branches of its logic that a
//! caller can see (`decision`: APPROVED, REVIEW, DECLINED), so that rare ones can be counted.
//!
//! Only truth values and single words in one letter case are looked at, never in arrays and never
//! in redacted fields: names, texts and ids are no branches. A place that shows more values than
//! a branch has is counted as [`MANY`] from then on. Bounded per endpoint.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Mutex,
};

use cluster::EndpointId;
use exchange::redact::Redactor;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::plan::lock;

use crate::pointer;

/// The value of a place that has too many.
pub(crate) const MANY: &str = "…";

const MOST_VALUES: usize = 8;
/// Places per endpoint.
const MOST_PLACES: usize = 12;
const MOST_ENDPOINTS: usize = 4_000;
const DEEPEST: usize = 4;
const LONGEST_WORD: usize = 32;

/// Values of a place; `None` where they are too many.
type Values = Option<BTreeSet<String>>;

/// What was seen so far, over all models.
#[derive(Debug, Default)]
pub(crate) struct Branches {
    held: Mutex<HashMap<EndpointId, HashMap<String, Values>>>,
}

impl Branches {
    /// Takes in what was counted before this start.
    pub(crate) fn seed(&self, endpoint: EndpointId, place: &str, value: &str) {
        self.admit(endpoint, place.to_owned(), value.to_owned());
    }

    /// Places and values of one answer of the primary; none of an answer that is no JSON.
    pub(crate) fn of(
        &self,
        endpoint: EndpointId,
        answer: &[u8],
        redactor: &Redactor,
    ) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut path = String::new();
        let node = Node { found: &mut found, path: &mut path, depth: 0 };
        let mut reader = serde_json::Deserializer::from_slice(answer);
        if node.deserialize(&mut reader).and_then(|()| reader.end()).is_err() {
            return Vec::new();
        }
        found.retain(|(place, _)| !redactor.hides_field(place));
        let admitted = found.into_iter().filter_map(|(place, value)| {
            let value = self.admit(endpoint, place.clone(), value)?;
            Some((place, value))
        });
        // One place can be met twice where names are generalised.
        let mut admitted: Vec<(String, String)> = admitted.collect();
        admitted.sort_unstable();
        admitted.dedup();
        admitted
    }

    /// The value to count, or `None` where there are places enough.
    fn admit(&self, endpoint: EndpointId, place: String, value: String) -> Option<String> {
        let mut held = lock(&self.held);
        if held.len() >= MOST_ENDPOINTS && !held.contains_key(&endpoint) {
            return None;
        }
        let places = held.entry(endpoint).or_default();
        if places.len() >= MOST_PLACES && !places.contains_key(&place) {
            return None;
        }
        let values = places.entry(place).or_insert_with(|| Some(BTreeSet::new()));
        let Some(few) = values else { return Some(MANY.to_owned()) };
        if value == MANY || (few.len() >= MOST_VALUES && !few.contains(&value)) {
            *values = None;
            return Some(MANY.to_owned());
        }
        few.insert(value.clone());
        Some(value)
    }
}

/// `APPROVED`, `in_review`; no digits, so that no id passes, and one letter case, so that no name.
fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    let all = |letter: fn(&u8) -> bool| bytes.iter().all(|b| letter(b) || matches!(b, b'_' | b'-'));
    (1..=LONGEST_WORD).contains(&text.len())
        && bytes[0].is_ascii_alphabetic()
        && (all(u8::is_ascii_uppercase) || all(u8::is_ascii_lowercase))
}

struct Node<'a> {
    found: &'a mut Vec<(String, String)>,
    path: &'a mut String,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > DEEPEST {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.found.push((self.path.clone(), value.to_string()));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        if is_word(value) {
            self.found.push((self.path.clone(), value.to_owned()));
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let length = self.path.len();
        while let Some(name) = members.next_key::<std::borrow::Cow<'_, str>>()? {
            pointer::push_general(self.path, &name);
            let depth = self.depth + 1;
            members.next_value_seed(Node {
                found: &mut *self.found,
                path: &mut *self.path,
                depth,
            })?;
            self.path.truncate(length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use exchange::redact::RedactConfig;

    use super::*;

    fn of(branches: &Branches, answer: &str) -> Vec<(String, String)> {
        let fields = vec!["/applicant/sex".to_owned()];
        let config = RedactConfig { fields, ..RedactConfig::default() };
        let redactor = Redactor::new(config, [7; 32]);
        branches.of(EndpointId(1), answer.as_bytes(), &redactor)
    }

    fn texts(found: &[(String, String)]) -> Vec<String> {
        found.iter().map(|(place, value)| format!("{place}={value}")).collect()
    }

    #[test]
    fn words_and_truth_values_are_branches_and_nothing_else_is() {
        let found = of(
            &Branches::default(),
            r#"{"decision":"REVIEW","blocked":false,"name":"Ana","id":"L-17","amount":5,
                "note":"call back on monday","tags":["URGENT"],"applicant":{"sex":"female",
                "channel":"in_branch"},"empty":"","nothing":null,"dash":"-"}"#,
        );
        let expected = ["/applicant/channel=in_branch", "/blocked=false", "/decision=REVIEW"];
        assert_eq!(texts(&found), expected);
    }

    #[test]
    fn a_place_with_many_values_is_no_branch() {
        let branches = Branches::default();
        let letters = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for value in letters {
            assert_eq!(
                texts(&of(&branches, &format!(r#"{{"x":"{value}"}}"#))),
                [format!("/x={value}")]
            );
        }
        assert_eq!(texts(&of(&branches, r#"{"x":"i"}"#)), ["/x=…"]);
        assert_eq!(texts(&of(&branches, r#"{"x":"a"}"#)), ["/x=…"]);
        let again = Branches::default();
        again.seed(EndpointId(1), "/x", MANY);
        assert_eq!(texts(&of(&again, r#"{"x":"a"}"#)), ["/x=…"], "also after a start");
    }

    #[test]
    fn places_are_bounded_and_hostile_answers_are_none() {
        let branches = Branches::default();
        let many: Vec<String> =
            (0..100).map(|n| format!("\"{}\":true", "k".repeat(n + 1))).collect();
        assert_eq!(of(&branches, &format!("{{{}}}", many.join(","))).len(), MOST_PLACES);
        assert!(of(&branches, &"[".repeat(100_000)).is_empty());
        assert!(of(&branches, &"{\"a\":".repeat(100_000)).is_empty());
        assert!(of(&branches, r#"{"a":true} trailing"#).is_empty());
        assert!(of(&branches, "").is_empty());
    }
}
