//! Mismatching signatures that have one cause.
//!
//! Signatures of one endpoint whose counting places have one fingerprint are one group. Two
//! causes that meet in one request make a third set of places, the union of theirs; such a group
//! is no cause of its own: it joins the most frequent group it contains.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    EndpointId, Place, fingerprint,
    signature::{PlaceKey, fingerprint_keys},
};

/// A mismatching signature under today's model.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) signature: i64,
    pub(crate) endpoint: EndpointId,
    pub(crate) residual: Vec<Place>,
    pub(crate) pairs: u64,
    pub(crate) first_minute: i64,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) fingerprint: String,
    pub(crate) endpoint: EndpointId,
    /// Counting places of the most frequent signature of the fingerprint.
    pub(crate) places: Vec<Place>,
    /// Pairs of the group's own signatures, joined unions not included.
    pub(crate) pairs: u64,
    pub(crate) first_minute: i64,
    /// Every signature that belongs to the cluster.
    pub(crate) signatures: BTreeSet<i64>,
    most: u64,
}

/// Differing in this share of all pairs of an endpoint, a place differs whatever else does.
const NEARLY_ALWAYS: f64 = 0.9;
/// Pairs from which that can be said.
const LEAST_COMPARED: u64 = 20;

/// Takes places that differ nearly always out of findings that have others too: what always
/// differs is a cause of its own and says nothing about what differs besides.
pub(crate) fn part_from_constant(findings: &mut [Finding], compared: &BTreeMap<EndpointId, u64>) {
    let mut differed: BTreeMap<(EndpointId, Place), u64> = BTreeMap::new();
    for finding in findings.iter() {
        let distinct: BTreeSet<Place> = finding.residual.iter().map(bare).collect();
        for place in distinct {
            *differed.entry((finding.endpoint, place)).or_default() += finding.pairs;
        }
    }
    for finding in findings {
        let all = compared.get(&finding.endpoint).copied().unwrap_or(0);
        let varies = |place: &&Place| {
            let seen = differed.get(&(finding.endpoint, bare(place))).copied();
            (seen.unwrap_or(0) as f64) < NEARLY_ALWAYS * all as f64
        };
        let others: Vec<Place> = finding.residual.iter().filter(varies).cloned().collect();
        if all >= LEAST_COMPARED && !others.is_empty() {
            finding.residual = others;
        }
    }
}

/// Without classes, as a fingerprint sees it.
fn bare(place: &Place) -> Place {
    let none = crate::ValueClass(String::new());
    let key = PlaceKey::of(place);
    let (path, kind) = (key.path.to_owned(), key.kind);
    Place { place: place.place, path, kind, left: none.clone(), right: none }
}

/// Groups in the order of their fingerprints; every finding is in exactly one.
pub(crate) fn group(findings: &[Finding]) -> Vec<Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for finding in findings {
        let key = fingerprint(finding.endpoint, &finding.residual);
        let group = groups.entry(key.clone()).or_insert_with(|| Group {
            fingerprint: key,
            endpoint: finding.endpoint,
            places: finding.residual.clone(),
            pairs: 0,
            first_minute: finding.first_minute,
            signatures: BTreeSet::new(),
            most: 0,
        });
        group.pairs += finding.pairs;
        group.first_minute = group.first_minute.min(finding.first_minute);
        group.signatures.insert(finding.signature);
        if finding.pairs > group.most {
            group.most = finding.pairs;
            group.places.clone_from(&finding.residual);
        }
    }
    join_unions(groups)
}

fn join_unions(groups: BTreeMap<String, Group>) -> Vec<Group> {
    let mut by_endpoint: BTreeMap<EndpointId, Vec<Group>> = BTreeMap::new();
    for group in groups.into_values() {
        by_endpoint.entry(group.endpoint).or_default().push(group);
    }
    let mut all: Vec<Group> = by_endpoint.into_values().flat_map(join_at_endpoint).collect();
    all.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    all
}

fn join_at_endpoint(groups: Vec<Group>) -> Vec<Group> {
    let joins: Vec<Option<usize>> = {
        let keys: Vec<BTreeSet<_>> =
            groups.iter().map(|g| fingerprint_keys(&g.places).into_iter().collect()).collect();
        (0..groups.len()).map(|at| joined_by(at, &keys, &groups)).collect()
    };
    let (mut kept, mut joined) = (BTreeMap::new(), Vec::new());
    for (at, (group, join)) in groups.into_iter().zip(joins).enumerate() {
        match join {
            Some(into) => joined.push((into, group)),
            None => {
                kept.insert(at, group);
            }
        }
    }
    for (into, group) in joined {
        if let Some(target) = kept.get_mut(&into) {
            target.signatures.extend(group.signatures);
            target.first_minute = target.first_minute.min(group.first_minute);
        }
    }
    kept.into_values().collect()
}

/// The group that `at` joins: `at` must be the union of others that are each at least as
/// frequent (two independent causes meet more seldom than either occurs). Among those that it
/// contains, the one it joins is never itself such a union: it is a smallest set.
fn joined_by(at: usize, keys: &[BTreeSet<PlaceKey<'_>>], groups: &[Group]) -> Option<usize> {
    let whole = keys.get(at)?;
    let parts = || {
        (0..groups.len()).filter(move |part| {
            *part != at
                && keys[*part].len() < whole.len()
                && keys[*part].is_subset(whole)
                && groups[*part].pairs >= groups[at].pairs
        })
    };
    let covered: BTreeSet<_> = parts().flat_map(|part| keys[part].iter().copied()).collect();
    if covered.len() < whole.len() {
        return None;
    }
    let bases = parts().filter(|part| joined_by(*part, keys, groups).is_none());
    bases.max_by_key(|part| (groups[*part].pairs, std::cmp::Reverse(*part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ValueClass, Where};
    use diff::Kind;

    fn finding(signature: i64, paths: &[&str], pairs: u64) -> Finding {
        let class = ValueClass::named("word");
        let place = |path: &&str| Place {
            place: Where::Body,
            path: (*path).to_owned(),
            kind: Kind::ValueChanged,
            left: class.clone(),
            right: class.clone(),
        };
        let residual = paths.iter().map(place).collect();
        Finding { signature, endpoint: EndpointId(7), residual, pairs, first_minute: 5 }
    }

    fn sets(findings: &[Finding]) -> BTreeSet<Vec<i64>> {
        group(findings).into_iter().map(|g| g.signatures.into_iter().collect()).collect()
    }

    #[test]
    fn two_causes_in_one_request_are_no_third_cluster() {
        let findings =
            [finding(1, &["/a"], 90), finding(2, &["/b"], 40), finding(3, &["/a", "/b"], 7)];
        assert_eq!(sets(&findings), [vec![1, 3], vec![2]].into());
    }

    #[test]
    fn three_causes_join_the_most_frequent_single_one() {
        let findings = [
            finding(1, &["/a"], 90),
            finding(2, &["/b"], 40),
            finding(3, &["/c"], 30),
            finding(4, &["/b", "/c"], 8),
            finding(5, &["/a", "/b", "/c"], 2),
        ];
        assert_eq!(sets(&findings), [vec![1, 5], vec![2, 4], vec![3]].into());
    }

    #[test]
    fn a_set_with_a_place_of_its_own_stays() {
        let findings = [finding(1, &["/a"], 90), finding(2, &["/a", "/b"], 7)];
        assert_eq!(sets(&findings), [vec![1], vec![2]].into());
    }

    #[test]
    fn a_frequent_set_is_no_meeting_of_rare_ones() {
        let findings =
            [finding(1, &["/a"], 3), finding(2, &["/b"], 2), finding(3, &["/a", "/b"], 900)];
        assert_eq!(sets(&findings).len(), 3);
    }

    #[test]
    fn what_always_differs_is_parted_from_what_differs_besides() {
        let mut findings =
            [finding(1, &["/seq"], 90), finding(2, &["/seq", "/a"], 6), finding(3, &["/a"], 2)];
        part_from_constant(&mut findings, &[(EndpointId(7), 100)].into());
        assert_eq!(sets(&findings), [vec![1], vec![2, 3]].into());
        let mut few = [finding(1, &["/seq"], 9), finding(2, &["/seq", "/a"], 1)];
        part_from_constant(&mut few, &[(EndpointId(7), 10)].into());
        assert_eq!(few[1].residual.len(), 2);
    }

    #[test]
    fn other_endpoints_do_not_mix() {
        let mut elsewhere = finding(3, &["/a", "/b"], 7);
        elsewhere.endpoint = EndpointId(8);
        let findings = [finding(1, &["/a"], 90), finding(2, &["/b"], 40), elsewhere];
        assert_eq!(sets(&findings).len(), 3);
    }

    #[test]
    fn variants_of_one_set_are_one_group() {
        let mut variant = finding(2, &["/a"], 5);
        variant.residual[0].right = ValueClass::named("empty");
        variant.first_minute = 3;
        let groups = group(&[finding(1, &["/a"], 90), variant]);
        assert_eq!((groups.len(), groups[0].pairs, groups[0].first_minute), (1, 95, 3));
    }
}
