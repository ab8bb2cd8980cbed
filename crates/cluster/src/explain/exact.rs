//! Published conditions on later traffic: counted for every pair, not for stored ones.

use serde::{Deserialize, Serialize};

use super::{
    cause::{Cause, CauseKind, Figures},
    derive,
    row::Row,
    spot::{Spots, spots_of},
    term::Term,
};
use crate::{EndpointId, Model, Place, signature::hash63};

/// Later pairs that met a condition from which on they say whether it holds.
const ENOUGH: u64 = 5;
/// Parts of the precision on stored rows from which a condition is confirmed, and below which it
/// is refuted.
const CONFIRMED: f64 = 0.9;
const REFUTED: f64 = 0.5;

/// Every pair of one version since the condition was published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exact {
    /// Meets the condition and differs so.
    pub hits: u64,
    /// Meets it and does not.
    pub spared: u64,
    /// Differs so and does not meet it.
    pub missed: u64,
    /// Neither.
    pub others: u64,
    /// Microseconds since the Unix epoch.
    pub since: i64,
}

/// What later traffic says of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not yet enough of it.
    Candidate,
    Confirmed,
    Refuted,
}

impl Exact {
    pub(crate) fn precision(&self) -> f64 {
        self.hits as f64 / (self.hits + self.spared).max(1) as f64
    }

    pub(crate) fn recall(&self) -> f64 {
        self.hits as f64 / (self.hits + self.missed).max(1) as f64
    }

    pub(crate) fn figures(&self) -> Figures {
        let Self { hits, spared, missed, others, .. } = *self;
        let (precision, recall) = (self.precision(), self.recall());
        Figures { hits, spared, missed, others, precision, recall }
    }

    pub(crate) fn standing(&self, told: f64) -> Standing {
        if self.hits + self.spared < ENOUGH {
            Standing::Candidate
        } else if self.precision() >= CONFIRMED * told {
            Standing::Confirmed
        } else if self.precision() < REFUTED * told {
            Standing::Refuted
        } else {
            Standing::Candidate
        }
    }
}

/// The name under which a condition is counted: another one when what it says changes.
#[must_use]
pub fn counter(cause: &Cause) -> i64 {
    let terms = serde_json::to_vec(&cause.terms).unwrap_or_default();
    let sets = serde_json::to_vec(&cause.sets).unwrap_or_default();
    let endpoint = cause.endpoint.0.to_le_bytes();
    hash63("understudy.condition.v1", &[&endpoint, cause.key.as_bytes(), &terms, &sets])
}

/// A published condition, ready to be counted.
#[derive(Debug)]
pub struct Watch {
    pub counter: i64,
    terms: Vec<Term>,
    sets: Vec<Spots>,
}

/// The conditions published for an endpoint.
#[must_use]
pub fn watches(model: &Model, endpoint: EndpointId) -> Vec<Watch> {
    let at = model.explained.iter().filter(|explained| explained.endpoint == endpoint);
    let watch = |cause: &Cause| {
        Some(Watch {
            counter: counter(cause),
            terms: cause.terms.iter().map(Term::read).collect::<Option<_>>()?,
            sets: cause.sets.iter().map(|set| set.iter().cloned().collect()).collect(),
        })
    };
    let conditional = |cause: &&Cause| cause.kind != CauseKind::Data && !cause.terms.is_empty();
    at.flat_map(|explained| &explained.causes).filter(conditional).filter_map(watch).collect()
}

/// What a pair says of one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    pub counter: i64,
    /// The pair meets the condition.
    pub meets: bool,
    /// It differs so, and no other condition of the same places says why.
    pub differs: bool,
}

/// What a pair says of each condition of its endpoint; `shows` tells by [`Watch::shows`] where it
/// differs. What another condition of the same places covers is not missed by one that it does not meet.
#[must_use]
pub fn said(watches: &[Watch], shows: &[bool], row: &Row) -> Vec<Said> {
    let seen = watches.iter().zip(shows).map(|(watch, shows)| (watch, *shows, watch.covers(row)));
    let seen: Vec<(&Watch, bool, bool)> = seen.collect();
    let is_explained = |own: &Watch| {
        seen.iter().any(|(other, shows, meets)| *shows && *meets && other.shares_a_place(own))
    };
    let of = |(watch, shows, meets): &(&Watch, bool, bool)| Said {
        counter: watch.counter,
        meets: *meets,
        differs: *shows && (*meets || !is_explained(watch)),
    };
    seen.iter().map(of).collect()
}

impl Watch {
    fn shares_a_place(&self, other: &Self) -> bool {
        let mut own = self.sets.iter().flatten();
        own.any(|spot| other.sets.iter().any(|set| set.contains(spot)))
    }

    /// Whether a mismatch with these counting places shows the cause.
    #[must_use]
    pub fn shows(&self, residual: &[Place]) -> bool {
        let spots = spots_of(residual);
        self.sets.iter().any(|set| set.is_subset(&spots))
    }

    #[must_use]
    pub fn covers(&self, row: &Row) -> bool {
        self.terms.iter().all(|term| term.holds(row))
    }

    /// Whether all terms hold but one; of a single threshold, whether it is missed by a tenth.
    #[must_use]
    pub fn is_nearly_met(&self, row: &Row) -> bool {
        let mut missed = self.terms.iter().filter(|term| !term.holds(row));
        match (missed.next(), missed.next()) {
            (Some(term), None) => self.terms.len() > 1 || term.is_close(row),
            _ => false,
        }
    }

    /// Whether a term names a field that begins so.
    #[must_use]
    pub fn reads(&self, prefix: &str) -> bool {
        let field = |term: &Term| {
            let bare = derive::parse(&term.field).map_or(term.field.as_str(), |(_, inner)| inner);
            bare.trim_start_matches("length(").starts_with(prefix)
        };
        self.terms.iter().any(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Scalar, Test};

    #[test]
    fn what_another_condition_of_the_same_place_covers_is_not_missed() {
        let watch = |counter, field: &str, path: &str| {
            let place = Place { path: path.into(), ..Place::status(0, 0) };
            let place =
                Place { place: crate::Where::Body, kind: diff::Kind::ValueChanged, ..place };
            let test = Test::Equal(Scalar::Text("yes".into()));
            let terms = vec![Term { field: field.into(), test }];
            Watch { counter, terms, sets: vec![spots_of(&[place])] }
        };
        let watches =
            [watch(1, "request.query.a", "/total"), watch(2, "request.query.b", "/total")];
        let other_place =
            [watch(1, "request.query.a", "/total"), watch(2, "request.query.b", "/rate")];
        let mut row = Row::default();
        row.cells.push(("request.query.a".into(), Scalar::Text("yes".into())));
        let differs = |watches: &[Watch]| {
            let said = said(watches, &[true, true], &row);
            said.iter().map(|said| (said.counter, said.meets, said.differs)).collect::<Vec<_>>()
        };
        assert_eq!(differs(&watches), [(1, true, true), (2, false, false)]);
        assert_eq!(differs(&other_place), [(1, true, true), (2, false, true)]);
    }

    #[test]
    fn later_traffic_confirms_and_refutes() {
        let exact = |hits, spared| Exact { hits, spared, ..Exact::default() };
        assert_eq!(exact(4, 0).standing(1.0), Standing::Candidate);
        assert_eq!(exact(5, 0).standing(1.0), Standing::Confirmed);
        assert_eq!(exact(50, 40).standing(0.6), Standing::Confirmed);
        assert_eq!(exact(3, 7).standing(0.9), Standing::Refuted);
        assert_eq!(exact(7, 3).standing(0.9), Standing::Candidate);
    }
}
