//! The distinct sets of places at one endpoint, and which set a stored row shows.

use std::collections::BTreeMap;

use super::Differing;
use crate::explain::{
    book::Book,
    reasons,
    spot::{Restated, Spot, Spots, is_alone, spots_of},
};

/// Places that differ together.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) spots: Spots,
    pub(super) restated: Restated,
    /// The fingerprint of its group.
    pub(super) group: String,
}

#[derive(Debug, Default)]
pub(super) struct Sets {
    sets: Vec<Set>,
    of_signature: BTreeMap<i64, usize>,
    /// Of rows that are refusals for one of several reasons.
    of_row: BTreeMap<i64, usize>,
}

impl Sets {
    pub(super) fn new(differing: &[&Differing<'_>]) -> Self {
        let mut sets = Self::default();
        let mut places: BTreeMap<Spots, usize> = BTreeMap::new();
        for one in differing {
            let spots = spots_of(one.residual);
            let at = *places.entry(spots).or_insert_with_key(|spots| {
                let (spots, group) = (spots.clone(), one.group.to_owned());
                sets.sets.push(Set { spots, restated: Restated::default(), group });
                sets.sets.len() - 1
            });
            if let Some(set) = sets.sets.get_mut(at) {
                set.restated.add(one.residual);
            }
            sets.of_signature.insert(one.signature, at);
        }
        sets
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Set> {
        self.sets.iter()
    }

    pub(super) fn get(&self, set: usize) -> Option<&Set> {
        self.sets.get(set)
    }

    pub(super) fn of(&self, row: i64, signature: i64) -> Option<usize> {
        self.of_row.get(&row).or_else(|| self.of_signature.get(&signature)).copied()
    }

    /// Makes a set for each reason for which the primary refuses, of the same places.
    pub(super) fn tell_reasons_apart(&mut self, book: &Book, rows: &[i64]) {
        let mut refused: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        for id in rows {
            let Some(set) = book.kept(*id).and_then(|kept| self.of(*id, kept.signature)) else {
                continue;
            };
            if self.sets.get(set).is_some_and(|set| is_alone(&set.spots)) {
                refused.entry(set).or_default().push(*id);
            }
        }
        for (set, rows) in refused {
            for own in reasons::apart(book, &rows) {
                let Some(same) = self.sets.get(set).cloned() else { continue };
                self.of_row.extend(own.into_iter().map(|row| (row, self.sets.len())));
                self.sets.push(same);
            }
        }
    }

    pub(super) fn spots(&self, set: usize) -> Vec<Spot> {
        self.sets.get(set).map(|set| set.spots.iter().cloned().collect()).unwrap_or_default()
    }

    /// The key of what no cause explains: the group's own, if no cause has that.
    pub(super) fn rest(&self, set: usize, keys: &[String]) -> String {
        let base = self.sets.get(set).map_or("", |set| set.group.as_str());
        if keys.iter().any(|key| key == base) { format!("{base}#rest") } else { base.to_owned() }
    }
}
