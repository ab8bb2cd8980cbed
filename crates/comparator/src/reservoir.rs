//! Whose fields are kept: of each bucket those whose exchange numbers hash smallest.
//!
//! The decision needs only the hash and how many came before, and falls before anything is read.
//! What several comparators keep together holds what one would have kept; the analyst drops what
//! is beyond.

use std::{collections::HashMap, sync::Mutex};

use exchange::Number;

use crate::plan::lock;

/// Kept matches of one endpoint and version.
pub(crate) const MATCHES: usize = 8_000;
/// Kept mismatches of one signature and version.
pub(crate) const MISMATCHES: usize = 4_000;
/// Kept matches that miss one condition by one term.
pub(crate) const NEAR_MISSES: usize = 1_000;
/// Buckets counted; hostile versions and signatures cannot grow them without end.
const MOST_BUCKETS: usize = 100_000;
/// Taken beyond the capacity, so that the smallest of all are surely among them.
const SLACK: f64 = 1.1;

/// How many pairs came to each bucket: an endpoint's matches, a signature's mismatches.
#[derive(Debug, Default)]
pub(crate) struct Reservoirs {
    counts: Mutex<HashMap<(i64, String), u64>>,
}

impl Reservoirs {
    /// Takes in what was counted before this start.
    pub(crate) fn seed(&self, bucket: i64, version: &str, pairs: u64) {
        *lock(&self.counts).entry((bucket, version.to_owned())).or_default() += pairs;
    }

    /// Nothing was counted yet.
    pub(crate) fn clear(&self) {
        lock(&self.counts).clear();
    }

    /// Whether the next pair of a bucket is to be kept.
    pub(crate) fn admits(&self, bucket: i64, version: &str, hash: i64, capacity: usize) -> bool {
        let mut counts = lock(&self.counts);
        let key = (bucket, version.to_owned());
        if counts.len() >= MOST_BUCKETS && !counts.contains_key(&key) {
            return false;
        }
        let count = counts.entry(key).or_insert(0);
        *count += 1;
        let share = SLACK * capacity as f64 / *count as f64;
        share >= 1.0 || (hash as f64) < share * i64::MAX as f64
    }
}

/// A fixed hash of a number, never negative (the finaliser of splitmix64).
pub(crate) fn hash(number: Number) -> i64 {
    let mut z = (number.epoch.0 as u64)
        .wrapping_add(u64::from(number.partition).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(number.n.wrapping_mul(0xd1b5_4a32_d192_ed03));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use exchange::Epoch;

    use super::*;

    #[test]
    fn two_comparators_keep_what_one_would() {
        let hash_of = |n: u64| hash(Number { epoch: Epoch(5), partition: (n % 8) as u16, n });
        let kept = |parts: u64| {
            let sides: Vec<Reservoirs> = (0..parts).map(|_| Reservoirs::default()).collect();
            let admitted = (0..50_000_u64)
                .filter(|n| sides[(n % parts) as usize].admits(1, "v", hash_of(*n), 1_000));
            let mut hashes: Vec<i64> = admitted.map(hash_of).collect();
            hashes.sort_unstable();
            assert!(hashes.len() < 12_000, "{}", hashes.len());
            hashes.into_iter().take(1_000).collect::<BTreeSet<_>>()
        };
        assert_eq!(kept(1), kept(2));
        let mut all: Vec<i64> = (0..50_000).map(hash_of).collect();
        all.sort_unstable();
        assert_eq!(kept(1), all.into_iter().take(1_000).collect());
    }
}
