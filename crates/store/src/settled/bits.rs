//! One block of the set of settled numbers: a bit for each of 4,096 numbers.

use std::ops::Range;

use crate::StoreError;

/// Numbers per block.
pub(crate) const BLOCK: u64 = 4096;
const WORDS: usize = (BLOCK / 64) as usize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block([u64; WORDS]);

impl Block {
    pub(crate) const EMPTY: Self = Self([0; WORDS]);

    /// Little-endian words; no bytes at all for an empty block.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        if bytes.is_empty() {
            return Ok(Self::EMPTY);
        }
        let (words, rest) = bytes.as_chunks::<8>();
        if words.len() != WORDS || !rest.is_empty() {
            return Err(StoreError::Corrupt(format!("a block of {} bytes", bytes.len())));
        }
        let mut block = Self::EMPTY;
        for (word, bytes) in block.0.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        Ok(block)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        if *self == Self::EMPTY {
            return Vec::new();
        }
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Sets the places (within the block) and says how many were not set before.
    pub(crate) fn set(&mut self, places: Range<u64>) -> u64 {
        let mut fresh = 0;
        for (word, mask) in self.0.iter_mut().zip(masks(&places)) {
            fresh += u64::from((mask & !*word).count_ones());
            *word |= mask;
        }
        fresh
    }

    /// How many of the places are not set.
    pub(crate) fn unset(&self, places: Range<u64>) -> u64 {
        let words = self.0.iter().zip(masks(&places));
        words.map(|(word, mask)| u64::from((mask & !word).count_ones())).sum()
    }

    pub(crate) fn holds(&self, place: u64) -> bool {
        self.unset(place..place + 1) == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.iter().all(|word| *word == u64::MAX)
    }
}

/// For each word the bits of it that lie within `places`.
fn masks(places: &Range<u64>) -> impl Iterator<Item = u64> {
    let below = |bits: u64| match bits {
        0 => 0,
        64.. => u64::MAX,
        bits => (1 << bits) - 1,
    };
    let (start, end) = (places.start, places.end);
    (0..BLOCK)
        .step_by(64)
        .map(move |first| below(end.saturating_sub(first)) & !below(start.saturating_sub(first)))
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Block};

    #[test]
    fn ranges_across_words_count_what_is_new() {
        let mut block = Block::EMPTY;
        assert_eq!(block.set(60..70), 10);
        assert_eq!(block.set(65..130), 60);
        assert_eq!(block.unset(0..BLOCK), BLOCK - 70);
        assert!(block.holds(60) && block.holds(129));
        assert!(!block.holds(59) && !block.holds(130));
        assert_eq!(block.unset(129..131), 1);
        assert_eq!(block.set(5..5), 0);
    }

    #[test]
    fn a_block_is_full_only_with_every_number() {
        let mut block = Block::EMPTY;
        assert_eq!(block.set(0..BLOCK - 1), BLOCK - 1);
        assert!(!block.is_full());
        assert_eq!(block.set(0..BLOCK), 1);
        assert!(block.is_full());
    }

    #[test]
    fn bytes_read_back() {
        let mut block = Block::EMPTY;
        assert_eq!(block.write(), Vec::<u8>::new());
        block.set(3..4);
        block.set(4000..4096);
        assert_eq!(block.write().len(), 512);
        assert_eq!(Block::read(&block.write()).unwrap(), block);
        assert_eq!(Block::read(&[]).unwrap(), Block::EMPTY);
        assert!(Block::read(&[1, 2, 3]).is_err());
    }
}
