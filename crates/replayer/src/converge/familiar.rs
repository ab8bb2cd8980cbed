//! Differences that always stood are asked about less often.
//!
//! The primary answers few questions, and those are worth more where nobody knows yet. A pair that
//! is not asked about counts as a mismatch, as does one that stands: no rate changes by it. Where
//! one of a kind was only late, every pair is asked about, since each late one leaves the rate.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use exchange::Finding;

/// Findings in a row from which a kind is known to stand.
const ENOUGH: u32 = 16;
/// Of a kind that is known to stand one in so many is asked about.
const ONE_IN: u64 = 4;
/// Kinds remembered. All are forgotten when there are more: they are learnt again soon.
const MOST_KINDS: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Familiar {
    kinds: Mutex<HashMap<u64, Kind>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    stood: u32,
    seen: u64,
}

impl Familiar {
    /// Whether a pair of this kind may go without questions.
    pub(crate) fn is(&self, kind: u64) -> bool {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = kinds.get_mut(&kind).filter(|known| known.stood >= ENOUGH) else {
            return false;
        };
        known.seen += 1;
        !known.seen.is_multiple_of(ONE_IN)
    }

    pub(crate) fn note(&self, kind: u64, finding: Finding) {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if kinds.len() >= MOST_KINDS && !kinds.contains_key(&kind) {
            kinds.clear();
        }
        let known = kinds.entry(kind).or_default();
        match finding {
            Finding::Deterministic { .. } => known.stood += 1,
            Finding::Lag { .. } | Finding::Flaky => known.stood = 0,
            Finding::Unchecked => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_always_stood_is_asked_about_now_and_then() {
        let familiar = Familiar::default();
        let stood = Finding::Deterministic { stood_us: 1 };
        (0..ENOUGH - 1).for_each(|_| familiar.note(7, stood));
        assert!(!familiar.is(7));
        familiar.note(7, stood);
        familiar.note(7, Finding::Unchecked);
        let spared = (0..40).filter(|_| familiar.is(7)).count();
        assert_eq!((spared, familiar.is(8)), (30, false));
        familiar.note(7, Finding::Lag { delay_us: 1 });
        assert!(!familiar.is(7), "each late one leaves the rate");
    }
}
