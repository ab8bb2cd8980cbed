//! Rules that a newer build still lacks, before its own mismatches are enough to find them.
//!
//! A build that was deployed a minute ago has a handful of mismatches. Where they fit a rule that
//! many of an earlier build told, that rule explains them; it goes when they contradict it, or when
//! there are as many as it was found from and the search finds none.

use super::{At, Sets};
use crate::explain::{
    bits::Bits,
    cause::{Cause, CauseKind, Found, Subject},
    term::Term,
};

/// Of the mismatches at the rule's places, those that may be outside of it.
const MOST_MISSED: f64 = 0.1;
/// Of the precision that the rule had.
const LEAST_PRECISION: f64 = 0.8;

impl At<'_> {
    /// Earlier rules of places that nothing in `found` explains.
    pub(super) fn inherited(
        &self,
        subject: &Subject<'_>,
        found: &[Found],
        sets: &Sets,
    ) -> Vec<Found> {
        let causes = self.before.map_or(&[][..], |before| &before.causes);
        let rules = causes.iter().filter(|cause| cause.kind == CauseKind::Rule);
        rules.filter_map(|cause| self.one_inherited(subject, found, sets, cause)).collect()
    }

    fn one_inherited(
        &self,
        subject: &Subject<'_>,
        found: &[Found],
        sets: &Sets,
        cause: &Cause,
    ) -> Option<Found> {
        let is_own = |set: &usize| cause.sets.contains(&sets.spots(*set));
        let own: Vec<usize> = (0..sets.iter().count()).filter(is_own).collect();
        let first = *own.first()?;
        if found.iter().any(|found| found.sets.iter().any(|set| own.contains(set))) {
            return None;
        }
        let terms = cause.terms.iter().map(Term::read).collect::<Option<Vec<Term>>>()?;
        if terms.is_empty() {
            return None;
        }
        let mut bits = Bits::none(subject.rows.len());
        let mut members = Vec::new();
        let mut missed = 0_u64;
        for (at, seen) in subject.rows.iter().enumerate() {
            let shows = seen.set.is_some_and(|set| own.contains(&set));
            let row = self.today.rows.book.row(seen.id).unwrap_or_default();
            match terms.iter().all(|term| term.holds(&row)) {
                true => {
                    bits.set(at);
                    members.extend(shows.then_some(seen.id));
                }
                false => missed += u64::from(shows),
            }
        }
        let hits = members.len() as u64;
        let few = hits > 0 && hits + missed < cause.figures.hits;
        if !few || missed as f64 > MOST_MISSED * (hits + missed) as f64 {
            return None;
        }
        let mut inherited = Found { terms, members, ..Found::new(first, bits) };
        inherited.sets = own;
        inherited.notes.clone_from(&cause.notes);
        inherited.figures = subject.figures(&inherited);
        let fits = inherited.figures.precision >= LEAST_PRECISION * cause.figures.precision;
        fits.then_some(inherited)
    }
}
