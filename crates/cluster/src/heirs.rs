//! Who a cluster was before: ids outlive the fingerprints they were given for.
//!
//! A template learnt or pinned later, a cause put otherwise or two groups found to be one give a
//! cluster another fingerprint. It keeps the id, and with it everything people said of it, of the
//! cluster whose mismatches it has; others whose mismatches it has too are found through it.

use std::collections::{BTreeMap, BTreeSet};

/// Of a vanished cluster's pairs, those that the one that takes its place must have.
const MOST_OF: f64 = 0.5;

/// A cluster as it was published last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    pub id: i64,
    pub fingerprint: String,
    pub signatures: Vec<i64>,
}

/// A cluster as it is learnt now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now<'a> {
    pub fingerprint: &'a str,
    pub signatures: BTreeSet<i64>,
}

/// What becomes of ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heirs {
    /// By place among the clusters of now: the id that one with a new fingerprint keeps.
    pub kept: BTreeMap<usize, i64>,
    /// Ids whose mismatches are another cluster's now, with its place.
    pub gone: BTreeMap<i64, usize>,
}

/// `pairs` counts the mismatches of a signature.
#[must_use]
pub fn heirs(before: &[Before], now: &[Now<'_>], pairs: &dyn Fn(i64) -> u64) -> Heirs {
    let held: BTreeSet<&str> = before.iter().map(|one| one.fingerprint.as_str()).collect();
    let alive: BTreeSet<&str> = now.iter().map(|one| one.fingerprint).collect();
    let mut meetings: Vec<(u64, i64, usize)> = Vec::new();
    for old in before.iter().filter(|old| !alive.contains(old.fingerprint.as_str())) {
        let weigh = |signatures: &mut dyn Iterator<Item = i64>| -> u64 {
            signatures.map(|signature| pairs(signature).max(1)).sum()
        };
        let all = weigh(&mut old.signatures.iter().copied());
        for (at, new) in now.iter().enumerate() {
            let shared = old.signatures.iter().copied().filter(|s| new.signatures.contains(s));
            let shared = weigh(&mut shared.into_iter());
            if shared > 0 && shared as f64 >= MOST_OF * all as f64 {
                meetings.push((shared, old.id, at));
            }
        }
    }
    // The most pairs first; among equals the older id.
    meetings.sort_by_key(|(shared, id, at)| (std::cmp::Reverse(*shared), *id, *at));
    let mut heirs = Heirs::default();
    let mut placed = BTreeSet::new();
    for (_, id, at) in &meetings {
        let fresh = now.get(*at).is_some_and(|new| !held.contains(new.fingerprint));
        if fresh && !placed.contains(id) && !heirs.kept.contains_key(at) {
            heirs.kept.insert(*at, *id);
            placed.insert(*id);
        }
    }
    for (_, id, at) in meetings {
        if !placed.contains(&id) {
            heirs.gone.entry(id).or_insert(at);
        }
    }
    heirs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(id: i64, signatures: &[i64]) -> Before {
        Before { id, fingerprint: format!("old{id}"), signatures: signatures.to_vec() }
    }

    fn now<'a>(fingerprint: &'a str, signatures: &[i64]) -> Now<'a> {
        Now { fingerprint, signatures: signatures.iter().copied().collect() }
    }

    fn of(before: &[Before], now: &[Now<'_>]) -> Heirs {
        // Signature 9 stands for many pairs.
        heirs(before, now, &|signature| if signature == 9 { 100 } else { 1 })
    }

    #[test]
    fn what_has_its_fingerprint_is_left_alone() {
        let found =
            of(&[before(1, &[1]), before(2, &[2])], &[now("old1", &[1]), now("old2", &[2])]);
        assert_eq!(found, Heirs::default());
    }

    #[test]
    fn a_renamed_cluster_keeps_its_id() {
        let found =
            of(&[before(1, &[1, 2]), before(2, &[3])], &[now("old2", &[3]), now("x", &[1, 2, 4])]);
        assert_eq!(found, Heirs { kept: [(1, 1)].into(), gone: [].into() });
    }

    #[test]
    fn of_several_that_become_one_the_largest_gives_its_id() {
        let old = [before(1, &[1]), before(2, &[9]), before(3, &[3])];
        let found = of(&old, &[now("x", &[1, 3, 9])]);
        assert_eq!(found, Heirs { kept: [(0, 2)].into(), gone: [(1, 0), (3, 0)].into() });
    }

    #[test]
    fn one_that_falls_apart_goes_on_where_most_of_it_is() {
        let found = of(&[before(1, &[1, 2, 9])], &[now("x", &[1, 2]), now("y", &[9])]);
        assert_eq!(found, Heirs { kept: [(1, 1)].into(), gone: [].into() });
    }

    #[test]
    fn one_that_joins_a_known_cluster_is_found_there() {
        let found = of(&[before(1, &[1]), before(2, &[2])], &[now("old2", &[1, 2])]);
        assert_eq!(found, Heirs { kept: [].into(), gone: [(1, 0)].into() });
    }

    #[test]
    fn one_whose_mismatches_match_today_has_no_heir() {
        let found = of(&[before(1, &[1])], &[now("x", &[2])]);
        assert_eq!(found, Heirs::default());
    }
}
