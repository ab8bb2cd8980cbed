//! How long a difference must stand: twice the longest lag of late, once lags are known.
//!
//! A lag longer than the patience would be taken for a rule and never be measured, so every
//! eighth pair is watched for the whole configured time: what it finds lengthens the others'.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

const REMEMBERED: usize = 64;
/// Lags from which their longest says something.
const ENOUGH: usize = 16;
const WHOLE_EVERY: u64 = 8;
const SHORTEST_US: u64 = 400_000;

#[derive(Debug)]
pub(crate) struct Patience {
    configured_us: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lags: VecDeque<u64>,
    asked: u64,
}

impl Patience {
    pub(crate) fn new(configured_us: u64) -> Self {
        Self { configured_us, inner: Mutex::default() }
    }

    /// For the next pair, in microseconds.
    pub(crate) fn next(&self) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.asked += 1;
        if inner.lags.len() < ENOUGH || inner.asked.is_multiple_of(WHOLE_EVERY) {
            return self.configured_us;
        }
        let longest = inner.lags.iter().max().copied().unwrap_or(0);
        (longest * 2).max(SHORTEST_US).min(self.configured_us)
    }

    pub(crate) fn measured(&self, delay_us: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.lags.len() >= REMEMBERED {
            inner.lags.pop_front();
        }
        inner.lags.push_back(delay_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_lags_shorten_it_and_a_long_one_lengthens_it_again() {
        let patience = Patience::new(3_000_000);
        assert_eq!(patience.next(), 3_000_000);
        for _ in 0..ENOUGH {
            patience.measured(300_000);
        }
        let seen: Vec<u64> = (0..8).map(|_| patience.next()).collect();
        assert_eq!(seen.iter().filter(|us| **us == 600_000).count(), 7, "{seen:?}");
        assert_eq!(seen.iter().filter(|us| **us == 3_000_000).count(), 1, "{seen:?}");
        patience.measured(1_200_000);
        assert_eq!(patience.next(), 2_400_000);
        patience.measured(9_000_000);
        assert_eq!(patience.next(), 3_000_000);
    }

    #[test]
    fn it_is_never_too_short_to_see_anything() {
        let patience = Patience::new(3_000_000);
        (0..REMEMBERED * 2).for_each(|_| patience.measured(1_000));
        assert_eq!(patience.next(), 400_000);
    }
}
