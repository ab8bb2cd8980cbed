//! What was removed in one place and added in another has moved.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::align::{Pairing, Work};
use crate::change::Kind;
use crate::walk::{Finding, Findings, walk};

/// Smaller values are equal by chance.
const MIN_NODES: u32 = 3;
const MIN_BYTES: u32 = 16;

/// Joins removals and additions of equal containers, where each is the only one of its hash.
pub(crate) fn join(pairing: &mut Pairing<'_, '_>, found: &mut Findings) {
    let mut places: HashMap<u64, Ends, FixedState> = HashMap::default();
    for (at, finding) in found.list.iter().enumerate() {
        let Some((hash, removed)) = candidate(pairing, finding) else { continue };
        let ends = places.entry(hash).or_default();
        let end = if removed { &mut ends.removed } else { &mut ends.added };
        ends.repeated |= end.is_some();
        *end = Some(at);
    }
    let mut pairs: Vec<(usize, usize)> = places
        .into_values()
        .filter(|ends| !ends.repeated)
        .filter_map(|ends| Some((ends.removed?, ends.added?)))
        .collect();
    pairs.sort_unstable();
    let mut gone = vec![false; found.list.len()];
    for (removed, added) in pairs {
        let (from, to) = (found.list[removed], found.list[added]);
        let (Some(left), Some(right)) = (from.left, to.right) else { continue };
        let mut inner = Pairing { work: Work::new(100_000), ..*pairing };
        if !walk(&mut inner, (left.id, right.id), 1).list.is_empty() || inner.work.approximate {
            continue;
        }
        found.list[added] =
            Finding { kind: Kind::Moved, left: Some(left), left_around: Some(from.around), ..to };
        gone[removed] = true;
    }
    let mut at = 0;
    found.list.retain(|_| {
        at += 1;
        !gone[at - 1]
    });
}

#[derive(Default)]
struct Ends {
    removed: Option<usize>,
    added: Option<usize>,
    repeated: bool,
}

fn candidate(pairing: &Pairing<'_, '_>, finding: &Finding) -> Option<(u64, bool)> {
    if finding.masked_by.is_some() {
        return None;
    }
    let (node, removed) = match (finding.kind, finding.left, finding.right) {
        (Kind::Removed, Some(left), _) => (pairing.left_node(left.id), true),
        (Kind::Added, _, Some(right)) => (pairing.right_node(right.id), false),
        _ => return None,
    };
    (node.size >= MIN_NODES && node.end - node.start >= MIN_BYTES).then_some((node.hash, removed))
}
