//! Terms that only tell the places of a cause apart.
//!
//! A rule is learnt of one set of places. Where the same rule shows at fewer or more places for some
//! requests (a total that comes out the same after all), its first set has a term that says for
//! which; the rule itself has not.

use super::{
    bits::Bits,
    cause::{Found, Subject},
    sharpen,
    table::Table,
    term::Term,
};

/// Of what a rule without a term covers in addition, the most that may not differ so.
const MOST_OTHERS: f64 = 0.05;

/// Drops each term without which a cause covers only what differs in some of its places, too, and
/// has no other cause.
pub(super) fn widen(found: &mut [Found], subject: &Subject<'_>, table: &Table) {
    for at in 0..found.len() {
        while let Some((term, bits, sets)) = idle_term(at, found, subject, table) {
            let cause = &mut found[at];
            cause.terms.remove(term);
            cause.bits = bits;
            cause.sets.extend(sets);
        }
    }
}

/// A term to drop, what is covered then, and the sets that come in.
fn idle_term(
    at: usize,
    found: &[Found],
    subject: &Subject<'_>,
    table: &Table,
) -> Option<(usize, Bits, Vec<usize>)> {
    let cause = &found[at];
    if cause.terms.len() < 2 {
        return None;
    }
    (0..cause.terms.len()).find_map(|skip| {
        let kept = cause.terms.iter().enumerate().filter(|(term, _)| *term != skip);
        let kept: Vec<Term> = kept.map(|(_, term)| term.clone()).collect();
        let bits = sharpen::covered(&kept, table);
        let (mut same, mut others, mut sets) = (0.0, 0.0, Vec::new());
        let more = subject.rows.iter().enumerate();
        for (row, seen) in more.filter(|(row, _)| bits.has(*row) && !cause.bits.has(*row)) {
            let own = seen.set.filter(|set| {
                shares_places(cause, *set, subject) && !is_of_another(at, found, row, *set, subject)
            });
            match own {
                Some(set) => {
                    same += seen.weight;
                    if !cause.sets.contains(&set) && !sets.contains(&set) {
                        sets.push(set);
                    }
                }
                None => others += seen.weight,
            }
        }
        (same > 0.0 && others <= MOST_OTHERS * same).then_some((skip, bits, sets))
    })
}

fn shares_places(cause: &Found, set: usize, subject: &Subject<'_>) -> bool {
    let theirs = subject.spots(set);
    cause.sets.iter().any(|own| subject.spots(*own).iter().any(|spot| theirs.contains(spot)))
}

fn is_of_another(
    at: usize,
    found: &[Found],
    row: usize,
    set: usize,
    subject: &Subject<'_>,
) -> bool {
    let of_these =
        |other: &Found| other.sets.iter().any(|set| shares_places(&found[at], *set, subject));
    let mut others = found.iter().enumerate().filter(|(other, _)| *other != at);
    others.any(|(_, other)| of_these(other) && subject.has(other, row, set))
}
