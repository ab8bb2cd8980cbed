//! `GET /api/v1/funnel`: where each request went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::FunnelCounts;

use super::instant;

/// Microseconds to which it is told when a tap reported.
const COARSE: i64 = 10_000_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    pub seen: u64,
    pub sampled_out: u64,
    pub not_copied: BTreeMap<String, u64>,
    pub dropped: BTreeMap<String, u64>,
    pub captured: u64,
    /// Messages that wait for a replayer; `null` where the backend cannot tell. Informative.
    pub queued: Option<u64>,
    /// Exchanges with a candidate result. Informative.
    pub replayed: u64,
    pub compared: u64,
    /// Of the compared ones, those that the search for causes has not looked at yet. Informative.
    #[serde(default)]
    pub unanalysed: u64,
    pub skipped: BTreeMap<String, u64>,
    pub parked: u64,
    pub in_flight: u64,
    pub lost: u64,
    /// Both equations hold and nothing is lost.
    pub balanced: bool,
    /// Tap epochs that ended by a kill: their first equation is unclosed, not unbalanced.
    pub unclosed_epochs: u64,
    pub paused: bool,
    /// When a tap last reported, to ten seconds: while nothing else changes, two looks at the funnel
    /// are mostly equal, and a script can wait for it to stand still.
    pub newest_snapshot: Option<String>,
    /// What ails most pairs, and the setting that helps, in one sentence.
    #[serde(default)]
    pub diagnosis: Option<String>,
}

impl Funnel {
    #[must_use]
    pub fn not_copied_total(&self) -> u64 {
        self.not_copied.values().sum()
    }

    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    #[must_use]
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// What the second equation finds on its right side.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        self.compared + self.skipped_total() + self.parked + self.in_flight + self.lost
    }
}

#[must_use]
pub fn funnel_of(counts: &FunnelCounts, queued: Option<u64>) -> Funnel {
    let mut funnel = Funnel {
        seen: counts.seen,
        sampled_out: counts.sampled_out,
        not_copied: counts.not_copied.clone(),
        dropped: counts.dropped.clone(),
        captured: counts.captured,
        queued,
        replayed: counts.replayed,
        compared: counts.compared,
        unanalysed: counts.unanalysed,
        skipped: counts.skipped.clone(),
        parked: counts.parked,
        in_flight: counts.in_flight,
        lost: counts.lost,
        balanced: false,
        unclosed_epochs: counts.unclosed_epochs,
        paused: counts.paused,
        newest_snapshot: counts.newest_snapshot.map(|at| instant(at - at.rem_euclid(COARSE))),
        diagnosis: None,
    };
    funnel.balanced =
        counts.taps_balanced && funnel.captured == funnel.accounted() && funnel.lost == 0;
    funnel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> FunnelCounts {
        FunnelCounts {
            seen: 100,
            captured: 60,
            compared: 40,
            skipped: [("stale".to_owned(), 10), ("partial".to_owned(), 2)].into(),
            parked: 3,
            in_flight: 5,
            taps_balanced: true,
            ..FunnelCounts::default()
        }
    }

    #[test]
    fn the_funnel_balances_when_every_captured_exchange_has_a_place() {
        assert!(funnel_of(&counts(), Some(1)).balanced);
    }

    #[test]
    fn one_missing_exchange_one_lost_one_or_an_unbalanced_tap_shows() {
        let missing = FunnelCounts { compared: 39, ..counts() };
        let lost = FunnelCounts { compared: 39, lost: 1, ..counts() };
        let tap = FunnelCounts { taps_balanced: false, ..counts() };
        for (name, counts) in [("missing", missing), ("lost", lost), ("tap", tap)] {
            assert!(!funnel_of(&counts, None).balanced, "{name}");
        }
    }
}
