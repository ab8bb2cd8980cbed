//! The primary's own word for a cause, beside what was asked: the code with which it refuses.
//!
//! Who reads "when `session.wrote = POST /exclusions`" wants to know as well that the primary says
//! `selfExcluded` then, and may look for that word in its source.

use std::collections::BTreeMap;

use super::{
    cause::{Figures, Found, Subject},
    reasons, sharpen,
    spot::is_alone,
    table::{Column, Table},
    term::{Term, Test},
};

/// Begins the note that tells the rule behind the word.
pub(crate) const THAT_IS: &str = "that is when ";

/// Share of the mismatches that have the word, and of what has the word that differs.
const NEARLY_ALL: f64 = 0.97;

/// Whether the rule rests on what is remembered of a session or a thing, which a process that
/// began later, or did not see all, does not know: the primary's word stands in every answer.
pub(super) fn comes_first(cause: &Found) -> bool {
    let is_memory =
        |term: &Term| ["session.", "entity."].iter().any(|place| term.field.starts_with(place));
    cause.word.is_some() && cause.terms.iter().any(is_memory)
}

/// The word as the rule, and the rule as a note.
pub(super) fn put_first(cause: &mut Found, table: &Table) {
    let Some((term, figures)) = cause.word.take() else { return };
    let rule: Vec<String> = cause.terms.iter().map(Term::text).collect();
    cause.notes.insert(0, format!("{THAT_IS}{}", rule.join(" and ")));
    cause.bits = sharpen::covered(std::slice::from_ref(&term), table);
    cause.terms = vec![term];
    cause.figures = figures;
}

/// A term that names what the primary says, where it says the same of nearly all mismatches of a
/// cause, of little else, and the rule does not name it.
pub(super) fn of(
    subject: &Subject<'_>,
    cause: &Found,
    (table, row_of): (&Table, &BTreeMap<i64, u32>),
) -> Option<(Term, Figures)> {
    let refusal = cause.sets.iter().all(|set| is_alone(subject.spots(*set)));
    if !refusal || cause.terms.is_empty() {
        return None;
    }
    let rows: Vec<u32> = cause.members.iter().filter_map(|id| row_of.get(id).copied()).collect();
    let mut codes: Vec<(usize, &Column)> = table
        .columns
        .iter()
        .filter_map(|column| Some((reasons::telling(&column.field)?, column)))
        .filter(|(_, column)| cause.terms.iter().all(|term| term.field != column.field))
        .collect();
    codes.sort_by_key(|(rank, _)| *rank);
    codes.into_iter().find_map(|(_, column)| {
        let value = column.shared_by(&rows, NEARLY_ALL)?;
        let bits = column.rows_with(table.rows, |own| own == value);
        let told = Found { bits, ..cause.clone() };
        let figures = subject.figures(&told);
        let exact = figures.precision >= NEARLY_ALL && figures.recall >= NEARLY_ALL;
        let term = Term { field: column.field.clone(), test: Test::Equal(value.clone()) };
        exact.then_some((term, figures))
    })
}
