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

/// Up to this many bytes fit two words beside their number.
pub(crate) const SHORT: usize = 15;
/// From here on the set-up of a wide hash pays.
const LONG: usize = 96;

impl Seed {
    pub(crate) fn of(left: &[u8], right: &[u8]) -> Self {
        let first = FixedState::with_seed(STEP);
        let seed = mix(digest(&first, left), digest(&first, right));
        let short = (mix(seed, 1), mix(seed, 2));
        Self { long: FixedState::with_seed(seed), short }
    }

    #[inline]
    pub(crate) fn bytes(&self, bytes: &[u8]) -> u64 {
        match bytes.len() {
            length @ 0..=SHORT => {
                let (low, high) = words(bytes);
                self.short(low, high, length)
            }
            ..LONG => self.middling(bytes),
            _ => digest(&self.long, bytes),
        }
    }

    /// The hash of up to [`SHORT`] bytes, given as little-endian words filled up with zeros.
    #[inline]
    pub(crate) fn short(&self, low: u64, high: u64, length: usize) -> u64 {
        fold(low ^ self.short.0, high ^ (length as u64) << 56 ^ self.short.1)
    }

    fn middling(&self, bytes: &[u8]) -> u64 {
        let mut hash = self.short.0 ^ bytes.len() as u64;
        let mut rest = bytes;
        while let Some((chunk, behind)) = rest.split_first_chunk::<16>()
            && !behind.is_empty()
        {
            let (low, high) = halves(chunk);
            hash = fold(low ^ hash, high ^ self.short.1);
            rest = behind;
        }
        let (low, high) = bytes.last_chunk().map_or((0, 0), halves);
        fold(low ^ hash, high ^ self.short.1)
    }
}

#[inline]
pub(crate) fn halves(chunk: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_le_bytes(*chunk);
    (both as u64, (both >> 64) as u64)
}

/// Up to 16 bytes as little-endian words filled up with zeros.
#[inline]
pub(crate) fn words(bytes: &[u8]) -> (u64, u64) {
    let length = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let high = if length == 8 { 0 } else { u64::from_le_bytes(*last) >> (128 - 8 * length) };
        return (u64::from_le_bytes(*first), high);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return (u64::from(first) | u64::from(last) << (8 * length - 32), 0);
    }
    match *bytes {
        [a, b, c] => (u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16, 0),
        [a, b] => (u64::from(a) | u64::from(b) << 8, 0),
        [a] => (a.into(), 0),
        _ => (0, 0),
    }
}

/// Whether two texts are the same; without a call where they are short.
#[inline]
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && if left.len() <= 16 { words(left) == words(right) } else { left == right }
}

#[inline]
fn digest(state: &FixedState, bytes: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Folded multiply: both halves of the 128-bit product, so that every input bit counts.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Two words into one, of which neither is secret.
#[inline]
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    fold(a ^ STEP, b ^ 0xd6e8_feb8_6659_fd93)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_every_byte_once() {
        let text: Vec<u8> = (1..=16).collect();
        for length in 0..=16 {
            let (low, high) = words(&text[..length]);
            let bytes = [low.to_le_bytes(), high.to_le_bytes()].concat();
            assert_eq!(bytes[..length], text[..length]);
            assert!(bytes[length..].iter().all(|byte| *byte == 0), "{length}: {bytes:?}");
        }
    }

    #[test]
    fn every_byte_and_the_length_count() {
        let seed = Seed::of(b"a", b"b");
        for length in 0..200 {
            let text = vec![b'x'; length];
            let hash = seed.bytes(&text);
            assert_ne!(hash, seed.bytes(&vec![b'x'; length + 1]));
            for at in 0..length {
                let mut other = text.clone();
                other[at] = 0;
                assert_ne!(hash, seed.bytes(&other), "{length} {at}");
                assert!(!same(&text, &other) && same(&text, &text.clone()));
            }
        }
    }
}
