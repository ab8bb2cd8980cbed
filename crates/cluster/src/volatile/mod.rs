//! Which places differ by nature: by rate over a stated sample, never by one observation.
//!
//! Evidence, in this order:
//! 1. **Baseline.** The secondary, a second primary, differs from the primary there. The rate
//!    must be above half a percent with 95 % confidence (lower Wilson bound), so that a small
//!    sample speaks only where it is clear and a single observation never does. Where the
//!    candidate differs far more often than the secondary, the rest needs another explanation
//!    and the place is left to count.
//! 2. **Itself.** The primary answered the same request otherwise shortly before, as often as the
//!    candidate differs: what changes with the state of the service differs from its own past
//!    and not from the candidate.
//! 3. **Class.** Both sides hold values that are made anew for every answer (UUIDs, hashes and
//!    tokens of one length, times near the request) and they differ in nearly all that was
//!    compared.
//! 4. **Side**: a header that names the software or host which answers, and is another one on each
//!    side in nearly all answers, whatever a second primary says: it is of the same side.
//! 5. **Nature** of the values over many pairs ([`nature`]), or of the same path at other
//!    endpoints where this one has few.
//!
//! The later kinds, but for the side's own, are heard only where none of the earlier was seen to
//! agree.

mod chance;
mod figures;
pub(crate) mod nature;
mod places;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    EndpointId, Signature, Where,
    learn::SampleSeen,
    model::{Covers, Evidence, VolatilePlace},
};

use figures::wilson;
use nature::{Nature, Observed};
use places::{PlaceId, PlaceTally, tally};

/// Differing less often than this is no nature of a place.
const LEAST_RATE: f64 = 0.005;
/// What is there by turns is a graver thing to be silent of than a value.
const LEAST_PRESENCE_RATE: f64 = 0.02;
/// A primary that differs from its own past more seldom than this has changed its state.
const LEAST_OWN_RATE: f64 = 0.05;
/// The candidate differs for another reason where its rate is this many times the baseline's.
const FAR_MORE: f64 = 3.0;
/// What differs by nature differs from the candidate about as often as from its own past.
const ABOUT_AS_OFTEN: f64 = 1.5;
/// Observations that class evidence needs.
const LEAST_BY_CLASS: u64 = 4;
/// "Nearly all" for class evidence.
const NEARLY_ALL: f64 = 0.9;
/// Repeated requests from which an agreeing primary is believed.
const LEAST_AGREEING: u64 = 5;
/// Endpoints that must show values drawn from a set before that is taken for their nature.
const LEAST_ENDPOINTS: usize = 2;

/// What was counted of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct EndpointTally {
    /// Pairs compared with the candidate, both sides having answered.
    pub(crate) compared: u64,
    /// Pairs compared with the secondary.
    pub(crate) asked: u64,
    /// The candidate was seen to give the primary's answer only later: state is shared and late,
    /// so that a second primary is behind at times, too.
    pub(crate) is_late: bool,
    /// Answers of the primary compared with its own earlier ones.
    repeated: u64,
    candidate: BTreeMap<PlaceId, PlaceTally>,
    baseline: BTreeMap<PlaceId, PlaceTally>,
    earlier: BTreeMap<PlaceId, PlaceTally>,
    /// Places seen with one fresh-looking value on both sides.
    steady: BTreeSet<String>,
    observed: BTreeMap<PlaceId, Observed>,
    /// Observations that come with another id beside them, by its path.
    beside_ids: BTreeMap<PlaceId, BTreeMap<String, usize>>,
}

/// The volatile places of all endpoints; `before` are those of the last model at an endpoint,
/// which stay until their evidence is clearly gone.
pub(crate) fn volatile_places(
    tallies: &BTreeMap<EndpointId, EndpointTally>,
    before: &dyn Fn(EndpointId) -> Vec<VolatilePlace>,
) -> Vec<VolatilePlace> {
    let mut found: Vec<VolatilePlace> = Vec::new();
    let mut natures: BTreeMap<PlaceId, BTreeMap<EndpointId, Nature>> = BTreeMap::new();
    for (endpoint, tally) in tallies {
        let before = before(*endpoint);
        found.extend(tally.volatile(*endpoint, &before));
        let clear = tally.natures(&before).into_iter();
        for (id, nature) in clear.filter(|(id, _)| !tally.is_contradicted(id)) {
            natures.entry(id).or_default().insert(*endpoint, nature);
        }
    }
    let judged: BTreeSet<(EndpointId, PlaceId)> = found
        .iter()
        .map(|v| {
            let (place, path, covers) = (v.place, v.path.clone(), v.covers);
            (v.endpoint, PlaceId { place, path, covers })
        })
        .collect();
    for (endpoint, tally) in tallies {
        let open: BTreeSet<&PlaceId> = tally.candidate.keys().collect();
        for id in open.into_iter().filter(|id| !judged.contains(&(*endpoint, (*id).clone()))) {
            let elsewhere = Elsewhere { id, tallies, judged: &judged, natures: &natures };
            let evidence = elsewhere.evidence(*endpoint, tally);
            if let Some(evidence) = evidence.or_else(|| elsewhere.of_side()) {
                found.push(tally.place(*endpoint, id, evidence));
            }
        }
    }
    found.sort_by(|a, b| {
        (a.endpoint, a.place, &a.path, a.covers).cmp(&(b.endpoint, b.place, &b.path, b.covers))
    });
    found
}

/// What all endpoints together say of a path.
struct Elsewhere<'a> {
    id: &'a PlaceId,
    tallies: &'a BTreeMap<EndpointId, EndpointTally>,
    judged: &'a BTreeSet<(EndpointId, PlaceId)>,
    natures: &'a BTreeMap<PlaceId, BTreeMap<EndpointId, Nature>>,
}

impl Elsewhere<'_> {
    fn evidence(&self, here: EndpointId, tally: &EndpointTally) -> Option<Evidence> {
        if tally.is_contradicted(self.id) {
            return None;
        }
        let seen = tally.candidate.get(self.id)?;
        let none = BTreeMap::new();
        let natures = self.natures.get(self.id).unwrap_or(&none);
        if let Some(nature) = natures.get(&here) {
            // Values drawn from a set at one endpoint alone could be a rule's.
            let alone = natures.len() < LEAST_ENDPOINTS;
            let doubtful = || !tally.draws_by_chance(self.id) || self.is_steady_elsewhere();
            if *nature == Nature::Drawn && alone && doubtful() {
                return None;
            }
            let samples = tally.observed.get(self.id).map_or(0, |o| o.differing.len() as u64);
            let (differed, compared) = (seen.differed, tally.compared);
            return Some(Evidence::Nature { nature: *nature, samples, differed, compared });
        }
        let others = natures.iter().filter(|(_, nature)| **nature != Nature::PerSide);
        let (nature, endpoints) =
            others.fold((None, 0_u64), |(_, n), (_, nature)| (Some(*nature), n + 1));
        let few = Observed::default();
        let own = tally.observed.get(self.id).unwrap_or(&few);
        match nature {
            Some(nature) => {
                let values: BTreeSet<String> = natures
                    .keys()
                    .filter_map(|endpoint| self.tallies.get(endpoint)?.observed.get(self.id))
                    .flat_map(Observed::drawn_values)
                    .collect();
                let least = if nature == Nature::Drawn { LEAST_ENDPOINTS as u64 } else { 1 };
                // Where a path is of this nature at several endpoints, values that only fit are enough.
                let open = own.is_few_for(nature) || endpoints >= LEAST_ENDPOINTS as u64;
                let fits = open && own.could_be(nature, &values) && endpoints >= least;
                fits.then_some(Evidence::Elsewhere { endpoints })
            }
            // Made afresh elsewhere, and here too as far as can be seen.
            None => {
                let afresh = seen.differed < LEAST_BY_CLASS && seen.afresh == seen.differed;
                let elsewhere = self.judged.iter().filter(|(_, id)| id == self.id).count() as u64;
                (afresh && elsewhere > 0).then_some(Evidence::Elsewhere { endpoints: elsewhere })
            }
        }
    }
}

impl Elsewhere<'_> {
    /// Whether the path differs at another endpoint, too, where a primary mostly agrees.
    fn is_steady_elsewhere(&self) -> bool {
        let mut others = self.tallies.values();
        others.any(|other| other.candidate.contains_key(self.id) && other.is_contradicted(self.id))
    }

    /// A header that says which side answers, as it does at other endpoints.
    fn of_side(&self) -> Option<Evidence> {
        let others = self.judged.iter().filter(|(_, id)| {
            (id.place, &id.path) == (self.id.place, &self.id.path) && names_side(id)
        });
        let endpoints = others.count() as u64;
        (endpoints > 0).then_some(Evidence::Elsewhere { endpoints })
    }
}

impl EndpointTally {
    pub(crate) fn candidate(&mut self, signature: &Signature, pairs: u64) {
        self.compared += pairs;
        tally(&mut self.candidate, signature, pairs);
    }

    pub(crate) fn baseline(&mut self, signature: &Signature, pairs: u64) {
        tally(&mut self.baseline, signature, pairs);
    }

    /// The primary against its own earlier answer.
    pub(crate) fn earlier(&mut self, signature: &Signature, pairs: u64) {
        self.repeated += pairs;
        tally(&mut self.earlier, signature, pairs);
    }

    /// Body paths at which a sample held the same value on both sides though it looks made
    /// afresh: such a place keeps its value, and where it differs that is a finding.
    pub(crate) fn steady<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>) {
        self.steady.extend(paths.into_iter().map(str::to_owned));
    }

    /// The values of a sample that stands for `weight` pairs.
    pub(crate) fn sample(&mut self, sample: &SampleSeen, weight: f64) {
        let row = sample.row.clone();
        for difference in &sample.differences {
            let (Some(left), Some(right)) = (&difference.primary, &difference.candidate) else {
                continue;
            };
            if difference.kind != diff::Kind::ValueChanged || difference.place == Where::Status {
                continue;
            }
            let (place, path) = (difference.place, difference.path.clone());
            let id = PlaceId { place, path, covers: Covers::Value };
            let observed = self.observed.entry(id.clone()).or_default();
            match place {
                Where::Header => {
                    observed.add(sample.at, (bare(left), bare(right)), weight, row.as_ref());
                }
                Where::Status | Where::Body => {
                    observed.add(sample.at, (left, right), weight, row.as_ref());
                }
            }
            for other in sample.other_ids_beside(difference) {
                let beside = self.beside_ids.entry(id.clone()).or_default();
                *beside.entry(other.to_owned()).or_default() += 1;
            }
        }
        for path in sample.same.iter() {
            for covers in [Covers::Value, Covers::Order] {
                let id = PlaceId { place: Where::Body, path: path.clone(), covers };
                let observed = self.observed.entry(id).or_default();
                observed.same += weight;
                if covers == Covers::Value {
                    observed.agreeing.extend(row.clone());
                }
            }
        }
        for lists in &sample.lists {
            let id =
                PlaceId { place: Where::Body, path: lists.path.clone(), covers: Covers::Order };
            self.observed.entry(id).or_default().differing.push(nature::Differing {
                at: sample.at,
                left: lists.primary.as_slice().into(),
                right: lists.candidate.as_slice().into(),
                weight,
                row: None,
            });
        }
    }

    /// By counters alone.
    fn volatile(&self, endpoint: EndpointId, before: &[VolatilePlace]) -> Vec<VolatilePlace> {
        let places: BTreeSet<&PlaceId> =
            self.baseline.keys().chain(self.candidate.keys()).chain(self.earlier.keys()).collect();
        let found = places.into_iter().filter_map(|id| {
            let known = before
                .iter()
                .any(|v| v.place == id.place && v.path == id.path && v.covers == id.covers);
            let evidence = self
                .by_baseline(id, known)
                .or_else(|| self.by_itself(id, known))
                .or_else(|| self.by_class(id))
                .or_else(|| self.by_side(id))?;
            Some(self.place(endpoint, id, evidence))
        });
        found.collect()
    }

    fn place(&self, endpoint: EndpointId, id: &PlaceId, evidence: Evidence) -> VolatilePlace {
        let sides = match &evidence {
            Evidence::Secondary { .. } => &self.baseline,
            Evidence::Earlier { .. } => &self.earlier,
            _ => &self.candidate,
        };
        let families = match &evidence {
            Evidence::Class { class, .. } => {
                vec![crate::ValueClass(class.clone()).family().to_owned()]
            }
            _ => sides
                .get(id)
                .map(|seen| seen.families.iter().cloned().collect())
                .unwrap_or_default(),
        };
        let (place, path, covers) = (id.place, id.path.clone(), id.covers);
        VolatilePlace { endpoint, place, path, covers, families, evidence }
    }

    fn by_baseline(&self, id: &PlaceId, known: bool) -> Option<Evidence> {
        let seen = self.baseline.get(id)?;
        let asked = self.asked.max(seen.differed);
        let (low, high) = wilson(seen.differed, asked);
        let (least, far_more) = match id.covers {
            Covers::Presence => (LEAST_PRESENCE_RATE, ABOUT_AS_OFTEN),
            Covers::Value | Covers::Order => (LEAST_RATE, FAR_MORE),
        };
        let needed = if known { least / 2.0 } else { least };
        let another = self.differs_for_another_reason(id, high, far_more);
        let behind = self.is_late && id.covers != Covers::Order && !self.falls_by_chance(id, asked);
        if seen.differed < 2 || low <= needed || another || behind {
            return None;
        }
        Some(Evidence::Secondary { differed: seen.differed, asked })
    }

    /// Whether what differs from the second primary would also do so if no state were late: nearly
    /// always, or because it is made afresh or drawn.
    fn falls_by_chance(&self, id: &PlaceId, asked: u64) -> bool {
        let Some(seen) = self.baseline.get(id) else { return false };
        let nearly = |part: u64, whole: u64| part as f64 >= NEARLY_ALL * whole as f64;
        let nature = || self.nature(id, self.observed.get(id)?, false);
        nearly(seen.differed, asked) || nearly(seen.afresh, seen.differed) || nature().is_some()
    }

    /// The candidate differs there far more often than the secondary does, and not because its
    /// values are made afresh.
    fn differs_for_another_reason(&self, id: &PlaceId, baseline_high: f64, far_more: f64) -> bool {
        let Some(candidate) = self.candidate.get(id) else { return false };
        let (low, _) = wilson(candidate.differed.saturating_sub(candidate.afresh), self.compared);
        low > far_more * baseline_high
    }

    /// The primary differs from its own past, and the candidate from the primary as often.
    fn by_itself(&self, id: &PlaceId, known: bool) -> Option<Evidence> {
        let seen = self.earlier.get(id)?;
        let candidate = self.candidate.get(id)?;
        let repeated = self.repeated.max(seen.differed);
        let (low, high) = wilson(seen.differed, repeated);
        let (least, most) = wilson(candidate.differed, self.compared);
        let needed = if known { LEAST_OWN_RATE / 2.0 } else { LEAST_OWN_RATE };
        let as_often = least <= ABOUT_AS_OFTEN * high && most * ABOUT_AS_OFTEN >= low;
        let agrees = self.secondary_agrees(id) || id.covers == Covers::Presence;
        let enough = seen.differed >= LEAST_BY_CLASS && low > needed;
        (enough && as_often && !agrees)
            .then_some(Evidence::Earlier { differed: seen.differed, asked: repeated })
    }

    fn secondary_agrees(&self, id: &PlaceId) -> bool {
        let baseline = self.baseline.get(id).map_or(0, |tally| tally.differed);
        baseline.saturating_mul(2) < self.asked
    }

    /// A second primary, or the primary itself, mostly agrees there.
    fn is_contradicted(&self, id: &PlaceId) -> bool {
        let own = self.earlier.get(id).map_or(0, |tally| tally.differed);
        let itself = self.repeated >= LEAST_AGREEING && own.saturating_mul(2) < self.repeated;
        self.secondary_agrees(id) || itself
    }

    fn by_class(&self, id: &PlaceId) -> Option<Evidence> {
        let seen = self.candidate.get(id)?;
        let ((left, _), most) = seen.classes.iter().max_by_key(|(_, pairs)| **pairs)?;
        let mostly_afresh = seen.afresh as f64 >= NEARLY_ALL * seen.differed as f64;
        let everywhere = seen.differed as f64 >= NEARLY_ALL * self.compared as f64;
        // An optional field is not in every answer; then no sample may contradict.
        let where_present = seen.differed.saturating_mul(20) >= self.compared
            && id.place == Where::Body
            && !self.steady.contains(&id.path);
        let enough = seen.differed >= LEAST_BY_CLASS && (everywhere || where_present);
        let contradicted = id.covers != Covers::Value || self.is_contradicted(id);
        if contradicted || !mostly_afresh || !enough || *most == 0 {
            return None;
        }
        let (differed, compared) = (seen.differed, self.compared);
        Some(Evidence::Class { class: left.clone(), differed, compared })
    }

    /// Software and hosts have other names on the other side, or none.
    fn by_side(&self, id: &PlaceId) -> Option<Evidence> {
        let seen = self.candidate.get(id).filter(|_| names_side(id))?;
        let nearly_always = seen.differed as f64 >= NEARLY_ALL * self.compared as f64;
        let (differed, compared) = (seen.differed, self.compared);
        (differed >= LEAST_BY_CLASS && nearly_always).then_some(Evidence::Nature {
            nature: Nature::PerSide,
            samples: differed,
            differed,
            compared,
        })
    }

    /// Whether nothing that both sides always agree on tells which value is drawn.
    fn draws_by_chance(&self, id: &PlaceId) -> bool {
        let differs = |field: &str| {
            let Some(path) = field.strip_prefix("response.body.") else { return false };
            let path = format!("/{}", path.replace('.', "/"));
            let seen = |own: &PlaceId| own.place == Where::Body && own.path == path;
            self.candidate.keys().any(seen)
        };
        let given = |field: &str| {
            (field.starts_with("request.") || field.starts_with("response.")) && !differs(field)
        };
        self.observed.get(id).is_some_and(|o| o.is_drawn_by_chance(&id.path, &given))
    }

    /// What the kept values show, by place.
    fn natures(&self, before: &[VolatilePlace]) -> Vec<(PlaceId, Nature)> {
        let found = self.observed.iter().filter_map(|(id, observed)| {
            let known = before.iter().any(|v| {
                (v.place, &v.path, v.covers) == (id.place, &id.path, id.covers)
                    && matches!(v.evidence, Evidence::Nature { .. })
            });
            let nature = self.nature(id, observed, known);
            nature.map(|nature| (id.clone(), nature))
        });
        found.collect()
    }

    fn nature(&self, id: &PlaceId, observed: &Observed, known: bool) -> Option<Nature> {
        // A number that only counts answers is no id of another entity.
        let counts = |path: &str| {
            let (place, path) = (Where::Body, path.to_owned());
            let other = PlaceId { place, path, covers: Covers::Value };
            self.observed.get(&other).is_some_and(Observed::is_counter)
        };
        let beside = self.beside_ids.get(id).into_iter().flatten();
        let beside = beside.filter(|(path, _)| !counts(path)).map(|(_, seen)| *seen).max();
        let alone = beside.unwrap_or(0) * 2 < observed.differing.len();
        match (id.place, id.covers) {
            (Where::Header, _) if MEANT_FOR_CLIENTS.contains(&id.path.as_str()) => None,
            (Where::Header, _) if observed.is_per_side() => Some(Nature::PerSide),
            (Where::Header, _) | (_, Covers::Value) => observed.of_value(id.place, alone, known),
            (_, Covers::Order) => observed.is_shuffled().then_some(Nature::Shuffled),
            (_, Covers::Presence) => None,
        }
    }
}

/// Headers of which a constant difference is a finding.
const MEANT_FOR_CLIENTS: [&str; 8] = [
    "content-type",
    "location",
    "cache-control",
    "www-authenticate",
    "content-disposition",
    "content-language",
    "vary",
    "allow",
];

/// The value of a header that is a number, without the quotes of its text.
fn bare(json: &str) -> &str {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|text| crate::shape::is_number(text) && !text.starts_with('0')).unwrap_or(json)
}

/// Whether a place is a header that names the software or host which answers.
fn names_side(id: &PlaceId) -> bool {
    const NAMES: [&str; 14] = [
        "server",
        "via",
        "x-powered-by",
        "x-served-by",
        "x-generator",
        "x-backend",
        "x-instance",
        "x-node",
        "x-host",
        "x-pod",
        "x-app-version",
        "x-version",
        "x-build",
        "x-aspnet-version",
    ];
    let named = |name: &&str| {
        let rest = id.path.strip_prefix(*name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '/']))
    };
    id.place == Where::Header && NAMES.iter().any(named)
}

#[cfg(test)]
mod tests;
