//! Common subsequences of two sequences of hashes.
//!
//! Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), up to a bounded number of
//! edits. Past it, values that occur once on both sides serve as anchors (as in patience diff),
//! and the stretches between them are tried again.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;

use super::Work;
use super::lis::longest_increasing;

const MAX_EDITS: usize = 512;
const MAX_EDITS_BETWEEN: usize = 64;

/// Pairs of positions with equal values, increasing on both sides.
pub(crate) fn common(left: &[u64], right: &[u64], work: &mut Work) -> Vec<(usize, usize)> {
    if let Some(pairs) = myers(left, right, MAX_EDITS, work) {
        return pairs;
    }
    let mut pairs = Vec::new();
    let (mut from_left, mut from_right) = (0, 0);
    let anchors = anchors(left, right);
    let ends = anchors.iter().copied().chain([(left.len(), right.len())]);
    for (l, r) in ends {
        between(left, from_left..l, right, from_right..r, work, &mut pairs);
        if l < left.len() && r < right.len() {
            pairs.push((l, r));
        }
        (from_left, from_right) = (l + 1, r + 1);
    }
    pairs
}

fn between(
    left: &[u64],
    lefts: Range<usize>,
    right: &[u64],
    rights: Range<usize>,
    work: &mut Work,
    pairs: &mut Vec<(usize, usize)>,
) {
    let (Some(l), Some(r)) = (left.get(lefts.clone()), right.get(rights.clone())) else { return };
    if let Some(found) = myers(l, r, MAX_EDITS_BETWEEN, work) {
        pairs.extend(found.into_iter().map(|(l, r)| (lefts.start + l, rights.start + r)));
    }
}

/// Values that occur once on both sides, those that keep their order.
fn anchors(left: &[u64], right: &[u64]) -> Vec<(usize, usize)> {
    struct Seen {
        left: Option<usize>,
        right: Option<usize>,
        repeated: bool,
    }
    let mut seen: HashMap<u64, Seen, FixedState> = HashMap::default();
    for (at, value) in left.iter().enumerate() {
        seen.entry(*value).and_modify(|seen| seen.repeated = true).or_insert(Seen {
            left: Some(at),
            right: None,
            repeated: false,
        });
    }
    for (at, value) in right.iter().enumerate() {
        if let Some(seen) = seen.get_mut(value) {
            seen.repeated |= seen.right.is_some();
            seen.right = Some(at);
        }
    }
    let mut pairs: Vec<(usize, usize)> = seen
        .into_values()
        .filter(|seen| !seen.repeated)
        .filter_map(|seen| Some((seen.left?, seen.right?)))
        .collect();
    pairs.sort_unstable();
    let rights: Vec<usize> = pairs.iter().map(|(_, right)| *right).collect();
    let keep = longest_increasing(&rights);
    pairs.into_iter().zip(keep).filter_map(|(pair, keep)| keep.then_some(pair)).collect()
}

/// `None` where more than `max_edits` insertions and deletions are needed, or the work is spent.
fn myers(
    left: &[u64],
    right: &[u64],
    max_edits: usize,
    work: &mut Work,
) -> Option<Vec<(usize, usize)>> {
    if left.is_empty() || right.is_empty() {
        return Some(Vec::new());
    }
    if left.len().abs_diff(right.len()) > max_edits || !work.spend(left.len() + right.len()) {
        return None;
    }
    let max = max_edits.min(left.len() + right.len());
    // best[k + max]: how far down diagonal k (left minus right position) one gets.
    let mut best = vec![0_usize; 2 * max + 3];
    let mut trace: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=max {
        if !work.spend(2 * edits + 1) {
            return None;
        }
        trace.push(best[max - edits..=max + edits + 1].to_vec());
        for k in (0..=2 * edits).step_by(2).map(|step| max + step - edits) {
            let down = k == max - edits || (k != max + edits && best[k - 1] < best[k + 1]);
            let start = if down { best[k + 1] } else { best[k - 1] + 1 };
            let mut l = start;
            let mut r = (l + max).wrapping_sub(k);
            while l < left.len() && r < right.len() && left[l] == right[r] {
                l += 1;
                r += 1;
            }
            if !work.spend(l.saturating_sub(start)) {
                return None;
            }
            best[k] = l;
            if l >= left.len() && r >= right.len() {
                return Some(walk_back(left.len(), right.len(), &trace));
            }
        }
    }
    None
}

/// Follows the saved fronts from the end to the start and collects the diagonals.
/// `trace[d]` holds diagonals -d ..= d + 1 as they were before round d.
fn walk_back(left: usize, right: usize, trace: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut l, mut r) = (left as i64, right as i64);
    for (edits, front) in trace.iter().enumerate().rev() {
        let edits = edits as i64;
        let at = |k: i64| front.get((k + edits) as usize).map_or(-1, |l| *l as i64);
        let k = l - r;
        let down = k == -edits || (k != edits && at(k - 1) < at(k + 1));
        let (from_k, from_l) = if edits == 0 {
            (0, 0)
        } else if down {
            (k + 1, at(k + 1))
        } else {
            (k - 1, at(k - 1))
        };
        let start = if edits == 0 { 0 } else { from_l + i64::from(!down) };
        while l > start && l > 0 && r > 0 {
            l -= 1;
            r -= 1;
            pairs.push((l as usize, r as usize));
        }
        if edits > 0 {
            (l, r) = (from_l, from_l - from_k);
        }
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn longest(left: &[u64], right: &[u64]) -> usize {
        let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
        for (i, l) in left.iter().enumerate() {
            for (j, r) in right.iter().enumerate() {
                let skip = table[i][j + 1].max(table[i + 1][j]);
                table[i + 1][j + 1] = if l == r { table[i][j] + 1 } else { skip };
            }
        }
        table[left.len()][right.len()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn is_a_longest_common_subsequence(
            left in prop::collection::vec(0_u64..4, 0..24),
            right in prop::collection::vec(0_u64..4, 0..24),
        ) {
            let pairs = common(&left, &right, &mut Work::new(1_000_000));
            prop_assert_eq!(pairs.len(), longest(&left, &right));
            prop_assert!(pairs.iter().all(|(l, r)| left[*l] == right[*r]));
            prop_assert!(pairs.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
        }

        #[test]
        fn past_the_bound_pairs_are_still_right(
            left in prop::collection::vec(0_u64..40, 0..60),
            right in prop::collection::vec(0_u64..40, 0..60),
        ) {
            let anchors = anchors(&left, &right);
            prop_assert!(anchors.iter().all(|(l, r)| left[*l] == right[*r]));
            prop_assert!(anchors.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
        }
    }

    #[test]
    fn a_shuffle_is_cut_short() {
        let left: Vec<u64> = (0..10_000).collect();
        let right: Vec<u64> = (0..10_000).map(|at| at * 7_919 % 10_000).collect();
        let mut work = Work::new(2_000_000);
        assert!(!common(&left, &right, &mut work).is_empty());
        assert!(!work.approximate);
    }
}
