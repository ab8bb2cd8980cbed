//! Mismatches that hang on things, not on rules: rows of a database that are missing or old.
//!
//! Such things differ whenever they are asked for, in whatever session, and have nothing else in
//! common. They are told by repetition: if requests differed at random, the same thing would
//! differ at one time and match at another.

use std::collections::{BTreeMap, BTreeSet};

use super::entities::{BOUND, Entities, Role};

/// Bits that repetition must give, before anything is called a fault of data.
const ENOUGH: f64 = 15.0;
/// Mismatches left by rules, as a share of all rows, that faulty things may be.
const MOST_REST: f64 = 0.5;
/// Mismatches of one thing among all rows about it.
const ALWAYS: f64 = 0.8;

/// What no rule explains and things do.
#[derive(Debug, Default)]
pub(super) struct Faulty {
    /// Rows, by their place in the table.
    pub(super) rows: BTreeSet<usize>,
    /// Ids of what is missing or old, each once.
    pub(super) ids: BTreeSet<String>,
}

/// Of the mismatches `left` by all rules, those that hang on things; `matching` are rows that do
/// not differ, and `known` are things that are at fault at other endpoints.
pub(super) fn faulty(
    entities: &Entities,
    left: &BTreeSet<usize>,
    matching: &[usize],
    known: &BTreeSet<String>,
) -> Faulty {
    let rest = left.len() as f64 / (left.len() + matching.len()).max(1) as f64;
    // Where most requests differ there is no telling faulty things from what is always so.
    if rest > MOST_REST {
        return Faulty::default();
    }
    let bits_each = -rest.max(1e-6).log2();
    let mut blamed: BTreeMap<usize, Vec<(usize, u32, u64)>> = BTreeMap::new();
    let mut evidence = 0.0;
    for (at, role) in entities.roles.iter().enumerate() {
        let bad = Bad::of(role, entities, left, matching);
        evidence += bad.repeats as f64 * bits_each;
        evidence += met_again(role, &bad, left, matching, known);
        for row in left {
            let own = role.ids_of(*row).iter().filter_map(|id| Some((*id, *bad.rows.get(id)?)));
            let own: Vec<(usize, u32, u64)> = own.map(|(id, rows)| (at, id, rows)).collect();
            if !own.is_empty() {
                blamed.entry(*row).or_default().extend(own);
            }
        }
    }
    // What differs nearly always and hangs on things is little of what is left: a chance.
    if evidence < ENOUGH || (blamed.len() as f64) < BOUND * left.len() as f64 * 0.5 {
        return Faulty::default();
    }
    let mut faulty = Faulty::default();
    for (row, own) in blamed {
        faulty.rows.insert(row);
        faulty.ids.extend(culprits(&own, entities));
    }
    faulty
}

/// Mismatches about things that are `known` to be at fault at other endpoints and differ here, too,
/// whenever they are asked for.
pub(super) fn met(
    entities: &Entities,
    differing: &BTreeSet<usize>,
    matching: &[usize],
    known: &BTreeSet<String>,
) -> BTreeSet<usize> {
    if known.is_empty() {
        return BTreeSet::new();
    }
    let of_role = |role: &Role| -> BTreeSet<usize> {
        let bad = Bad::of(role, entities, differing, matching);
        let is_known = |id: &u32| {
            bad.rows.contains_key(id)
                && role.names.get(*id as usize).is_some_and(|name| known.contains(name))
        };
        let own = |row: &&usize| role.ids_of(**row).iter().any(is_known);
        differing.iter().filter(own).copied().collect()
    };
    entities.roles.iter().flat_map(of_role).collect()
}

/// Bits of meeting things here that are at fault elsewhere, more often among mismatches than
/// among all rows.
fn met_again(
    role: &Role,
    bad: &Bad,
    left: &BTreeSet<usize>,
    matching: &[usize],
    known: &BTreeSet<String>,
) -> f64 {
    let names = |row: usize, among: &dyn Fn(u32) -> bool| {
        role.ids_of(row).iter().any(|id| {
            among(*id) && role.names.get(*id as usize).is_some_and(|name| known.contains(name))
        })
    };
    let here = left.iter().filter(|row| names(**row, &|id| bad.rows.contains_key(&id))).count();
    let fine = matching.iter().filter(|row| names(**row, &|_| true)).count();
    if here == 0 {
        return 0.0;
    }
    let all = (left.len() + matching.len()) as f64;
    let lift = (here as f64 / left.len() as f64) / ((here + fine) as f64 / all);
    here as f64 * lift.log2().max(0.0)
}

/// Of the things one mismatch is about, those at fault: all of one list; of several roles the
/// one that was seen to differ more often, if there is one.
fn culprits(own: &[(usize, u32, u64)], entities: &Entities) -> Vec<String> {
    let name = |(role, id, _): &(usize, u32, u64)| {
        entities.roles.get(*role).and_then(|role| role.names.get(*id as usize)).cloned()
    };
    let roles: BTreeSet<usize> = own.iter().map(|(role, ..)| *role).collect();
    let names: BTreeSet<String> = own.iter().filter_map(name).collect();
    if roles.len() == 1 || names.len() == 1 {
        return names.into_iter().collect();
    }
    let most = own.iter().map(|(.., rows)| *rows).max().unwrap_or(0);
    let mut first = own.iter().filter(|(.., rows)| *rows == most);
    match (first.next(), first.next()) {
        (Some(one), None) => name(one).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Ids of one role that differ whenever they are asked for.
struct Bad {
    /// With how often each was seen to differ.
    rows: BTreeMap<u32, u64>,
    /// Sessions in which they differed, beyond the first of each.
    repeats: usize,
}

impl Bad {
    fn of(role: &Role, entities: &Entities, left: &BTreeSet<usize>, matching: &[usize]) -> Self {
        let differing = role.seen(left.iter().copied(), &entities.sessions);
        let fine = role.seen(matching.iter().copied(), &entities.sessions);
        let always = |id: &u32| {
            let (p, n) = (differing.rows_of(*id) as f64, fine.rows_of(*id) as f64);
            p / (p + n) >= ALWAYS
        };
        let ids: BTreeSet<u32> = differing.ids.iter().copied().filter(always).collect();
        let own =
            left.iter().copied().filter(|row| role.ids_of(*row).iter().any(|id| ids.contains(id)));
        let mut asked: BTreeSet<(u32, i64)> = BTreeSet::new();
        for row in own {
            let session = entities.sessions.get(row).copied().unwrap_or(0);
            let here = role.ids_of(row).iter().filter(|id| ids.contains(id));
            asked.extend(here.map(|id| (*id, session)));
        }
        let repeats = asked.len().saturating_sub(ids.len());
        Self { rows: ids.iter().map(|id| (*id, differing.rows_of(*id))).collect(), repeats }
    }
}
