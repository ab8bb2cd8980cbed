//! The places a cause shows at, as a fingerprint sees them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Place, Where,
    signature::{fingerprint_keys, kind_word},
};

/// One place; of the status with both values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Spot {
    #[serde(rename = "where")]
    pub place: Where,
    pub path: String,
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub primary: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub candidate: String,
}

/// What one mismatch shows.
pub(crate) type Spots = BTreeSet<Spot>;

pub(crate) fn spots_of(residual: &[Place]) -> Spots {
    let spot = |key: crate::signature::PlaceKey<'_>| Spot {
        place: key.place,
        path: key.path.to_owned(),
        kind: kind_word(key.kind).to_owned(),
        primary: key.left.to_owned(),
        candidate: key.right.to_owned(),
    };
    let mut spots: Spots = fingerprint_keys(residual).into_iter().map(spot).collect();
    let others: Vec<String> = spots.iter().filter_map(another_thing).map(str::to_owned).collect();
    spots.retain(|spot| {
        another_thing(spot).is_some() || !others.iter().any(|thing| is_within(spot, thing))
    });
    spots
}

/// The object that is another thing altogether, where it is its id that differs: what else is
/// in it differs by that.
fn another_thing(spot: &Spot) -> Option<&str> {
    let (object, name) = spot.path.rsplit_once('/')?;
    let differs = spot.place == Where::Body && spot.kind == kind_word(diff::Kind::ValueChanged);
    (differs && matches!(name, "id" | "_id" | "uuid")).then_some(object)
}

fn is_within(spot: &Spot, object: &str) -> bool {
    // The whole body is not the thing: beside its id it tells other things of the answer.
    spot.place == Where::Body
        && !object.is_empty()
        && spot.path.strip_prefix(object).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether the status is among what differs.
pub(crate) fn differs_by_status(spots: &Spots) -> bool {
    spots.iter().any(|spot| spot.place == Where::Status)
}

/// Whether the answers are of different kind altogether: then nothing else can be compared.
pub(crate) fn is_alone(spots: &Spots) -> bool {
    spots.len() == 1 && spots.iter().all(|spot| spot.place == Where::Status)
}

/// Fields of the primary's answer that a mismatch with these counting places restates: those
/// that differ, that contain what differs, or that lie within it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restated {
    status: bool,
    headers: BTreeSet<String>,
    /// Dotted, without array positions.
    paths: BTreeSet<String>,
}

impl Restated {
    pub(crate) fn add(&mut self, residual: &[Place]) {
        for place in residual {
            match place.place {
                Where::Status => self.status = true,
                Where::Header => {
                    let name = place.path.split('/').next().unwrap_or_default();
                    self.headers.insert(name.to_ascii_lowercase());
                }
                Where::Body => {
                    self.paths.insert(dotted(&place.path));
                }
            }
        }
    }

    pub(crate) fn holds(&self, field: &str) -> bool {
        let bare = super::derive::parse(field).map_or(field, |(_, inner)| inner);
        if bare == "response.status" {
            return self.status;
        }
        if let Some(name) = bare.strip_prefix("response.header.") {
            return self.headers.contains(name);
        }
        // What another answer said of the thing under the same name is the same thing told twice.
        if bare.starts_with("entity.") {
            let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
            return self.paths.iter().any(|own| !own.is_empty() && last(own) == last(bare));
        }
        let Some(path) = bare.strip_prefix("response.body.") else { return false };
        let path: Vec<&str> = path.split('.').filter(|step| *step != "*").collect();
        let path = path.join(".");
        let within = |one: &str, other: &str| {
            other.is_empty()
                || one == other
                || one.strip_prefix(other).is_some_and(|r| r.starts_with('.'))
        };
        self.paths.iter().any(|own| within(&path, own) || within(own, &path))
    }
}

/// `/items/*/price` is `items.price`.
fn dotted(path: &str) -> String {
    let steps: Vec<&str> =
        path.split('/').filter(|step| !step.is_empty() && *step != "*").collect();
    steps.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueClass;

    #[test]
    fn another_thing_differs_by_its_id_alone() {
        let class = ValueClass::named("word");
        let differs = |path: &str| Place {
            place: Where::Body,
            path: path.into(),
            kind: diff::Kind::ValueChanged,
            left: class.clone(),
            right: class.clone(),
        };
        let paths = |places: &[&str]| -> Vec<String> {
            let places: Vec<Place> = places.iter().map(|path| differs(path)).collect();
            spots_of(&places).into_iter().map(|spot| spot.path).collect()
        };
        let next = ["/next/id", "/next/amount", "/next/owner/name", "/rank"];
        assert_eq!(paths(&next), ["/next/id", "/rank"]);
        assert_eq!(paths(&["/next/amount", "/rank"]), ["/next/amount", "/rank"]);
        assert_eq!(paths(&["/id", "/rank"]), ["/id", "/rank"], "the answer is not the thing");
    }

    #[test]
    fn what_differs_restates_itself_and_what_holds_it() {
        let class = ValueClass::named("word");
        let place = |path: &str| Place {
            place: Where::Body,
            path: path.into(),
            kind: diff::Kind::ValueChanged,
            left: class.clone(),
            right: class.clone(),
        };
        let mut restated = Restated::default();
        restated.add(&[place("/items/*/price"), Place::status(200, 409)]);
        for (field, expected) in [
            ("response.body.items.*.price", true),
            ("length(response.body.items)", true),
            ("response.body.items.*.price.cents", true),
            ("response.body.items.*.priced", false),
            ("response.body.total", false),
            ("entity.item.price", true),
            ("entity.item.weight", false),
            ("response.status", true),
            ("response.header.location", false),
            ("request.body.items.*.price", false),
        ] {
            assert_eq!(restated.holds(field), expected, "{field}");
        }
    }
}
