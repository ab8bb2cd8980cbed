//! Elements of two arrays: equal ends, then identity, then common order, then likeness.

use std::ops::Range;

use super::lis::longest_increasing;
use super::{Aligned, Child, Item, Pairing, gap, key, sequence};
use crate::proof::Proof;
use crate::tape::Id;

pub(super) fn align(
    pairing: &mut Pairing<'_, '_>,
    proof: &mut Proof<'_>,
    left: Id,
    right: Id,
) -> Aligned {
    let lefts: Vec<Id> = pairing.left.elements(left).collect();
    let rights: Vec<Id> = pairing.right.elements(right).collect();
    let (start, end) = equal_ends(pairing, &lefts, &rights);
    let ends = Ends {
        start,
        end,
        start_known: proof.same_run(&lefts[..start], &rights[..start]),
        end_known: proof.same_run(&lefts[lefts.len() - end..], &rights[rights.len() - end..]),
    };
    let (l, r) = (&lefts[start..lefts.len() - end], &rights[start..rights.len() - end]);
    let mut partners = Partners::new(l.len(), r.len());
    let sets = [pairing.left_set(left), pairing.right_set(right)];
    let unordered = sets.iter().any(|set| set.unordered);
    if !l.is_empty() && !r.is_empty() {
        for key in sets.iter().flat_map(|set| &set.array_keys) {
            join_by_rule(pairing, l, r, key, &mut partners);
        }
        join_equal(pairing, l, r, unordered, &mut partners);
        let moved = mark_moved(&partners, lefts.len().min(rights.len()), unordered);
        pair_the_rest(pairing, l, r, &mut partners, &moved, unordered);
        return list(&lefts, &rights, &ends, &partners, &moved, unordered);
    }
    let moved = Moved { out: vec![false; l.len()], reordered: false };
    list(&lefts, &rights, &ends, &partners, &moved, unordered)
}

/// Equal elements at the start and at the end, and whether that is proven.
struct Ends {
    start: usize,
    end: usize,
    start_known: bool,
    end_known: bool,
}

/// How many elements are equal at the start, and of the rest at the end.
fn equal_ends(pairing: &Pairing<'_, '_>, left: &[Id], right: &[Id]) -> (usize, usize) {
    let same = |(l, r): &(&Id, &Id)| pairing.left_node(**l).hash == pairing.right_node(**r).hash;
    let start = left.iter().zip(right).take_while(same).count();
    let (left, right) = (&left[start..], &right[start..]);
    let end = left.iter().rev().zip(right.iter().rev()).take_while(same).count();
    (start, end)
}

/// Who goes with whom between the equal ends; positions count from there.
struct Partners {
    of_left: Vec<Option<usize>>,
    of_right: Vec<Option<usize>>,
    /// Rows with a key that a rule names: paired by it and by nothing else.
    named_left: Vec<bool>,
    named_right: Vec<bool>,
}

impl Partners {
    fn new(left: usize, right: usize) -> Self {
        Self {
            of_left: vec![None; left],
            of_right: vec![None; right],
            named_left: vec![false; left],
            named_right: vec![false; right],
        }
    }

    fn pair(&mut self, left: usize, right: usize) {
        self.of_left[left] = Some(right);
        self.of_right[right] = Some(left);
    }

    fn free_left(&self, among: Range<usize>) -> Vec<usize> {
        among.filter(|at| self.of_left[*at].is_none() && !self.named_left[*at]).collect()
    }

    fn free_right(&self, among: Range<usize>) -> Vec<usize> {
        among.filter(|at| self.of_right[*at].is_none() && !self.named_right[*at]).collect()
    }
}

fn at(ids: &[Id], positions: &[usize]) -> Vec<Id> {
    positions.iter().map(|position| ids[*position]).collect()
}

/// Pairs rows by a key that a rule names.
fn join_by_rule(
    pairing: &Pairing<'_, '_>,
    left: &[Id],
    right: &[Id],
    key: &[Vec<String>],
    partners: &mut Partners,
) {
    let lefts = key::by_rule(pairing.left, left, key);
    let rights = key::by_rule(pairing.right, right, key);
    let keyed = |keys: &[Option<u64>], free: Vec<usize>| -> Vec<(usize, u64)> {
        free.into_iter().filter_map(|at| keys[at].map(|key| (at, key))).collect()
    };
    let pairs = key::join(
        keyed(&lefts, partners.free_left(0..left.len())).into_iter(),
        keyed(&rights, partners.free_right(0..right.len())).into_iter(),
    );
    for (l, r) in pairs {
        partners.pair(l, r);
    }
    for (named, key) in partners.named_left.iter_mut().zip(lefts) {
        *named |= key.is_some();
    }
    for (named, key) in partners.named_right.iter_mut().zip(rights) {
        *named |= key.is_some();
    }
}

/// Pairs what is the same row by a key found in the rows, or else what is equal.
fn join_equal(
    pairing: &mut Pairing<'_, '_>,
    left: &[Id],
    right: &[Id],
    unordered: bool,
    partners: &mut Partners,
) {
    let free_left = partners.free_left(0..left.len());
    let free_right = partners.free_right(0..right.len());
    let (l, r) = (at(left, &free_left), at(right, &free_right));
    if let ([l], [r]) = (&l[..], &r[..])
        && pairing.left_node(*l).hash != pairing.right_node(*r).hash
    {
        return;
    }
    if let Some((lefts, rights)) = key::detect(pairing, &l, &r) {
        let pairs = key::join(lefts.into_iter().enumerate(), rights.into_iter().enumerate());
        for (l, r) in pairs {
            partners.pair(free_left[l], free_right[r]);
        }
        return;
    }
    let lefts: Vec<u64> = l.iter().map(|id| pairing.left_node(*id).hash).collect();
    let rights: Vec<u64> = r.iter().map(|id| pairing.right_node(*id).hash).collect();
    if !unordered {
        for (l, r) in sequence::common(&lefts, &rights, &mut pairing.work) {
            partners.pair(free_left[l], free_right[r]);
        }
    }
    // What is equal elsewhere has moved.
    let still_left = free_left.iter().zip(lefts).filter(|(l, _)| partners.of_left[**l].is_none());
    let still_right =
        free_right.iter().zip(rights).filter(|(r, _)| partners.of_right[**r].is_none());
    let pairs =
        key::join(still_left.map(|(l, hash)| (*l, hash)), still_right.map(|(r, hash)| (*r, hash)));
    for (l, r) in pairs {
        partners.pair(l, r);
    }
}

struct Moved {
    /// For each left position whether its partner is out of order.
    out: Vec<bool>,
    reordered: bool,
}

/// Partners out of the longest run in common order have moved: few are named one by one, many
/// are one change of order. `length` is of the whole array.
fn mark_moved(partners: &Partners, length: usize, unordered: bool) -> Moved {
    let mut out = vec![false; partners.of_left.len()];
    if unordered {
        return Moved { out, reordered: false };
    }
    let pairs: Vec<(usize, usize)> =
        partners.of_left.iter().enumerate().filter_map(|(l, r)| Some((l, (*r)?))).collect();
    let rights: Vec<usize> = pairs.iter().map(|(_, r)| *r).collect();
    let mut count = 0;
    for ((l, _), in_order) in pairs.iter().zip(longest_increasing(&rights)) {
        out[*l] = !in_order;
        count += usize::from(!in_order);
    }
    let few = count <= (length / 20).max(3) && count * 2 < length;
    Moved { out, reordered: count > 0 && !few }
}

/// Pairs what is left between two neighbours that kept their order, by likeness.
fn pair_the_rest(
    pairing: &mut Pairing<'_, '_>,
    left: &[Id],
    right: &[Id],
    partners: &mut Partners,
    moved: &Moved,
    unordered: bool,
) {
    if unordered {
        let lefts = partners.free_left(0..left.len());
        let rights = partners.free_right(0..right.len());
        let pairs = gap::in_any_order(pairing, &at(left, &lefts), &at(right, &rights));
        for (l, r) in pairs {
            partners.pair(lefts[l], rights[r]);
        }
        return;
    }
    let anchors: Vec<(usize, usize)> = partners
        .of_left
        .iter()
        .enumerate()
        .filter(|(l, _)| !moved.out[*l])
        .filter_map(|(l, r)| Some((l, (*r)?)))
        .chain([(left.len(), right.len())])
        .collect();
    let (mut from_left, mut from_right) = (0, 0);
    for (l, r) in anchors {
        let lefts = partners.free_left(from_left..l);
        let rights = partners.free_right(from_right..r);
        let pairs = gap::in_order(pairing, &at(left, &lefts), &at(right, &rights));
        for (l, r) in pairs {
            partners.pair(lefts[l], rights[r]);
        }
        (from_left, from_right) = (l + 1, r + 1);
    }
}

/// The children in the order of the right side, what only the left has where it was.
fn list(
    lefts: &[Id],
    rights: &[Id],
    ends: &Ends,
    partners: &Partners,
    moved: &Moved,
    unordered: bool,
) -> Aligned {
    let left_child = |at: usize| Child { id: lefts[at], index: at as u32 };
    let right_child = |at: usize| Child { id: rights[at], index: at as u32 };
    let both = |l: usize, r: usize, moved: bool| Item::Both {
        left: left_child(l),
        right: right_child(r),
        moved,
    };
    let Ends { start, end, .. } = *ends;
    let mut items = Vec::new();
    if !ends.start_known {
        items.extend((0..start).map(|at| both(at, at, false)));
    }
    let loose = moved.reordered || unordered;
    let mut next_left = 0;
    let flush = |to: usize, next_left: &mut usize, items: &mut Vec<Item>| {
        for l in *next_left..to {
            if partners.of_left[l].is_none() {
                items.push(Item::Left(left_child(start + l)));
            }
        }
        *next_left = to.max(*next_left);
    };
    // What came since the last pair that kept its order; removals are told before it.
    let mut waiting = Vec::new();
    for (r, l) in partners.of_right.iter().enumerate() {
        match l {
            None => waiting.push(Item::Right(right_child(start + r))),
            Some(l) if moved.out[*l] && !loose => waiting.push(both(start + l, start + r, true)),
            Some(l) => {
                flush(*l, &mut next_left, &mut items);
                items.append(&mut waiting);
                items.push(both(start + l, start + r, false));
            }
        }
    }
    flush(partners.of_left.len(), &mut next_left, &mut items);
    items.append(&mut waiting);
    if !ends.end_known {
        let (left_end, right_end) = (lefts.len() - end, rights.len() - end);
        items.extend((0..end).map(|at| both(left_end + at, right_end + at, false)));
    }
    Aligned { items, reordered: moved.reordered }
}
