//! Users come first: how often the primary may be asked, and when it is left alone.
//!
//! Questions for a whole check are set aside before it begins and given back where it needed
//! fewer, so that a check once begun is not starved. Questions rest for a while when the primary
//! takes far longer for them than it took its users, or fails them.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Questions of late that are looked at.
const LOOKED_AT: usize = 20;
/// A question may take this much longer than the user's request, whatever the factor says: that
/// much comes of this process being busy itself.
const ALLOWED: Duration = Duration::from_millis(200);
/// The first rest; each that follows closely is twice as long, up to the limit.
const FIRST_REST: Duration = Duration::from_secs(2);
/// One failure in so many is too many.
const MOST_FAILURES: usize = 4;
/// Fine answers after which an earlier rest is forgotten.
const FORGIVEN_AFTER: u32 = 200;
/// Questions that may be saved up, in seconds of the rate.
const SAVED_SECONDS: f64 = 2.0;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Questions per second, of all replayers together.
    pub(crate) rate: f64,
    pub(crate) slow_factor: f64,
    pub(crate) rest: Duration,
}

#[derive(Debug)]
pub(crate) struct Guard {
    limits: Limits,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    saved: f64,
    at: Instant,
    /// This process's part of the rate.
    part: f64,
    resting_until: Option<Instant>,
    /// How long the next rest is.
    next_rest: Duration,
    /// Fine answers since the last rest.
    fine: u32,
    seen: VecDeque<Seen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Fine,
    Slow,
    Failed,
}

/// One question as the primary answered it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// `None` where it gave no answer.
    pub(crate) took: Option<Duration>,
    /// What it took the user.
    pub(crate) captured: Duration,
}

/// Questions saved up, at most.
fn most_saved(rate: f64) -> f64 {
    (rate * SAVED_SECONDS).max(1.0)
}

impl Guard {
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        let inner = Inner {
            saved: most_saved(limits.rate),
            at: now,
            part: 1.0,
            resting_until: None,
            next_rest: FIRST_REST,
            fine: 0,
            seen: VecDeque::new(),
        };
        Self { limits, inner: Mutex::new(inner) }
    }

    /// This process has so many of all partitions, and as much of the rate.
    pub(crate) fn share(&self, mine: usize, all: usize) {
        self.lock().part = mine.clamp(1, all.max(1)) as f64 / all.max(1) as f64;
    }

    /// Sets `questions` aside; `false` where there are not so many, or questions rest.
    pub(crate) fn reserve(&self, questions: u32, now: Instant) -> bool {
        let mut inner = self.lock();
        if inner.resting_until.is_some_and(|until| now < until) {
            return false;
        }
        inner.resting_until = None;
        let rate = self.limits.rate * inner.part;
        let gained = now.saturating_duration_since(inner.at).as_secs_f64() * rate;
        let most = most_saved(rate);
        inner.saved = (inner.saved + gained).min(most);
        inner.at = now;
        // A rate below a check's worth still admits one after the other.
        let wanted = f64::from(questions).min(most);
        let enough = inner.saved >= wanted;
        if enough {
            inner.saved -= f64::from(questions);
        }
        enough
    }

    /// Gives back what a check did not need.
    pub(crate) fn give_back(&self, questions: u32) {
        let mut inner = self.lock();
        let most = most_saved(self.limits.rate * inner.part);
        inner.saved = (inner.saved + f64::from(questions)).min(most);
    }

    /// Whether a check under way must stop asking.
    pub(crate) fn rests(&self, now: Instant) -> bool {
        self.lock().resting_until.is_some_and(|until| now < until)
    }

    /// Notes an answer; `true` where questions rest from now on because of it.
    pub(crate) fn note(&self, asked: Asked, now: Instant) -> bool {
        let slowest = asked.captured.mul_f64(self.limits.slow_factor) + ALLOWED;
        let seen = match asked.took {
            None => Seen::Failed,
            Some(took) if took > slowest => Seen::Slow,
            Some(_) => Seen::Fine,
        };
        let mut inner = self.lock();
        if seen == Seen::Fine {
            inner.fine += 1;
            if inner.fine >= FORGIVEN_AFTER {
                inner.next_rest = FIRST_REST;
            }
        }
        if inner.seen.len() >= LOOKED_AT {
            inner.seen.pop_front();
        }
        inner.seen.push_back(seen);
        let count = |wanted| inner.seen.iter().filter(|seen| **seen == wanted).count();
        let (slow, failed, all) = (count(Seen::Slow), count(Seen::Failed), inner.seen.len());
        let too_much = (all >= LOOKED_AT && slow * 2 > all)
            || (failed >= MOST_FAILURES && failed * MOST_FAILURES >= all);
        if too_much {
            inner.resting_until = Some(now + inner.next_rest.min(self.limits.rest));
            inner.next_rest = (inner.next_rest * 2).min(self.limits.rest);
            inner.fine = 0;
            inner.seen.clear();
        }
        too_much
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(rate: f64) -> (Guard, Instant) {
        let now = Instant::now();
        (Guard::new(Limits { rate, slow_factor: 4.0, rest: Duration::from_secs(30) }, now), now)
    }

    #[test]
    fn no_more_is_asked_than_the_rate_allows() {
        let (guard, now) = guard(10.0);
        let mut asked = 0;
        for tick in 0..100 {
            if guard.reserve(5, now + Duration::from_millis(tick * 100)) {
                asked += 5;
            }
        }
        assert!((95..=125).contains(&asked), "{asked} in ten seconds at 10 per second");
        assert!(!guard.reserve(5, now + Duration::from_millis(9_900)));
        guard.give_back(5);
        assert!(guard.reserve(5, now + Duration::from_millis(9_900)));
    }

    #[test]
    fn replayers_share_the_rate_as_they_share_the_partitions() {
        let (guard, now) = guard(10.0);
        guard.share(2, 8);
        let seconds = (0..100).filter(|s| guard.reserve(5, now + Duration::from_secs(*s))).count();
        assert!((48..=53).contains(&seconds), "{seconds} checks of 5 in 100 s at 2.5 per second");
    }

    #[test]
    fn a_low_rate_still_admits_one_check_at_a_time() {
        let (guard, now) = guard(0.5);
        assert!(guard.reserve(7, now));
        assert!(!guard.reserve(7, now + Duration::from_secs(10)));
        assert!(guard.reserve(7, now + Duration::from_secs(15)));
    }

    #[test]
    fn a_primary_that_becomes_slow_or_fails_is_left_alone() {
        let ms = Duration::from_millis;
        let (slow, now) = guard(100.0);
        let asked = |took| Asked { took: Some(ms(took)), captured: ms(10) };
        assert!((0..100).all(|_| !slow.note(asked(230), now)), "within the factor");
        let rested = (0..20).any(|_| slow.note(asked(300), now));
        assert!(rested && slow.rests(now) && !slow.reserve(1, now));
        let later = now + FIRST_REST;
        assert!(!slow.rests(later) && slow.reserve(1, later));
        for _ in 0..20 {
            slow.note(asked(300), later);
        }
        assert!(slow.rests(later + FIRST_REST) && !slow.rests(later + FIRST_REST * 2), "longer");

        let (failing, now) = guard(100.0);
        let failed = Asked { took: None, captured: ms(10) };
        let rested: Vec<bool> = (0..4).map(|_| failing.note(failed, now)).collect();
        assert_eq!(rested, [false, false, false, true]);
    }
}
