//! Figures of this replayer, for Prometheus.

use std::sync::atomic::AtomicI64;

use exchange::{Answer, Outcome, Reference, Settlement};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Fate {
    fate: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Found {
    finding: &'static str,
}

#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    settled: Family<Fate, Counter>,
    checked: Family<Found, Counter>,
    pub(crate) asked_primary: Counter,
    candidate_seconds: Histogram,
    in_flight: Gauge<i64, AtomicI64>,
    pub(crate) waiting: Gauge<i64, AtomicI64>,
    pub(crate) messages_in_hand: Gauge<i64, AtomicI64>,
    pub(crate) held_bytes: Gauge<i64, AtomicI64>,
    pub(crate) breaker_open: Gauge<i64, AtomicI64>,
    pub(crate) paused: Gauge<i64, AtomicI64>,
    pub(crate) publish_retries: Counter,
    pub(crate) unreadable: Counter,
    pub(crate) panics: Counter,
}

/// Counts one request under way while it lives.
#[derive(Debug)]
pub(crate) struct InFlight(Gauge<i64, AtomicI64>);

impl Metrics {
    pub(crate) fn new() -> Self {
        let seconds =
            [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let mut metrics = Self {
            registry: Registry::with_prefix("understudy_replayer"),
            settled: Family::default(),
            checked: Family::default(),
            asked_primary: Counter::default(),
            candidate_seconds: Histogram::new(seconds),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            messages_in_hand: Gauge::default(),
            held_bytes: Gauge::default(),
            breaker_open: Gauge::default(),
            paused: Gauge::default(),
            publish_retries: Counter::default(),
            unreadable: Counter::default(),
            panics: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("settled", "Exchanges settled, by fate and reason", self.settled.clone());
        r.register(
            "checked",
            "Differing pairs asked about again, by finding",
            self.checked.clone(),
        );
        r.register(
            "candidate_seconds",
            "From sending a request to the end of the candidate's answer",
            self.candidate_seconds.clone(),
        );
        let gauges = [
            ("in_flight", "Requests under way at the candidate", &self.in_flight),
            ("waiting", "Exchanges that wait for their session", &self.waiting),
            ("messages_in_hand", "Messages not yet acknowledged", &self.messages_in_hand),
            ("held_bytes", "Bytes of answers not yet confirmed", &self.held_bytes),
            ("breaker_open", "1 while the candidate cannot be reached", &self.breaker_open),
            ("paused", "1 while replaying is paused", &self.paused),
        ];
        for (name, help, gauge) in gauges {
            r.register(name, help, gauge.clone());
        }
        let counters = [
            ("publish_retries", "Results the queue did not accept at first", &self.publish_retries),
            ("asked_primary", "Questions to the primary itself", &self.asked_primary),
            ("unreadable_messages", "Messages that did not open", &self.unreadable),
            ("panics", "Panics caught while an exchange ran", &self.panics),
        ];
        for (name, help, counter) in counters {
            r.register(name, help, counter.clone());
        }
    }

    pub(crate) fn in_flight(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    pub(crate) fn answered(&self, answer: &Answer) {
        self.candidate_seconds.observe(answer.duration_us as f64 / 1e6);
    }

    pub(crate) fn settled(&self, settlement: &Settlement) {
        let (fate, reason) = match settlement {
            Settlement::Replayed(pair) => match &pair.candidate.outcome {
                Outcome::Answered(_) => ("answered", ""),
                Outcome::NoAnswer { reason, .. } => ("no_answer", reason.as_str()),
            },
            Settlement::Skipped { reason, .. } => ("skipped", reason.as_str()),
            Settlement::Parked { reason, .. } => ("parked", reason.as_str()),
        };
        self.settled.get_or_create(&Fate { fate, reason }).inc();
    }

    pub(crate) fn checked(&self, reference: &Reference) {
        self.checked.get_or_create(&Found { finding: reference.finding.as_str() }).inc();
    }

    /// The text a scraper reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
