//! Whether values fall by chance: neither does one side's follow the other's, nor the primary's
//! what was asked. What a rule gives depends on something.

use std::collections::{BTreeMap, BTreeSet};

use crate::explain::{Row, Scalar};

/// A table may lie so many deviations beyond what chance gives, and this far in any case.
const DEVIATIONS: f64 = 5.0;
const IN_ANY_CASE: f64 = 10.0;
/// A field with more values than this groups nothing.
const MOST_GROUPS: usize = 12;
/// Rounds in which expected counts come to fit both margins.
const ROUNDS: usize = 40;

/// Whether the right value of differing pairs has nothing to do with the left one but that it is
/// another: every value comes beside every other as often as both are frequent.
pub(super) fn is_independent(pairs: &[(String, String)]) -> bool {
    let words: BTreeSet<&String> = pairs.iter().flat_map(|(left, right)| [left, right]).collect();
    let places: BTreeMap<&String, usize> = words.iter().copied().zip(0..).collect();
    let n = words.len();
    let mut seen = vec![vec![0.0; n]; n];
    for (left, right) in pairs {
        seen[places[left]][places[right]] += 1.0;
    }
    let mut expected = vec![vec![1.0; n]; n];
    for (at, row) in expected.iter_mut().enumerate() {
        row[at] = 0.0;
    }
    for _ in 0..ROUNDS {
        for at in 0..n {
            let (is, was): (f64, f64) = (seen[at].iter().sum(), expected[at].iter().sum());
            expected[at]
                .iter_mut()
                .for_each(|cell| *cell *= if was > 0.0 { is / was } else { 0.0 });
        }
        for at in 0..n {
            let column = |table: &[Vec<f64>]| table.iter().map(|row| row[at]).sum::<f64>();
            let (is, was) = (column(&seen), column(&expected));
            expected.iter_mut().for_each(|row| row[at] *= if was > 0.0 { is / was } else { 0.0 });
        }
    }
    let freedom = ((n as f64 - 1.0).powi(2) - n as f64).max(1.0);
    distance(seen.iter().flatten().zip(expected.iter().flatten())) <= allowed(freedom)
}

/// Whether the primary's value goes with a field of the row that takes few values.
pub(super) fn follows_a_field<'a>(
    seen: impl Iterator<Item = (String, &'a Row)>,
    is_given: &dyn Fn(&str) -> bool,
) -> bool {
    let mut tables: BTreeMap<&str, BTreeMap<&Scalar, BTreeMap<String, f64>>> = BTreeMap::new();
    for (value, row) in seen {
        for (field, own) in row.cells.iter().filter(|(field, _)| is_given(field)) {
            let groups = tables.entry(field).or_default();
            if groups.len() <= MOST_GROUPS {
                *groups.entry(own).or_default().entry(value.clone()).or_default() += 1.0;
            }
        }
    }
    tables.values().any(goes_with)
}

/// Whether the values lie otherwise in one group than in another.
fn goes_with(groups: &BTreeMap<&Scalar, BTreeMap<String, f64>>) -> bool {
    let values: BTreeSet<&String> = groups.values().flat_map(BTreeMap::keys).collect();
    if !(2..=MOST_GROUPS).contains(&groups.len()) || values.len() < 2 {
        return false;
    }
    let all: f64 = groups.values().flat_map(BTreeMap::values).sum();
    let (mut seen, mut expected) = (Vec::new(), Vec::new());
    for group in groups.values() {
        let size: f64 = group.values().sum();
        for value in &values {
            let share: f64 = groups.values().filter_map(|group| group.get(*value)).sum();
            seen.push(group.get(*value).copied().unwrap_or(0.0));
            expected.push(size * share / all);
        }
    }
    let freedom = (groups.len() as f64 - 1.0) * (values.len() as f64 - 1.0);
    distance(seen.iter().zip(&expected)) > allowed(freedom)
}

/// Pearson's chi-square.
fn distance<'a>(cells: impl Iterator<Item = (&'a f64, &'a f64)>) -> f64 {
    let cells = cells.filter(|(_, expected)| **expected > 1e-9);
    cells.map(|(seen, expected)| (seen - expected).powi(2) / expected).sum()
}

fn allowed(freedom: f64) -> f64 {
    freedom + DEVIATIONS * (2.0 * freedom).sqrt() + IN_ANY_CASE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(n: u64) -> u64 {
        let z = n.wrapping_add(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
    }

    fn name(n: u64) -> String {
        ["a", "b", "c", "d"][(mix(n) % 4) as usize].to_owned()
    }

    fn differing(right: impl Fn(u64) -> String) -> Vec<(String, String)> {
        (0..200).map(|n| (name(n), right(n))).filter(|(left, right)| left != right).collect()
    }

    #[test]
    fn what_one_side_says_does_not_follow_the_other() {
        assert!(is_independent(&differing(|n| name(n + 5_000))));
        // To the next one, or to the one before.
        let beside = |n: u64| {
            let step = if mix(n + 999).is_multiple_of(2) { 1 } else { 3 };
            ["a", "b", "c", "d"][((mix(n) + step) % 4) as usize].to_owned()
        };
        assert!(!is_independent(&differing(beside)));
    }

    #[test]
    fn what_a_rule_gives_follows_a_field() {
        let row = |n: u64| Row {
            cells: vec![
                ("request.body.kind".into(), Scalar::Number((mix(n + 77) % 4) as f64)),
                ("request.body.id".into(), Scalar::Number(n as f64)),
            ],
        };
        let rows: Vec<Row> = (0..90).map(row).collect();
        let drawn = (0..90).map(|n| (name(n), &rows[n as usize]));
        assert!(!follows_a_field(drawn, &|_| true));
        let given = (0..90).map(|n| (name(mix(n + 77) % 4), &rows[n as usize]));
        assert!(follows_a_field(given.clone(), &|_| true));
        assert!(!follows_a_field(given, &|field| field.ends_with("id")), "it groups nothing");
    }
}
