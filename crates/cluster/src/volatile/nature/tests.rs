use super::*;
use serde_json::json;

/// A fixed scramble.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

/// The observations of `n` pairs; equal ones are the weight of agreement.
fn observed(n: u64, pair: impl Fn(u64) -> (Value, Value)) -> Observed {
    let mut observed = Observed::default();
    for at in 0..n {
        let (left, right) = pair(at);
        if left == right {
            observed.same += 1.0;
        } else {
            let (at, row) = (at as Micros * 1_000, None);
            observed.differing.push(Differing { at, left, right, weight: 1.0, row });
        }
    }
    observed
}

fn nature(n: u64, pair: impl Fn(u64) -> (Value, Value)) -> Option<Nature> {
    observed(n, pair).of_value(Where::Body, true, false)
}

#[test]
fn counters_of_both_sides_rise_with_time() {
    let up = |from: u64| move |n: u64| json!(from + 2 * n + mix(n + from) % 2);
    let (left, right) = (up(100), up(70_000));
    assert_eq!(nature(20, |n| (left(n), right(n))), Some(Nature::Counter));
    let number = |from: u64, n: u64| json!(format!("INV-{:06}", from + n));
    assert_eq!(nature(20, |n| (number(5, n), number(900, n))), Some(Nature::Counter));
    assert_eq!(nature(6, |n| (left(n), right(n))), None, "too few");
    let named = |n: u64| (json!(format!("Ada {n}")), json!(format!("ADA {n}")));
    assert_eq!(nature(40, named), None, "the same number on both sides");
    // Amounts with a surcharge do not rise with time.
    let amount = |n: u64| 100 + mix(n) % 900;
    assert_eq!(nature(60, |n| (json!(amount(n)), json!(amount(n) + 49))), None);
    // The candidate is asked in another order than the primary was.
    let late = |n: u64| right(n.saturating_sub(mix(n) % 6));
    assert_eq!(nature(40, |n| (left(n), late(n))), Some(Nature::Counter));
    // Both count the same requests, and are asked in another order at times.
    let near = |n: u64| (json!(100 + n), json!(100 + n + mix(n) % 3 - 1));
    assert_eq!(nature(60, near), Some(Nature::Counter));
    // A counter that is one too high where a rule lacks, and right elsewhere.
    let wrong = |n: u64| (json!(100 + n), json!(100 + n + u64::from(n.is_multiple_of(3))));
    assert_eq!(nature(60, wrong), None);
}

#[test]
fn noise_in_the_last_digits_goes_up_and_down() {
    let noisy = |n: u64| 0.61 * (1.0 + (mix(n) % 2_000) as f64 * 1e-11 - 1e-8);
    assert_eq!(nature(40, |n| (json!(noisy(n)), json!(noisy(n + 999)))), Some(Nature::Jitter));
    let rounded = |n: u64| (json!(noisy(n)), json!((noisy(n) * 1e7).round() / 1e7));
    assert_eq!(nature(40, rounded), None, "rounding is a rule");
    assert_eq!(nature(40, |n| (json!(noisy(n)), json!(noisy(n) * 1.000_000_1))), None);
}

#[test]
fn sides_that_draw_by_themselves_agree_by_chance_alone() {
    let name = |n: u64| json!(["a", "b", "c"][(mix(n) % 3) as usize]);
    assert_eq!(nature(150, |n| (name(n), name(n + 5_000))), Some(Nature::Drawn));
    let skewed = |n: u64| json!(if mix(n) % 10 < 7 { "eu-1" } else { "eu-2" });
    assert_eq!(nature(200, |n| (skewed(n), skewed(n + 5_000))), Some(Nature::Drawn));
    let clerk = |n: u64| json!(format!("clerk-{}", (b'a' + (mix(n) % 15) as u8) as char));
    assert_eq!(nature(80, |n| (clerk(n), clerk(n + 5_000))), Some(Nature::Drawn));
    // A rule: one direction.
    let rule = |n: u64| {
        (json!("REVIEW"), json!(if mix(n).is_multiple_of(2) { "APPROVED" } else { "REVIEW" }))
    };
    assert_eq!(nature(150, rule), None);
    // Names mapped to others, some to each other.
    let next = |n: u64| json!(["a", "b", "c"][((mix(n) + 1) % 3) as usize]);
    assert_eq!(nature(150, |n| (name(n), next(n))), None);
    // Wrong both ways, but in a tenth of the answers.
    let seldom = |n: u64| {
        let wrong = mix(n + 77).is_multiple_of(10);
        (name(n), if wrong { next(n) } else { name(n) })
    };
    assert_eq!(nature(900, seldom), None);
}

#[test]
fn numbers_of_one_range_without_relation_are_timings() {
    let timing = |n: u64| json!(1 + mix(n) % 59);
    assert_eq!(nature(80, |n| (timing(n), timing(n + 5_000))), Some(Nature::Unrelated));
    assert_eq!(
        observed(80, |n| (timing(n), timing(n + 5_000))).of_value(Where::Body, false, false),
        None
    );
    let price = |n: u64| 100 + mix(n) % 900;
    assert_eq!(nature(80, |n| (json!(price(n)), json!(price(n) * 10 / 9 + mix(n) % 5))), None);
    assert_eq!(nature(80, |n| (timing(n), json!(200 + mix(n + 9) % 59))), None, "another range");
}

#[test]
fn one_set_in_many_orders_is_shuffled() {
    let shuffled = |n: u64| {
        let mut words = vec!["wifi", "pool", "sauna"];
        words.rotate_left((mix(n) % 3) as usize);
        if mix(n + 31).is_multiple_of(2) {
            words.swap(0, 1);
        }
        json!(words)
    };
    assert!(observed(40, |n| (shuffled(n), shuffled(n + 500))).is_shuffled());
    assert!(!observed(40, |n| (shuffled(n), json!(["pool", "sauna", "wifi"]))).is_shuffled());
    let sorted = |n: u64| (json!([n, n + 1]), json!([n + 1, n]));
    assert!(!observed(40, sorted).is_shuffled());
}

#[test]
fn a_text_of_each_side_is_constant() {
    assert!(observed(9, |_| (json!("core/7.3"), json!("svc/0.9"))).is_per_side());
    assert!(!observed(9, |n| (json!("core/7.3"), json!(n.to_string()))).is_per_side());
    let seldom = |n: u64| (json!("a"), json!(if n.is_multiple_of(3) { "b" } else { "a" }));
    assert!(!observed(60, seldom).is_per_side());
}
