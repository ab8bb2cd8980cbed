//! Whether differences would be there again: what asking again said, summed up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::{CheckCount, EndpointKey};

use super::Quantiles;
use crate::ledger::{Ledger, Scope};

/// A cluster of which this share of the checked pairs stood is no mere lag: some pairs of a rule
/// agree later because their state has moved on, but a candidate that only lags catches up.
const STOOD: f64 = 0.05;

/// Lags from which a cluster without any pair that stood is a mere lag.
const ENOUGH: u64 = 5;

/// Pairs by finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    pub deterministic: u64,
    pub flaky: u64,
    pub lag: u64,
    pub unchecked: u64,
}

impl Checks {
    fn add(&mut self, count: &CheckCount) {
        match count.finding.as_str() {
            "deterministic" => self.deterministic += count.pairs,
            "flaky" => self.flaky += count.pairs,
            "lag" => self.lag += count.pairs,
            _ => self.unchecked += count.pairs,
        }
    }

    /// `deterministic`, `transient`, `flaky` or `unchecked`.
    pub(crate) fn repeatability(&self) -> &'static str {
        let asked = self.deterministic + self.flaky + self.lag;
        if asked == 0 {
            "unchecked"
        } else if self.flaky > self.deterministic && self.flaky >= self.lag {
            "flaky"
        } else if self.deterministic > 0 && self.deterministic as f64 >= STOOD * asked as f64 {
            "deterministic"
        } else if self.lag >= ENOUGH {
            "transient"
        } else {
            "unchecked"
        }
    }
}

/// Of one cluster.
pub(crate) fn of_cluster(ledger: &Ledger, cluster: i64, scope: &Scope) -> Checks {
    let mut checks = Checks::default();
    let own = |count: &&CheckCount| count.cluster == Some(cluster) && scope.holds(&count.version);
    ledger.checks.iter().filter(own).for_each(|count| checks.add(count));
    checks
}

/// The measured delays of late answers at one endpoint.
pub(crate) fn delays(ledger: &Ledger, endpoint: EndpointKey, scope: &Scope) -> Quantiles {
    let mut buckets: BTreeMap<u16, u64> = BTreeMap::new();
    let late = |count: &&CheckCount| {
        count.finding == "lag"
            && scope.holds(&count.version)
            && ledger.resolve(count.endpoint) == endpoint
    };
    for count in ledger.checks.iter().filter(late) {
        *buckets.entry(count.bucket).or_default() += count.pairs;
    }
    Quantiles::of(&buckets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_follows_the_findings() {
        let checks = |deterministic, flaky, lag| Checks { deterministic, flaky, lag, unchecked: 9 };
        let table = [
            (checks(0, 0, 0), "unchecked"),
            (checks(40, 0, 0), "deterministic"),
            (checks(40, 2, 60), "deterministic"),
            (checks(1, 0, 60), "transient"),
            (checks(0, 0, 3), "unchecked"),
            (checks(0, 0, 5), "transient"),
            (checks(3, 8, 2), "flaky"),
        ];
        for (checks, word) in table {
            assert_eq!(checks.repeatability(), word, "{checks:?}");
        }
    }
}
