//! An interval for a rate that stays valid at every look.
//!
//! Whoever looks at an ordinary 95 % interval after every request and stops when it pleases him
//! is wrong far more often than in 5 % of cases. This one is a confidence sequence: the chance
//! that it *ever* leaves out the true rate, over all looks together, is at most `1 - confidence`.
//!
//! How: under a true rate `p` the ratio of the evidence averaged over a Beta prior to the
//! evidence under `p`, `R(p) = B(a+k, b+n-k) / B(a, b) / (p^k (1-p)^(n-k))`, is a martingale that
//! starts at 1, so by Ville's inequality it ever reaches `1 / alpha` with chance `alpha` at most.
//! The interval is all `p` with `R(p) < 1 / alpha`. (Mixture: H. Robbins, "Statistical methods
//! related to the law of the iterated logarithm", Ann. Math. Stat. 41, 1970; as a confidence
//! sequence: S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric,
//! nonasymptotic confidence sequences", Ann. Stat. 49, 2021.)
//!
//! `alpha` covers both sides together: the chance that the true rate is ever above the upper
//! *or* below the lower bound. Any prior is valid; `Beta(0.1, 1)` spends little where a good
//! candidate is, at rates near 0. Trials until the upper bound is below the target at 95 %:
//!
//! | mismatches | target 0.1 % | target 1 % | target 5 % |
//! |---|---|---|---|
//! | 0 | 3,870 | 362 | 68 |
//! | 1 | 8,374 | 808 | 156 |
//! | 2 | 10,970 | 1,065 | 206 |
//! | 5 | 17,150 | 1,677 | 327 |
//! | 10 | 25,777 | 2,533 | 496 |
//!
//! A single look at a fixed number of trials needs 2,995, 299 and 59 without a mismatch: being
//! allowed to look always costs 15 to 30 % more.
//!
//! Trials until the verdict at target 1 % and 95 % (1,000 simulated runs each, looked at after
//! every trial; at 0.1 % ten times as many):
//!
//! | true rate | verdict | half of the runs need | nine of ten need |
//! |---|---|---|---|
//! | 0 % | pass | 362 | 362 |
//! | 0.1 % | pass | 362 | 1,065 |
//! | 0.33 % | pass | 1,286 | 3,005 |
//! | 0.5 % | pass | 3,005 | 6,514 |
//! | 1 % | none; 4 % of the runs ever pass | | |
//! | 2 % | fail | 1,357 | 3,036 |
//! | 5 % | fail | 111 | 300 |
//! | 10 % | fail | 33 | 85 |

use std::sync::LazyLock;

use statrs::function::beta::checked_ln_beta;

/// The prior of the mixture.
const PRIOR: (f64, f64) = (0.1, 1.0);

/// Halvings of an interval of at most 1: beyond the precision of a double near 0.
const HALVINGS: usize = 80;

/// More trials than this nobody waits for.
const OUT_OF_REACH: f64 = 1e12;

/// Bounds of a mismatch rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Always-valid interval for the rate behind `mismatches` of `trials` at `confidence`
/// (0.95); `[0, 1]` without trials.
#[must_use]
pub fn always_valid(mismatches: u64, trials: u64, confidence: f64) -> Interval {
    let evidence = Evidence::new(mismatches, trials);
    let limit = limit(confidence);
    let excluded = |rate| evidence.against(rate) >= limit;
    let seen = evidence.rate();
    Interval {
        low: if mismatches == 0 { 0.0 } else { boundary(0.0, seen, excluded) },
        high: if mismatches >= trials { 1.0 } else { boundary(1.0, seen, excluded) },
    }
}

/// Whether the true rate is above `rate` for certain: the lower bound is.
#[must_use]
pub fn certainly_above(mismatches: u64, trials: u64, rate: f64, confidence: f64) -> bool {
    let evidence = Evidence::new(mismatches, trials);
    evidence.rate() > rate && evidence.against(rate) >= limit(confidence)
}

/// Whether the true rate is below `rate` for certain: the upper bound is.
#[must_use]
pub fn certainly_below(mismatches: u64, trials: u64, rate: f64, confidence: f64) -> bool {
    Evidence::new(mismatches, trials).shows_below(rate, limit(confidence))
}

/// Further trials, with mismatches at the rate seen so far, until the upper bound is below
/// `target`; `None` when that is out of reach at the rate seen so far.
#[must_use]
pub fn trials_needed(mismatches: u64, trials: u64, target: f64, confidence: f64) -> Option<u64> {
    let now = Evidence::new(mismatches, trials);
    let limit = limit(confidence);
    let shown = |trials: f64| now.grown_to(trials).shows_below(target, limit);
    if shown(now.trials) {
        return Some(0);
    }
    let mut enough = now.trials.max(1.0);
    while !shown(enough) {
        enough *= 2.0;
        if enough > OUT_OF_REACH {
            return None;
        }
    }
    let mut short = now.trials;
    while enough - short > 1.0 {
        let middle = ((short + enough) / 2.0).floor();
        if shown(middle) { enough = middle } else { short = middle }
    }
    Some((enough - now.trials).ceil() as u64)
}

/// What was seen; real numbers, so that evidence can be thought further at the same rate.
#[derive(Clone, Copy)]
struct Evidence {
    mismatches: f64,
    trials: f64,
    /// `ln(B(a+k, b+n-k) / B(a, b))`, the same for every rate.
    mixture: f64,
}

impl Evidence {
    fn new(mismatches: u64, trials: u64) -> Self {
        Self::of(mismatches.min(trials) as f64, trials as f64)
    }

    fn of(mismatches: f64, trials: f64) -> Self {
        static OF_PRIOR: LazyLock<f64> = LazyLock::new(|| ln_beta(PRIOR.0, PRIOR.1));
        let (a, b) = PRIOR;
        let mixture = ln_beta(a + mismatches, b + trials - mismatches) - *OF_PRIOR;
        Self { mismatches, trials, mixture }
    }

    fn rate(self) -> f64 {
        if self.trials > 0.0 { self.mismatches / self.trials } else { 0.0 }
    }

    fn grown_to(self, trials: f64) -> Self {
        Self::of(self.rate() * trials, trials)
    }

    /// `ln R(rate)`: how strongly this speaks against `rate`, in nats.
    fn against(self, rate: f64) -> f64 {
        let matches = self.trials - self.mismatches;
        self.mixture - weighed(self.mismatches, rate.ln()) - weighed(matches, (-rate).ln_1p())
    }

    fn shows_below(self, target: f64, limit: f64) -> bool {
        target > 0.0 && self.rate() < target && (target >= 1.0 || self.against(target) >= limit)
    }
}

/// `ln(1 / alpha)`; a confidence that is no number or not below 1 excludes nothing.
fn limit(confidence: f64) -> f64 {
    if confidence < 1.0 { -(1.0 - confidence.max(0.0)).ln() } else { f64::INFINITY }
}

/// Between `excluded_end`, which is excluded or the end of the scale, and the rate `seen`, which
/// never is: evidence against a rate only grows with the distance from what was seen.
fn boundary(excluded_end: f64, seen: f64, excluded: impl Fn(f64) -> bool) -> f64 {
    let (mut outside, mut inside) = (excluded_end, seen);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(outside, inside);
        // No double lies between them any more.
        if middle == outside || middle == inside {
            break;
        }
        if excluded(middle) { outside = middle } else { inside = middle }
    }
    outside
}

/// `count × logarithm` where nothing times minus infinity is nothing.
fn weighed(count: f64, logarithm: f64) -> f64 {
    if count == 0.0 { 0.0 } else { count * logarithm }
}

/// The arguments are positive by construction.
fn ln_beta(a: f64, b: f64) -> f64 {
    checked_ln_beta(a, b).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests;
