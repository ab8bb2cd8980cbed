//! Left-over elements between two matched neighbours, paired by how alike they are.

use super::{Pairing, key};
use crate::tape::{Id, Sort, Tape};

/// Small gaps are aligned exactly; this many comparisons at most.
const MAX_CELLS: usize = 10_000;
/// Members or elements looked at on each side of one comparison.
const MAX_LOOK: usize = 64;
const ALIKE: u32 = 1_000;
/// Below this, two objects share too little to be one thing.
const THRESHOLD: u32 = 250;

/// Pairs of positions in `left` and `right`, increasing on both sides.
pub(super) fn in_order(
    pairing: &mut Pairing<'_, '_>,
    left: &[Id],
    right: &[Id],
) -> Vec<(usize, usize)> {
    if left.is_empty() || right.is_empty() {
        return Vec::new();
    }
    let even = left.len() == right.len();
    if let ([l], [r]) = (left, right)
        && (pairing.left_node(*l).sort != Sort::Object
            || pairing.right_node(*r).sort != Sort::Object)
    {
        return vec![(0, 0)];
    }
    let Some(scores) = scores(pairing, left, right, even) else {
        return by_position(pairing, left, right);
    };
    let width = right.len() + 1;
    // best[i][j]: the most that pairs of the first i and j elements add up to.
    let mut best = vec![0_u32; (left.len() + 1) * width];
    for i in 0..left.len() {
        for j in 0..right.len() {
            let skip = best[i * width + j + 1].max(best[(i + 1) * width + j]);
            let pair = match scores[i * right.len() + j] {
                0 => 0,
                score => best[i * width + j] + score,
            };
            best[(i + 1) * width + j + 1] = skip.max(pair);
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (left.len(), right.len());
    while i > 0 && j > 0 {
        let here = best[i * width + j];
        let score = scores[(i - 1) * right.len() + j - 1];
        if score > 0 && here == best[(i - 1) * width + j - 1] + score {
            (i, j) = (i - 1, j - 1);
            pairs.push((i, j));
        } else if here == best[(i - 1) * width + j] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    pairs.reverse();
    pairs
}

/// Pairs where order does not count: the most alike first.
pub(super) fn in_any_order(
    pairing: &mut Pairing<'_, '_>,
    left: &[Id],
    right: &[Id],
) -> Vec<(usize, usize)> {
    let even = left.len() == right.len();
    let Some(scores) = scores(pairing, left, right, even) else {
        return by_position(pairing, left, right);
    };
    let mut cells: Vec<(u32, usize)> =
        scores.into_iter().enumerate().map(|(cell, score)| (score, cell)).collect();
    cells.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let (mut left_used, mut right_used) = (vec![false; left.len()], vec![false; right.len()]);
    let mut pairs = Vec::new();
    for (score, cell) in cells {
        let (l, r) = (cell / right.len(), cell % right.len());
        if score > 0 && !left_used[l] && !right_used[r] {
            (left_used[l], right_used[r]) = (true, true);
            pairs.push((l, r));
        }
    }
    pairs
}

/// How alike each left is to each right, row by row. `None` where that is too much work.
fn scores(
    pairing: &mut Pairing<'_, '_>,
    left: &[Id],
    right: &[Id],
    even: bool,
) -> Option<Vec<u32>> {
    let cells = left.len().checked_mul(right.len())?;
    if cells > MAX_CELLS {
        return None;
    }
    let mut scores = Vec::with_capacity(cells);
    for l in left {
        for r in right {
            scores.push(score(pairing, *l, *r, even)?);
        }
    }
    Some(scores)
}

/// From 0 (not a pair) to [`ALIKE`]. Where both sides have `even` counts, something in the same
/// place is more likely changed than replaced.
fn score(pairing: &mut Pairing<'_, '_>, left: Id, right: Id, even: bool) -> Option<u32> {
    let (l, r) = (pairing.left_node(left), pairing.right_node(right));
    let floor = u32::from(even);
    if pairing.left.value_type(left) != pairing.right.value_type(right) {
        return Some(floor);
    }
    if l.hash == r.hash {
        return Some(ALIKE);
    }
    let look = (l.size as usize).min(MAX_LOOK) + (r.size as usize).min(MAX_LOOK);
    if !pairing.work.spend(look) {
        return None;
    }
    Some(match l.sort {
        Sort::Object => object_score(pairing, left, right, floor),
        Sort::Array => array_score(pairing, left, right).max(10 * floor),
        Sort::String => 100 + text_score(pairing.left.span(left), pairing.right.span(right)),
        _ => 100,
    })
}

fn object_score(pairing: &Pairing<'_, '_>, left: Id, right: Id, floor: u32) -> u32 {
    let rights: Vec<Id> = pairing.right.members(right).take(MAX_LOOK).collect();
    let (mut points, mut members, mut other_identity) = (0, 0, false);
    for (at, l) in pairing.left.members(left).take(MAX_LOOK).enumerate() {
        members += 1;
        let same = |r: &&Id| pairing.left_node(l - 1).hash == pairing.right_node(**r - 1).hash;
        let usual = rights.get(at).filter(same);
        let Some(r) = usual.or_else(|| rights.iter().find(same)) else { continue };
        if pairing.left_node(l).hash == pairing.right_node(*r).hash {
            points += 10;
            continue;
        }
        let same_type = pairing.left.value_type(l) == pairing.right.value_type(*r);
        points += 1 + u32::from(same_type);
        other_identity |= same_type
            && !pairing.left.is_container(l)
            && key::names_identity(&pairing.left.string(l - 1));
    }
    let members = members.max(rights.len() as u32).max(1);
    let score = ALIKE * points / (10 * members);
    match score {
        _ if other_identity && score < ALIKE / 2 => 0,
        _ if score < THRESHOLD => (10 * floor).min(score.max(1) * floor),
        _ => score,
    }
}

/// The share of elements that both have, in any order.
fn array_score(pairing: &Pairing<'_, '_>, left: Id, right: Id) -> u32 {
    let hashes = |tape: &Tape<'_>, id| -> Vec<u64> {
        let mut hashes: Vec<u64> =
            tape.elements(id).take(MAX_LOOK).map(|e| tape.node(e).hash).collect();
        hashes.sort_unstable();
        hashes
    };
    let (lefts, rights) = (hashes(pairing.left, left), hashes(pairing.right, right));
    let shared = lefts.iter().filter(|hash| rights.binary_search(hash).is_ok()).count();
    let most = lefts.len().max(rights.len()).max(1);
    ALIKE * shared.min(most) as u32 / most as u32
}

/// The share of a text that is a common start or end.
fn text_score(left: &[u8], right: &[u8]) -> u32 {
    let same = |(l, r): &(&u8, &u8)| l == r;
    let start = left.iter().zip(right).take(1_024).take_while(same).count();
    let (left_rest, right_rest) = (&left[start..], &right[start..]);
    let ends = left_rest.iter().rev().zip(right_rest.iter().rev());
    let end = ends.take(1_024).take_while(same).count();
    let most = left.len().max(right.len()).clamp(1, 2_048);
    (800 * (start + end) / most).min(800) as u32
}

/// The last resort for large gaps: first with first. It is as good as any other pairing for
/// scalars that do not resemble each other; for anything else it is a guess.
fn by_position(pairing: &mut Pairing<'_, '_>, left: &[Id], right: &[Id]) -> Vec<(usize, usize)> {
    let resemble = |tape: &Tape<'_>, id: Id| {
        matches!(tape.node(id).sort, Sort::String | Sort::Array | Sort::Object)
    };
    pairing.work.approximate |= left.iter().any(|id| resemble(pairing.left, *id))
        || right.iter().any(|id| resemble(pairing.right, *id));
    (0..left.len().min(right.len())).map(|at| (at, at)).collect()
}
