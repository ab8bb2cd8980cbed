use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

fn rounded(interval: Interval) -> (f64, f64) {
    ((interval.low * 1e4).round() / 1e4, (interval.high * 1e4).round() / 1e4)
}

/// The bounds were computed apart from this code, from the formula of the module's text.
#[test]
fn bounds_are_those_of_the_formula() {
    for (mismatches, trials, expected) in [
        (0, 0, (0.0, 1.0)),
        (0, 100, (0.0, 0.0345)),
        (1, 100, (0.0, 0.0761)),
        (50, 100, (0.3223, 0.6777)),
        (100, 100, (0.9057, 1.0)),
        (200, 200, (0.9484, 1.0)),
        (10, 1000, (0.0026, 0.0251)),
        (3, 3000, (0.0001, 0.0043)),
    ] {
        assert_eq!(
            rounded(always_valid(mismatches, trials, 0.95)),
            expected,
            "{mismatches}/{trials}"
        );
    }
}

#[test]
fn the_table_in_the_text_is_true() {
    for (mismatches, needed) in [
        (0, [3_870, 362, 68]),
        (1, [8_374, 808, 156]),
        (2, [10_970, 1_065, 206]),
        (5, [17_150, 1_677, 327]),
        (10, [25_777, 2_533, 496]),
    ] {
        for (target, needed) in [0.001, 0.01, 0.05].into_iter().zip(needed) {
            assert!(always_valid(mismatches, needed, 0.95).high <= target, "{mismatches} {target}");
            assert!(
                always_valid(mismatches, needed - 1, 0.95).high > target,
                "{mismatches} {target}"
            );
        }
    }
}

#[test]
fn needed_trials_are_those_that_suffice() {
    for (mismatches, trials, target, needed) in [
        (0, 0, 0.001, Some(3_870)),
        (0, 3_000, 0.001, Some(870)),
        (0, 3_870, 0.001, Some(0)),
        (0, 9_000, 0.001, Some(0)),
        (1, 200, 0.01, Some(3_955)),
        (2, 200, 0.01, None),
        (9, 10, 0.01, None),
        (0, 10, 0.0, None),
        (0, 10, f64::NAN, None),
        (0, 10, 1.0, Some(0)),
    ] {
        assert_eq!(
            trials_needed(mismatches, trials, target, 0.95),
            needed,
            "{mismatches}/{trials}"
        );
    }
    let needed = trials_needed(1, 1_000, 0.01, 0.95);
    assert_eq!(needed, Some(0), "1 of 1,000 is below 1 % already");
}

#[test]
fn odd_input_claims_nothing() {
    let all = Interval { low: 0.0, high: 1.0 };
    for confidence in [1.0, 2.0, f64::NAN, f64::INFINITY] {
        assert_eq!(always_valid(3, 10_000, confidence), all, "{confidence}");
    }
    assert_eq!(always_valid(7, 0, 0.95), all);
    assert_eq!(always_valid(9, 5, 0.95), always_valid(5, 5, 0.95));
    let huge = always_valid(u64::MAX / 1_000, u64::MAX, 0.95);
    assert!(huge.low > 0.000_9 && huge.high < 0.001_1, "{huge:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_interval_holds_the_rate_and_narrows(
        trials in 1..1_000_000_u64,
        share in 0.0..=1.0_f64,
        confidence in 0.5..0.999_f64,
    ) {
        let mismatches = (trials as f64 * share) as u64;
        let rate = mismatches as f64 / trials as f64;
        let interval = always_valid(mismatches, trials, confidence);
        prop_assert!(0.0 <= interval.low && interval.low <= rate);
        prop_assert!(rate <= interval.high && interval.high <= 1.0);
        let surer = always_valid(mismatches, trials, confidence + 0.000_9);
        prop_assert!(surer.low <= interval.low && surer.high >= interval.high);
        let more = always_valid(mismatches * 4, trials * 4, confidence);
        prop_assert!(more.high - more.low < interval.high - interval.low + 1e-12);
    }
}

/// A candidate that mismatches exactly as often as the target may pass in one of twenty runs at
/// the most, although somebody looks after every tenth trial and stops at the first pass; one
/// that is ten times as good passes nearly always.
#[test]
fn looking_always_does_not_inflate_the_error() {
    let target = 0.02;
    let passes = |rate: f64, seed: u64| {
        let mut random = StdRng::seed_from_u64(seed);
        let mut mismatches = 0;
        (1..=4_000_u64).any(|trials| {
            mismatches += u64::from(random.random_bool(rate));
            trials % 10 == 0 && always_valid(mismatches, trials, 0.95).high <= target
        })
    };
    let runs = 300;
    let wrong = (0..runs).filter(|&seed| passes(target, seed)).count();
    assert!(wrong * 20 <= 300, "{wrong} of {runs} runs passed at the target's own rate");
    let right = (0..50).filter(|&seed| passes(target / 10.0, seed)).count();
    assert!(right >= 48, "only {right} of 50 good candidates passed");
}
