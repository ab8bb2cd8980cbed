//! What a person accepted stays what it was when he did.
//!
//! A cluster is accepted under its condition. Rules are put anew as rows come in, and what no rule
//! covers is counted with the nearest: neither may widen an acceptance. Of an accepted cluster only
//! what meets the accepted condition belongs to it; what differs in the same way outside is a
//! cluster of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    assemble::{Explained, Rows, Share},
    cause::Cause,
    spot::spots_of,
    term::Term,
};
use crate::{doc::DocTerm, group::Finding};

/// A cluster that was accepted under a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The fingerprint of the cluster.
    pub key: String,
    /// All must hold.
    pub terms: Vec<DocTerm>,
}

/// The key of what differs like an accepted cluster outside of its condition.
fn outside(key: &str) -> String {
    format!("{key}#outside")
}

/// `explained` with accepted causes under the conditions they were accepted with, and their
/// mismatches parted by these.
pub(crate) fn held(explained: &[Explained], findings: &[Finding], rows: &Rows) -> Vec<Explained> {
    let mut held = explained.to_vec();
    for accepted in &rows.accepted {
        let terms = accepted.terms.iter().map(Term::read).collect::<Option<Vec<Term>>>();
        let Some(terms) = terms.filter(|terms| !terms.is_empty()) else { continue };
        for explained in &mut held {
            let Some(at) = explained.causes.iter().position(|cause| cause.key == accepted.key)
            else {
                continue;
            };
            let cause = &mut explained.causes[at];
            if cause.terms != accepted.terms {
                cause.terms.clone_from(&accepted.terms);
                cause.notes.clear();
            }
            let cause = cause.clone();
            share_fresh(explained, &cause, findings);
            part(explained, &accepted.key, &terms, rows);
        }
    }
    held
}

/// Signatures that came since it was explained and go to the cause by their places alone.
fn share_fresh(explained: &mut Explained, cause: &Cause, findings: &[Finding]) {
    let known: BTreeSet<i64> = explained.shares.iter().map(|share| share.signature).collect();
    let fresh = findings.iter().filter(|finding| {
        let spots = spots_of(&finding.residual);
        finding.endpoint == explained.endpoint
            && !known.contains(&finding.signature)
            && cause.sets.iter().any(|set| set.iter().eq(spots.iter()))
    });
    let fresh = fresh.map(|finding| Share {
        signature: finding.signature,
        key: cause.key.clone(),
        rows: 1,
        of: 1,
    });
    explained.shares.extend(fresh);
}

/// Takes out of each of the cluster's signatures what does not meet the terms, by stored rows.
fn part(explained: &mut Explained, key: &str, terms: &[Term], rows: &Rows) {
    let own = explained.shares.iter().filter(|share| share.key == key);
    let counts: BTreeMap<i64, (u64, u64)> = own
        .map(|share| share.signature)
        .map(|signature| (signature, counted(signature, &explained.version, terms, rows)))
        .collect();
    let mut parted = Vec::new();
    for (signature, (inside, all)) in counts {
        if all == 0 {
            continue;
        }
        let mut elsewhere = 0;
        for share in explained.shares.iter_mut().filter(|share| share.signature == signature) {
            if share.key == key {
                share.rows = inside;
            } else {
                // As large a part of today's rows as of those it was found in.
                share.rows = share.rows * all / share.of.max(1);
                elsewhere += share.rows;
            }
            share.of = all;
        }
        let left = all.saturating_sub(inside).saturating_sub(elsewhere);
        if left > 0 {
            parted.push(Share { signature, key: outside(key), rows: left, of: all });
        }
    }
    explained.shares.retain(|share| share.rows > 0);
    explained.shares.extend(parted);
}

/// Stored rows of a signature that meet the terms, and all.
fn counted(signature: i64, version: &str, terms: &[Term], rows: &Rows) -> (u64, u64) {
    let own = rows
        .book
        .each()
        .filter(|(_, kept)| kept.signature == signature && *kept.version == *version);
    let (mut inside, mut all) = (0, 0);
    for (id, _) in own {
        let row = rows.book.row(id).unwrap_or_default();
        inside += u64::from(terms.iter().all(|term| term.holds(&row)));
        all += 1;
    }
    (inside, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        EndpointId, Place, ValueClass, Where,
        explain::{Figures, Row, RowSeen, Scalar},
    };

    const AT: EndpointId = EndpointId(7);

    fn place() -> Place {
        let class = ValueClass::named("word");
        let kind = diff::Kind::ValueChanged;
        Place { place: Where::Body, path: "/state".into(), kind, left: class.clone(), right: class }
    }

    fn above(limit: u64) -> Vec<DocTerm> {
        let (field, op) = ("request.body.amount".to_owned(), ">".to_owned());
        vec![DocTerm { field, op, value: limit.into() }]
    }

    /// One cause that took in everything: twenty rows with amounts from 0 to 190.
    fn world(accepted: Vec<Accepted>) -> (Vec<Explained>, Vec<Finding>, Rows) {
        let mut rows = Rows { accepted, ..Rows::default() };
        for id in 0..20 {
            let cells = vec![("request.body.amount".to_owned(), Scalar::Number((id * 10) as f64))];
            let (endpoint, version) = (AT, "v2".to_owned());
            let row = Row { cells };
            let (signature, minute, near) = (1, 0, false);
            rows.book.add(RowSeen { id, endpoint, version, signature, minute, near, row });
        }
        let finding = |signature| Finding {
            signature,
            endpoint: AT,
            residual: vec![place()],
            pairs: 20,
            first_minute: 0,
        };
        let cause = Cause {
            key: "k".into(),
            endpoint: AT,
            version: "v2".into(),
            sets: vec![spots_of(&[place()]).into_iter().collect()],
            terms: above(55),
            notes: Vec::new(),
            figures: Figures::default(),
            kind: Default::default(),
            entities: Vec::new(),
            since: None,
            primary_version: None,
            word: None,
        };
        let explained = Explained {
            endpoint: AT,
            version: "v2".into(),
            rows: 40,
            mismatches: 20,
            basis: 0,
            faulty: 0,
            causes: vec![cause],
            shares: vec![Share { signature: 1, key: "k".into(), rows: 20, of: 20 }],
        };
        (vec![explained], vec![finding(1)], rows)
    }

    fn shares(explained: &[Explained]) -> Vec<(i64, &str, u64, u64)> {
        let all = explained.iter().flat_map(|one| &one.shares);
        all.map(|one| (one.signature, one.key.as_str(), one.rows, one.of)).collect()
    }

    #[test]
    fn what_is_outside_of_the_accepted_condition_is_another_cluster() {
        let accepted = Accepted { key: "k".into(), terms: above(50) };
        let (explained, findings, rows) = world(vec![accepted]);
        let held = held(&explained, &findings, &rows);
        assert_eq!(shares(&held), [(1, "k", 14, 20), (1, "k#outside", 6, 20)]);
        assert_eq!(held[0].causes[0].terms, above(50), "the condition is the accepted one");
    }

    #[test]
    fn signatures_that_came_since_are_parted_too_and_others_stay() {
        let accepted = Accepted { key: "k".into(), terms: above(50) };
        let (mut explained, mut findings, rows) = world(vec![accepted]);
        explained[0].shares.clear();
        let other = Finding { signature: 2, residual: Vec::new(), ..findings[0].clone() };
        findings.push(other);
        let held = held(&explained, &findings, &rows);
        assert_eq!(shares(&held), [(1, "k", 14, 20), (1, "k#outside", 6, 20)]);
    }

    #[test]
    fn without_an_acceptance_everything_stays() {
        let (explained, findings, rows) = world(Vec::new());
        assert_eq!(held(&explained, &findings, &rows), explained);
    }
}
