//! What was counted of each place that differed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Place, Signature, Where,
    model::{Covers, order_path},
};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlaceId {
    pub(super) place: Where,
    pub(super) path: String,
    pub(super) covers: Covers,
}

#[derive(Debug, Default)]
pub(super) struct PlaceTally {
    pub(super) differed: u64,
    pub(super) families: BTreeSet<String>,
    /// By pair of classes.
    pub(super) classes: BTreeMap<(String, String), u64>,
    /// Pairs in which both values are of one class that is made afresh.
    pub(super) afresh: u64,
}

/// Counts `pairs` that differ so.
pub(super) fn tally(places: &mut BTreeMap<PlaceId, PlaceTally>, signature: &Signature, pairs: u64) {
    let mut counted = BTreeSet::new();
    for place in signature.places.iter().filter(|place| !place.is_mapped()) {
        let Some(id) = place_id(place) else { continue };
        let tally = places.entry(id.clone()).or_default();
        for class in [&place.left, &place.right] {
            if !tally.families.contains(class.family()) {
                tally.families.insert(class.family().to_owned());
            }
        }
        *tally.classes.entry((place.left.0.clone(), place.right.0.clone())).or_default() += pairs;
        // Several kinds or classes at one place of one pair are one observation.
        if counted.insert(id) {
            tally.differed += pairs;
            let afresh = place.left == place.right && place.left.is_made_afresh();
            tally.afresh += if afresh { pairs } else { 0 };
        }
    }
}

fn place_id(place: &Place) -> Option<PlaceId> {
    let (path, covers) = match order_path(place) {
        Some(array) => (array, Covers::Order),
        None if place.kind == diff::Kind::ValueChanged => (place.path.as_str(), Covers::Value),
        None => (place.path.as_str(), Covers::Presence),
    };
    (place.place != Where::Status).then(|| PlaceId {
        place: place.place,
        path: path.to_owned(),
        covers,
    })
}
