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

/// `None` without pairs.
#[must_use]
pub fn median(buckets: &RatioBuckets, confidence: f64) -> Option<LatencyRatio> {
    let pairs: u64 = buckets.values().sum();
    let mut at_least = pairs;
    let (mut middle, mut low, mut high) = (None, 0.0, None);
    let first = *buckets.keys().next()?;
    let last = *buckets.keys().next_back()?;
    for bucket in first..=last + 1 {
        // `at_least` pairs are in this bucket or above.
        let edge = BASE.powi(bucket);
        if certainly_above(at_least, pairs, 0.5, confidence) {
            low = edge;
        }
        if high.is_none() && certainly_below(at_least, pairs, 0.5, confidence) {
            high = Some(edge);
        }
        at_least -= buckets.get(&bucket).copied().unwrap_or(0);
        if middle.is_none() && at_least * 2 <= pairs {
            middle = Some(BASE.powf(f64::from(bucket) + 0.5));
        }
    }
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
