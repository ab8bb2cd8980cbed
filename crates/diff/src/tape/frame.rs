//! What is open while a text is read, and how hashes of children become one.

use super::Id;
use crate::hash::mix;
use crate::rule::Place;

/// An open container, or what is around the outermost value.
pub(super) struct Frame {
    pub(super) hash: u64,
    /// Hash of the key whose value is being read.
    pub(super) key: u64,
    /// Which of 256 buckets the keys fell into; a second hit may be a repeated key.
    pub(super) seen: [u64; 4],
    pub(super) place: Place,
    pub(super) node: Id,
    /// Children so far.
    pub(super) count: u32,
    pub(super) holds: Holds,
    /// A rule applies to some value below.
    pub(super) ruled: bool,
    pub(super) suspect: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// One value, which nothing closes.
    Document,
    Members,
    Elements,
    /// Elements whose order does not count.
    Bag,
}

/// A finished value, as its parent takes it in.
#[derive(Clone, Copy)]
pub(super) struct Done {
    pub(super) hash: u64,
    /// Whether it is part of its parent's hash.
    pub(super) counts: bool,
    pub(super) ruled: bool,
}

impl Frame {
    #[inline]
    pub(super) fn new(holds: Holds, node: Id, place: Place) -> Self {
        let (ruled, suspect) = (false, false);
        Self { hash: 0, key: 0, seen: [0; 4], place, node, count: 0, holds, ruled, suspect }
    }

    #[inline]
    pub(super) fn closes_with(&self, byte: u8) -> bool {
        match self.holds {
            Holds::Members => byte == b'}',
            Holds::Elements | Holds::Bag => byte == b']',
            Holds::Document => false,
        }
    }

    #[inline(always)]
    pub(super) fn adopt<const RULES: bool>(&mut self, child: Done) {
        self.count += 1;
        if RULES {
            self.ruled |= child.ruled;
            if !child.counts {
                return;
            }
        }
        self.hash = if self.holds == Holds::Members {
            self.hash.wrapping_add(mix(self.key, child.hash))
        } else if RULES && self.holds == Holds::Bag {
            self.hash.wrapping_add(mix(child.hash, 0x756e_6f72))
        } else {
            mix(self.hash ^ 1, child.hash)
        };
    }

    /// Whether this key may have been there before.
    #[inline]
    pub(super) fn meets_again(&mut self, key: u64) -> bool {
        self.key = key;
        let (word, bit) = ((key >> 6 & 3) as usize, 1_u64 << (key & 63));
        let seen = self.seen[word] & bit != 0;
        self.seen[word] |= bit;
        seen
    }
}
