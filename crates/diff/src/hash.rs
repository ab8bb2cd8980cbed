//! Hashes of sub-trees: 64 bits, seeded by the two bodies.
//!
//! A hash only proposes that two sub-trees are equal; the walk confirms it. The seed depends on
//! both bodies, so that neither side alone can prepare keys that collide.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What the hashes of one comparison are seeded with.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    long: FixedState,
    short: (u64, u64),
}

impl Seed {
    pub(crate) fn of(left: &[u8], right: &[u8]) -> Self {
        let first = FixedState::with_seed(STEP);
        let seed = mix(digest(&first, left), digest(&first, right));
        let short = (mix(seed, 1), mix(seed, 2));
        Self { long: FixedState::with_seed(seed), short }
    }

    #[inline]
    pub(crate) fn bytes(&self, bytes: &[u8]) -> u64 {
        match ends(bytes) {
            Some((head, tail)) => {
                let both = mix(head ^ self.short.0, tail ^ self.short.1);
                mix(both, bytes.len() as u64)
            }
            None => digest(&self.long, bytes),
        }
    }
}

/// Two words that hold all of up to 16 bytes; they overlap where there are fewer.
#[inline]
fn ends(bytes: &[u8]) -> Option<(u64, u64)> {
    if bytes.len() > 16 {
        return None;
    }
    if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return Some((u64::from_le_bytes(*head), u64::from_le_bytes(*tail)));
    }
    if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return Some((u32::from_le_bytes(*head).into(), u32::from_le_bytes(*tail).into()));
    }
    match *bytes {
        [] => Some((0, 0)),
        [a] => Some((a.into(), 0)),
        [a, b] => Some((a.into(), b.into())),
        [a, b, c, ..] => Some((u64::from(a) | u64::from(b) << 8, c.into())),
    }
}

#[inline]
fn digest(state: &FixedState, bytes: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Folded multiply: both halves of the 128-bit product, so that every input bit counts.
#[inline]
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ STEP) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    (product as u64) ^ ((product >> 64) as u64)
}
