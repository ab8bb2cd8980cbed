//! Numbers against numbers: offset, factor, rounding, precision, sign, limits.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Explained, Pair,
    decimal::{Decimal, Mode},
    most_frequent,
};

/// Distinct numbers of the primary that show a relation which chance could show for fewer.
const FEW: usize = 2;
const SEVERAL: usize = 3;
/// Of a parity: one in 2^6 by chance.
const MANY: usize = 6;
/// A factor closer to one than this is a rounding.
const LEAST_FACTOR: f64 = 0.004;

struct Numbers {
    left: Decimal,
    right: Decimal,
    count: u64,
}

impl Numbers {
    fn offset(&self) -> Decimal {
        self.right.minus(self.left)
    }
}

/// Which side is which.
type Sides = fn(&Numbers) -> (Decimal, Decimal);

pub(super) fn describe(pairs: &[Pair]) -> Option<Explained> {
    let numbers: Vec<Numbers> = pairs.iter().filter_map(numbers_of).collect();
    if numbers.is_empty() {
        return None;
    }
    let found = [sign(&numbers), precision(&numbers), rounding(&numbers), offset(&numbers)];
    let found = found.into_iter().chain([factor(&numbers), cap(&numbers)]).flatten();
    // Among equals the first: `max_by_key` would take the last.
    found.reduce(|best, other| if other.count > best.count { other } else { best })
}

/// Numbers, or texts that spell numbers with a fraction; texts of digits alone may be names.
fn numbers_of(pair: &Pair) -> Option<Numbers> {
    let (left, right) = match (&pair.left, &pair.right) {
        (Value::Number(_), Value::Number(_)) => {
            (Decimal::parse(&pair.left_json)?, Decimal::parse(&pair.right_json)?)
        }
        (Value::String(left), Value::String(right)) if left.contains('.') => {
            (Decimal::parse(left)?, Decimal::parse(right)?)
        }
        _ => return None,
    };
    (left != right).then_some(Numbers { left, right, count: pair.count })
}

fn distinct<'a>(numbers: impl Iterator<Item = &'a Numbers>) -> usize {
    numbers.map(|n| n.left).collect::<BTreeSet<_>>().len()
}

fn found(
    numbers: &[Numbers],
    least: usize,
    cause_type: &'static str,
    text: impl Into<String>,
    fits: impl Fn(&Numbers) -> bool,
) -> Option<Explained> {
    let fitting = || numbers.iter().filter(|n| fits(n));
    let count = fitting().map(|n| n.count).sum();
    (distinct(fitting()) >= least).then(|| Explained { cause_type, text: text.into(), count })
}

fn sign(numbers: &[Numbers]) -> Option<Explained> {
    found(numbers, FEW, "sign", "the negative of it", |n| {
        n.right == n.left.negated() && !n.left.is_zero()
    })
}

fn offset(numbers: &[Numbers]) -> Option<Explained> {
    let (offset, count) = most_frequent(numbers.iter().map(|n| (n.offset(), n.count)))?;
    let all: u64 = numbers.iter().map(|n| n.count).sum();
    // What does not hold for all needs more to be told from a chance meeting.
    let least = if count == all { FEW } else { SEVERAL + 1 };
    let direction = if offset.is_negative() { "lower" } else { "higher" };
    let text = format!("{direction} by {}", offset.abs());
    found(numbers, least, "offset", text, |n| n.offset() == offset)
}

/// One side is the other with fewer digits.
fn precision(numbers: &[Numbers]) -> Option<Explained> {
    let sides: [(Sides, &str); 2] = [
        (|n| (n.left, n.right), ""),
        (|n| (n.right, n.left), "the unrounded number, which the primary has "),
    ];
    let tried = sides.into_iter().filter_map(|(side, words)| {
        let scale = numbers.iter().map(|n| side(n).1.scale()).max()?;
        let modes = [
            (Mode::HalfUp, "rounded"),
            (Mode::HalfEven, "rounded half to even"),
            (Mode::Cut, "cut"),
            (Mode::Up, "rounded up"),
        ];
        let tried = modes.into_iter().filter_map(|(mode, verb)| {
            let digits = match scale {
                0 => "to whole numbers".to_owned(),
                1 => "to 1 decimal".to_owned(),
                scale => format!("to {scale} decimals"),
            };
            found(numbers, SEVERAL, "precision", format!("{words}{verb} {digits}"), |n| {
                let (fine, coarse) = side(n);
                fine.scale() > scale && fine.rounded(scale, mode) == coarse
            })
        });
        tried.reduce(|best, other| if other.count > best.count { other } else { best })
    });
    tried.reduce(|best, other| if other.count > best.count { other } else { best })
}

/// One unit of the last digit up or down.
fn rounding(numbers: &[Numbers]) -> Option<Explained> {
    let scale = numbers.iter().map(|n| n.left.scale().max(n.right.scale())).max()?;
    let unit = |n: &Numbers| n.right.at(scale) - n.left.at(scale);
    let by_one = |n: &Numbers| unit(n).abs() == 1;
    let near: Vec<&Numbers> = numbers.iter().filter(|n| by_one(n)).collect();
    if near.is_empty() {
        return None;
    }
    let all = |fits: &dyn Fn(&Numbers) -> bool| near.iter().all(|n| fits(n));
    let step = Decimal::parse(&format!("1e-{scale}"))?;
    let even = |number: Decimal| number.at(scale) % 2 == 0;
    let (least, text) = if all(&|n| n.right.abs() < n.left.abs() && even(n.right)) {
        (MANY, format!("lower by {step}: rounded half to even instead of half up"))
    } else if all(&|n| n.right.abs() > n.left.abs() && even(n.left)) {
        (MANY, format!("higher by {step}: rounded half up instead of half to even"))
    } else if near.iter().any(|n| unit(n) > 0) && near.iter().any(|n| unit(n) < 0) {
        // Of small numbers many are neighbours by chance.
        if near.len() < numbers.len() {
            return None;
        }
        (SEVERAL + 1, format!("higher or lower by {step}: rounded in another way"))
    } else if scale > 0 && all(&|n| unit(n) < 0) {
        (MANY, format!("lower by {step}, one in the last digit: cut instead of rounded"))
    } else if scale > 0 {
        (MANY, format!("higher by {step}, one in the last digit: rounded instead of cut"))
    } else {
        return None;
    };
    found(numbers, least, "rounding", text, by_one)
}

/// The same ratio everywhere, to the last digit of what is written.
fn factor(numbers: &[Numbers]) -> Option<Explained> {
    let largest = numbers.iter().filter(|n| !n.left.is_zero() && !n.right.is_zero());
    let largest = largest.max_by(|a, b| a.left.abs().compare(b.left.abs()))?;
    let ratio = largest.right.float() / largest.left.float();
    let scale = numbers.iter().map(|n| n.right.scale().max(n.left.scale())).max()?;
    let unit = 0.1_f64.powi(i32::try_from(scale).ok()?);
    let mut best: Option<Explained> = None;
    for (factor, text) in factors(ratio) {
        if (factor - 1.0).abs() < LEAST_FACTOR {
            continue;
        }
        let fits = |n: &Numbers| {
            let (left, right) = (n.left.float(), n.right.float());
            let miss = (right - left * factor).abs();
            // Rounding to a unit says something only of numbers much larger than it.
            let told = right.abs() >= 50.0 * unit && (right - left).abs() >= 5.0 * unit;
            left != 0.0 && (miss <= 1e-9 * right.abs() || (told && miss <= 1.001 * unit))
        };
        let this = found(numbers, SEVERAL, "factor", text, fits);
        best = match (best, this) {
            (Some(best), Some(this)) if this.count > best.count => Some(this),
            (None, this) => this,
            (best, _) => best,
        };
    }
    best
}

/// Factors near `ratio` that people choose, with their words, roundest first.
fn factors(ratio: f64) -> Vec<(f64, String)> {
    if !ratio.is_finite() || ratio <= 0.0 {
        return Vec::new();
    }
    let round = |number: f64, steps: f64| (number * steps).round() / steps;
    let mut found = Vec::new();
    for steps in [100.0, 1_000.0] {
        let (there, back) = (round(ratio, steps), round(1.0 / ratio, steps));
        if there > 0.0 && (there - ratio).abs() <= 0.002 * ratio {
            found.push((there, worded(there)));
        }
        if back > 0.0 && (back - 1.0 / ratio).abs() <= 0.002 / ratio {
            found.push((1.0 / back, worded_back(back, 1.0 / back)));
        }
    }
    found.push((ratio, worded(ratio)));
    found
}

fn worded(factor: f64) -> String {
    let hundred = if (factor - 100.0).abs() < 1e-9 || (factor - 0.01).abs() < 1e-12 {
        ", as cents are to whole units"
    } else {
        ""
    };
    match factor {
        f if f >= 2.0 => format!("{} times as high{hundred}", plain(f)),
        f if f > 1.0 => format!("higher by {} %", plain_percent(f - 1.0)),
        f if f > 0.1 => format!("lower by {} %", plain_percent(1.0 - f)),
        f => format!("{} times lower{hundred}", plain(1.0 / f)),
    }
}

/// The primary's number is `back` times the candidate's.
fn worded_back(back: f64, factor: f64) -> String {
    match back {
        b if b > 1.0 && b < 2.0 => {
            format!("without the {} % that the primary adds", plain_percent(b - 1.0))
        }
        b if b < 1.0 && b > 0.1 => {
            format!("without the {} % that the primary takes off", plain_percent(1.0 - b))
        }
        _ => worded(factor),
    }
}

/// One side stops at a number that the other passes.
fn cap(numbers: &[Numbers]) -> Option<Explained> {
    let ways: [(Sides, bool); 2] = [(|n| (n.left, n.right), true), (|n| (n.right, n.left), false)];
    ways.into_iter().find_map(|(side, primary)| {
        let (limit, _) = most_frequent(numbers.iter().map(|n| (side(n).0, n.count)))?;
        let at_limit = || numbers.iter().filter(|n| side(n).0 == limit);
        let above = at_limit().all(|n| side(n).1.compare(limit).is_gt());
        let below = at_limit().all(|n| side(n).1.compare(limit).is_lt());
        let others: BTreeSet<Decimal> = at_limit().map(|n| side(n).1).collect();
        if limit.is_zero() || others.len() <= SEVERAL || !(above || below) {
            return None;
        }
        let text = match (primary, above) {
            (true, true) => format!("higher than {limit}, where the primary stops"),
            (true, false) => format!("lower than {limit}, the least of the primary"),
            (false, true) => format!("at most {limit}, which the primary passes"),
            (false, false) => format!("at least {limit}, below which the primary goes"),
        };
        let count = at_limit().map(|n| n.count).sum();
        Some(Explained { cause_type: "cap", text, count })
    })
}

/// At most six decimals, without zeros behind.
fn plain(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// At most two decimals.
fn plain_percent(share: f64) -> String {
    plain((share * 10_000.0).round() / 100.0)
}
