//! Which child of the left goes with which child of the right.
//!
//! Hashes propose, the walk that follows compares every proposed pair; so nothing here can make
//! two different values equal, only a list of changes longer than it need be.

mod array;
mod gap;
mod key;
mod lis;
mod object;
mod sequence;

use crate::proof::Proof;
use crate::rule::{RuleSet, Scope};
use crate::tape::{Id, Node, Sort, Tape};

/// Two trees, the rules of their places, and what may still be spent on aligning them.
#[derive(Debug)]
pub(crate) struct Pairing<'t, 'r> {
    pub(crate) left: &'t Tape<'t>,
    pub(crate) right: &'t Tape<'t>,
    pub(crate) scope: &'t Scope<'r>,
    pub(crate) work: Work,
}

/// Steps of alignment left. Once too little is left for something, cheaper ways are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    left: u64,
    /// Something was not aligned as well as it could be.
    pub(crate) approximate: bool,
}

impl Work {
    pub(crate) fn new(steps: u64) -> Self {
        Self { left: steps, approximate: false }
    }

    /// Takes `steps`, or says that they are not there.
    pub(crate) fn spend(&mut self, steps: usize) -> bool {
        match self.left.checked_sub(steps as u64) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.approximate = true;
                false
            }
        }
    }
}

/// One child: its value's node and, in an array, its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) id: Id,
    /// `MEMBER` in an object.
    pub(crate) index: u32,
}

pub(crate) const MEMBER: u32 = u32::MAX;

impl Child {
    pub(crate) fn member(id: Id) -> Self {
        Self { id, index: MEMBER }
    }
}

/// Children of two containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Both {
        left: Child,
        right: Child,
        /// The element stands elsewhere among its neighbours.
        moved: bool,
    },
    Left(Child),
    Right(Child),
}

#[derive(Debug, Default)]
pub(crate) struct Aligned {
    /// In the order in which they are told; elements that are surely equal may be left out.
    pub(crate) items: Vec<Item>,
    /// Too many elements stand elsewhere to name each; `moved` is not set on them.
    pub(crate) reordered: bool,
}

impl<'t> Pairing<'t, '_> {
    /// The children of two containers of the same kind.
    pub(crate) fn children(&mut self, proof: &mut Proof<'_>, left: Id, right: Id) -> Aligned {
        match self.left.node(left).sort {
            Sort::Array => array::align(self, proof, left, right),
            _ => Aligned { items: object::align(self, left, right), reordered: false },
        }
    }

    pub(crate) fn left_node(&self, id: Id) -> &'t Node {
        self.left.node(id)
    }

    pub(crate) fn right_node(&self, id: Id) -> &'t Node {
        self.right.node(id)
    }

    pub(crate) fn left_set(&self, id: Id) -> &'t RuleSet {
        self.scope.set(self.left.node(id).rules)
    }

    pub(crate) fn right_set(&self, id: Id) -> &'t RuleSet {
        self.scope.set(self.right.node(id).rules)
    }
}
