//! Remainders that are far more frequent among the mismatches than by chance: every 25th ticket,
//! full minutes, a check digit.

use std::collections::BTreeMap;

use super::{table::Column, term::Test};

/// Divisors tried for any share of the mismatches.
const SMALL: [u64; 14] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 25, 50, 100];
/// Beyond, those that people count in: minutes, dozens, degrees, packs, and round sums
/// of money in cents.
const LARGE: [u64; 18] = [
    15, 20, 24, 30, 40, 60, 80, 120, 200, 250, 360, 500, 1_000, 1_440, 3_600, 10_000, 100_000,
    1_000_000,
];
/// Distinct values that have a remainder by a large divisor: one thing asked for often has any.
const DISTINCT: u64 = 5;
/// Share of the mismatches that have the remainder by a large divisor: there are many of them.
const MOST_OF_THEM: f64 = 0.3;
/// Standard deviations (of a Poisson count) beyond what chance gives a remainder.
const DEVIATIONS: f64 = 4.0;
/// Distinct values looked at.
const LOOKED_AT: usize = 400;
/// Distinct values of a column from which on it is counted in.
const LEAST_VALUES: usize = 12;
const NEARLY_ALL: f64 = 0.9;

/// Tests with their extra cost, given how many mismatches have each value of the column.
pub(super) fn tests(column: &Column, in_mismatches: &BTreeMap<u32, u64>) -> Vec<(Test, f64)> {
    if column.values.len() <= LEAST_VALUES || column.is_of_dates() {
        return Vec::new();
    }
    let step = in_mismatches.len().div_ceil(LOOKED_AT).max(1);
    let seen: Vec<(i64, u64)> = in_mismatches
        .iter()
        .step_by(step)
        .filter_map(|(value, n)| Some((whole(column.at(*value)?)?, *n)))
        .collect();
    let all: u64 = in_mismatches.values().step_by(step).sum();
    let low = seen.iter().map(|(number, _)| *number).min().unwrap_or(0);
    let high = seen.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let spread = high.abs_diff(low);
    let mut tests = Vec::new();
    let small = SMALL.iter().map(|divisor| (*divisor, 0.0, 1));
    let large = LARGE.iter().map(|divisor| (*divisor, MOST_OF_THEM, DISTINCT));
    for (divisor, least, distinct) in small.chain(large) {
        if divisor > 12 && spread < 2 * divisor {
            continue;
        }
        for (rest, (values, n)) in rests(&seen, divisor) {
            let (n, all) = (n as f64, all as f64);
            let by_chance = all / divisor as f64;
            let frequent = n >= 2.0 * by_chance
                && n >= by_chance + DEVIATIONS * by_chance.sqrt()
                && n >= least * all;
            if (frequent || n >= NEARLY_ALL * all) && values >= distinct {
                tests.push((Test::Mod(divisor as f64, rest as f64), (divisor as f64).log2()));
            }
        }
    }
    tests
}

/// By remainder, how many values have it and how many mismatches.
fn rests(seen: &[(i64, u64)], divisor: u64) -> BTreeMap<i64, (u64, u64)> {
    let mut rests: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for (number, n) in seen {
        let rest = number.rem_euclid(i64::try_from(divisor).unwrap_or(i64::MAX));
        let known = rests.entry(rest).or_default();
        *known = (known.0 + 1, known.1 + n);
    }
    rests
}

/// As an integer that a double holds exactly.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EndpointId;
    use crate::explain::{Aside, Row, RowSeen, Scalar, book::Book, table::Table};

    fn named(numbers: &[i64], differing: impl Fn(i64) -> bool) -> Vec<String> {
        let mut book = Book::default();
        for (id, number) in numbers.iter().enumerate() {
            let mut cells = Aside::default().cells();
            cells.push(("request.body.n".into(), Scalar::Number(*number as f64)));
            book.add(RowSeen {
                id: id as i64,
                endpoint: EndpointId(1),
                version: "v".into(),
                signature: 1,
                near: false,
                minute: 0,
                row: Row { cells },
            });
        }
        let ids: Vec<i64> = (0..numbers.len() as i64).collect();
        let table = Table::of(&book, &ids);
        let column = table.column("request.body.n").expect("a column");
        let mut counts = BTreeMap::new();
        for (row, value) in &column.cells {
            if differing(numbers[*row as usize]) {
                *counts.entry(*value).or_insert(0) += 1;
            }
        }
        let found = tests(column, &counts);
        found.iter().map(|(test, _)| format!("{test:?}")).collect()
    }

    #[test]
    fn full_minutes_are_told_from_any_seconds() {
        let seconds: Vec<i64> = (0..3_000).map(|n| n * 7 % 3_600).collect();
        let told = named(&seconds, |n| n % 60 == 0);
        assert!(told.contains(&"Mod(60.0, 0.0)".to_owned()), "{told:?}");
        let told = named(&seconds, |n| n * 7_919 % 10_007 < 5_000);
        assert_eq!(told, [""; 0], "nothing is far more frequent");
    }
}
