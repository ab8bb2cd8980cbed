//! What has been learnt so far: published by the analyst, loaded by every comparator.

use diff::Kind;
use serde::{Deserialize, Serialize};

use crate::{
    EndpointId, LearntParameter, Nature, Place, Signature, StoredRule, Where,
    derived::without_derived,
    endpoint,
    maps::{MapPlace, Maps},
    routes,
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub number: i64,
    /// Positions in paths where words are values: templates only merge, never split.
    #[serde(default)]
    pub parameters: Vec<LearntParameter>,
    #[serde(default)]
    pub volatile: Vec<VolatilePlace>,
    /// Objects whose members are data: like parameters, they are never unlearnt.
    #[serde(default)]
    pub maps: Vec<MapPlace>,
    /// Why answers differ, by endpoint.
    #[serde(default)]
    pub explained: Vec<crate::explain::Explained>,
    /// Rules of the store that are in force; every comparator adds those of its configuration.
    #[serde(default)]
    pub rules: Vec<StoredRule>,
    /// What users said of places, over what is learnt.
    #[serde(default)]
    pub overruled: Vec<Overruled>,
}

/// A user's word on whether a place differs by nature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overruled {
    /// As it was when it was said; read through merges.
    pub endpoint: EndpointId,
    #[serde(rename = "where")]
    pub place: Where,
    pub path: String,
    #[serde(default)]
    pub covers: Covers,
    pub says: Says,
    #[serde(default)]
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// It differs by nature, whatever the evidence.
    Volatile,
    /// What differs there always counts.
    Never,
}

/// A place that differs by nature, with the evidence for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolatilePlace {
    pub endpoint: EndpointId,
    #[serde(rename = "where")]
    pub place: Where,
    pub path: String,
    #[serde(default)]
    pub covers: Covers,
    /// Families of value classes that were seen here; a value of another family still counts.
    #[serde(default)]
    pub families: Vec<String>,
    /// Of what [`Covers`] says alone: where values differ by nature, a missing or retyped one
    /// still counts.
    pub evidence: Evidence,
}

/// What differs by nature at a volatile place.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    #[default]
    Value,
    /// The order of the array at this path.
    Order,
    /// Whether it is there, and of which type.
    Presence,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Evidence {
    /// The secondary differed from the primary here in `differed` of `asked`.
    Secondary { differed: u64, asked: u64 },
    /// The primary differed from its own answer to the same request shortly before in
    /// `differed` of `asked`.
    Earlier { differed: u64, asked: u64 },
    /// Both sides hold values of a class that is made afresh (`uuid`, `instant_near`, …).
    Class { class: String, differed: u64, compared: u64 },
    /// What the values of `samples` pairs look like.
    Nature { nature: Nature, samples: u64, differed: u64, compared: u64 },
    /// The same path is volatile at so many other endpoints, and nothing here speaks against it.
    Elsewhere { endpoints: u64 },
    /// A user said so.
    Said { reason: String },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Match,
    /// The places that count.
    Mismatch(Vec<Place>),
}

impl Model {
    /// The verdict on a signature at an endpoint; `ignored` says whether a rule of the
    /// configuration masks a place. What follows from another difference does not count. The
    /// places that count have the members of maps as `*`.
    #[must_use]
    pub fn verdict(
        &self,
        endpoint: EndpointId,
        signature: &Signature,
        ignored: &dyn Fn(&Place) -> bool,
    ) -> Verdict {
        let maps = Maps::at(endpoint, &self.maps);
        let counts = |place: &Place| {
            !place.is_mapped()
                && !self.volatile.iter().any(|v| v.endpoint == endpoint && v.covers(place))
        };
        let open = signature.places.iter().filter(|place| !ignored(place));
        let open = open.map(|place| maps.place(place)).filter(counts);
        let residual = Signature::new(open.collect()).places;
        let residual = without_derived(residual, &maps.signature(signature).places);
        if residual.is_empty() { Verdict::Match } else { Verdict::Mismatch(residual) }
    }

    /// The template a path belongs to under this model.
    #[must_use]
    pub fn template(&self, path: &str) -> String {
        routes::generalise(&endpoint::template(path), &self.parameters)
    }

    /// The volatile places of one endpoint.
    pub fn volatile_at(&self, endpoint: EndpointId) -> impl Iterator<Item = &VolatilePlace> {
        self.volatile.iter().filter(move |v| v.endpoint == endpoint)
    }
}

impl VolatilePlace {
    /// Whether a difference is of the nature that was seen here: another value of a known
    /// family, or another order. Never a value that is missing, added or of another type.
    #[must_use]
    pub fn covers(&self, place: &Place) -> bool {
        let known =
            |family: &str| self.families.is_empty() || self.families.iter().any(|f| f == family);
        self.place == place.place
            && match self.covers {
                Covers::Value => {
                    place.kind == Kind::ValueChanged
                        && self.path == place.path
                        && known(place.left.family())
                        && known(place.right.family())
                }
                Covers::Order => order_path(place) == Some(self.path.as_str()),
                Covers::Presence => {
                    matches!(place.kind, Kind::Added | Kind::Removed | Kind::TypeChanged)
                        && self.path == place.path
                }
            }
    }
}

/// The array whose order a difference is about.
pub(crate) fn order_path(place: &Place) -> Option<&str> {
    match place.kind {
        Kind::Reordered => Some(&place.path),
        Kind::Moved => Some(place.path.strip_suffix("/*").unwrap_or(&place.path)),
        Kind::Added | Kind::Removed | Kind::TypeChanged | Kind::ValueChanged => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueClass;

    const LOANS: EndpointId = EndpointId(7);

    fn place(path: &str, kind: Kind, left: &str, right: &str) -> Place {
        let (left, right) = (ValueClass::named(left), ValueClass::named(right));
        Place { place: Where::Body, path: path.into(), kind, left, right }
    }

    fn model() -> Model {
        let volatile = |path: &str, covers, families: &[&str]| VolatilePlace {
            endpoint: LOANS,
            place: Where::Body,
            path: path.into(),
            covers,
            families: families.iter().map(|f| (*f).to_owned()).collect(),
            evidence: Evidence::Secondary { differed: 20, asked: 20 },
        };
        let places =
            vec![volatile("/id", Covers::Value, &["uuid"]), volatile("/tags", Covers::Order, &[])];
        Model { volatile: places, ..Model::default() }
    }

    fn residual(places: Vec<Place>) -> usize {
        match model().verdict(LOANS, &Signature::new(places), &|place| place.path == "/ignored") {
            Verdict::Match => 0,
            Verdict::Mismatch(places) => places.len(),
        }
    }

    #[test]
    fn only_what_was_seen_to_differ_by_nature_is_left_out() {
        let table = [
            (place("/id", Kind::ValueChanged, "uuid", "uuid"), 0),
            (place("/id", Kind::ValueChanged, "uuid", "empty"), 1),
            (place("/id", Kind::TypeChanged, "uuid", "null"), 1),
            (place("/id", Kind::Removed, "uuid", "missing"), 1),
            (place("/id", Kind::Added, "missing", "uuid"), 1),
            (place("/id2", Kind::ValueChanged, "uuid", "uuid"), 1),
            (place("/tags", Kind::Reordered, "array", "array"), 0),
            (place("/tags/*", Kind::Moved, "word", "word"), 0),
            (place("/tags/*", Kind::ValueChanged, "word", "word"), 1),
            (place("/ignored", Kind::Removed, "word", "missing"), 0),
            (place("/other", Kind::ValueChanged, "mapped", "mapped"), 0),
            (place("/other", Kind::ValueChanged, "mapped", "uuid"), 1),
        ];
        for (place, left) in table {
            assert_eq!(residual(vec![place.clone()]), left, "{place:?}");
        }
    }

    #[test]
    fn a_volatile_place_hides_nothing_beside_it_or_at_other_endpoints() {
        let id = place("/id", Kind::ValueChanged, "uuid", "uuid");
        let sum = place("/sum", Kind::ValueChanged, "integer", "integer");
        assert_eq!(residual(vec![id.clone(), sum]), 1);
        let elsewhere =
            model().verdict(EndpointId(8), &Signature::new(vec![id.clone()]), &|_| false);
        assert_eq!(elsewhere, Verdict::Mismatch(vec![id]));
    }
}
