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

/// The tables of the module's text are these, letter by letter.
#[test]
fn the_tables_in_the_text_are_computed() {
    let text = include_str!("../interval.rs");
    let needed = |mismatches, target| {
        let (mut short, mut enough) = (mismatches, 1_000_000);
        while enough - short > 1 {
            let middle = u64::midpoint(short, enough);
            let below = always_valid(mismatches, middle, 0.95).high <= target;
            if below { enough = middle } else { short = middle }
        }
        grouped(enough)
    };
    let mut rows: Vec<String> = [0, 1, 2, 5, 10]
        .iter()
        .map(|&k| format!("| {k} | {} |", [0.001, 0.01, 0.05].map(|t| needed(k, t)).join(" | ")))
        .collect();
    let race = Race::new(0.01, 0.95);
    rows.extend([0.0, 0.001, 0.003_3, 0.005, 0.02, 0.05, 0.1].map(|rate| race.row(rate)));
    let wrong = (0..1_000).filter(|&seed| race.run(0.01, seed).0 == Some(true)).count();
    rows.push(format!("| 1 % | none; {} % of the runs ever pass | | |", (wrong + 5) / 10));
    let missing: Vec<&String> =
        rows.iter().filter(|row| !text.contains(&format!("//! {row}\n"))).collect();
    assert!(missing.is_empty(), "these rows are not in the text: {missing:#?}");
}

fn grouped(number: u64) -> String {
    crate::words::grouped(number)
}

/// A race of trials towards pass or fail at one target, looked at after every single trial.
///
/// With `k` mismatches the upper bound is below the target from some number of trials on, and the
/// lower bound above it up to some number: between two mismatches only these two are looked for,
/// which is the same as looking at every trial.
struct Race {
    target: f64,
    /// By mismatches: passes from so many trials on.
    pass_from: Vec<u64>,
    /// By mismatches: fails up to so many trials.
    fail_to: Vec<u64>,
}

/// A race that goes on for longer has no winner.
const LONGEST: u64 = 100_000;

impl Race {
    fn new(target: f64, confidence: f64) -> Self {
        let (mut pass_from, mut fail_to) = (Vec::new(), Vec::new());
        let (mut pass, mut fail) = (1_u64, 0_u64);
        for k in 0..=(LONGEST as f64 * target * 4.0) as u64 + 50 {
            pass = pass.max(k).max(1);
            while pass < LONGEST && !certainly_below(k, pass, target, confidence) {
                pass += 1;
            }
            fail = fail.max(k);
            while fail < LONGEST && certainly_above(k, fail + 1, target, confidence) {
                fail += 1;
            }
            pass_from.push(pass);
            fail_to.push(if certainly_above(k, fail, target, confidence) { fail } else { 0 });
        }
        Self { target, pass_from, fail_to }
    }

    /// Whether it passed, and after how many trials the verdict was there.
    fn run(&self, rate: f64, seed: u64) -> (Option<bool>, u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut trials = 0_u64;
        for (&pass_from, &fail_to) in self.pass_from.iter().zip(&self.fail_to) {
            // The trials up to the next mismatch are geometric.
            let next = if rate > 0.0 {
                let gap = (1.0 - random.random::<f64>()).ln() / (-rate).ln_1p();
                trials.saturating_add(1).saturating_add(gap as u64)
            } else {
                u64::MAX
            };
            if trials > 0 && trials <= fail_to {
                return (Some(false), trials);
            }
            // Looked at with this many mismatches: from now to the trial before the next.
            if pass_from < next && pass_from < LONGEST {
                return (Some(true), pass_from.max(trials));
            }
            trials = next;
            if trials >= LONGEST {
                break;
            }
        }
        (None, LONGEST)
    }

    fn row(&self, rate: f64) -> String {
        let mut runs: Vec<(Option<bool>, u64)> =
            (0..1_000).map(|seed| self.run(rate, seed)).collect();
        let wanted = Some(rate < self.target);
        let right = runs.iter().filter(|run| run.0 == wanted).count();
        assert!(right >= 950, "{right} of 1,000 runs at {rate} come to the right verdict");
        runs.sort_by_key(|run| run.1);
        let verdict = if rate < self.target { "pass" } else { "fail" };
        let at = |share: usize| grouped(runs[share].1);
        let rate = crate::words::percent(rate);
        format!("| {rate} | {verdict} | {} | {} |", at(500), at(900))
    }
}

/// At the target's own rate, one run in twenty at the most ever comes to a verdict that is wrong,
/// although somebody looks after every single trial and stops when it pleases him.
#[test]
fn looking_after_every_trial_does_not_inflate_the_error() {
    for target in [0.002, 0.01, 0.05] {
        let race = Race::new(target, 0.95);
        let (mut passed, mut failed) = (0, 0);
        for seed in 0..2_000 {
            match race.run(target, seed).0 {
                Some(true) => passed += 1,
                Some(false) => failed += 1,
                None => {}
            }
        }
        assert!(passed + failed <= 100, "{passed} + {failed} of 2,000 are wrong at {target}");
        // The bound is not met by never deciding anything.
        assert!(passed + failed >= 10, "{passed} + {failed} of 2,000 at {target}");
    }
}

/// Ten endpoints, each at the target's own rate, and a look after every trial of every one: one
/// run in twenty at the most blames any of them. Without the correction it is far more.
#[test]
fn several_endpoints_share_the_chance_of_a_wrong_fail() {
    let endpoints = 10;
    let blamed = |confidence: f64| {
        let race = Race { pass_from: vec![LONGEST; 4_050], ..Race::new(0.01, confidence) };
        (0..500_u64)
            .filter(|run| {
                (0..endpoints).any(|one| race.run(0.01, run * endpoints + one).0 == Some(false))
            })
            .count()
    };
    let corrected = blamed(1.0 - 0.05 / endpoints as f64);
    assert!(corrected * 20 <= 500, "{corrected} of 500 runs blame an endpoint");
    let uncorrected = blamed(0.95);
    assert!(uncorrected > corrected, "{uncorrected} of 500 without the correction");
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
