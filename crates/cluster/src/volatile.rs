//! Which places differ by nature: by rate over a stated sample, never by one observation.
//!
//! Two kinds of evidence, in this order:
//! 1. **Baseline.** The secondary, a second primary, differs from the primary there. The rate
//!    must be above half a percent with 95 % confidence (lower Wilson bound), so that a small
//!    sample speaks only where it is clear and a single observation never does. Where the
//!    candidate differs far more often than the secondary, the rest needs another explanation
//!    and the place is left to count.
//! 2. **Class.** Without a baseline that contradicts: both sides hold values that are made anew
//!    for every answer (UUIDs, hashes and tokens of one length, times near the request) and
//!    they differ in nearly all that was compared.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    EndpointId, Place, Signature, Where,
    model::{Covers, Evidence, VolatilePlace, order_path},
};

/// Differing less often than this is no nature of a place.
const LEAST_RATE: f64 = 0.005;
/// One-sided 95 %.
const Z: f64 = 1.645;
/// The candidate differs for another reason where its rate is this many times the baseline's.
const FAR_MORE: f64 = 3.0;
/// Observations that class evidence needs.
const LEAST_BY_CLASS: u64 = 4;
/// "Nearly all" for class evidence.
const NEARLY_ALL: f64 = 0.9;

/// What was counted of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct EndpointTally {
    /// Pairs compared with the candidate, both sides having answered.
    pub(crate) compared: u64,
    /// Pairs compared with the secondary.
    pub(crate) asked: u64,
    candidate: BTreeMap<PlaceId, PlaceTally>,
    baseline: BTreeMap<PlaceId, PlaceTally>,
    /// Places seen with one fresh-looking value on both sides.
    steady: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PlaceId {
    place: Where,
    path: String,
    covers: Covers,
}

#[derive(Debug, Default)]
struct PlaceTally {
    differed: u64,
    families: BTreeSet<String>,
    /// By pair of classes.
    classes: BTreeMap<(String, String), u64>,
    /// Pairs in which both values are of one class that is made afresh.
    afresh: u64,
}

impl EndpointTally {
    pub(crate) fn candidate(&mut self, signature: &Signature, pairs: u64) {
        self.compared += pairs;
        tally(&mut self.candidate, signature, pairs);
    }

    pub(crate) fn baseline(&mut self, signature: &Signature, pairs: u64) {
        tally(&mut self.baseline, signature, pairs);
    }

    /// Body paths at which a sample held the same value on both sides though it looks made
    /// afresh: such a place keeps its value, and where it differs that is a finding.
    pub(crate) fn steady<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>) {
        self.steady.extend(paths.into_iter().map(str::to_owned));
    }

    /// The volatile places of this endpoint; `before` are those of the last model, which stay
    /// until their evidence is clearly gone.
    pub(crate) fn volatile(
        &self,
        endpoint: EndpointId,
        before: &[&VolatilePlace],
    ) -> Vec<VolatilePlace> {
        let places: BTreeSet<&PlaceId> =
            self.baseline.keys().chain(self.candidate.keys()).collect();
        let found = places.into_iter().filter_map(|id| {
            let known = before
                .iter()
                .any(|v| v.place == id.place && v.path == id.path && v.covers == id.covers);
            let (evidence, families) = self.by_baseline(id, known).or_else(|| self.by_class(id))?;
            Some(VolatilePlace {
                endpoint,
                place: id.place,
                path: id.path.clone(),
                covers: id.covers,
                families,
                evidence,
            })
        });
        found.collect()
    }

    fn by_baseline(&self, id: &PlaceId, known: bool) -> Option<(Evidence, Vec<String>)> {
        let seen = self.baseline.get(id)?;
        let asked = self.asked.max(seen.differed);
        let (low, high) = wilson(seen.differed, asked);
        let needed = if known { LEAST_RATE / 2.0 } else { LEAST_RATE };
        if seen.differed < 2 || low <= needed || self.differs_for_another_reason(id, high) {
            return None;
        }
        let evidence = Evidence::Secondary { differed: seen.differed, asked };
        Some((evidence, seen.families.iter().cloned().collect()))
    }

    /// The candidate differs there far more often than the secondary does, and not because its
    /// values are made afresh.
    fn differs_for_another_reason(&self, id: &PlaceId, baseline_high: f64) -> bool {
        let Some(candidate) = self.candidate.get(id) else { return false };
        let (low, _) = wilson(candidate.differed.saturating_sub(candidate.afresh), self.compared);
        low > FAR_MORE * baseline_high
    }

    fn by_class(&self, id: &PlaceId) -> Option<(Evidence, Vec<String>)> {
        let seen = self.candidate.get(id)?;
        let ((left, _), most) = seen.classes.iter().max_by_key(|(_, pairs)| **pairs)?;
        let baseline = self.baseline.get(id).map_or(0, |tally| tally.differed);
        let agrees = baseline.saturating_mul(2) >= self.asked;
        let mostly_afresh = seen.afresh as f64 >= NEARLY_ALL * seen.differed as f64;
        let everywhere = seen.differed as f64 >= NEARLY_ALL * self.compared as f64;
        // An optional field is not in every answer; then no sample may contradict.
        let where_present = seen.differed.saturating_mul(20) >= self.compared
            && id.place == Where::Body
            && !self.steady.contains(&id.path);
        let enough = seen.differed >= LEAST_BY_CLASS && (everywhere || where_present);
        if id.covers != Covers::Value || !agrees || !mostly_afresh || !enough || *most == 0 {
            return None;
        }
        let class = crate::ValueClass(left.clone());
        let families = vec![class.family().to_owned()];
        let evidence = Evidence::Class {
            class: left.clone(),
            differed: seen.differed,
            compared: self.compared,
        };
        Some((evidence, families))
    }
}

fn tally(places: &mut BTreeMap<PlaceId, PlaceTally>, signature: &Signature, pairs: u64) {
    let mut counted = BTreeSet::new();
    for place in &signature.places {
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
        None => return None,
    };
    (place.place != Where::Status).then(|| PlaceId {
        place: place.place,
        path: path.to_owned(),
        covers,
    })
}

/// Wilson's score interval for `hits` of `n`.
fn wilson(hits: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, rate) = (n as f64, hits.min(n) as f64 / n as f64);
    let (square, scale) = (Z * Z, 1.0 + Z * Z / n);
    let middle = (rate + square / (2.0 * n)) / scale;
    let half = Z / scale * (rate * (1.0 - rate) / n + square / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueClass;
    use diff::Kind;

    fn signature(path: &str, left: &str, right: &str) -> Signature {
        let (left, right) = (ValueClass::named(left), ValueClass::named(right));
        let path = path.to_owned();
        Signature::new(vec![Place {
            place: Where::Body,
            path,
            kind: Kind::ValueChanged,
            left,
            right,
        }])
    }

    fn found(tally: &EndpointTally) -> usize {
        tally.volatile(EndpointId(7), &[]).len()
    }

    fn baseline(differed: u64, asked: u64) -> EndpointTally {
        let mut tally = EndpointTally { asked, ..EndpointTally::default() };
        tally.baseline(&signature("/node", "word", "word"), differed);
        tally
    }

    #[test]
    fn the_secondary_speaks_by_rate() {
        let table = [
            (0, 100, 0),
            (1, 1, 0),
            (1, 100, 0),
            (2, 2, 1),
            (2, 10, 1),
            (2, 300, 0),
            (4, 10_000, 0),
            (30, 2_000, 1),
            (80, 10_000, 1),
            (6_600, 10_000, 1),
        ];
        for (differed, asked, volatile) in table {
            assert_eq!(found(&baseline(differed, asked)), volatile, "{differed} of {asked}");
        }
    }

    #[test]
    fn a_candidate_that_differs_far_more_often_is_a_finding() {
        let mut tally = baseline(20, 1_000);
        tally.candidate(&signature("/node", "word", "word"), 30);
        tally.candidate(&Signature::default(), 970);
        assert_eq!(found(&tally), 1);
        tally.candidate(&signature("/node", "word", "word"), 400);
        assert_eq!(found(&tally), 0);
    }

    #[test]
    fn without_a_secondary_values_made_afresh_are_volatile() {
        let table = [
            ("uuid", "uuid", 100, 100, 1),
            ("instant_near", "instant_near", 100, 104, 1),
            ("hex:32", "hex:32", 10, 10, 1),
            ("token:22", "token:22", 10, 10, 1),
            ("token:22", "token:23", 10, 10, 0),
            ("uuid", "uuid", 3, 3, 0),
            ("uuid", "uuid", 3, 100, 0),
            ("word", "word", 100, 100, 0),
            ("integer", "integer", 100, 100, 0),
            ("instant_near", "instant", 100, 100, 0),
        ];
        for (left, right, differed, compared, volatile) in table {
            let mut tally = EndpointTally::default();
            tally.candidate(&signature("/x", left, right), differed);
            tally.candidate(&Signature::default(), compared - differed);
            assert_eq!(found(&tally), volatile, "{left} {right} {differed} of {compared}");
        }
    }

    #[test]
    fn an_optional_value_is_volatile_unless_it_was_seen_to_stay() {
        let mut tally = EndpointTally::default();
        tally.candidate(&signature("/receipt", "uuid", "uuid"), 40);
        tally.candidate(&Signature::default(), 60);
        assert_eq!(found(&tally), 1);
        tally.steady(["/receipt"]);
        assert_eq!(found(&tally), 0);
    }

    #[test]
    fn a_secondary_that_agrees_overrules_classes() {
        let mut tally = EndpointTally { asked: 50, ..EndpointTally::default() };
        tally.candidate(&signature("/owner", "uuid", "uuid"), 50);
        assert_eq!(found(&tally), 0);
    }

    #[test]
    fn a_shuffled_array_is_volatile_in_its_order_alone() {
        let order = |kind, path: &str| {
            let class = ValueClass::named("array");
            let place = Place {
                place: Where::Body,
                path: path.into(),
                kind,
                left: class.clone(),
                right: class,
            };
            Signature::new(vec![place])
        };
        let mut tally = EndpointTally { asked: 20, ..EndpointTally::default() };
        tally.baseline(&order(Kind::Reordered, "/tags"), 5);
        tally.baseline(&order(Kind::Moved, "/tags/*"), 5);
        let volatile = tally.volatile(EndpointId(7), &[]);
        assert_eq!(volatile.len(), 1);
        assert_eq!(volatile[0].evidence, Evidence::Secondary { differed: 10, asked: 20 });
        assert_eq!((volatile[0].path.as_str(), volatile[0].covers), ("/tags", Covers::Order));
    }
}
