//! From causes to clusters: which mismatches belong together, under keys that stay.
//!
//! An endpoint is explained anew when what is known of it grew by a quarter, when other places
//! count, or when asked to; until then what was published stands. A cause keeps its key as long
//! as it says the same or covers mostly the same mismatches.

mod inherit;
mod sets;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    accepted::Accepted,
    book::Book,
    cause::{self, Cause, CauseKind, Found, Seen, Subject, Word},
    exact::{Exact, Standing, counter},
    spot::Restated,
    term::Term,
};
use crate::{EndpointId, Model, Place, Where, signature::hash63};
use sets::Sets;

/// Growth of the mismatches, and of all rows, after which an endpoint is explained anew.
const GROWTH: f64 = 1.25;
const GROWTH_OF_ALL: f64 = 1.6;
/// The key of what is missing or old among the candidate's data, at all endpoints.
const DATA: &str = "d1-data";
/// What a row weighs that is kept because it misses a condition by little: it moves thresholds
/// and no rates.
const NEAR: f64 = 1e-3;
/// Looks at all endpoints at one time.
const ROUNDS: usize = 3;
/// Mismatches two causes share, as a part of all of both, to be one cause at two times.
const SAME_CAUSE: f64 = 0.5;

/// The stored rows, and what they stand for.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub book: Book,
    /// Pairs counted by signature and version.
    pub pairs: BTreeMap<(i64, String), u64>,
    /// By condition (see [`super::counter`]) and version.
    pub exact: BTreeMap<(i64, String), Exact>,
    /// Clusters that a person accepted under a condition.
    pub accepted: Vec<Accepted>,
    /// Explain every endpoint with new rows, however few.
    pub thorough: bool,
}

/// What was found at one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    pub endpoint: EndpointId,
    /// The candidate's version that was looked at.
    pub version: String,
    /// Stored rows and mismatches among them at that time.
    pub rows: u64,
    pub mismatches: u64,
    /// A hash of what counted as differing.
    pub basis: i64,
    /// Faulty things that were known at that time.
    #[serde(default)]
    pub faulty: u64,
    pub causes: Vec<Cause>,
    /// Of signatures: how many stored rows belong to which key.
    pub shares: Vec<Share>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    pub signature: i64,
    /// The fingerprint of a cluster.
    pub key: String,
    /// Stored mismatches that belong to it, and all: where causes meet, several have one.
    pub rows: u64,
    pub of: u64,
}

/// A mismatching signature under today's model.
#[derive(Clone, Debug)]
pub(crate) struct Differing<'a> {
    pub(crate) signature: i64,
    pub(crate) endpoint: EndpointId,
    pub(crate) residual: &'a [Place],
    /// The fingerprint of the group it is in.
    pub(crate) group: &'a str,
}

/// What explaining needs to know of today's model.
pub(crate) struct Today<'a> {
    pub(crate) before: &'a Model,
    pub(crate) model: &'a Model,
    pub(crate) rows: &'a Rows,
    pub(crate) differing: &'a [Differing<'a>],
    /// Signatures that match.
    pub(crate) matching: &'a BTreeSet<i64>,
    pub(crate) home: &'a dyn Fn(EndpointId) -> EndpointId,
}

/// Everything that is explained now, by endpoint.
pub(crate) fn explain(today: &Today<'_>) -> Vec<Explained> {
    let mut by_endpoint: BTreeMap<EndpointId, Vec<&Differing<'_>>> = BTreeMap::new();
    for differing in today.differing {
        by_endpoint.entry(differing.endpoint).or_default().push(differing);
    }
    let mut rows: BTreeMap<EndpointId, Vec<i64>> = BTreeMap::new();
    for (id, kept) in today.rows.book.each() {
        rows.entry((today.home)(kept.endpoint)).or_default().push(id);
    }
    let none = Vec::new();
    let mut explained = today.before.explained.clone();
    // What is found to be faulty at one endpoint is evidence at the next.
    for _ in 0..ROUNDS {
        let faulty = faulty(&explained);
        let next = by_endpoint.iter().filter_map(|(endpoint, differing)| {
            let home = |one: &&Explained| (today.home)(one.endpoint) == *endpoint;
            let before = explained.iter().find(home);
            let at = At { today, endpoint: *endpoint, differing, before, faulty: &faulty };
            at.explained(rows.get(endpoint).unwrap_or(&none))
        });
        explained = next.collect();
        if self::faulty(&explained).len() == faulty.len() {
            break;
        }
    }
    explained
}

/// Everything that is missing or old among the candidate's data.
fn faulty(explained: &[Explained]) -> BTreeSet<String> {
    let causes = explained.iter().flat_map(|explained| &explained.causes);
    causes.flat_map(|cause| cause.entities.iter().cloned()).collect()
}

/// One endpoint.
struct At<'a> {
    today: &'a Today<'a>,
    endpoint: EndpointId,
    differing: &'a [&'a Differing<'a>],
    before: Option<&'a Explained>,
    /// At any endpoint.
    faulty: &'a BTreeSet<String>,
}

impl At<'_> {
    fn explained(&self, rows: &[i64]) -> Option<Explained> {
        let before = self.before;
        let Some(version) = self.newest_version(rows) else { return before.cloned() };
        let rows: Vec<i64> = rows
            .iter()
            .copied()
            .filter(|id| self.kept(*id).is_some_and(|kept| *kept.version == *version))
            .collect();
        let mut sets = Sets::new(self.differing);
        sets.tell_reasons_apart(&self.today.rows.book, &rows);
        let subject = self.subject(&rows, &sets, &version);
        let mismatches = subject.rows.iter().filter(|seen| seen.set.is_some()).count() as u64;
        let (count, basis) = (subject.rows.len() as u64, self.basis(&sets));
        if let Some(before) = before
            && before.version == version
            && before.basis == basis
            && !self.is_due(before, count, mismatches)
        {
            return Some(before.clone());
        }
        let mut found = cause::causes(&subject, self.faulty);
        found.extend(self.inherited(&subject, &found, &sets));
        let keys = self.keys(&found, &sets, before);
        let shares = self.shares(&subject, &found, &keys, &sets);
        let mut causes: Vec<Cause> = found
            .iter()
            .zip(&keys)
            .map(|(found, key)| Cause {
                key: key.clone(),
                endpoint: self.endpoint,
                version: version.clone(),
                sets: found.sets.iter().map(|set| sets.spots(*set)).collect(),
                terms: found.terms.iter().map(Term::doc).collect(),
                notes: found.notes.clone(),
                figures: found.figures,
                kind: found.kind,
                entities: found.entities.clone(),
                since: found.since,
                primary_version: found.primary_version.clone(),
                word: found
                    .word
                    .as_ref()
                    .map(|(term, figures)| Word { term: term.doc(), figures: *figures }),
            })
            .collect();
        let seen: BTreeSet<usize> = subject.rows.iter().filter_map(|seen| seen.set).collect();
        causes.extend(self.of_old(before, &sets, &seen, &keys));
        let version = version.clone();
        let endpoint = self.endpoint;
        let faulty = self.faulty.len() as u64;
        Some(Explained {
            endpoint,
            version,
            rows: count,
            mismatches,
            basis,
            causes,
            shares,
            faulty,
        })
    }

    fn kept(&self, id: i64) -> Option<&super::book::Kept> {
        self.today.rows.book.kept(id)
    }

    fn is_due(&self, before: &Explained, rows: u64, mismatches: u64) -> bool {
        let grew = |now: u64, then: u64, by: f64| now as f64 >= then as f64 * by && now > then;
        // With what is faulty elsewhere, what was left open may be explained, and what was taken for
        // a rule may be none.
        let faulty = self.faulty.len() as u64;
        if grew(faulty, before.faulty, GROWTH) {
            return true;
        }
        if self.today.rows.thorough {
            let known = (before.rows, before.mismatches, before.faulty);
            return (rows, mismatches, faulty) != known;
        }
        let refuted = before.causes.iter().any(|cause| {
            let key = (counter(cause), cause.version.clone());
            let exact = self.today.rows.exact.get(&key);
            exact.is_some_and(|e| e.standing(cause.figures.precision) == Standing::Refuted)
        });
        (refuted && rows > before.rows)
            || grew(mismatches, before.mismatches, GROWTH)
            || grew(rows, before.rows, GROWTH_OF_ALL)
    }

    /// The version whose rows are the newest.
    fn newest_version(&self, rows: &[i64]) -> Option<String> {
        let kept = rows.iter().filter_map(|id| self.kept(*id));
        let newest = kept.max_by(|a, b| (a.minute, &a.version).cmp(&(b.minute, &b.version)));
        newest.map(|kept| kept.version.to_string())
    }

    fn subject<'s>(&'s self, rows: &[i64], sets: &Sets, version: &str) -> Subject<'s> {
        let mut seen: Vec<(i64, i64, Option<usize>)> = Vec::new();
        for id in rows {
            let Some(kept) = self.kept(*id) else { continue };
            let set = sets.of(*id, kept.signature);
            if set.is_some() || self.today.matching.contains(&kept.signature) {
                seen.push((*id, kept.signature, set));
            }
        }
        let weights = self.weights(&seen, version);
        let rows = seen.into_iter().map(|(id, signature, set)| {
            let key = if set.is_some() { Some(signature) } else { None };
            let near = self.is_near(id);
            let weight = if near { NEAR } else { weights.get(&key).copied().unwrap_or(1.0) };
            Seen { id, weight, set }
        });
        let mut volatile = Restated::default();
        let places: Vec<Place> =
            self.today.model.volatile_at(self.endpoint).map(as_place).collect();
        volatile.add(&places);
        Subject {
            book: &self.today.rows.book,
            rows: rows.collect(),
            sets: sets.iter().map(|set| set.spots.clone()).collect(),
            restated: sets.iter().map(|set| set.restated.clone()).collect(),
            volatile,
        }
    }

    /// How many pairs a row stands for: by signature, and (`None`) of all that match.
    fn weights(
        &self,
        seen: &[(i64, i64, Option<usize>)],
        version: &str,
    ) -> BTreeMap<Option<i64>, f64> {
        let mut kept: BTreeMap<Option<i64>, u64> = BTreeMap::new();
        let mut signatures: BTreeMap<Option<i64>, BTreeSet<i64>> = BTreeMap::new();
        for (_, signature, set) in seen.iter().filter(|(id, ..)| !self.is_near(*id)) {
            let key = set.map(|_| *signature);
            *kept.entry(key).or_default() += 1;
            signatures.entry(key).or_default().insert(*signature);
        }
        let counted = |key: &Option<i64>| -> u64 {
            let own = signatures.get(key).into_iter().flatten();
            let pairs = own.map(|s| self.today.rows.pairs.get(&(*s, version.to_owned())));
            pairs.flatten().sum()
        };
        let weight = |(key, rows): (Option<i64>, u64)| {
            (key, (counted(&key) as f64 / rows.max(1) as f64).max(1.0))
        };
        kept.into_iter().map(weight).collect()
    }

    fn is_near(&self, id: i64) -> bool {
        self.kept(id).is_some_and(|kept| kept.near)
    }

    fn basis(&self, sets: &Sets) -> i64 {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for place in self.today.model.volatile_at(self.endpoint) {
            parts.push(format!("{:?} {}", place.place, place.path).into_bytes());
        }
        parts.push(vec![0]);
        let mut named: Vec<String> = sets.iter().map(|set| format!("{:?}", set.spots)).collect();
        named.sort();
        parts.extend(named.into_iter().map(String::into_bytes));
        hash63("understudy.explained.v2", &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// A key for each cause: that of the one before it that it continues, else the group's own,
    /// else the next number of it.
    fn keys(&self, found: &[Found], sets: &Sets, before: Option<&Explained>) -> Vec<String> {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut keys: Vec<Option<String>> = vec![None; found.len()];
        let old: &[Cause] = before.map_or(&[], |before| &before.causes);
        let mut alike: Vec<(f64, usize, usize)> = Vec::new();
        for (slot, cause) in keys.iter_mut().zip(found) {
            if cause.kind == CauseKind::Data {
                *slot = Some(DATA.to_owned());
            }
        }
        let found_rules = || found.iter().enumerate().filter(|(_, f)| f.kind != CauseKind::Data);
        for (now, cause) in found_rules() {
            for (then, old) in old.iter().enumerate().filter(|(_, old)| old.key != DATA) {
                let same = self.likeness(cause, old);
                if same >= SAME_CAUSE {
                    alike.push((same, now, then));
                }
            }
        }
        alike.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (_, now, then) in alike {
            let (Some(slot), Some(cause)) = (keys.get_mut(now), old.get(then)) else { continue };
            if slot.is_none() && taken.insert(cause.key.clone()) {
                *slot = Some(cause.key.clone());
            }
        }
        let known: BTreeSet<&str> = old.iter().map(|cause| cause.key.as_str()).collect();
        for (slot, cause) in keys.iter_mut().zip(found) {
            let base = cause.sets.first().and_then(|set| sets.get(*set));
            let base = base.map_or("", |set| set.group.as_str());
            if slot.is_none() {
                let numbered = (2..).map(|n| format!("{base}#{n}"));
                let fresh = std::iter::once(base.to_owned()).chain(numbered);
                let free = |key: &String| {
                    !taken.contains(key) && (key == base || !known.contains(key.as_str()))
                };
                *slot = fresh.take(1_000).find(free);
            }
            taken.extend(slot.clone());
        }
        keys.into_iter().flatten().collect()
    }

    /// How much of the mismatches of both a cause shares with an earlier one.
    fn likeness(&self, now: &Found, then: &Cause) -> f64 {
        let terms: Vec<_> = now.terms.iter().map(Term::doc).collect();
        if terms == then.terms {
            return 1.0;
        }
        let Some(terms) = then.terms.iter().map(Term::read).collect::<Option<Vec<Term>>>() else {
            return 0.0;
        };
        let covered = now.members.iter().filter(|id| {
            let row = self.today.rows.book.row(**id).unwrap_or_default();
            terms.iter().all(|term| term.holds(&row))
        });
        let shared = covered.count() as f64;
        let all = now.members.len() as f64 + then.figures.hits as f64 - shared;
        if shared == 0.0 { 0.0 } else { shared / all.max(shared) }
    }

    /// Where the mismatches of each signature belong.
    fn shares(
        &self,
        subject: &Subject<'_>,
        found: &[Found],
        keys: &[String],
        sets: &Sets,
    ) -> Vec<Share> {
        let mut of_row: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
        for (cause, key) in found.iter().zip(keys) {
            for id in &cause.members {
                of_row.entry(*id).or_default().insert(key.as_str());
            }
        }
        let mut rows: BTreeMap<(i64, String), u64> = BTreeMap::new();
        let mut all: BTreeMap<i64, u64> = BTreeMap::new();
        for seen in &subject.rows {
            let Some(set) = seen.set else { continue };
            let Some(kept) = self.kept(seen.id) else { continue };
            *all.entry(kept.signature).or_default() += 1;
            match of_row.get(&seen.id) {
                Some(own) => {
                    for key in own {
                        *rows.entry((kept.signature, (*key).to_owned())).or_default() += 1;
                    }
                }
                None => {
                    *rows.entry((kept.signature, sets.rest(set, keys))).or_default() += 1;
                }
            }
        }
        let share = |((signature, key), rows): ((i64, String), u64)| {
            let of = all.get(&signature).copied().unwrap_or(rows);
            Share { signature, key, rows, of }
        };
        rows.into_iter().map(share).collect()
    }

    /// Causes of earlier versions whose places no longer differ: they keep their keys.
    fn of_old(
        &self,
        before: Option<&Explained>,
        sets: &Sets,
        seen: &BTreeSet<usize>,
        keys: &[String],
    ) -> Vec<Cause> {
        let of_old = |cause: &&Cause| {
            !keys.contains(&cause.key)
                && !cause.sets.iter().any(|own| {
                    let mut sets = sets.iter().enumerate();
                    sets.any(|(at, set)| seen.contains(&at) && set.spots.iter().eq(own.iter()))
                })
        };
        before.map_or(&[][..], |before| &before.causes).iter().filter(of_old).cloned().collect()
    }
}

fn as_place(volatile: &crate::VolatilePlace) -> Place {
    let path = match (volatile.place, volatile.covers) {
        // Of an array that is shuffled its items say no less than before.
        (Where::Body, crate::Covers::Order) => "/\u{0}".to_owned(),
        _ => volatile.path.clone(),
    };
    let none = crate::ValueClass(String::new());
    let kind = diff::Kind::ValueChanged;
    Place { place: volatile.place, path, kind, left: none.clone(), right: none }
}
