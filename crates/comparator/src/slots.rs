//! Which pairs are kept as samples: the first, some of the newest, and a reservoir between.
//!
//! Deterministic in the count so far, so that a test or a second look gives the same samples.

use std::{collections::HashMap, sync::Mutex};

use store::SampleSlot;

use crate::plan::lock;

/// Slots of the first pairs, and of the newest.
const FIRST: u64 = 5;
const RING: u64 = 5;
/// Counters held; hostile versions and signatures cannot grow them without end.
const MOST_COUNTERS: usize = 200_000;

/// Counts of pairs by signature and version, and of matches by endpoint and version.
#[derive(Debug)]
pub(crate) struct Slots {
    kept: u64,
    counts: Mutex<HashMap<(i64, String), u64>>,
}

impl Slots {
    /// `kept` = samples per signature and version.
    pub(crate) fn new(kept: u16) -> Self {
        Self { kept: u64::from(kept), counts: Mutex::default() }
    }

    /// Takes in what was counted before this start.
    pub(crate) fn seed(&self, key: i64, version: &str, pairs: u64) {
        *lock(&self.counts).entry((key, version.to_owned())).or_default() += pairs;
    }

    /// Nothing was counted yet.
    pub(crate) fn clear(&self) {
        lock(&self.counts).clear();
    }

    /// The slot of the next pair of a mismatching signature, if it is to be kept.
    pub(crate) fn mismatch(&self, signature: i64, version: &str) -> Option<SampleSlot> {
        let n = self.next(signature, version)?;
        slot_of_mismatch(n, self.kept)
    }

    /// The slot of the next match at an endpoint, if it is to be kept: about ten per endpoint.
    pub(crate) fn matching(&self, endpoint: i64, version: &str) -> Option<SampleSlot> {
        let n = self.next(endpoint, version)?;
        slot_of_match(n, self.kept)
    }

    fn next(&self, key: i64, version: &str) -> Option<u64> {
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(&(key, version.to_owned())) {
            *count += 1;
            return Some(*count - 1);
        }
        if counts.len() >= MOST_COUNTERS {
            return None;
        }
        counts.insert((key, version.to_owned()), 1);
        Some(0)
    }
}

fn slot_of_mismatch(n: u64, kept: u64) -> Option<SampleSlot> {
    if n < FIRST.min(kept) {
        return slot(n);
    }
    let reservoir = kept.saturating_sub(FIRST + RING);
    let chosen = scatter(n) % n.max(1);
    if chosen < reservoir {
        return slot(FIRST + RING + chosen);
    }
    // The newest, ever more seldom: a sample costs more than a comparison.
    let stride = (n / 64).max(1).next_power_of_two().min(1_024);
    (kept > FIRST && n.is_multiple_of(stride))
        .then(|| slot(FIRST + (n / stride) % RING.min(kept - FIRST)))
        .flatten()
}

fn slot_of_match(n: u64, kept: u64) -> Option<SampleSlot> {
    if n < FIRST.min(kept) {
        return slot(n);
    }
    // The newest at every doubling.
    (kept > FIRST && n.is_power_of_two())
        .then(|| slot(FIRST + u64::from(n.ilog2()) % RING.min(kept - FIRST)))
        .flatten()
}

fn slot(n: u64) -> Option<SampleSlot> {
    u16::try_from(n).ok().map(SampleSlot)
}

/// A fixed pseudo-random number for `n` (splitmix64).
fn scatter(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_first_stay_the_newest_turn_and_a_reservoir_lies_between() {
        let mut last: BTreeMap<u16, u64> = BTreeMap::new();
        let mut taken = 0;
        for n in 0..100_000 {
            if let Some(SampleSlot(slot)) = slot_of_mismatch(n, 25) {
                last.insert(slot, n);
                taken += 1;
            }
        }
        assert_eq!(last.keys().copied().collect::<Vec<_>>(), (0..25).collect::<Vec<_>>());
        assert!((0..5).all(|slot| last[&slot] == u64::from(slot)));
        assert!((5..10).all(|slot| last[&slot] > 90_000), "{last:?}");
        assert!(taken < 1_000, "{taken}");
        let spread = (10..25).filter(|slot| last[slot] < 50_000).count();
        assert!((3..13).contains(&spread), "{last:?}");
    }

    #[test]
    fn few_matches_are_kept() {
        let taken = (0..100_000).filter(|n| slot_of_match(*n, 25).is_some()).count();
        assert!((10..25).contains(&taken), "{taken}");
        assert!((0..1_000).filter_map(|n| slot_of_match(n, 25)).all(|SampleSlot(slot)| slot < 10));
    }

    #[test]
    fn a_small_number_of_samples_is_kept_to() {
        for kept in 1..12 {
            for n in 0..10_000 {
                for slot in
                    [slot_of_mismatch(n, kept), slot_of_match(n, kept)].into_iter().flatten()
                {
                    assert!(u64::from(slot.0) < kept, "{kept} {n} {slot:?}");
                }
            }
        }
    }

    #[test]
    fn counting_goes_on_after_a_restart() {
        let slots = Slots::new(25);
        slots.seed(7, "v1", 5);
        assert!(slots.mismatch(7, "v1").is_some_and(|SampleSlot(slot)| slot >= 5));
        assert_eq!(slots.mismatch(7, "v2"), Some(SampleSlot(0)));
    }
}
