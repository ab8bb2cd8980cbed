//! Which mismatches belong to which cause, and what a cause covers.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    cause::{Figures, Found, Subject},
    spot::is_alone,
};

/// Mismatches outside every rule, as a share of their set and in rows, that are a rest of their
/// own rather than what a rule leaves open.
const REST_SHARE: f64 = 0.1;
const REST_ROWS: u64 = 3;

impl Subject<'_> {
    /// Whether a mismatch of a set is one of a cause: the cause covers it and shows in it.
    pub(super) fn has(&self, cause: &Found, row: usize, set: usize) -> bool {
        let mut parts = cause.sets.iter();
        cause.bits.has(row)
            && parts.any(|own| *own == set || self.spots(*own).is_subset(self.spots(set)))
    }

    /// Gives each mismatch to every cause that has it: where two causes meet in one request, both
    /// do. What no rule covers goes to the set's main cause, unless it is much, or `taken`.
    pub(super) fn assign(&self, found: &mut [Found], taken: &BTreeSet<i64>) {
        let mut rest: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        let mut sizes: BTreeMap<usize, u64> = BTreeMap::new();
        for (row, seen) in self.rows.iter().enumerate() {
            let Some(set) = seen.set else { continue };
            if !taken.contains(&seen.id) {
                *sizes.entry(set).or_default() += 1;
            }
            let mut covered = taken.contains(&seen.id);
            for cause in found.iter_mut().filter(|cause| self.has(cause, row, set)) {
                cause.members.push(seen.id);
                covered = true;
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
