//! Hashes of sub-trees: 64 bits, seeded by the two bodies.
//!
//! A hash only proposes that two sub-trees are equal; the walk confirms it. The seed depends on
//! both bodies, so that neither side alone can prepare keys that collide.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What the hashes of one comparison are seeded with.
#[derive(Clone, Debug)]
pub(crate) struct Seed(FixedState);

impl Seed {
    pub(crate) fn of(left: &[u8], right: &[u8]) -> Self {
        let first = FixedState::with_seed(STEP);
        Self(FixedState::with_seed(mix(digest(&first, left), digest(&first, right))))
    }

    pub(crate) fn bytes(&self, bytes: &[u8]) -> u64 {
        digest(&self.0, bytes)
    }
}

fn digest(state: &FixedState, bytes: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Folded multiply: both halves of the 128-bit product, so that every input bit counts.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ STEP) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    (product as u64) ^ ((product >> 64) as u64)
}
