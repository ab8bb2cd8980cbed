//! Which mismatches belong to which cause, and what a cause covers.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    cause::{Figures, Found, Subject},
    rivals::Rivals,
    spot::{Spots, is_alone},
};

/// Mismatches outside every rule, as a share of their set and in rows, that are a rest of their
/// own rather than what a rule leaves open.
const REST_SHARE: f64 = 0.1;
const REST_ROWS: usize = 3;

/// Mismatches of one set that no rule covers, or only in part.
#[derive(Debug, Default)]
struct Rest {
    /// All mismatches of the set.
    size: u64,
    /// Each with the cause that is the closest.
    rows: Vec<(i64, usize)>,
}

impl Subject<'_> {
    /// Whether a mismatch of a set is one of a cause: the cause covers it and shows in it.
    pub(super) fn has(&self, cause: &Found, row: usize, set: usize) -> bool {
        let mut parts = cause.sets.iter();
        cause.bits.has(row)
            && parts.any(|own| *own == set || self.spots(*own).is_subset(self.spots(set)))
    }

    /// Gives each mismatch to every cause that has it: where two causes meet in one request, both
    /// do, unless they decide the same place (see [`Rivals`]). What no rule covers, or only some
    /// places of, goes to the cause of these places that is the closest, unless it is much, or
    /// `taken`.
    pub(super) fn assign(&self, found: &mut [Found], taken: &BTreeSet<i64>) {
        let owners = self.rows.iter().enumerate().map(|(row, seen)| {
            let Some(set) = seen.set else { return Vec::new() };
            (0..found.len()).filter(|cause| self.has(&found[*cause], row, set)).collect()
        });
        let owners: Vec<Vec<usize>> = owners.collect();
        let rivals = Rivals::of(self, found, &owners);
        let mut members: Vec<Vec<i64>> = vec![Vec::new(); found.len()];
        let mut rest: BTreeMap<usize, Rest> = BTreeMap::new();
        for (row, (seen, owners)) in self.rows.iter().zip(&owners).enumerate() {
            let Some(set) = seen.set.filter(|_| !taken.contains(&seen.id)) else { continue };
            let settled = rivals.settle(self, found, (row, owners));
            let mut open: Spots = self.spots(set).clone();
            for cause in &settled {
                members[*cause].push(seen.id);
                let parts = found[*cause].sets.iter().map(|own| self.spots(*own));
                parts.for_each(|part| open.retain(|spot| !part.contains(spot)));
            }
            let rest = rest.entry(set).or_default();
            rest.size += 1;
            // What nothing covers is of a cause of just these places.
            let of_these = |cause: &usize| {
                let mut parts = found[*cause].sets.iter();
                parts.any(|own| match settled.is_empty() {
                    true => *own == set,
                    false => self.spots(*own).is_subset(&open),
                })
            };
            let near: Vec<usize> = (0..found.len()).filter(of_these).collect();
            if let Some(closest) = rivals.closest(self, found, (row, &near)) {
                rest.rows.push((seen.id, closest));
            }
        }
        for rest in rest.into_values() {
            let much = rest.rows.len() as f64 > REST_SHARE * rest.size as f64
                && rest.rows.len() >= REST_ROWS;
            for (id, closest) in rest.rows.into_iter().filter(|_| !much) {
                members[closest].push(id);
            }
        }
        for (cause, mut members) in found.iter_mut().zip(members) {
            members.sort_unstable();
            cause.members = members;
        }
    }

    /// Stored rows before a cause, from its beginning on where it has one.
    pub(super) fn figures(&self, cause: &Found) -> Figures {
        let mut figures = Figures::default();
        let (mut hit, mut spared, mut missed) = (0.0, 0.0, 0.0);
        for (row, seen) in self.rows.iter().enumerate() {
            if cause.since.is_some_and(|since| self.at(seen) < since) {
                continue;
            }
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
        let own: BTreeSet<i64> = cause.members.iter().copied().collect();
        if !own.is_empty() {
            let of_others = self.rows.iter().enumerate().filter(|(row, seen)| {
                !cause.bits.has(*row)
                    && cause.since.is_none_or(|since| self.at(seen) >= since)
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
