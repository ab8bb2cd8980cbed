//! A batch summed up in memory, so that it costs a few statements however many pairs it holds.
//!
//! Everything is kept in ascending key order: two comparators lock shared rows in the same order.

use std::collections::{BTreeMap, BTreeSet};

use exchange::{ExchangeId, Finding, Micros};

use crate::{
    Compared, EndpointKey, Fate, Outcome, RecordItem, Sample, SignatureKey, Stratum, Versus,
};

/// The key of a counter; its order is that of the table's primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CounterKey<'a> {
    pub(crate) signature: SignatureKey,
    pub(crate) endpoint: EndpointKey,
    pub(crate) version: &'a str,
    pub(crate) versus: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) minute: i64,
    pub(crate) model: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) pairs: i64,
    pub(crate) trials: i64,
}

#[derive(Debug)]
pub(crate) struct Parked<'a> {
    pub(crate) exchange: Option<ExchangeId>,
    pub(crate) reason: &'static str,
    pub(crate) detail: &'a str,
    pub(crate) at: Micros,
    pub(crate) sealed: &'a [u8],
}

/// Endpoint and the candidate's version.
pub(crate) type Scope<'a> = (EndpointKey, &'a str);

/// Endpoint, version, status, place (empty: the status alone) and value.
pub(crate) type StratumKey<'a> = (EndpointKey, &'a str, i64, &'a str, &'a str);

#[derive(Debug, Default)]
pub(crate) struct Tally<'a> {
    pub(crate) items: u64,
    pub(crate) counters: BTreeMap<CounterKey<'a>, Count>,
    /// Trial keys by scope, each with the counter of the first pair that brought it.
    pub(crate) trials: BTreeMap<Scope<'a>, BTreeMap<i64, CounterKey<'a>>>,
    /// What the pair that brought a trial key was answered by the primary.
    pub(crate) answers: BTreeMap<(Scope<'a>, i64), &'a Stratum>,
    /// Trials; filled when it is known which of them are new.
    pub(crate) strata: BTreeMap<StratumKey<'a>, i64>,
    /// Pairs by scope and bucket of the ratio of both sides' times.
    pub(crate) ratios: BTreeMap<(EndpointKey, &'a str, i64), i64>,
    /// Answers by scope, side and bucket.
    pub(crate) latencies: BTreeMap<(EndpointKey, &'a str, &'static str, i64), i64>,
    /// Pairs asked about again: by endpoint, version, signature, finding and bucket of the delay.
    pub(crate) checks: BTreeMap<(EndpointKey, &'a str, SignatureKey, &'static str, i64), i64>,
    /// Exchanges by fate, version and reason.
    pub(crate) fates: BTreeMap<(&'static str, &'a str, &'static str), i64>,
    pub(crate) versions: BTreeSet<&'a str>,
    /// By endpoint, version, signature and slot: of two in one place the later stays.
    pub(crate) samples: BTreeMap<(EndpointKey, &'a str, SignatureKey, u16), &'a Sample>,
    pub(crate) rows: Vec<(&'a Compared, &'a crate::KeptRow)>,
    /// By condition, its endpoint and version: pairs that meet it and differ, only meet it, only
    /// differ, neither.
    pub(crate) conditions: BTreeMap<(i64, EndpointKey, &'a str), [i64; 4]>,
    pub(crate) parked: Vec<Parked<'a>>,
}

impl<'a> Tally<'a> {
    pub(crate) fn of(items: impl Iterator<Item = &'a RecordItem>) -> Self {
        let mut tally = Self::default();
        for item in items {
            tally.items += 1;
            match &item.fate {
                Fate::Compared(compared) => tally.compared(compared),
                Fate::Skipped { version, reason } => {
                    tally.versions.insert(version);
                    *tally.fates.entry(("skipped", version, reason.as_str())).or_default() += 1;
                }
                Fate::Parked { exchange, reason, detail, sealed, at } => {
                    let (exchange, reason, at) = (*exchange, reason.as_str(), *at);
                    *tally.fates.entry(("parked", "", reason)).or_default() += 1;
                    tally.parked.push(Parked { exchange, reason, detail, at, sealed });
                }
            }
        }
        tally
    }

    fn compared(&mut self, compared: &'a Compared) {
        let version = compared.version.as_str();
        let key = CounterKey {
            signature: compared.signature,
            endpoint: compared.endpoint,
            version,
            versus: Versus::Candidate.as_str(),
            outcome: compared.outcome.as_str(),
            minute: compared.minute,
            model: compared.model,
        };
        self.counters.entry(key).or_default().pairs += 1;
        let others = [(Versus::Secondary, compared.baseline), (Versus::Earlier, compared.earlier)];
        for (versus, signature) in others {
            let Some(signature) = signature else { continue };
            let (versus, outcome) = (versus.as_str(), Outcome::Answered.as_str());
            let key = CounterKey { signature, versus, outcome, ..key };
            self.counters.entry(key).or_default().pairs += 1;
        }
        if compared.outcome.is_evidence() {
            let trials = self.trials.entry((compared.endpoint, version)).or_default();
            trials.entry(compared.trial).or_insert(key);
            let place = ((compared.endpoint, version), compared.trial);
            self.answers.entry(place).or_insert(&compared.stratum);
        }
        self.versions.insert(version);
        *self.fates.entry(("replayed", version, "")).or_default() += 1;
        let mut latency = |side, us| {
            let key = (compared.endpoint, version, side, i64::from(bucket(us)));
            *self.latencies.entry(key).or_default() += 1;
        };
        latency("primary", compared.primary_us);
        if let Some(us) = compared.candidate_us {
            latency("candidate", us);
            let bucket = ratio_bucket(compared.primary_us, us);
            let key = (compared.endpoint, version, i64::from(bucket));
            *self.ratios.entry(key).or_default() += 1;
        }
        for watched in &compared.watched {
            let key = (watched.condition, compared.endpoint, version);
            let sums = self.conditions.entry(key).or_default();
            let [hits, spared, missed, others] = sums;
            *match (watched.meets, watched.differs) {
                (true, true) => hits,
                (true, false) => spared,
                (false, true) => missed,
                (false, false) => others,
            } += 1;
        }
        self.rows.extend(compared.row.as_ref().map(|row| (compared, row)));
        if let Some(checked) = compared.checked {
            let delay = match checked.finding {
                Finding::Lag { delay_us } => i64::from(bucket(delay_us)),
                _ => 0,
            };
            let finding = checked.finding.as_str();
            let key = (compared.endpoint, version, checked.signature, finding, delay);
            *self.checks.entry(key).or_default() += 1;
        }
        if let Some(sample) = &compared.sample {
            let place = (compared.endpoint, version, compared.signature, sample.slot.0);
            self.samples.insert(place, sample);
        }
    }
}

impl<'a> Tally<'a> {
    /// Counts a trial that is new to the store.
    pub(crate) fn add_trial(&mut self, counter: CounterKey<'a>, key: i64) {
        self.counters.entry(counter).or_default().trials += 1;
        let scope = (counter.endpoint, counter.version);
        let Some(stratum) = self.answers.get(&(scope, key)) else { return };
        let status = i64::from(stratum.status);
        let branches =
            stratum.branches.iter().map(|(place, value)| (place.as_str(), value.as_str()));
        for (place, value) in std::iter::once(("", "")).chain(branches) {
            *self.strata.entry((scope.0, scope.1, status, place, value)).or_default() += 1;
        }
    }
}

/// The `b` of the bucket that holds `us`: `1.05^b <= us < 1.05^(b+1)`; 0 for less than 1 µs.
pub(crate) fn bucket(us: u64) -> u16 {
    // The largest is bucket(u64::MAX) = 909, so the cast keeps every value.
    ((us.max(1) as f64).ln() / 1.05_f64.ln()).floor() as u16
}

/// Shorter times count as this: what nobody feels is no ratio.
const FLOOR_US: u64 = 5_000;
/// Ratios beyond `1.05^±LAST`, about 17,000, fall into the last bucket.
const LAST_RATIO: i32 = 200;

/// The `b` of the bucket that holds the candidate's time divided by the primary's, both in µs:
/// `1.05^b <= ratio < 1.05^(b+1)`.
pub(crate) fn ratio_bucket(primary_us: u64, candidate_us: u64) -> i32 {
    let time = |us: u64| us.max(FLOOR_US) as f64;
    let exact = (time(candidate_us) / time(primary_us)).ln() / 1.05_f64.ln();
    // A rounding error must not put equal times below 1.
    ((exact + 1e-9).floor() as i32).clamp(-LAST_RATIO, LAST_RATIO)
}

#[cfg(test)]
mod tests {
    use super::{LAST_RATIO, bucket, ratio_bucket};

    #[test]
    fn ratios_of_times_that_nobody_feels_are_one() {
        assert_eq!(ratio_bucket(20_000, 20_000), 0);
        assert_eq!(ratio_bucket(100, 4_000), 0);
        assert_eq!(ratio_bucket(100_000, 105_000), 1);
        assert_eq!(ratio_bucket(100_000, 99_000), -1);
        assert_eq!(
            (ratio_bucket(0, u64::MAX), ratio_bucket(u64::MAX, 0)),
            (LAST_RATIO, -LAST_RATIO)
        );
    }

    #[test]
    fn buckets_hold_what_they_say() {
        assert_eq!((bucket(0), bucket(1), bucket(u64::MAX)), (0, 0, 909));
        for us in [2, 3, 10, 999, 1_000, 20_000, 3_000_000] {
            let b = i32::from(bucket(us));
            assert!(1.05_f64.powi(b) <= us as f64 && (us as f64) < 1.05_f64.powi(b + 1), "{us}");
        }
    }
}
