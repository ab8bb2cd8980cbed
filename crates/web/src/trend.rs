//! Counts by time, in as many stretches as a sparkline has columns.

use std::collections::BTreeMap;

use store::{EndpointKey, Outcome, Store, StoreError, TrendCount};

use crate::ledger::Tally;

const SLOTS: i64 = 24;
const HOUR: i64 = 60;

/// The newest [`SLOTS`] hours; while there is less than two hours of traffic, stretches of five
/// minutes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trend {
    /// The first minute.
    from: i64,
    /// Minutes of one stretch.
    length: i64,
    counts: Vec<TrendCount>,
}

impl Trend {
    pub(crate) async fn read(store: &Store, now: i64) -> Result<Self, StoreError> {
        let first = store.first_minute().await?.unwrap_or(now);
        let length = if now - first < 2 * HOUR { 2 * HOUR / SLOTS } else { HOUR };
        let from = now - now.rem_euclid(length) - (SLOTS - 1) * length;
        let counts = store.trend(from, length).await?;
        Ok(Self { from, length, counts })
    }

    /// `24 hours`
    pub(crate) fn span(&self) -> String {
        format!("{} hours", self.length.max(1) * SLOTS / HOUR)
    }

    /// The first minute of each stretch, oldest first.
    pub(crate) fn minutes(&self) -> Vec<i64> {
        (0..SLOTS).map(|slot| self.from + slot * self.length).collect()
    }

    /// Pairs of one cluster, oldest first.
    pub(crate) fn of_cluster(&self, cluster: i64) -> Vec<u64> {
        let mut pairs = vec![0; SLOTS as usize];
        for count in self.counts.iter().filter(|count| count.cluster == Some(cluster)) {
            if let Some(sum) = self.slot(count).and_then(|slot| pairs.get_mut(slot)) {
                *sum += count.pairs;
            }
        }
        pairs
    }

    /// What was compared at some endpoints, oldest first.
    pub(crate) fn tallies(&self, within: &dyn Fn(EndpointKey) -> bool) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); SLOTS as usize];
        for count in self.counts.iter().filter(|count| within(count.endpoint)) {
            let Some(tally) = self.slot(count).and_then(|slot| tallies.get_mut(slot)) else {
                continue;
            };
            tally.add_counts(count.outcome, count.matches, count.pairs, count.trials);
        }
        tallies
    }

    fn slot(&self, count: &TrendCount) -> Option<usize> {
        usize::try_from((count.minute - self.from) / self.length.max(1)).ok()
    }
}

/// Pairs compared, and those that differ, by minute: what goes on now.
pub(crate) fn by_minute(counts: &[TrendCount], from: i64, minutes: usize) -> Vec<(u64, u64)> {
    let mut sums: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for count in counts {
        let sum = sums.entry(count.minute).or_default();
        sum.0 += count.pairs;
        if !count.matches && count.outcome == Outcome::Answered {
            sum.1 += count.pairs;
        }
    }
    (0..minutes).map(|at| sums.get(&(from + at as i64)).copied().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(minute: i64, cluster: Option<i64>, pairs: u64) -> TrendCount {
        TrendCount {
            minute,
            endpoint: 1,
            cluster,
            outcome: Outcome::Answered,
            matches: cluster.is_none(),
            pairs,
            trials: pairs,
        }
    }

    #[test]
    fn counts_fall_into_their_stretch() {
        let counts = vec![count(1000, Some(7), 2), count(1060, Some(7), 3), count(1060, None, 9)];
        let trend = Trend { from: 1000, length: 60, counts };
        assert_eq!(trend.of_cluster(7)[..3], [2, 3, 0]);
        assert_eq!(trend.of_cluster(8).iter().sum::<u64>(), 0);
        let tallies = trend.tallies(&|key| key == 1);
        assert_eq!((tallies[1].compared, tallies[1].mismatched), (12, 3));
        assert_eq!(trend.span(), "24 hours");
        assert_eq!(trend.minutes()[1], 1060);
    }

    #[test]
    fn minutes_without_traffic_are_there_too() {
        let counts = [count(10, Some(7), 2), count(12, None, 5)];
        assert_eq!(by_minute(&counts, 10, 3), [(2, 2), (0, 0), (5, 0)]);
    }
}
