//! The copies of one message keep the distances their originals had.
//!
//! A message brings at once what users asked for over some milliseconds. Sent at once, its copies
//! would crowd in the candidate as no user ever made them, and it would be judged by times that it
//! takes under a load the primary never had.

use std::time::Duration;

use exchange::{Exchange, Micros};
use tokio::time::Instant;

/// Copies that are older have waited already: they are sent as fast as limits allow.
const BEHIND: Micros = 2_000_000;
/// No copy waits longer for its turn.
const MOST: Micros = 250_000;

/// When each copy is due, in their order; `None` is at once. `taken` and `now` are one moment.
pub(crate) fn dues(exchanges: &[Exchange], taken: Instant, now: Micros) -> Vec<Option<Instant>> {
    let first = exchanges.iter().map(|exchange| exchange.started_at).min().unwrap_or(now);
    let newest = exchanges.iter().map(|exchange| exchange.started_at).max().unwrap_or(now);
    let behind = now.saturating_sub(newest) > BEHIND;
    let due = |exchange: &Exchange| {
        let later = exchange.started_at.saturating_sub(first).clamp(0, MOST);
        let later = Duration::from_micros(u64::try_from(later).unwrap_or(0));
        (!behind && !later.is_zero()).then(|| taken + later)
    };
    exchanges.iter().map(due).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn copies_keep_their_distances_unless_they_are_late() {
        let now = 1_700_000_000_000_000;
        let at =
            |ago: Micros| Exchange { started_at: now - ago, ..fixture::exchange_with("GET", "/") };
        let taken = Instant::now();
        let waits = |ages: &[Micros]| -> Vec<u128> {
            let exchanges: Vec<Exchange> = ages.iter().map(|ago| at(*ago)).collect();
            let dues = dues(&exchanges, taken, now);
            dues.into_iter().map(|due| due.map_or(0, |due| (due - taken).as_micros())).collect()
        };
        assert_eq!(waits(&[30_000, 20_000, 25_000]), [0, 10_000, 5_000]);
        // A long request is copied when it ends: it does not hold up what came after it.
        assert_eq!(waits(&[9_000_000, 1_000]), [0, 250_000]);
        assert_eq!(waits(&[2_600_000, 2_500_000]), [0, 0]);
        // The clock of another machine may be ahead.
        assert_eq!(waits(&[-4_000_000, -4_010_000]), [0, 10_000]);
        assert_eq!(waits(&[]), [] as [u128; 0]);
    }
}
