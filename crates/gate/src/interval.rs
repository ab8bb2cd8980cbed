//! An interval for a rate that stays valid at every look.

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
    let _ = (mismatches, trials, confidence);
    unimplemented!()
}

/// Further trials, all matching at the rate seen so far, until the upper bound is below
/// `target`; `None` when that is out of reach at the rate seen so far.
#[must_use]
pub fn trials_needed(mismatches: u64, trials: u64, target: f64, confidence: f64) -> Option<u64> {
    let _ = (mismatches, trials, target, confidence);
    unimplemented!()
}
