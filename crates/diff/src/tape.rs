//! A body as a flat tree: one node a value, in document order.
//!
//! A node is a kind, a byte span of the text, the size of its sub-tree and a hash that already
//! honours the rules of its place. Children follow their parent; a member is its key (a string
//! node) and then its value. Nothing is copied from the text and nothing here recurses, so a tree
//! of any depth is built, walked and dropped in constant stack.
//!
//! All formats build this one tree; they differ in how leaves are written ([`RAW`]).

mod frame;
mod json;
mod leaf;
mod scan;

use std::borrow::Cow;

pub(crate) use self::json::{Reader, Unfit};
pub(crate) use self::leaf::{leaf_hash, leaves_equal};
use crate::change::ValueType;
use crate::string;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Null,
    False,
    True,
    Number,
    String,
    Array,
    Object,
    Bytes,
}

/// The string has escapes.
pub(crate) const ESCAPED: u8 = 1;
/// The string stands in the text as it is, without quotes or escapes.
pub(crate) const RAW: u8 = 2;
/// The key of a member that a later one with the same key overrides.
pub(crate) const SHADOWED: u8 = 4;
/// A rule applies to a value of the container, or to itself.
pub(crate) const RULED: u8 = 8;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Alike for all sub-trees that the rules call equal, tolerances and patterns widened to
    /// "any value that could be".
    pub(crate) hash: u64,
    /// Span in the text; of a string without its quotes.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Nodes in the sub-tree, itself and keys included.
    pub(crate) size: u32,
    /// The rule set of this place.
    pub(crate) rules: u16,
    pub(crate) sort: Sort,
    pub(crate) flags: u8,
}

/// Index of a node.
pub(crate) type Id = u32;

#[derive(Debug)]
pub(crate) struct Tape<'a> {
    pub(crate) text: Cow<'a, [u8]>,
    pub(crate) nodes: Vec<Node>,
    /// Keys that some object has twice; nodes of the overridden ones.
    pub(crate) shadowed: Vec<Id>,
    /// The span of every value is its JSON text (a string's without its quotes).
    pub(crate) source: bool,
}

pub(crate) const ROOT: Id = 0;

impl Tape<'_> {
    #[inline]
    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    /// The node after the sub-tree of `id`.
    #[inline]
    pub(crate) fn after(&self, id: Id) -> Id {
        id + self.node(id).size
    }

    #[inline]
    pub(crate) fn span(&self, id: Id) -> &[u8] {
        let node = self.node(id);
        &self.text[node.start as usize..node.end as usize]
    }

    /// A string's content, escapes undone.
    pub(crate) fn string(&self, id: Id) -> Cow<'_, [u8]> {
        let span = self.span(id);
        if self.node(id).flags & ESCAPED == 0 {
            Cow::Borrowed(span)
        } else {
            Cow::Owned(string::unescape(span))
        }
    }

    pub(crate) fn is_container(&self, id: Id) -> bool {
        matches!(self.node(id).sort, Sort::Array | Sort::Object)
    }

    pub(crate) fn is_object(&self, id: Id) -> bool {
        self.node(id).sort == Sort::Object
    }

    /// Whether a member's value is overridden by a later one of the same key.
    pub(crate) fn is_shadowed(&self, value: Id) -> bool {
        self.node(value - 1).flags & SHADOWED != 0
    }

    pub(crate) fn elements(&self, array: Id) -> impl Iterator<Item = Id> + '_ {
        let end = self.after(array);
        let mut next = array + 1;
        std::iter::from_fn(move || {
            let id = next;
            (id < end).then(|| {
                next = self.after(id);
                id
            })
        })
    }

    /// The values of an object's members; a value's key is the node before it. Overridden
    /// members are left out.
    pub(crate) fn members(&self, object: Id) -> impl Iterator<Item = Id> + '_ {
        self.all_members(object).filter(|value| !self.is_shadowed(*value))
    }

    /// The same with the overridden members.
    pub(crate) fn all_members(&self, object: Id) -> impl Iterator<Item = Id> + '_ {
        let end = self.after(object);
        let mut next = object + 1;
        std::iter::from_fn(move || {
            let key = next;
            (key < end).then(|| {
                next = self.after(key + 1);
                key + 1
            })
        })
    }

    /// The value of the member `name`.
    pub(crate) fn member(&self, object: Id, name: &[u8]) -> Option<Id> {
        if !self.is_object(object) {
            return None;
        }
        self.members(object).find(|value| self.string(value - 1).as_ref() == name)
    }

    pub(crate) fn same_key(&self, value: Id, other: &Tape<'_>, other_value: Id) -> bool {
        let (left, right) = (self.node(value - 1), other.node(other_value - 1));
        left.hash == right.hash && self.string(value - 1) == other.string(other_value - 1)
    }

    pub(crate) fn value_type(&self, id: Id) -> ValueType {
        match self.node(id).sort {
            Sort::Null => ValueType::Null,
            Sort::False | Sort::True => ValueType::Boolean,
            Sort::Number => ValueType::Number,
            Sort::String => ValueType::String,
            Sort::Array => ValueType::Array,
            Sort::Object => ValueType::Object,
            Sort::Bytes => ValueType::Bytes,
        }
    }
}
