//! Proof that two sub-trees of one hash are equal, without listing what is in them.
//!
//! Only for values that no rule applies to: there, equal means the same members, elements and
//! leaves. What is not proven here is not unequal; the walk then looks at it piece by piece.

use crate::hash::same;
use crate::number;
use crate::tape::{Id, Node, RULED, Sort, Tape};

/// Objects with more members than this are proven only if their members stand in the same or in
/// the opposite order.
const MAX_SEARCHED: usize = 64;

pub(crate) struct Proof<'t> {
    left: &'t Tape<'t>,
    right: &'t Tape<'t>,
    /// Bytes that may still be compared in vain, so that deep trees that differ only by spaces
    /// are not read once for each level.
    bytes: u64,
    /// Whether sub-trees can be looked into.
    inside: bool,
    pending: Vec<(Id, Id)>,
    members: Vec<Id>,
}

impl<'t> Proof<'t> {
    pub(crate) fn new(left: &'t Tape<'t>, right: &'t Tape<'t>) -> Self {
        let plain = |tape: &Tape<'_>| tape.source && tape.shadowed.is_empty();
        Self {
            left,
            right,
            bytes: 4 * (left.text.len() + right.text.len()) as u64,
            inside: plain(left) && plain(right),
            pending: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Whether the two are surely equal under all rules, with nothing masked to be told.
    #[inline]
    pub(crate) fn equal(&mut self, left: Id, right: Id) -> bool {
        let (l, r) = (self.left.node(left), self.right.node(right));
        if l.hash != r.hash || l.sort != r.sort {
            return false;
        }
        self.same_bytes(l, r) || self.inside && self.look(left, right)
    }

    /// Whether both stand there in the same bytes. False says nothing.
    #[inline]
    fn same_bytes(&mut self, l: &Node, r: &Node) -> bool {
        let length = u64::from(l.end - l.start);
        if l.flags != r.flags || length != u64::from(r.end - r.start) || length > self.bytes {
            return false;
        }
        let alike = length > 0 && same(text(self.left, l), text(self.right, r));
        if !alike {
            self.bytes -= length;
        }
        alike
    }

    /// Whether neighbouring elements of one hash each are surely equal, seen from the outside:
    /// they and all between them are the same bytes.
    pub(crate) fn same_run(&mut self, lefts: &[Id], rights: &[Id]) -> bool {
        let (Some(first), Some(last)) = (lefts.first(), lefts.last()) else { return true };
        let (Some(other), Some(other_last)) = (rights.first(), rights.last()) else { return true };
        let alike = |l: Id, r: Id| self.left.node(l).sort == self.right.node(r).sort;
        if !self.left.source || !self.right.source || !alike(*first, *other) {
            return false;
        }
        let run = |tape: &Tape<'_>, first: Id, last: Id| {
            tape.node(first).start as usize..tape.node(last).end as usize
        };
        let (l, r) = (run(self.left, *first, *last), run(self.right, *other, *other_last));
        let length = l.len() as u64;
        if l.len() != r.len() || length > self.bytes {
            return false;
        }
        let alike = self.left.text[l] == self.right.text[r];
        if !alike {
            self.bytes -= length;
        }
        alike
    }

    fn look(&mut self, first: Id, right: Id) -> bool {
        self.pending.clear();
        if !self.pair(first, right) {
            return false;
        }
        while let Some((left, right)) = self.pending.pop() {
            let equal = match self.left.node(left).sort {
                Sort::Array => self.elements(left, right),
                _ => self.members(left, right),
            };
            if !equal {
                // A collision, or an object too large for this: left to the walk.
                let node = self.left.node(first);
                self.bytes = self.bytes.saturating_sub(u64::from(node.end - node.start));
                self.inside = self.bytes > 0;
                return false;
            }
        }
        true
    }

    /// Compares two leaves, or puts two containers off.
    fn pair(&mut self, left: Id, right: Id) -> bool {
        let (l, r) = (self.left.node(left), self.right.node(right));
        if l.hash != r.hash || l.sort != r.sort || (l.flags | r.flags) & RULED != 0 {
            return false;
        }
        match l.sort {
            Sort::Array | Sort::Object => {
                if l.size > 1 || r.size > 1 {
                    self.pending.push((left, right));
                }
                true
            }
            Sort::Null | Sort::False | Sort::True => l.rules | r.rules == 0,
            _ if l.rules | r.rules != 0 => false,
            Sort::Number => {
                let (l, r) = (text(self.left, l), text(self.right, r));
                same(l, r) || number::equal(l, r)
            }
            _ => self.same_string(left, right),
        }
    }

    fn same_string(&self, left: Id, right: Id) -> bool {
        let (l, r) = (self.left.node(left), self.right.node(right));
        if l.flags == r.flags && same(text(self.left, l), text(self.right, r)) {
            return true;
        }
        l.flags | r.flags != 0 && self.left.string(left) == self.right.string(right)
    }

    fn elements(&mut self, left: Id, right: Id) -> bool {
        let (left_end, right_end) = (self.left.after(left), self.right.after(right));
        let (mut l, mut r) = (left + 1, right + 1);
        while l < left_end && r < right_end {
            if !self.pair(l, r) {
                return false;
            }
            (l, r) = (self.left.after(l), self.right.after(r));
        }
        l == left_end && r == right_end
    }

    fn members(&mut self, left: Id, right: Id) -> bool {
        let (left_end, right_end) = (self.left.after(left), self.right.after(right));
        let (mut l, mut r) = (left + 1, right + 1);
        while l < left_end && r < right_end && self.same_key(l, r) {
            if !self.pair(l + 1, r + 1) {
                return false;
            }
            (l, r) = (self.left.after(l + 1), self.right.after(r + 1));
        }
        if l == left_end || r == right_end {
            return l == left_end && r == right_end;
        }
        let mut members = std::mem::take(&mut self.members);
        members.clear();
        while r < right_end {
            members.push(r + 1);
            r = self.right.after(r + 1);
        }
        let equal = self.members_among(l, left_end, &members);
        self.members = members;
        equal
    }

    /// Whether the members from `key` on are `members` in any order.
    fn members_among(&mut self, mut key: Id, end: Id, members: &[Id]) -> bool {
        let (mut found, mut count) = (usize::MAX, 0);
        while key < end {
            match self.find(key, members, found) {
                Some(at) => found = at,
                None => return false,
            }
            if !self.pair(key + 1, members[found]) {
                return false;
            }
            count += 1;
            key = self.left.after(key + 1);
        }
        count == members.len()
    }

    /// The member with the same key: most likely behind or before the last one found.
    fn find(&self, key: Id, members: &[Id], last: usize) -> Option<usize> {
        let here = |at: usize| members.get(at).is_some_and(|value| self.same_key(key, value - 1));
        let near = [last.wrapping_add(1), last.wrapping_sub(1)];
        if let Some(at) = near.into_iter().find(|at| here(*at)) {
            return Some(at);
        }
        if last == usize::MAX && here(members.len().wrapping_sub(1)) {
            return Some(members.len() - 1);
        }
        (members.len() <= MAX_SEARCHED).then(|| (0..members.len()).find(|at| here(*at)))?
    }

    fn same_key(&self, left: Id, right: Id) -> bool {
        self.left.node(left).hash == self.right.node(right).hash && self.same_string(left, right)
    }
}

#[inline]
fn text<'t>(tape: &'t Tape<'_>, node: &Node) -> &'t [u8] {
    &tape.text[node.start as usize..node.end as usize]
}
