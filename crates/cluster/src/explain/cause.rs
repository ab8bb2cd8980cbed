//! The causes of the mismatches at one endpoint: rules of each set of differing places, one cause
//! for rules that cover the same requests, and a cause for each mismatch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    bits::{Bits, Weighted},
    book::Book,
    candidate::Question,
    search::{self, Rule},
    sharpen,
    spot::{Restated, Spot, Spots, is_alone},
    table::Table,
    term::Term,
};
use crate::{EndpointId, doc::DocTerm};

/// Sets of places that are explained at one endpoint, the most frequent.
const MOST_SETS: usize = 24;
/// Stored mismatches from which a set is looked at.
const LEAST_ROWS: u64 = 3;
/// Rules whose rows are shared to this degree are one cause.
const SAME: f64 = 0.85;
/// How much better a rule must be that names what differs.
const RESTATING_PAYS: f64 = 1.15;
/// Mismatches outside every rule, as a share of their set and in rows, that are a rest of their
/// own rather than what a rule leaves open.
const REST_SHARE: f64 = 0.1;
const REST_ROWS: u64 = 3;

/// A published cause. Terms are as the API tells them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// The fingerprint of its cluster: stays, however the rule is put.
    pub key: String,
    pub endpoint: EndpointId,
    /// The candidate's version in whose rows it was found.
    pub version: String,
    /// Sets of places that it shows as, the most frequent first.
    pub sets: Vec<Vec<Spot>>,
    /// All must hold.
    pub terms: Vec<DocTerm>,
    /// What a reader should know of the terms.
    pub notes: Vec<String>,
    pub figures: Figures,
}

/// Stored rows of one endpoint and version, by what the terms say and what is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Meets the condition and differs so.
    pub hits: u64,
    /// Meets it and does not.
    pub spared: u64,
    /// Differs so and does not meet it.
    pub missed: u64,
    /// Neither.
    pub others: u64,
    /// By weight, as stored rows stand for counted pairs.
    pub precision: f64,
    pub recall: f64,
}

/// One endpoint and version: its stored rows with what each shows.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) book: &'a Book,
    pub(crate) rows: Vec<Seen>,
    pub(crate) sets: Vec<Spots>,
    /// By set, what its mismatches restate.
    pub(crate) restated: Vec<Restated>,
    /// Fields that differ by nature.
    pub(crate) volatile: Restated,
}

/// A stored row before the model of today.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) id: i64,
    pub(crate) weight: f64,
    /// The set of places it differs in; `None` matches.
    pub(crate) set: Option<usize>,
}

/// A cause before it has a key.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) sets: Vec<usize>,
    pub(crate) terms: Vec<Term>,
    pub(crate) notes: Vec<String>,
    pub(crate) figures: Figures,
    /// Stored rows that are its mismatches.
    pub(crate) members: Vec<i64>,
    bits: Bits,
    gain: f64,
}

/// The causes of a subject, those with the most mismatches first.
pub(crate) fn causes(subject: &Subject<'_>) -> Vec<Found> {
    let ids: Vec<i64> = subject.rows.iter().map(|seen| seen.id).collect();
    let table = Table::of(subject.book, &ids);
    let mut found: Vec<Found> = Vec::new();
    for set in order_of_sets(subject) {
        let rules = subject.rules_of(set, &table, &found);
        found.extend(rules);
    }
    let mut found = merged(found);
    fold_meetings(&mut found, subject);
    subject.assign(&mut found);
    found.retain(|cause| !cause.members.is_empty());
    for cause in &mut found {
        cause.figures = subject.figures(cause);
    }
    found.sort_by(|a, b| b.members.len().cmp(&a.members.len()).then(a.sets.cmp(&b.sets)));
    found
}

/// The most frequent sets; small ones before the unions that contain them.
fn order_of_sets(subject: &Subject<'_>) -> Vec<usize> {
    let mut weights = vec![(0_u64, 0.0); subject.sets.len()];
    for seen in &subject.rows {
        if let Some((rows, weight)) = seen.set.and_then(|set| weights.get_mut(set)) {
            *rows += 1;
            *weight += seen.weight;
        }
    }
    let mut order: Vec<usize> =
        (0..weights.len()).filter(|set| weights[*set].0 >= LEAST_ROWS).collect();
    order.sort_by(|a, b| weights[*b].1.total_cmp(&weights[*a].1).then(a.cmp(b)));
    order.truncate(MOST_SETS);
    let size = |set: &usize| subject.sets.get(*set).map_or(0, Spots::len);
    order.sort_by(|a, b| {
        size(a).cmp(&size(b)).then(weights[*b].1.total_cmp(&weights[*a].1)).then(a.cmp(b))
    });
    order
}

impl Subject<'_> {
    fn spots(&self, set: usize) -> &Spots {
        static NONE: Spots = Spots::new();
        self.sets.get(set).unwrap_or(&NONE)
    }

    /// The rules of one set, given the causes of smaller ones.
    fn rules_of(&self, set: usize, table: &Table, known: &[Found]) -> Vec<Found> {
        let differing = self
            .rows
            .iter()
            .enumerate()
            .filter(|(row, seen)| seen.set == Some(set) && !self.is_meeting(*row, set, known));
        let differing = Weighted::of(differing.map(|(row, seen)| (row, seen.weight)), table.rows);
        if differing.rows() < LEAST_ROWS {
            return Vec::new();
        }
        let others =
            self.rows.iter().enumerate().filter(|(_, seen)| {
                seen.set.is_none_or(|other| self.is_counterexample(other, set))
            });
        let others = Weighted::of(others.map(|(row, seen)| (row, seen.weight)), table.rows);
        let none = Restated::default();
        let restated = self.restated.get(set).unwrap_or(&none);
        let cause_fields = |field: &str| !self.volatile.holds(field) && !restated.holds(field);
        let all_fields = |field: &str| !self.volatile.holds(field);
        let ask = |allowed: &dyn Fn(&str) -> bool| {
            let question = Question::new(table, differing.clone(), others.clone(), allowed);
            let rules = search::rules(&question);
            let notes = rules.iter().map(|rule| sharpen::notes(&rule.terms, &question));
            let notes: Vec<Vec<String>> = notes.collect();
            (rules, notes)
        };
        let first = ask(&cause_fields);
        let gain = |rules: &[Rule]| rules.iter().map(|rule| rule.gain).sum::<f64>();
        let restating = table.columns.iter().any(|column| restated.holds(&column.field));
        let explained = differing.within(&cover(&first.0, table.rows)) >= 0.97 * differing.total();
        let (rules, notes) = if restating && !explained {
            let second = ask(&all_fields);
            if gain(&second.0) > RESTATING_PAYS * gain(&first.0) { second } else { first }
        } else {
            first
        };
        let found = rules.into_iter().zip(notes).map(|(rule, notes)| Found {
            sets: vec![set],
            terms: rule.terms,
            notes,
            figures: Figures::default(),
            members: Vec::new(),
            bits: rule.bits,
            gain: rule.gain,
        });
        found.collect()
    }

    /// Whether a row differs in all these places because several known causes met.
    fn is_meeting(&self, row: usize, set: usize, known: &[Found]) -> bool {
        let whole = self.spots(set);
        let mut left: Vec<&Spot> = whole.iter().collect();
        for cause in known.iter().filter(|cause| cause.bits.has(row)) {
            for own in &cause.sets {
                let part = self.spots(*own);
                if part.len() < whole.len() && part.is_subset(whole) {
                    left.retain(|spot| !part.contains(*spot));
                }
            }
        }
        left.is_empty()
    }

    /// Whether mismatches of another set say that this one does not differ: a row that shares a
    /// place may have both causes, and where answers are of different kind altogether nothing is
    /// known of the rest.
    fn is_counterexample(&self, other: usize, set: usize) -> bool {
        let (own, theirs) = (self.spots(set), self.spots(other));
        let paths = |spots: &Spots| -> Vec<(crate::Where, String)> {
            spots.iter().map(|spot| (spot.place, spot.path.clone())).collect()
        };
        let mine = paths(own);
        (is_alone(own) || !is_alone(theirs))
            && !paths(theirs).iter().any(|path| mine.contains(path))
    }

    /// Gives each mismatch to every cause that covers it and shows in it: where two causes meet
    /// in one request, both have it. What no rule covers goes to the set's main cause, unless it
    /// is much.
    fn assign(&self, found: &mut [Found]) {
        let mut rest: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        let mut sizes: BTreeMap<usize, u64> = BTreeMap::new();
        for (row, seen) in self.rows.iter().enumerate() {
            let Some(set) = seen.set else { continue };
            *sizes.entry(set).or_default() += 1;
            let mut covered = false;
            for cause in found.iter_mut().filter(|cause| cause.bits.has(row)) {
                let mut parts = cause.sets.iter();
                if parts.any(|own| *own == set || self.spots(*own).is_subset(self.spots(set))) {
                    cause.members.push(seen.id);
                    covered = true;
                }
            }
            if !covered {
                rest.entry(set).or_default().push(seen.id);
            }
        }
        for (set, ids) in rest {
            let size = sizes.get(&set).copied().unwrap_or(0);
            let much = ids.len() as f64 > REST_SHARE * size as f64 && ids.len() as u64 >= REST_ROWS;
            let main = found
                .iter_mut()
                .filter(|cause| cause.sets.contains(&set))
                .max_by_key(|cause| cause.members.len());
            if let Some(main) = main.filter(|_| !much) {
                main.members.extend(ids);
            }
        }
    }

    fn figures(&self, cause: &Found) -> Figures {
        let mut figures = Figures::default();
        let (mut hit, mut spared, mut missed) = (0.0, 0.0, 0.0);
        for (row, seen) in self.rows.iter().enumerate() {
            let shows = seen.set.is_some_and(|set| self.shows(cause, set));
            if !shows && seen.set.is_some_and(|set| is_alone(self.spots(set))) {
                // Answers of different kind altogether say nothing of single places.
                continue;
            }
            match (cause.bits.has(row), shows) {
                (true, true) => {
                    figures.hits += 1;
                    hit += seen.weight;
                }
                (true, false) => {
                    figures.spared += 1;
                    spared += seen.weight;
                }
                (false, true) if cause.sets.contains(&seen.set.unwrap_or(usize::MAX)) => {
                    figures.missed += 1;
                    missed += seen.weight;
                }
                (false, _) => figures.others += 1,
            }
        }
        // What another rule of the same places covers is not missed by this one.
        let own: std::collections::BTreeSet<i64> = cause.members.iter().copied().collect();
        if !own.is_empty() {
            let of_others = self.rows.iter().enumerate().filter(|(row, seen)| {
                !cause.bits.has(*row)
                    && seen.set.is_some_and(|set| cause.sets.contains(&set))
                    && !own.contains(&seen.id)
            });
            for (_, seen) in of_others {
                figures.missed -= 1;
                figures.others += 1;
                missed -= seen.weight;
            }
        }
        figures.precision = hit / (hit + spared).max(1e-9);
        figures.recall = hit / (hit + missed).max(1e-9);
        figures
    }

    /// Whether a mismatch of this set may show the cause: one of its places differs.
    fn shows(&self, cause: &Found, set: usize) -> bool {
        let whole = self.spots(set);
        cause
            .sets
            .iter()
            .any(|own| *own == set || self.spots(*own).iter().any(|spot| whole.contains(spot)))
    }
}

fn cover(rules: &[Rule], rows: usize) -> Bits {
    rules.iter().fold(Bits::none(rows), |bits, rule| bits.or(&rule.bits))
}

/// One cause for rules that cover the same requests; the rule that says more is kept.
fn merged(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    let mut by_gain = found;
    by_gain.sort_by(|a, b| b.gain.total_cmp(&a.gain).then(a.sets.cmp(&b.sets)));
    for cause in by_gain {
        match kept.iter_mut().find(|own| own.bits.jaccard(&cause.bits) > SAME) {
            Some(own) => {
                own.sets.extend(
                    cause
                        .sets
                        .iter()
                        .filter(|set| !own.sets.contains(*set))
                        .copied()
                        .collect::<Vec<_>>(),
                );
            }
            None => kept.push(cause),
        }
    }
    kept
}

/// A rule for requests that meet two known rules is no cause of its own: where both apply, other
/// places differ. Its set goes to the rarer of the two.
fn fold_meetings(found: &mut Vec<Found>, subject: &Subject<'_>) {
    let mut at = 0;
    while at < found.len() {
        let Some(into) = meeting(at, found, subject) else {
            at += 1;
            continue;
        };
        let folded = found.remove(at);
        let into = if into > at { into - 1 } else { into };
        for set in folded.sets {
            if !found[into].sets.contains(&set) {
                found[into].sets.push(set);
            }
        }
        at = 0;
    }
}

fn meeting(at: usize, found: &[Found], subject: &Subject<'_>) -> Option<usize> {
    let whole = &found[at];
    let overlaps = |other: &Found| {
        let theirs = other.sets.iter().map(|set| subject.spots(*set));
        let mut theirs = theirs.flat_map(|spots| spots.iter());
        theirs.any(|spot| whole.sets.iter().any(|set| subject.spots(*set).contains(spot)))
    };
    let wider = |other: &usize| {
        *other != at
            && found[*other].bits.count() > whole.bits.count()
            && found[*other].bits.shared(&whole.bits) * 20 >= whole.bits.count() * 19
            && overlaps(&found[*other])
    };
    let wider: Vec<usize> = (0..found.len()).filter(wider).collect();
    for (nth, one) in wider.iter().enumerate() {
        for two in &wider[nth + 1..] {
            let both = found[*one].bits.and(&found[*two].bits);
            if both.jaccard(&whole.bits) > SAME {
                let rarer = [*one, *two].into_iter().min_by_key(|at| found[*at].bits.count());
                return rarer;
            }
        }
    }
    None
}
