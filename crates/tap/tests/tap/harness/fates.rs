//! What became of the requests, told alike in every condition.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use exchange::NotCopiedReason;

use super::{Account, Copying, Metrics, PATIENCE, Tap};

/// Where each request went.
#[derive(Debug)]
pub(crate) struct Fates {
    pub(crate) seen: u64,
    /// What was published, where that can be read.
    pub(crate) account: Option<Account>,
    copying: Copying,
    not_copied: BTreeMap<NotCopiedReason, u64>,
    captured: u64,
    dropped: u64,
}

impl Tap {
    /// Stops, and the account, which must balance. Over a full spool nothing can be published:
    /// there it is what the metrics say, once they add up.
    pub(crate) fn fates(self) -> Fates {
        let copying = self.copying;
        if copying == Copying::SpoolFull {
            return Fates::of_metrics(&self.settled_metrics(), copying);
        }
        let account = self.stop();
        account.assert_balanced();
        let in_partitions = account.partitions();
        Fates {
            seen: account.seen(),
            copying,
            not_copied: account.totals.not_copied.clone(),
            captured: account.captured(),
            dropped: account.totals.dropped.values().sum::<u64>()
                + in_partitions.iter().flat_map(|count| count.dropped.values()).sum::<u64>(),
            account: Some(account),
        }
    }

    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::parse(self.admin("GET", "/metrics").text())
    }

    /// The metrics once every request that was seen has its fate and no more come.
    pub(crate) fn settled_metrics(&self) -> Metrics {
        let end = Instant::now() + PATIENCE;
        let mut before = None;
        loop {
            let metrics = self.metrics();
            let balance = (metrics.sum("understudy_tap_requests_total"), metrics.fates());
            if balance.0 == balance.1 && before == Some(balance) {
                return metrics;
            }
            assert!(Instant::now() < end, "does not balance: {balance:?}");
            before = Some(balance);
            std::thread::sleep(Duration::from_millis(40));
        }
    }
}

impl Fates {
    fn of_metrics(metrics: &Metrics, copying: Copying) -> Self {
        let reasons = NotCopiedReason::ALL.iter().filter_map(|reason| {
            let labels = [("reason", reason.as_str())];
            Some((*reason, metrics.get("understudy_tap_not_copied_total", &labels)?))
        });
        Self {
            seen: metrics.sum("understudy_tap_requests_total"),
            account: None,
            copying,
            not_copied: reasons.collect(),
            captured: metrics.sum("understudy_tap_captured_total"),
            dropped: metrics.sum("understudy_tap_dropped_total"),
        }
    }

    /// How many were meant for replay, whether or not they could be kept.
    pub(crate) fn meant(&self) -> u64 {
        let paused = self.not_copied.get(&NotCopiedReason::Paused).copied().unwrap_or_default();
        self.captured + self.dropped + paused
    }

    /// How many were not copied for `reason`. Paused, a request is not copied for that reason
    /// from its head on, whatever happens to its bodies.
    pub(crate) fn not_copied(&self, reason: NotCopiedReason) -> u64 {
        use NotCopiedReason::{Aborted, Paused, RequestOverCap};

        let paused = self.copying == Copying::Paused && matches!(reason, Aborted | RequestOverCap);
        let told = if paused { Paused } else { reason };
        self.not_copied.get(&told).copied().unwrap_or_default()
    }
}
