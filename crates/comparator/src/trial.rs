//! The key of a trial: what makes one pair evidence of its own rather than a repetition.
//!
//! Entity (the values in the path) × shape of the input (names and classes of the query, names
//! and types of the body) × the primary's answer without its volatile places.

use std::{borrow::Cow, collections::BTreeSet, fmt, hash::Hasher as _};

use cluster::{ValueClass, endpoint::parameter_values};
use exchange::Request;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use siphasher::sip::SipHasher13;

use crate::{plan::Plan, pointer};

/// Any two numbers, always the same.
const PARTS: (u64, u64) = (0x756e_6465_7273_7475, 0x6479_2e74_7269_616c);

/// The key; `answer` is the primary's decoded body.
pub(crate) fn key(plan: &Plan, request: &Request, status: u16, answer: &[u8]) -> i64 {
    let mut hasher = blake3::Hasher::new_derive_key("understudy.trial.v2");
    hasher.update(&plan.endpoint.0.to_le_bytes());
    for value in parameter_values(&plan.template, request.path()) {
        put(&mut hasher, value.as_bytes());
    }
    for (name, class) in query_shape(request.query().unwrap_or_default()) {
        put(&mut hasher, name.as_bytes());
        put(&mut hasher, class.0.as_bytes());
    }
    hasher.update(&body_hash(&request.body, &Identity::Shape).to_le_bytes());
    hasher.update(&status.to_le_bytes());
    let nothing_volatile = plan.volatile.is_empty() && plan.unordered.is_empty();
    if nothing_volatile {
        put(&mut hasher, answer);
    } else {
        let identity = Identity::Values { without: &plan.volatile, unordered: &plan.unordered };
        hasher.update(&body_hash(answer, &identity).to_le_bytes());
    }
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    i64::from_le_bytes(first)
}

fn query_shape(query: &str) -> BTreeSet<(&str, ValueClass)> {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let shape = parameters.map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (name, ValueClass::of_text(value, &[]))
    });
    shape.collect()
}

/// What of a body counts.
enum Identity<'a> {
    /// Names and types.
    Shape,
    /// Everything but the values at these generalised paths and the order of these arrays.
    Values { without: &'a BTreeSet<String>, unordered: &'a BTreeSet<String> },
}

/// A hash of what counts of a JSON body; of other bodies, the bytes.
fn body_hash(body: &[u8], identity: &Identity<'_>) -> u64 {
    if body.is_empty() {
        return 0;
    }
    // The reader refuses to go deeper than 128 levels, so this recursion is bounded.
    let mut reader = serde_json::Deserializer::from_slice(body);
    let mut path = String::new();
    let hashed = Node { identity, path: &mut path }.deserialize(&mut reader);
    match (hashed, reader.end()) {
        (Ok(hash), Ok(())) => hash,
        _ if matches!(identity, Identity::Shape) => 1,
        _ => hash_bytes(b"raw", body),
    }
}

struct Node<'a, 'p> {
    identity: &'a Identity<'a>,
    path: &'p mut String,
}

impl Node<'_, '_> {
    fn scalar(&self, kind: &str, value: &[u8]) -> u64 {
        match self.identity {
            Identity::Shape => hash_bytes(kind.as_bytes(), b""),
            Identity::Values { without, .. } if without.contains(self.path.as_str()) => 2,
            Identity::Values { .. } => hash_bytes(kind.as_bytes(), value),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(self.scalar("null", b""))
    }

    fn visit_bool<E>(self, value: bool) -> Result<u64, E> {
        Ok(self.scalar("boolean", &[u8::from(value)]))
    }

    fn visit_i64<E>(self, value: i64) -> Result<u64, E> {
        Ok(self.scalar("number", &value.to_le_bytes()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<u64, E> {
        Ok(self.scalar("number", &value.to_le_bytes()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<u64, E> {
        Ok(self.scalar("number", &value.to_le_bytes()))
    }

    fn visit_str<E>(self, value: &str) -> Result<u64, E> {
        Ok(self.scalar("string", value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let length = self.path.len();
        let sorted = match self.identity {
            Identity::Shape => true,
            Identity::Values { unordered, .. } => unordered.contains(self.path.as_str()),
        };
        self.path.push_str("/*");
        let mut hashes = Vec::new();
        while let Some(hash) =
            items.next_element_seed(Node { identity: self.identity, path: &mut *self.path })?
        {
            hashes.push(hash);
        }
        self.path.truncate(length);
        if sorted {
            hashes.sort_unstable();
        }
        if matches!(self.identity, Identity::Shape) {
            hashes.dedup();
        }
        Ok(hashes.into_iter().fold(3, mix))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<u64, A::Error> {
        let length = self.path.len();
        let mut sum = 5_u64;
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            pointer::push_general(self.path, &name);
            let value =
                members.next_value_seed(Node { identity: self.identity, path: &mut *self.path })?;
            self.path.truncate(length);
            // Order of members does not count.
            sum = sum.wrapping_add(mix(hash_bytes(b"name", name.as_bytes()), value));
        }
        Ok(mix(5, sum))
    }
}

/// Of the small parts of a body, of which there are many: SipHash-1-3, that stays the same over
/// processes and builds.
fn hash_bytes(kind: &[u8], value: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(PARTS.0, PARTS.1);
    for part in [kind, value] {
        hasher.write_u64(part.len() as u64);
        hasher.write(part);
    }
    hasher.finish()
}

/// Combines two hashes, the order of which counts (the finaliser of splitmix64).
fn mix(one: u64, other: u64) -> u64 {
    let mut hash = one.rotate_left(23).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ other;
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn put(hasher: &mut blake3::Hasher, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part);
}

#[cfg(test)]
mod tests {
    use cluster::{Covers, EndpointId, Evidence, Model, RuleBook, VolatilePlace, Where};

    use super::*;
    use crate::plan::{Learned, Registry};

    fn trial(target: &str, body: &str, answer: &str) -> i64 {
        let endpoint = EndpointId::of("POST", "/loans/{id}");
        let volatile = |path: &str, covers| VolatilePlace {
            endpoint,
            place: Where::Body,
            path: path.into(),
            covers,
            families: Vec::new(),
            evidence: Evidence::Secondary { differed: 9, asked: 9 },
        };
        let volatile = vec![volatile("/meta/id", Covers::Value), volatile("/tags", Covers::Order)];
        let learned = Learned::new(Model { volatile, ..Model::default() }, &RuleBook::default());
        let plan = learned.plan("POST", "/loans/{id}".into(), &Registry::default());
        let request = Request {
            method: "POST".into(),
            target: target.into(),
            headers: exchange::Headers::default(),
            body: body.to_owned().into(),
        };
        key(&plan, &request, 200, answer.as_bytes())
    }

    #[test]
    fn only_what_makes_evidence_counts() {
        let answer = r#"{"state":"open","meta":{"id":"a"},"tags":[1,2]}"#;
        let one = trial("/loans/7?page=1&x=a", r#"{"amount":5,"lines":[{"a":1}]}"#, answer);
        let same = [
            ("/loans/7?x=b&page=2", r#"{"lines":[{"a":3},{"a":4}],"amount":7}"#, answer),
            (
                "/loans/7?page=1&x=a",
                r#"{"amount":5,"lines":[{"a":1}]}"#,
                r#"{"tags":[2,1], "state":"open","meta":{"id":"b"}}"#,
            ),
        ];
        for (target, body, answer) in same {
            assert_eq!(trial(target, body, answer), one, "{target} {body} {answer}");
        }
        let body = r#"{"amount":5,"lines":[{"a":1}]}"#;
        let other = [
            ("/loans/8?page=1&x=a", body, answer),
            ("/loans/7?page=1", body, answer),
            ("/loans/7?page=1&x=5", body, answer),
            ("/loans/7?page=1&x=a", r#"{"amount":"5","lines":[{"a":1}]}"#, answer),
            ("/loans/7?page=1&x=a", r#"{"lines":[{"a":1}]}"#, answer),
            ("/loans/7?page=1&x=a", body, r#"{"state":"shut","meta":{"id":"a"},"tags":[1,2]}"#),
            ("/loans/7?page=1&x=a", body, r#"{"state":"open","meta":{},"tags":[1,2]}"#),
            ("/loans/7?page=1&x=a", body, r#"{"state":"open","meta":{"id":"a"},"tags":[1,2,2]}"#),
            ("/loans/7?page=1&x=a", body, "open"),
        ];
        for (target, body, answer) in other {
            assert_ne!(trial(target, body, answer), one, "{target} {body} {answer}");
        }
    }

    #[test]
    fn deep_or_broken_bodies_are_taken_as_bytes() {
        let deep = "[".repeat(100_000);
        assert_ne!(trial("/loans/7", &deep, &deep), trial("/loans/7", &deep, "[["));
        assert_eq!(trial("/loans/7", "not JSON", "x"), trial("/loans/7", "no JSON", "x"));
    }
}
