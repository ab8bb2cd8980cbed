//! How one pair differs, as a set of places, and the fixed hash of it.

use serde::{Deserialize, Serialize};

use crate::{EndpointId, ValueClass};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    Status,
    Header,
    Body,
}

/// One differing place of a signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    #[serde(rename = "where")]
    pub place: Where,
    /// Generalised path; header name in lower case; empty for the status.
    pub path: String,
    pub kind: diff::Kind,
    pub left: ValueClass,
    pub right: ValueClass,
}

/// The places of one pair, sorted, without repeats. Empty = equal.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signature {
    pub places: Vec<Place>,
}

impl Where {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Header => "header",
            Self::Body => "body",
        }
    }
}

impl Place {
    /// The status differs.
    #[must_use]
    pub fn status(left: u16, right: u16) -> Self {
        Self {
            place: Where::Status,
            path: String::new(),
            kind: diff::Kind::ValueChanged,
            left: ValueClass::status(left),
            right: ValueClass::status(right),
        }
    }

    /// The right side gave no answer; `reason` as in [`exchange::NoAnswerReason`].
    #[must_use]
    pub fn no_answer(reason: &str) -> Self {
        Self {
            place: Where::Status,
            path: String::new(),
            kind: diff::Kind::Removed,
            left: ValueClass::named("answered"),
            right: ValueClass(format!("no_answer:{reason}")),
        }
    }

    /// Why there was no answer, where this place says so.
    #[must_use]
    pub fn no_answer_reason(&self) -> Option<&str> {
        (self.place == Where::Status).then(|| self.right.0.strip_prefix("no_answer:")).flatten()
    }

    /// The sides made values of their own there, which are known to stand for each other.
    #[must_use]
    pub fn mapped(place: Where, path: &str) -> Self {
        let (left, right) = (ValueClass::named("mapped"), ValueClass::named("mapped"));
        Self { place, path: path.to_owned(), kind: diff::Kind::ValueChanged, left, right }
    }

    /// Whether this is no difference, but a value known by another name on each side.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.left.0 == "mapped" && self.right.0 == "mapped"
    }

    /// The candidate gave the same answer later: all such pairs of an endpoint are counted here,
    /// apart from those that differ for good.
    #[must_use]
    pub fn late() -> Self {
        Self {
            place: Where::Body,
            path: LATE.into(),
            kind: diff::Kind::ValueChanged,
            left: ValueClass::named("answer"),
            right: ValueClass::named("late"),
        }
    }

    #[must_use]
    pub fn is_late(&self) -> bool {
        self.place == Where::Body && self.path == LATE
    }

    /// Counted under this when an endpoint has too many signatures.
    #[must_use]
    pub fn other() -> Self {
        Self {
            place: Where::Body,
            path: "(other)".into(),
            kind: diff::Kind::ValueChanged,
            left: ValueClass::named("other"),
            right: ValueClass::named("other"),
        }
    }
}

/// No path of a body: those begin with a slash.
const LATE: &str = "(late)";

impl Signature {
    #[must_use]
    pub fn new(mut places: Vec<Place>) -> Self {
        places.sort_unstable();
        places.dedup();
        Self { places }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Fixed, versioned 63-bit hash of endpoint and places.
    #[must_use]
    pub fn id(&self, endpoint: EndpointId) -> i64 {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(1 + self.places.len() * 5);
        let endpoint = endpoint.0.to_le_bytes();
        parts.push(&endpoint);
        for place in &self.places {
            parts.extend([
                place.place.as_str().as_bytes(),
                place.path.as_bytes(),
                kind_word(place.kind).as_bytes(),
                place.left.0.as_bytes(),
                place.right.0.as_bytes(),
            ]);
        }
        hash63("understudy.signature.v1", &parts)
    }
}

/// The cluster key of what is left of a signature when volatile and ignored places are gone:
/// where, path and kind of each place, and the statuses where the status differs. Classes are
/// left out: one cause may give an integer today and a decimal tomorrow. An array whose elements
/// moved and one that was reordered are the same, at the path of the array. Where the answers are
/// of different kind altogether (200 against 404), or one is missing, the rest follows from
/// that and is left out too.
#[must_use]
pub fn fingerprint(endpoint: EndpointId, residual: &[Place]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("understudy.fingerprint.v1");
    hasher.update(&endpoint.0.to_le_bytes());
    for key in fingerprint_keys(residual) {
        for part in [key.place.as_str(), key.path, kind_word(key.kind), key.left, key.right] {
            put(&mut hasher, part.as_bytes());
        }
    }
    let hash = hasher.finalize();
    let short = hash.as_bytes().iter().take(16);
    short.fold(String::from("f1-"), |text, byte| format!("{text}{byte:02x}"))
}

/// What counts of one place in a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PlaceKey<'a> {
    pub(crate) place: Where,
    pub(crate) path: &'a str,
    pub(crate) kind: diff::Kind,
    pub(crate) left: &'a str,
    pub(crate) right: &'a str,
}

/// Sorted, without repeats.
pub(crate) fn fingerprint_keys(residual: &[Place]) -> Vec<PlaceKey<'_>> {
    let whole = residual.iter().find(|place| decides_alone(place));
    let mut keys: Vec<PlaceKey<'_>> = match whole {
        Some(place) => vec![PlaceKey::of(place)],
        None => residual.iter().map(PlaceKey::of).collect(),
    };
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl<'a> PlaceKey<'a> {
    /// Of moved elements what counts is that their array is in another order.
    pub(crate) fn of(place: &'a Place) -> Self {
        let (left, right) = match place.place {
            Where::Status if place.no_answer_reason().is_some() => ("", "no_answer"),
            Where::Status => (place.left.0.as_str(), place.right.0.as_str()),
            Where::Header | Where::Body => ("", ""),
        };
        let (path, kind) = match (place.kind, place.path.strip_suffix("/*")) {
            (diff::Kind::Moved, Some(array)) => (array, diff::Kind::Reordered),
            (kind, _) => (place.path.as_str(), kind),
        };
        Self { place: place.place, path, kind, left, right }
    }

    /// The same place and kind, whatever the values.
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        (self.place, self.path, self.kind) == (other.place, other.path, other.kind)
    }
}

/// No answer, or statuses of different hundreds.
fn decides_alone(place: &Place) -> bool {
    let hundreds =
        |class: &ValueClass| class.0.strip_prefix("status:").and_then(|s| s.chars().next());
    place.place == Where::Status
        && (place.no_answer_reason().is_some() || hundreds(&place.left) != hundreds(&place.right))
}

/// The name on the wire; hashes depend on it.
pub(crate) const fn kind_word(kind: diff::Kind) -> &'static str {
    match kind {
        diff::Kind::Added => "added",
        diff::Kind::Removed => "removed",
        diff::Kind::TypeChanged => "type_changed",
        diff::Kind::ValueChanged => "value_changed",
        diff::Kind::Moved => "moved",
        diff::Kind::Reordered => "reordered",
    }
}

/// 63 bits of blake3 over length-prefixed parts, under a versioned context.
pub(crate) fn hash63(context: &str, parts: &[&[u8]]) -> i64 {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        put(&mut hasher, part);
    }
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    (u64::from_le_bytes(first) >> 1) as i64
}

fn put(hasher: &mut blake3::Hasher, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, left: &str, right: &str) -> Place {
        Place {
            place: Where::Body,
            path: path.into(),
            kind: diff::Kind::ValueChanged,
            left: ValueClass::named(left),
            right: ValueClass::named(right),
        }
    }

    const LOANS: EndpointId = EndpointId(7);

    #[test]
    fn an_array_in_another_order_has_one_fingerprint() {
        let order = |path: &str, kind, class: &str| Place { kind, ..place(path, class, class) };
        let reordered = order("/reasons", diff::Kind::Reordered, "array");
        let moved = |class| order("/reasons/*", diff::Kind::Moved, class);
        let of = |places: &[Place]| fingerprint(LOANS, places);
        let one = of(std::slice::from_ref(&reordered));
        for places in [vec![moved("moved")], vec![moved("word"), reordered.clone()]] {
            assert_eq!(of(&places), one, "{places:?}");
        }
        assert_ne!(of(&[order("/grounds/*", diff::Kind::Moved, "moved")]), one);
        assert_ne!(of(&[order("/reasons", diff::Kind::Moved, "moved")]), one, "from elsewhere");
        assert_ne!(of(&[reordered, place("/reasons/*", "word", "word")]), one);
    }

    #[test]
    fn order_and_repeats_do_not_matter() {
        let (a, b) = (place("/a", "word", "word"), place("/b", "word", "word"));
        let one = Signature::new(vec![a.clone(), b.clone(), a.clone()]);
        let two = Signature::new(vec![b, a]);
        assert_eq!(one, two);
        assert_eq!(one.id(LOANS), two.id(LOANS));
        assert_ne!(one.id(LOANS), one.id(EndpointId(8)));
    }

    #[test]
    fn hashes_are_the_same_for_ever() {
        let signature = Signature::new(vec![place("/decision", "word", "word")]);
        assert_eq!(signature.id(LOANS), SIGNATURE_OF_DECISION);
        assert_eq!(fingerprint(LOANS, &signature.places), FINGERPRINT_OF_DECISION);
    }

    /// Stored in databases: a change here orphans what installations have counted.
    const SIGNATURE_OF_DECISION: i64 = 2_041_396_944_502_576_279;
    const FINGERPRINT_OF_DECISION: &str = "f1-35ba94cbdbcbb86a86ecd3db39f04ae1";

    #[test]
    fn classes_count_in_signatures_and_not_in_fingerprints() {
        let (a, b) = (place("/sum", "integer", "decimal"), place("/sum", "integer", "integer"));
        assert_ne!(
            Signature::new(vec![a.clone()]).id(LOANS),
            Signature::new(vec![b.clone()]).id(LOANS)
        );
        assert_eq!(fingerprint(LOANS, &[a]), fingerprint(LOANS, &[b]));
    }

    #[test]
    fn another_status_decides_alone_when_its_hundreds_differ() {
        let body = place("/sum", "integer", "missing");
        let gone = Place::status(200, 404);
        assert_eq!(
            fingerprint(LOANS, &[gone.clone(), body.clone()]),
            fingerprint(LOANS, std::slice::from_ref(&gone))
        );
        let created = Place::status(200, 201);
        assert_ne!(fingerprint(LOANS, &[created.clone(), body]), fingerprint(LOANS, &[created]));
    }

    #[test]
    fn every_reason_for_no_answer_is_one_cluster() {
        assert_eq!(
            fingerprint(LOANS, &[Place::no_answer("timeout")]),
            fingerprint(LOANS, &[Place::no_answer("connect")])
        );
    }
}
