//! Members by key.

use super::{Child, Item, Pairing};
use crate::tape::Id;

/// Up to this many right members a look at each beats a table.
const FEW: usize = 16;

pub(super) fn align(pairing: &Pairing<'_, '_>, left: Id, right: Id) -> Vec<Item> {
    let mut items = Vec::new();
    let mut lefts = pairing.left.members(left).peekable();
    let mut rights = pairing.right.members(right).peekable();
    // Most objects have the same keys in the same order.
    while let (Some(l), Some(r)) = (lefts.peek().copied(), rights.peek().copied()) {
        if !pairing.left.same_key(l, pairing.right, r) {
            break;
        }
        items.push(both(l, r));
        lefts.next();
        rights.next();
    }
    if lefts.peek().is_none() && rights.peek().is_none() {
        return items;
    }
    let rest: Vec<Id> = rights.collect();
    let mut used = vec![false; rest.len()];
    let table = Table::new(pairing, &rest);
    for l in lefts {
        match table.find(pairing, &rest, l) {
            Some(at) => {
                used[at] = true;
                items.push(both(l, rest[at]));
            }
            None => items.push(Item::Left(Child::member(l))),
        }
    }
    for (r, used) in rest.iter().zip(used) {
        if !used {
            items.push(Item::Right(Child::member(*r)));
        }
    }
    items
}

fn both(left: Id, right: Id) -> Item {
    Item::Both { left: Child::member(left), right: Child::member(right), moved: false }
}

/// Members sorted by the hash of their key; empty where there are few.
struct Table(Vec<(u64, usize)>);

impl Table {
    fn new(pairing: &Pairing<'_, '_>, rest: &[Id]) -> Self {
        if rest.len() <= FEW {
            return Self(Vec::new());
        }
        let key = |id: &Id| pairing.right_node(id - 1).hash;
        let mut table: Vec<_> = rest.iter().enumerate().map(|(at, id)| (key(id), at)).collect();
        table.sort_unstable();
        Self(table)
    }

    fn find(&self, pairing: &Pairing<'_, '_>, rest: &[Id], left: Id) -> Option<usize> {
        let same = |right: Id| pairing.left.same_key(left, pairing.right, right);
        if rest.len() <= FEW {
            return rest.iter().position(|right| same(*right));
        }
        let hash = pairing.left_node(left - 1).hash;
        let from = self.0.partition_point(|(other, _)| *other < hash);
        let alike = self.0[from..].iter().take_while(|(other, _)| *other == hash);
        alike.map(|(_, at)| *at).find(|at| same(rest[*at]))
    }
}
