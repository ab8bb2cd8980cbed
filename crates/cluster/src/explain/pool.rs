//! Rules of one place, whatever else differs beside it.
//!
//! A seldom rule that meets others shows in a set of places of its own nearly each time, too few of
//! each set to be told. What they share is the place.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bits::Weighted,
    cause::{Found, Seen, Subject},
    entities::Entities,
    spot::{Spot, is_alone},
    table::Table,
    work::Work,
};

/// Mismatches that share a place, from which they are looked at.
const LEAST_ROWS: usize = 4;
/// Places looked at.
const MOST: usize = 4;

/// The causes of mismatches that none of those `found` has, by a place they share. `met` are left
/// out: things at fault elsewhere explain them.
pub(super) fn of_places(
    subject: &Subject<'_>,
    found: &[Found],
    (table, entities, work): (&Table, &Entities, &Work),
    met: &BTreeSet<usize>,
) -> Vec<Found> {
    let known: BTreeSet<&Spot> = spots_of(found, subject);
    let is_open = |row: usize, seen: &Seen| {
        let open = |set| !found.iter().any(|cause| subject.has(cause, row, set));
        !met.contains(&row) && seen.set.is_some_and(open)
    };
    let mut open: BTreeMap<&Spot, Vec<usize>> = BTreeMap::new();
    for (row, seen) in subject.rows.iter().enumerate().filter(|(row, seen)| is_open(*row, seen)) {
        let Some(set) = seen.set.filter(|set| !is_alone(subject.spots(*set))) else { continue };
        for spot in subject.spots(set).iter().filter(|spot| !known.contains(*spot)) {
            open.entry(spot).or_default().push(row);
        }
    }
    let mut shared: Vec<(&Spot, Vec<usize>)> =
        open.into_iter().filter(|(_, rows)| rows.len() >= LEAST_ROWS).collect();
    shared.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(b.0)));
    shared.truncate(MOST);
    let mut pooled: Vec<Found> = Vec::new();
    for (spot, rows) in shared {
        let new = |row: &&usize| !pooled.iter().any(|cause| cause.bits.has(**row));
        let rows: Vec<usize> = rows.iter().filter(new).copied().collect();
        if rows.len() >= LEAST_ROWS {
            pooled.extend(of_place(subject, spot, &rows, (table, entities, work)));
        }
    }
    pooled
}

fn spots_of<'s>(found: &[Found], subject: &'s Subject<'_>) -> BTreeSet<&'s Spot> {
    let sets = found.iter().flat_map(|cause| &cause.sets);
    sets.flat_map(|set| subject.spots(*set)).collect()
}

fn of_place(
    subject: &Subject<'_>,
    spot: &Spot,
    rows: &[usize],
    (table, entities, work): (&Table, &Entities, &Work),
) -> Vec<Found> {
    let mut sets: BTreeMap<usize, usize> = BTreeMap::new();
    for set in rows.iter().filter_map(|row| subject.rows.get(*row)?.set) {
        *sets.entry(set).or_default() += 1;
    }
    let mut sets: Vec<(usize, usize)> = sets.into_iter().map(|(set, n)| (n, set)).collect();
    sets.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    // Of a single set it was tried before.
    let (true, Some((_, first))) = (sets.len() > 1, sets.first().copied()) else {
        return Vec::new();
    };
    let weighted = |row: &usize| subject.rows.get(*row).map(|seen| (*row, seen.weight));
    let differing = Weighted::of(rows.iter().filter_map(weighted), table.rows);
    let answered = subject.answered_alike(first, table);
    let lacks = |seen: &Seen| seen.set.is_none_or(|set| !subject.spots(set).contains(spot));
    let others = subject.rows.iter().enumerate();
    let others = others.filter(|(row, seen)| answered.has(*row) && lacks(seen));
    let others = Weighted::of(others.map(|(row, seen)| (row, seen.weight)), table.rows);
    let restated = subject.restated.get(first).cloned().unwrap_or_default();
    let told = subject.told(first, &restated, (&differing, &others), (table, entities, work));
    let sets: Vec<usize> = sets.into_iter().map(|(_, set)| set).collect();
    told.into_iter()
        .map(|(rule, notes)| Found {
            sets: sets.clone(),
            terms: rule.terms,
            notes,
            gain: rule.gain,
            ..Found::new(first, rule.bits)
        })
        .collect()
}
