//! Quantiles of the store's latency histograms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Bucket `b` holds durations from `BASE^b` to `BASE^(b+1)` µs.
const BASE: f64 = 1.05;

/// Milliseconds; `None` without an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

impl Quantiles {
    #[must_use]
    pub(crate) fn of(buckets: &BTreeMap<u16, u64>) -> Self {
        Self {
            p50: quantile(buckets, 0.50),
            p95: quantile(buckets, 0.95),
            p99: quantile(buckets, 0.99),
        }
    }
}

/// The middle (geometric) of the bucket that holds the `share`-th value, in milliseconds with
/// two digits: a bucket is 5 % wide, more digits would be invented.
pub(crate) fn quantile(buckets: &BTreeMap<u16, u64>, share: f64) -> Option<f64> {
    let total: u64 = buckets.values().sum();
    if total == 0 {
        return None;
    }
    let rank = ((share * total as f64).ceil() as u64).clamp(1, total);
    let mut below = 0;
    let bucket = buckets.iter().find_map(|(bucket, count)| {
        below += count;
        (below >= rank).then_some(*bucket)
    })?;
    let ms = BASE.powf(f64::from(bucket) + 0.5) / 1000.0;
    Some((ms * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bucket of a duration.
    fn bucket(us: f64) -> u16 {
        us.log(BASE).floor() as u16
    }

    #[test]
    fn quantiles_are_within_the_width_of_a_bucket() {
        let mut buckets = BTreeMap::new();
        for ms in 1..=1000 {
            *buckets.entry(bucket(f64::from(ms) * 1000.0)).or_insert(0) += 1;
        }
        for (share, ms) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = quantile(&buckets, share).unwrap();
            assert!((found / ms - 1.0).abs() < 0.05, "p{share} is {found} ms");
        }
    }

    #[test]
    fn no_answers_have_no_latency() {
        assert_eq!(Quantiles::of(&BTreeMap::new()), Quantiles::default());
    }
}
