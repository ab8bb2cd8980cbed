//! Which clusters only follow from others: what was made wrongly is asked for again.
//!
//! A cluster follows from one of a request that writes, at another endpoint, where most of its
//! requests name things of mismatches that came before there, and the requests beside them that
//! match hardly ever do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    EndpointId,
    explain::{Book, is_id_name},
};

/// Stored mismatches from which a cluster is judged, and the share that must name such things: not
/// all that came before was copied, or is kept.
const LEAST: usize = 5;
const MOST: f64 = 0.6;
/// Matching requests beside them must do so so many times more seldom.
const SELDOMER: f64 = 4.5;
/// How much more often mismatches must name things of an origin than matching requests do.
const LIFT: f64 = 2.0;

/// What is looked at of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) endpoint: EndpointId,
    pub(super) signatures: BTreeSet<i64>,
    /// Its requests change something.
    pub(super) writes: bool,
}

/// When a thing was named first in the mismatches of a cluster.
type Named<'a> = HashMap<&'a str, i64>;

/// Of each cluster, the place of the one that it follows from.
pub(super) fn origins(
    clusters: &[Judged],
    book: &Book,
    home: &dyn Fn(EndpointId) -> EndpointId,
) -> Vec<Option<usize>> {
    let mut origins = vec![None; clusters.len()];
    if !clusters.iter().any(|cluster| cluster.writes) {
        return origins;
    }
    let mut rows: BTreeMap<EndpointId, Vec<Asked>> = BTreeMap::new();
    for asked in asked(book) {
        rows.entry(home(asked.endpoint)).or_default().push(asked);
    }
    let at = |cluster: &Judged| rows.get(&cluster.endpoint).map_or(&[][..], Vec::as_slice);
    let own = |cluster: &Judged| {
        let signatures = cluster.signatures.clone();
        at(cluster).iter().filter(move |asked| signatures.contains(&asked.signature))
    };
    let made: Vec<Option<Named<'_>>> = clusters
        .iter()
        .map(|cluster| {
            cluster.writes.then(|| {
                let mut named = Named::new();
                for asked in own(cluster) {
                    for id in &asked.ids {
                        let first = named.entry(id.as_str()).or_insert(asked.at);
                        *first = (*first).min(asked.at);
                    }
                }
                named
            })
        })
        .collect();
    for (slot, cluster) in origins.iter_mut().zip(clusters) {
        let all: Vec<&Asked> = own(cluster).collect();
        if all.len() < LEAST {
            continue;
        }
        let beside: Vec<&Asked> = at(cluster)
            .iter()
            .filter(|asked| !clusters.iter().any(|c| c.signatures.contains(&asked.signature)))
            .collect();
        let named = |asked: &&&Asked, made: &Named<'_>| {
            let before = |id: &String| made.get(id.as_str()).is_some_and(|at| *at < asked.at);
            asked.ids.iter().any(before)
        };
        let share = |of: &[&Asked], made: &Named<'_>| {
            of.iter().filter(|asked| named(asked, made)).count() as f64 / of.len().max(1) as f64
        };
        let elsewhere = made.iter().enumerate().filter_map(|(origin, made)| {
            let made = made.as_ref()?;
            (clusters.get(origin)?.endpoint != cluster.endpoint).then_some((origin, made))
        });
        // What is named as often where nothing differs is beside the point.
        let tells =
            |(_, made): &(usize, &Named<'_>)| share(&all, made) > LIFT * share(&beside, made);
        let elsewhere: Vec<(usize, &Named<'_>)> = elsewhere.filter(tells).collect();
        // Several rules at the origin show in one total: it follows from the one it meets most.
        let by_any = |of: &[&Asked]| {
            let met = |asked: &&&Asked| elsewhere.iter().any(|(_, made)| named(asked, made));
            of.iter().filter(met).count() as f64 / of.len().max(1) as f64
        };
        if by_any(&all) >= MOST && by_any(&beside) * SELDOMER <= by_any(&all) {
            let shares = elsewhere.iter().map(|(origin, made)| (share(&all, made), *origin));
            let best = shares.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            *slot = best.map(|(_, origin)| origin);
        }
    }
    origins
}

/// A stored row with the ids that stand in it.
#[derive(Debug)]
struct Asked {
    endpoint: EndpointId,
    signature: i64,
    at: i64,
    ids: Vec<String>,
}

fn asked(book: &Book) -> Vec<Asked> {
    let is_id = |field: &str| {
        field.starts_with("request.path.")
            || (["request.query.", "request.body.", "response.body."]
                .iter()
                .any(|place| field.starts_with(place))
                && is_id_name(field.rsplit('.').next().unwrap_or_default()))
    };
    book.ids_where(&is_id)
        .map(|(endpoint, signature, at, ids)| Asked { endpoint, signature, at, ids })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Aside, Row, RowSeen, Scalar};

    fn book(rows: &[(i64, i64, i64, String)]) -> Book {
        let mut book = Book::default();
        for (id, (endpoint, signature, at, thing)) in rows.iter().enumerate() {
            let mut cells = Aside { at: *at, ..Aside::default() }.cells();
            let field = if *endpoint == 1 { "response.body.id" } else { "request.path.id" };
            cells.push((field.into(), Scalar::Text(thing.clone())));
            book.add(RowSeen {
                id: id as i64,
                endpoint: EndpointId(*endpoint),
                version: "v".into(),
                signature: *signature,
                near: false,
                minute: 0,
                row: Row { cells },
            });
        }
        book
    }

    #[test]
    fn what_was_made_wrongly_is_asked_for_again() {
        let judged = |endpoint: i64, signature: i64| Judged {
            endpoint: EndpointId(endpoint),
            signatures: [signature].into(),
            writes: endpoint == 1,
        };
        // Things 0 to 9 are made wrongly (10), the others rightly (11); all are read after it.
        let made = (0..40).map(|n| (1, if n < 10 { 10 } else { 11 }, n, format!("T-{n}")));
        let read = |wrong: fn(i64) -> bool| {
            (0..40).map(move |n| (2, if wrong(n) { 20 } else { 21 }, n + 100, format!("T-{n}")))
        };
        let clusters = [judged(1, 10), judged(2, 20)];
        let told = |wrong: fn(i64) -> bool| {
            let rows: Vec<_> = made.clone().chain(read(wrong)).collect();
            origins(&clusters, &book(&rows), &|endpoint| endpoint)
        };
        assert_eq!(told(|n| n < 10), [None, Some(0)]);
        assert_eq!(told(|n| n % 2 == 0), [None, None], "a rule of its own");
        assert_eq!(told(|n| n < 4), [None, None], "too few");
    }
}
