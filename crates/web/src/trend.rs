//! Counts by time, in as many stretches as a sparkline has columns.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

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
    async fn read(store: &Store, now: i64) -> Result<Self, StoreError> {
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

/// What pages draw by time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    pub(crate) trend: Trend,
    /// Compared and differing in each of the last [`MINUTES`], oldest first.
    pub(crate) minutes: Vec<(u64, u64)>,
}

/// Minutes of the newest traffic.
const MINUTES: usize = 60;
/// A timeline is as good as new for so long, and for so many times as long as reading it took.
const FRESH: Duration = Duration::from_secs(2);
const RESTS: u32 = 20;
/// One that is older is waited for; before that it is read anew beside the requests.
const TOO_OLD: Duration = Duration::from_secs(60);

impl Timeline {
    async fn read(store: &Store) -> Result<Self, StoreError> {
        let now = jiff::Timestamp::now().as_microsecond().div_euclid(60_000_000);
        let from = now - MINUTES as i64 + 1;
        let minutes = by_minute(&store.trend(from, 1).await?, from, MINUTES);
        Ok(Self { trend: Trend::read(store, now).await?, minutes })
    }
}

/// The timeline between requests: summing counters by time takes longer the more there is.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptTimeline {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Option<Kept>>,
    reading: AtomicBool,
}

#[derive(Clone, Debug)]
struct Kept {
    timeline: Arc<Timeline>,
    at: Instant,
    took: Duration,
}

impl KeptTimeline {
    pub(crate) async fn look(&self, store: &Store) -> Result<Arc<Timeline>, StoreError> {
        let kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(kept) = kept.filter(|kept| kept.at.elapsed() < TOO_OLD) else {
            return self.read(store).await;
        };
        let is_fresh = kept.at.elapsed() < (kept.took * RESTS).max(FRESH);
        // A small one is read at once, so that a page shows what was just compared.
        if !is_fresh && kept.took < FRESH / 100 {
            return self.read(store).await;
        }
        if !is_fresh && !self.shared.reading.swap(true, Ordering::SeqCst) {
            let (kept, store) = (self.clone(), store.clone());
            tokio::spawn(async move {
                if let Err(error) = kept.read(&store).await {
                    tracing::warn!(%error, "counts by time could not be read");
                }
                kept.shared.reading.store(false, Ordering::SeqCst);
            });
        }
        Ok(kept.timeline)
    }

    async fn read(&self, store: &Store) -> Result<Arc<Timeline>, StoreError> {
        let at = Instant::now();
        let timeline = Arc::new(Timeline::read(store).await?);
        let kept = Kept { timeline: Arc::clone(&timeline), at, took: at.elapsed() };
        *self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(timeline)
    }
}

/// Pairs compared, and those that differ, by minute: what goes on now.
fn by_minute(counts: &[TrendCount], from: i64, minutes: usize) -> Vec<(u64, u64)> {
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
