//! Members that are data: names of things as the keys of a map.
//!
//! What has the shape of an id is folded when a pair is compared; names show only over many
//! pairs: ever other members of one object differ, few at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::{EndpointId, Place, Where};

/// More distinct members than this differing in the same way are values.
const CLOSED_SET: usize = 12;
/// Of all of them, a map shows at most this share at a time; an object of another entity more.
const AT_A_TIME: f64 = 0.25;

/// What goes before a member, what comes behind it, and how it differs.
type Around = (EndpointId, String, String, diff::Kind);

pub(super) fn fold_members(findings: &mut [Finding]) {
    let mut members: BTreeMap<Around, (BTreeSet<String>, usize, usize)> = BTreeMap::new();
    for finding in findings.iter() {
        let mut here: BTreeMap<Around, usize> = BTreeMap::new();
        for place in finding.residual.iter().filter(|place| place.place == Where::Body) {
            for (around, name) in split(finding.endpoint, place) {
                members.entry(around.clone()).or_default().0.insert(name);
                *here.entry(around).or_default() += 1;
            }
        }
        for (around, count) in here {
            let seen = members.entry(around).or_default();
            seen.1 += count;
            seen.2 += 1;
        }
    }
    members.retain(|_, (names, sum, findings)| {
        let at_a_time = *sum as f64 / (*findings).max(1) as f64;
        names.len() > CLOSED_SET && at_a_time <= AT_A_TIME * names.len() as f64
    });
    if members.is_empty() {
        return;
    }
    for finding in findings {
        let endpoint = finding.endpoint;
        for place in finding.residual.iter_mut().filter(|place| place.place == Where::Body) {
            let open =
                split(endpoint, place).into_iter().find(|(around, _)| members.contains_key(around));
            if let Some(((_, before, behind, _), _)) = open {
                place.path = format!("{before}/*{behind}");
            }
        }
        finding.residual.sort_unstable();
        finding.residual.dedup();
    }
}

/// Every member on the way to a place.
fn split(endpoint: EndpointId, place: &Place) -> Vec<(Around, String)> {
    let mut found = Vec::new();
    for (at, _) in place.path.match_indices('/') {
        let (before, rest) = place.path.split_at(at);
        let rest = rest.get(1..).unwrap_or_default();
        let end = rest.find('/').unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if name != "*" && !name.is_empty() {
            found.push((
                (endpoint, before.to_owned(), behind.to_owned(), place.kind),
                name.to_owned(),
            ));
        }
    }
    found
}
