//! Members and elements of two values: which belong together, and in which order they are shown.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    changes::{Changes, Mark},
    tree::{NodeId, Tree, pointer},
    walk::{Pair, Single, Task},
};

/// Members in the primary's order; what only the candidate has stands after its predecessor.
pub(super) fn members(trees: (&Tree<'_>, &Tree<'_>), pair: &Pair) -> Vec<Task> {
    let (left, right) = (trees.0.children(pair.left), trees.1.children(pair.right));
    // Most objects have the same members in the same order on both sides.
    let in_step = left.len() == right.len()
        && left.iter().zip(right).all(|(one, other)| trees.0.key(*one) == trees.1.key(*other));
    if in_step {
        return (0..left.len()).map(|place| both(trees, pair, place, place)).collect();
    }
    // Of a name that is there twice the last one counts.
    let last = |tree: &Tree<'_>, children: &[NodeId]| -> HashMap<String, usize> {
        let keys = children.iter().enumerate();
        keys.filter_map(|(place, id)| Some((tree.key(*id)?.to_owned(), place))).collect()
    };
    let (left_last, right_last) = (last(trees.0, left), last(trees.1, right));
    let key = |tree: &Tree<'_>, id: &NodeId| tree.key(*id).unwrap_or_default().to_owned();
    let is_alone = |place: usize, id: &NodeId| {
        let key = key(trees.1, id);
        !left_last.contains_key(&key) || right_last.get(&key) != Some(&place)
    };
    let mut tasks = Vec::new();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for (place, id) in left.iter().enumerate() {
        let key = key(trees.0, id);
        let partner = right_last.get(&key).filter(|_| left_last.get(&key) == Some(&place));
        let Some(partner) = partner.copied() else {
            tasks.push(left_child(trees.0, pair, place));
            continue;
        };
        tasks.push(both(trees, pair, place, partner));
        done.insert(partner);
        // What only the candidate has, up to the next member that both have.
        let behind = right.iter().enumerate().skip(partner + 1);
        for (place, _) in behind.take_while(|(place, id)| is_alone(*place, id)) {
            if done.insert(place) {
                tasks.push(right_child(trees.1, pair, place));
            }
        }
    }
    for place in 0..right.len() {
        if done.insert(place) {
            tasks.push(right_child(trees.1, pair, place));
        }
    }
    tasks
}

/// Elements as the comparison paired them: what was removed, added or moved stands alone, what
/// differs inside names both places, and the rest are equal in their order.
pub(super) fn elements(
    trees: (&Tree<'_>, &Tree<'_>),
    changes: &Changes,
    pair: &Pair,
    reordered: bool,
) -> Vec<Task> {
    let (left, right) = (trees.0.children(pair.left), trees.1.children(pair.right));
    let alone = |marks: &HashMap<String, Mark>, path: &str, place: usize| {
        let mark = marks.get(&pointer(path, None, place));
        mark.is_some_and(|mark| matches!(mark.kind.as_str(), "added" | "removed" | "moved"))
    };
    let arrays = (pair.left_path.clone(), pair.right_path.clone());
    let mut partners = changes.pairs.get(&arrays).cloned().unwrap_or_default();
    partners.retain(|one, other| *one < left.len() && *other < right.len());
    let mut taken: BTreeSet<usize> = partners.values().copied().collect();
    if reordered {
        same_values(trees, (left, right), &mut partners, &mut taken);
    }
    let mut free =
        (0..right.len()).filter(|place| !alone(&changes.right, &pair.right_path, *place));
    for place in 0..left.len() {
        if partners.contains_key(&place) || alone(&changes.left, &pair.left_path, place) {
            continue;
        }
        let Some(partner) = free.by_ref().find(|place| !taken.contains(place)) else { break };
        partners.insert(place, partner);
    }
    taken.extend(partners.values().copied());
    in_order(trees, pair, &partners, &taken)
}

/// Equal elements of a reordered array belong together wherever they stand.
fn same_values(
    trees: (&Tree<'_>, &Tree<'_>),
    (left, right): (&[NodeId], &[NodeId]),
    partners: &mut BTreeMap<usize, usize>,
    taken: &mut BTreeSet<usize>,
) {
    let mut by_value: HashMap<u64, Vec<usize>> = HashMap::new();
    for (place, id) in right.iter().enumerate().rev() {
        if !taken.contains(&place) {
            by_value.entry(trees.1.hash(*id)).or_default().push(place);
        }
    }
    for (place, id) in left.iter().enumerate() {
        if !partners.contains_key(&place)
            && let Some(partner) = by_value.get_mut(&trees.0.hash(*id)).and_then(Vec::pop)
        {
            partners.insert(place, partner);
            taken.insert(partner);
        }
    }
}

fn in_order(
    trees: (&Tree<'_>, &Tree<'_>),
    pair: &Pair,
    partners: &BTreeMap<usize, usize>,
    taken: &BTreeSet<usize>,
) -> Vec<Task> {
    let tails = (trees.0.children(pair.left).len(), trees.1.children(pair.right).len());
    let mut tasks = Vec::new();
    let mut next = 0;
    let mut catch_up = |until: usize, tasks: &mut Vec<Task>| {
        while next < until {
            if !taken.contains(&next) {
                tasks.push(right_child(trees.1, pair, next));
            }
            next += 1;
        }
    };
    for place in 0..tails.0 {
        match partners.get(&place) {
            Some(partner) => {
                catch_up(*partner, &mut tasks);
                tasks.push(both(trees, pair, place, *partner));
            }
            None => tasks.push(left_child(trees.0, pair, place)),
        }
    }
    catch_up(tails.1, &mut tasks);
    tasks
}

fn both(trees: (&Tree<'_>, &Tree<'_>), pair: &Pair, place: usize, partner: usize) -> Task {
    let (left, right) = (trees.0.children(pair.left), trees.1.children(pair.right));
    let at = |nodes: &[NodeId], place: usize| nodes.get(place).copied().unwrap_or_default();
    let (one, other) = (at(left, place), at(right, partner));
    Task::Pair(Pair {
        left: one,
        right: other,
        left_path: pointer(&pair.left_path, trees.0.key(one), place),
        right_path: pointer(&pair.right_path, trees.1.key(other), partner),
        commas: (place + 1 < left.len(), partner + 1 < right.len()),
        depth: pair.depth.saturating_add(1),
    })
}

fn left_child(tree: &Tree<'_>, pair: &Pair, place: usize) -> Task {
    Task::Left(single(tree, pair.left, &pair.left_path, pair.depth, place))
}

fn right_child(tree: &Tree<'_>, pair: &Pair, place: usize) -> Task {
    Task::Right(single(tree, pair.right, &pair.right_path, pair.depth, place))
}

fn single(tree: &Tree<'_>, of: NodeId, path: &str, depth: u16, place: usize) -> Single {
    let children = tree.children(of);
    let node = children.get(place).copied().unwrap_or_default();
    Single {
        node,
        path: pointer(path, tree.key(node), place),
        comma: place + 1 < children.len(),
        depth: depth.saturating_add(1),
    }
}
