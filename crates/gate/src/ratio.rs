//! How much slower the candidate is: the median over pairs of its time divided by the primary's,
//! with an interval that stays valid at every look.
//!
//! Both times are of the same request, so that a heavy request weighs on both sides alike; the
//! median does not care for a few stragglers. The interval is the sign test turned around: the
//! median is above a limit where more than half of the pairs are, and the share of pairs above a
//! limit is a rate, for which [`interval`](crate::interval) gives bounds that hold at all looks
//! together. (Quantiles by confidence sequences: S. Howard, A. Ramdas, "Sequential estimation of
//! quantiles with applications to A/B testing and best-arm identification", Bernoulli 28, 2022.)

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::interval::{certainly_above, certainly_below};

/// Bucket `b` holds ratios from `BASE^b` up to `BASE^(b+1)`.
const BASE: f64 = 1.05;
/// Pairs by bucket of their ratio.
pub type RatioBuckets = BTreeMap<i32, u64>;

/// The median ratio of the candidate's time to the primary's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyRatio {
    pub pairs: u64,
    /// The middle of its bucket, 5 % wide.
    pub median: f64,
    /// Certain bounds; 0, and none, as long as nothing is certain.
    pub low: f64,
    pub high: Option<f64>,
}

/// The lower end of a bucket.
struct Edge {
    bucket: i32,
    /// Pairs in this bucket or above.
    at_least: u64,
}

/// `None` without pairs.
#[must_use]
pub fn median(buckets: &RatioBuckets, confidence: f64) -> Option<LatencyRatio> {
    let pairs: u64 = buckets.values().sum();
    let last = *buckets.keys().next_back()?;
    // Every ratio is at least the lower edge of its bucket, and nothing is above the last.
    let mut left = pairs;
    let mut edges: Vec<Edge> = Vec::with_capacity(buckets.len() + 1);
    for (bucket, within) in buckets {
        edges.push(Edge { bucket: *bucket, at_least: left });
        left -= within;
    }
    edges.push(Edge { bucket: last + 1, at_least: left });
    let above = |edge: &Edge| certainly_above(edge.at_least, pairs, 0.5, confidence);
    let below = |edge: &Edge| certainly_below(edge.at_least, pairs, 0.5, confidence);
    // Ever fewer are at least as high: what is certain of one edge is of all before, or after it.
    let low = edges.partition_point(above).checked_sub(1).and_then(|at| edges.get(at));
    let first_below = edges.partition_point(|edge| !below(edge));
    // Buckets in between are empty: the lowest of them has as many above it as the next full one.
    let high = edges.get(first_below).map(|edge| match first_below.checked_sub(1) {
        Some(before) => edges[before].bucket + 1,
        None => edge.bucket,
    });
    let middle = edges.iter().take(edges.len() - 1).find(|edge| {
        let within = buckets.get(&edge.bucket).copied().unwrap_or(0);
        (edge.at_least - within) * 2 <= pairs
    });
    let middle = middle.map(|edge| BASE.powf(f64::from(edge.bucket) + 0.5));
    let low = low.map_or(0.0, |edge| BASE.powi(edge.bucket));
    let high = high.map(|bucket| BASE.powi(bucket));
    // Equal times are the lower edge of bucket 0, and most of what is floored is just that.
    let median =
        middle.map_or(1.0, |middle| if middle < BASE && middle > 1.0 { 1.0 } else { middle });
    Some(LatencyRatio { pairs, median, low, high })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    fn of(ratios: impl Iterator<Item = f64>) -> RatioBuckets {
        let mut buckets = RatioBuckets::new();
        for ratio in ratios {
            let bucket = (ratio.ln() / BASE.ln() + 1e-9).floor() as i32;
            *buckets.entry(bucket).or_default() += 1;
        }
        buckets
    }

    #[test]
    fn the_median_is_within_its_bucket_and_its_interval() {
        let twice = median(&of((0..2_000).map(|n| 2.0 + f64::from(n % 100) / 1_000.0)), 0.95);
        let twice = twice.unwrap();
        assert!((twice.median / 2.05 - 1.0).abs() < 0.06, "{twice:?}");
        assert!(twice.low > 1.9 && twice.high.unwrap() < 2.2, "{twice:?}");
        let few = median(&of([1.0, 3.0].into_iter()), 0.95).unwrap();
        assert_eq!((few.low, few.high), (0.0, None));
        assert_eq!(median(&RatioBuckets::new(), 0.95), None);
        assert_eq!(median(&of([1.0; 10].into_iter()), 0.95).unwrap().median, 1.0);
    }

    proptest::proptest! {
        /// Bounds are found by halving; going through every edge finds the same.
        #[test]
        fn bounds_are_those_of_every_edge_in_turn(
            buckets in proptest::collection::btree_map(-20_i32..20, 1_u64..200, 1..12),
        ) {
            let pairs: u64 = buckets.values().sum();
            let at_least = |edge: i32| buckets.range(edge..).map(|(_, pairs)| pairs).sum::<u64>();
            let edges = || -20..=21;
            let low = edges().rev().find(|e| certainly_above(at_least(*e), pairs, 0.5, 0.95));
            let high = edges().find(|e| certainly_below(at_least(*e), pairs, 0.5, 0.95));
            let found = median(&buckets, 0.95).unwrap();
            proptest::prop_assert_eq!(found.low, low.map_or(0.0, |edge| BASE.powi(edge)));
            proptest::prop_assert_eq!(found.high, high.map(|edge| BASE.powi(edge)));
        }
    }

    /// One that is exactly as slow as the limit is called too slow in one run of twenty at the
    /// most, although somebody looks after every tenth pair.
    #[test]
    fn looking_always_does_not_inflate_the_error() {
        let limit = BASE.powi(10);
        let blamed = |seed: u64| {
            let mut random = StdRng::seed_from_u64(seed);
            let mut buckets = RatioBuckets::new();
            (1..=1_000).any(|pairs| {
                let bucket = if random.random_bool(0.5) { 10 } else { 9 };
                *buckets.entry(bucket).or_default() += 1;
                pairs % 10 == 0 && median(&buckets, 0.95).unwrap().low >= limit
            })
        };
        let wrong = (0..400).filter(|&seed| blamed(seed)).count();
        assert!(wrong * 20 <= 400, "{wrong} of 400 runs blamed a candidate at the limit");
    }
}
