//! Figures of this comparator, for Prometheus.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use store::{Fate, Outcome};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FateLabel {
    fate: &'static str,
    reason: &'static str,
}

#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    settled: Family<FateLabel, Counter>,
    record_seconds: Histogram,
    repeated: Counter,
    store_failures: Counter,
    pub(crate) unreadable: Counter,
    pub(crate) model: Gauge<i64, AtomicI64>,
    pub(crate) analyst: Gauge<i64, AtomicI64>,
    pub(crate) learn_seconds: Histogram,
    store_away: AtomicBool,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
        let mut metrics = Self {
            registry: Registry::with_prefix("understudy_comparator"),
            settled: Family::default(),
            record_seconds: Histogram::new(seconds),
            repeated: Counter::default(),
            store_failures: Counter::default(),
            unreadable: Counter::default(),
            model: Gauge::default(),
            analyst: Gauge::default(),
            learn_seconds: Histogram::new(seconds),
            store_away: AtomicBool::new(false),
        };
        let r = &mut metrics.registry;
        r.register("settled", "Exchanges handed to the store, by fate", metrics.settled.clone());
        r.register("record_seconds", "Time of one transaction", metrics.record_seconds.clone());
        r.register("learn_seconds", "Time of one learning step", metrics.learn_seconds.clone());
        r.register("repeated", "Exchanges that were settled before", metrics.repeated.clone());
        r.register(
            "store_failures",
            "Transactions that failed and were tried again",
            metrics.store_failures.clone(),
        );
        r.register(
            "unreadable_messages",
            "Messages that did not open and were set aside",
            metrics.unreadable.clone(),
        );
        r.register("model", "Number of the model in force", metrics.model.clone());
        r.register("analyst", "1 while this process learns", metrics.analyst.clone());
        metrics
    }

    pub(crate) fn settled(&self, fate: &Fate, matches: bool) {
        let (fate, reason) = match fate {
            Fate::Compared(compared) => match compared.outcome {
                Outcome::Answered if matches => ("match", ""),
                Outcome::Answered => ("mismatch", ""),
                outcome => (outcome.as_str(), ""),
            },
            Fate::Skipped { reason, .. } => ("skipped", reason.as_str()),
            Fate::Parked { reason, .. } => ("parked", reason.as_str()),
        };
        self.settled.get_or_create(&FateLabel { fate, reason }).inc();
    }

    pub(crate) fn recorded(&self, took: Duration, repeated: u64) {
        self.record_seconds.observe(took.as_secs_f64());
        self.repeated.inc_by(repeated);
        self.store_away.store(false, Ordering::Relaxed);
    }

    pub(crate) fn store_failed(&self) {
        self.store_failures.inc();
        self.store_away.store(true, Ordering::Relaxed);
    }

    /// Whether the last transaction failed.
    pub(crate) fn store_away(&self) -> bool {
        self.store_away.load(Ordering::Relaxed)
    }

    /// The text a scraper reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
