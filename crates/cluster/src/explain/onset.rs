//! Mismatches that began at a moment: something changed there. Whether it was the primary, its
//! own answers and its own word on its build tell.

use std::collections::BTreeMap;

use super::{book::Kept, row::Scalar};

/// Bits that a beginning must gain over one rate all along.
const ENOUGH: f64 = 30.0;
/// Rows before and after that a beginning needs.
const LEAST: usize = 8;
/// Rate before, as a part of the rate after.
const BEFORE: f64 = 0.02;

/// When a rate jumped from nothing: the moment of the first row after the jump. `rows` are moments
/// with whether the row differs.
pub(super) fn onset(mut rows: Vec<(i64, bool)>) -> Option<i64> {
    if rows.iter().any(|(at, _)| *at == 0) {
        return None;
    }
    rows.sort_unstable();
    let all = rows.len() as f64;
    let hits = rows.iter().filter(|(_, differs)| *differs).count() as f64;
    let mut seen = 0.0;
    let mut best: Option<(f64, usize)> = None;
    for at in 1..rows.len() {
        seen += f64::from(u8::from(rows[at - 1].1));
        // Of what was asked at one moment nothing came first.
        let apart = rows[at - 1].0 < rows[at].0;
        if !apart || !rows[at].1 || at < LEAST || rows.len() - at < LEAST {
            continue;
        }
        let (before, after) = (at as f64, all - at as f64);
        if seen / before > BEFORE * (hits - seen) / after {
            continue;
        }
        let bits = likelihood(seen, before) + likelihood(hits - seen, after)
            - likelihood(hits, all)
            - all.log2();
        if best.is_none_or(|(most, _)| bits > most) {
            best = Some((bits, at));
        }
    }
    best.filter(|(bits, _)| *bits >= ENOUGH).and_then(|(_, at)| Some(rows.get(at)?.0))
}

/// Bits of describing `hits` of `all` at their own rate, negative.
fn likelihood(hits: f64, all: f64) -> f64 {
    let part = |n: f64| if n <= 0.0 { 0.0 } else { n * (n / all).log2() };
    part(hits) + part(all - hits)
}

/// What the primary itself shows of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Primary { version: Option<String> },
    Unknown,
}

/// Whose side changed at a moment, by rows that are asked alike. `answered` gives the primary's
/// answer at the places that differ; `asked` the request.
pub(super) fn changed_side(
    rows: &[&Kept],
    at: i64,
    answered: &dyn Fn(&Kept) -> Vec<(u32, Scalar)>,
    asked: &dyn Fn(&Kept) -> Vec<(u32, u32)>,
) -> Side {
    let (before, after): (Vec<&Kept>, Vec<&Kept>) =
        rows.iter().partition(|kept| kept.aside.at < at);
    if before.len() < LEAST || after.len() < LEAST {
        return Side::Unknown;
    }
    let (old, new) = (main_version(&before), main_version(&after));
    if let (Some(old), Some(new)) = (&old, &new)
        && old != new
    {
        return Side::Primary { version: Some(new.clone()) };
    }
    let same = same_requests(&before, &after, answered, asked);
    let changed = match same {
        Some(share) => share >= 0.8,
        None => values_moved(&before, &after, answered),
    };
    if changed { Side::Primary { version: None } } else { Side::Unknown }
}

/// The build that most of these answers say, if most say the same.
fn main_version(rows: &[&Kept]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for version in rows.iter().filter_map(|kept| kept.aside.primary.as_deref()) {
        *counts.entry(version).or_default() += 1;
    }
    let (version, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 10 >= rows.len() * 9).then(|| version.to_owned())
}

/// Of requests asked on both sides of the moment, the share that the primary answered otherwise.
fn same_requests(
    before: &[&Kept],
    after: &[&Kept],
    answered: &dyn Fn(&Kept) -> Vec<(u32, Scalar)>,
    asked: &dyn Fn(&Kept) -> Vec<(u32, u32)>,
) -> Option<f64> {
    let known: BTreeMap<Vec<(u32, u32)>, &Kept> =
        before.iter().map(|kept| (asked(kept), *kept)).collect();
    let pairs = after.iter().filter_map(|kept| Some((*known.get(&asked(kept))?, *kept)));
    let (mut all, mut other) = (0_usize, 0_usize);
    for (one, two) in pairs {
        all += 1;
        other += usize::from(answered(one) != answered(two));
    }
    (all >= LEAST / 2).then(|| other as f64 / all as f64)
}

/// Whether one of the places holds other values after the moment than before: values that are
/// few enough to compare.
fn values_moved(
    before: &[&Kept],
    after: &[&Kept],
    answered: &dyn Fn(&Kept) -> Vec<(u32, Scalar)>,
) -> bool {
    let mut counts: BTreeMap<u32, BTreeMap<Scalar, [usize; 2]>> = BTreeMap::new();
    for (side, rows) in [before, after].into_iter().enumerate() {
        for (field, value) in rows.iter().flat_map(|kept| answered(kept)) {
            if let Some(slot) =
                counts.entry(field).or_default().entry(value).or_default().get_mut(side)
            {
                *slot += 1;
            }
        }
    }
    let sizes = [before.len() as f64, after.len() as f64];
    counts.values().any(|values| {
        let few = values.len() * 3 <= before.len() + after.len();
        let distance: f64 = values
            .values()
            .map(|[one, two]| (*one as f64 / sizes[0] - *two as f64 / sizes[1]).abs())
            .sum();
        few && distance / 2.0 >= 0.5
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_found_and_a_steady_rate_has_none() {
        let began = (0..400_i64).map(|n| (1 + n, n >= 200 && n % 3 == 0)).collect();
        assert_eq!(onset(began), Some(202));
        assert_eq!(onset((0..400_i64).map(|n| (1 + n, n % 3 == 0)).collect()), None);
        let rare = (0..400_i64).map(|n| (1 + n, n > 390 && n % 4 == 0)).collect();
        assert_eq!(onset(rare), None);
        assert_eq!(onset((0..400_i64).map(|n| (0, n >= 200)).collect()), None, "no time is known");
        assert_eq!(onset((0..400_i64).map(|n| (7, n >= 200)).collect()), None, "all at one time");
    }
}
