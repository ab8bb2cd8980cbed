//! Elements by identity: the members that name a row.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::{Pairing, Work};
use crate::hash::mix;
use crate::rule::{RuleSet, Scope};
use crate::tape::{Id, Sort, Tape};

/// Candidates tried per array; each costs a look at every row.
const MAX_CANDIDATES: usize = 8;

/// How likely a member of this name is to identify its row; lower is likelier.
fn rank(name: &[u8]) -> u8 {
    match name {
        b"id" | b"_id" => 0,
        b"uuid" | b"guid" => 1,
        b"key" => 2,
        b"sku" => 3,
        b"name" | b"code" | b"slug" => 5,
        _ if name.ends_with(b"_id") || name.ends_with(b"Id") || name.ends_with(b"ID") => 4,
        _ => 6,
    }
}

/// Whether rows with different values of this member are likely different things.
pub(super) fn names_identity(name: &[u8]) -> bool {
    rank(name) <= 3
}

/// For each row the hash of the key that a rule names; `None` where a part of it is missing.
pub(super) fn by_rule(tape: &Tape<'_>, rows: &[Id], key: &[Vec<String>]) -> Vec<Option<u64>> {
    rows.iter()
        .map(|row| {
            key.iter().try_fold(0, |hash, steps| {
                let value = follow(tape, *row, steps)?;
                Some(mix(hash ^ 1, tape.node(value).hash))
            })
        })
        .collect()
}

fn follow(tape: &Tape<'_>, row: Id, steps: &[String]) -> Option<Id> {
    steps.iter().try_fold(row, |at, step| match tape.node(at).sort {
        Sort::Object => tape.member(at, step.as_bytes()),
        Sort::Array => tape.elements(at).nth(step.parse().ok()?),
        _ => None,
    })
}

/// The keys of all rows by a member that is in every row, scalar, unique on both sides, and
/// shared by at least half of the rows. Fresh ids on every run are unique but shared by none.
pub(super) fn detect(
    pairing: &mut Pairing<'_, '_>,
    left: &[Id],
    right: &[Id],
) -> Option<(Vec<u64>, Vec<u64>)> {
    let (first, _) = (left.first()?, right.first()?);
    let all_objects =
        |tape: &Tape<'_>, rows: &[Id]| rows.iter().all(|row| tape.node(*row).sort == Sort::Object);
    if !all_objects(pairing.left, left) || !all_objects(pairing.right, right) {
        return None;
    }
    let mut names: Vec<(u8, usize, Vec<u8>)> = pairing
        .left
        .members(*first)
        .enumerate()
        .filter(|(_, value)| is_scalar(pairing.left, *value))
        .map(|(at, value)| (at, pairing.left.string(value - 1).into_owned()))
        .map(|(at, name)| (rank(&name), at, name))
        .take(256)
        .collect();
    names.sort_unstable();
    for (_, at, name) in names.into_iter().take(MAX_CANDIDATES) {
        let scope = pairing.scope;
        let work = &mut pairing.work;
        let Some(lefts) = column(pairing.left, scope, work, left, &name, at) else { continue };
        let Some(rights) = column(pairing.right, scope, work, right, &name, at) else { continue };
        if shared(&lefts, &rights) * 2 >= left.len().min(right.len()) {
            return Some((lefts, rights));
        }
    }
    None
}

fn is_scalar(tape: &Tape<'_>, id: Id) -> bool {
    matches!(tape.node(id).sort, Sort::String | Sort::Number)
}

/// The hashes of one member in all rows, if all have it and no two are alike.
fn column(
    tape: &Tape<'_>,
    scope: &Scope<'_>,
    work: &mut Work,
    rows: &[Id],
    name: &[u8],
    usual: usize,
) -> Option<Vec<u64>> {
    let mut hashes = Vec::with_capacity(rows.len());
    for row in rows {
        let value = member_near(tape, *row, name, usual, work)?;
        let set: &RuleSet = scope.set(tape.node(value).rules);
        if !is_scalar(tape, value) || set.ignore.is_some() {
            return None;
        }
        hashes.push(tape.node(value).hash);
    }
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(hashes)
}

/// The member `name`, looked for first where it usually stands.
fn member_near(tape: &Tape<'_>, row: Id, name: &[u8], usual: usize, work: &mut Work) -> Option<Id> {
    if !work.spend(usual + 1) {
        return None;
    }
    if let Some(value) = tape.members(row).nth(usual)
        && tape.string(value - 1).as_ref() == name
    {
        return Some(value);
    }
    if !work.spend(tape.node(row).size as usize) {
        return None;
    }
    tape.member(row, name)
}

fn shared(left: &[u64], right: &[u64]) -> usize {
    let mut sorted = right.to_vec();
    sorted.sort_unstable();
    left.iter().filter(|key| sorted.binary_search(key).is_ok()).count()
}

/// Pairs positions with equal keys: the first of a repeated key with the first, and so on, so
/// that no row is lost.
pub(super) fn join(
    left: impl Iterator<Item = (usize, u64)>,
    right: impl DoubleEndedIterator<Item = (usize, u64)>,
) -> Vec<(usize, usize)> {
    // The next free right position of a key, chained through `next`.
    let mut heads: HashMap<u64, usize, FixedState> = HashMap::default();
    let mut chain: Vec<(usize, Option<usize>)> = Vec::new();
    for (at, key) in right.rev() {
        let behind = heads.insert(key, chain.len());
        chain.push((at, behind));
    }
    left.filter_map(|(at, key)| {
        let link = *heads.get(&key)?;
        let (right, behind) = *chain.get(link)?;
        match behind {
            Some(behind) => heads.insert(key, behind),
            None => heads.remove(&key),
        };
        Some((at, right))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_pair_in_order_and_lose_nothing() {
        let left = [7, 7, 8, 7].into_iter().enumerate();
        let right = [7, 9, 7].into_iter().enumerate();
        assert_eq!(join(left, right), [(0, 0), (1, 2)]);
    }
}
