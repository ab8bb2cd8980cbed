//! Mismatching signatures that have one cause.
//!
//! Signatures of one endpoint whose counting places have one fingerprint are one group. Two
//! causes that meet in one request make a third set of places, the union of theirs; such a group
//! is no cause of its own: it joins the most frequent group it contains. At last groups of several
//! endpoints that show one change are one ([`everywhere`]).

mod everywhere;
mod fold;

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

/// Places, without classes, that differ in nearly every answer of an endpoint.
pub(crate) type Constant = BTreeSet<(EndpointId, Place)>;

/// Takes places that differ nearly always out of findings that have others too: what always
/// differs is a cause of its own and says nothing about what differs besides. Members that are
/// data are folded before.
pub(crate) fn part_from_constant(
    findings: &mut [Finding],
    compared: &BTreeMap<EndpointId, u64>,
) -> Constant {
    fold::fold_members(findings);
    let mut differed: BTreeMap<(EndpointId, Place), u64> = BTreeMap::new();
    for finding in findings.iter() {
        let distinct: BTreeSet<Place> = finding.residual.iter().map(bare).collect();
        for place in distinct {
            *differed.entry((finding.endpoint, place)).or_default() += finding.pairs;
        }
    }
    let constant: Constant = differed
        .into_iter()
        .filter(|((endpoint, _), differed)| {
            let all = compared.get(endpoint).copied().unwrap_or(0);
            all >= LEAST_COMPARED && *differed as f64 >= NEARLY_ALWAYS * all as f64
        })
        .map(|(place, _)| place)
        .collect();
    for finding in findings {
        let varies = |place: &&Place| !constant.contains(&(finding.endpoint, bare(place)));
        let others: Vec<Place> = finding.residual.iter().filter(varies).cloned().collect();
        if !others.is_empty() {
            finding.residual = others;
        }
    }
    constant
}

/// Without classes, as a fingerprint sees it.
fn bare(place: &Place) -> Place {
    let none = crate::ValueClass(String::new());
    let key = PlaceKey::of(place);
    let (path, kind) = (key.path.to_owned(), key.kind);
    Place { place: place.place, path, kind, left: none.clone(), right: none }
}

/// What is known beside the places.
pub(crate) struct Told<'a> {
    /// `METHOD template` of an endpoint.
    pub(crate) named: &'a dyn Fn(EndpointId) -> String,
    /// What the change at a place is, as samples of some signatures show it.
    pub(crate) way: &'a dyn Fn(&BTreeSet<i64>, &Place) -> Option<Way>,
}

/// What a change is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) text: String,
    /// It says the same in another form, whatever is said.
    pub(crate) is_form: bool,
}

/// Groups in the order of their fingerprints; every finding is in exactly one.
pub(crate) fn group(findings: &[Finding], constant: &Constant, told: &Told<'_>) -> Vec<Group> {
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
    let mut all = everywhere::join(join_unions(groups), constant, told);
    all.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    all
}

fn join_unions(groups: BTreeMap<String, Group>) -> Vec<Group> {
    let mut by_endpoint: BTreeMap<EndpointId, Vec<Group>> = BTreeMap::new();
    for group in groups.into_values() {
        by_endpoint.entry(group.endpoint).or_default().push(group);
    }
    by_endpoint.into_values().flat_map(join_at_endpoint).collect()
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
mod tests;
