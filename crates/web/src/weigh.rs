//! What each term of a condition earns, on kept rows: the condition whole, then with each term
//! left out; and where a threshold lies.
//!
//! Pure. Figures are of kept rows, which pages say; counts since publication stand beside them.

use cluster::{
    doc::DocCondition,
    explain::{Row, Term, Test, on_scale},
};
use store::JudgedRow;

use crate::draw::Strip;

/// A kept row, opened.
pub(crate) struct Judged {
    row: Row,
    shows: bool,
    matches: bool,
}

/// How well some terms tell a cluster's mismatches from the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    /// The place of the term left out; `None`: the condition whole.
    pub(crate) without: Option<usize>,
    /// Meet it and differ so.
    pub(crate) hits: u64,
    /// Meet it.
    pub(crate) covered: u64,
    /// Differ so.
    pub(crate) shown: u64,
}

pub(crate) fn opened(rows: &[JudgedRow]) -> Vec<Judged> {
    let open = |row: &JudgedRow| {
        let cells = Row::unpack(&row.cells)?;
        Some(Judged { row: cells, shows: row.shows, matches: row.matches })
    };
    rows.iter().filter_map(open).collect()
}

/// The condition whole first; empty where its terms are of another build, or no row meets it: then
/// rows do not hold its fields, and nothing can be said.
pub(crate) fn weights(condition: &DocCondition, rows: &[Judged]) -> Vec<Weight> {
    let Some(terms) = terms(condition) else { return Vec::new() };
    let whole = weigh(&terms, None, rows);
    if whole.hits == 0 {
        return Vec::new();
    }
    let each = if terms.len() > 1 { terms.len() } else { 0 };
    let without = (0..each).map(|place| weigh(&terms, Some(place), rows));
    [whole].into_iter().chain(without).collect()
}

fn terms(condition: &DocCondition) -> Option<Vec<Term>> {
    let terms: Option<Vec<Term>> = condition.terms.iter().map(Term::read).collect();
    terms.filter(|terms| !terms.is_empty())
}

fn weigh(terms: &[Term], without: Option<usize>, rows: &[Judged]) -> Weight {
    let mut weight = Weight { without, hits: 0, covered: 0, shown: 0 };
    for judged in rows {
        let meets = holds(terms, without, &judged.row);
        weight.covered += u64::from(meets);
        weight.shown += u64::from(judged.shows);
        weight.hits += u64::from(meets && judged.shows);
    }
    weight
}

fn holds(terms: &[Term], without: Option<usize>, row: &Row) -> bool {
    terms.iter().enumerate().all(|(place, term)| Some(place) == without || term.holds(row))
}

/// The first term with a threshold, as a strip of values; of rows that meet the other terms.
pub(crate) fn threshold(condition: &DocCondition, rows: &[Judged]) -> Option<(String, Strip)> {
    let terms = terms(condition)?;
    let found = |(place, term): (usize, &Term)| Some((place, limit(&term.test)?));
    let (place, (limit, above)) = terms.iter().enumerate().find_map(found)?;
    let field = &terms[place].field;
    let (mut matching, mut differing) = (Vec::new(), Vec::new());
    for judged in rows.iter().filter(|judged| holds(&terms, Some(place), &judged.row)) {
        let values = on_scale(&judged.row, field);
        if judged.shows {
            differing.extend(values);
        } else if judged.matches {
            matching.extend(values);
        }
    }
    Some((field.clone(), Strip::of(&matching, &differing, limit, above)?))
}

/// The threshold of a test, and whether what lies above it is meant.
fn limit(test: &Test) -> Option<(f64, bool)> {
    match test {
        Test::Above(value) | Test::AtLeast(value) => Some((value.on_scale()?, true)),
        Test::Below(value) | Test::AtMost(value) => Some((value.on_scale()?, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use cluster::{
        doc::{DocCounts, DocTerm},
        explain::Scalar,
    };
    use serde_json::json;

    use super::*;

    fn condition() -> DocCondition {
        let term =
            |field: &str, op: &str, value| DocTerm { field: field.into(), op: op.into(), value };
        DocCondition {
            text: "amount > 50000 and country = DE".into(),
            terms: vec![term("amount", ">", json!(50_000)), term("country", "==", json!("DE"))],
            precision: 1.0,
            recall: 1.0,
            support: 4,
            status: "confirmed".into(),
            counts: DocCounts::default(),
        }
    }

    fn row(amount: f64, country: &str, shows: bool) -> Judged {
        let cells = vec![
            ("amount".to_owned(), Scalar::Number(amount)),
            ("country".to_owned(), Scalar::Text(country.to_owned())),
        ];
        Judged { row: Row { cells }, shows, matches: !shows }
    }

    fn rows() -> Vec<Judged> {
        vec![
            row(60_000.0, "DE", true),
            row(50_010.0, "DE", true),
            row(49_950.0, "DE", false),
            row(10.0, "DE", false),
            row(70_000.0, "FR", false),
        ]
    }

    #[test]
    fn each_term_left_out_shows_what_it_earns() {
        let weights = weights(&condition(), &rows());
        let figures: Vec<_> =
            weights.iter().map(|one| (one.without, one.hits, one.covered, one.shown)).collect();
        assert_eq!(figures, [(None, 2, 2, 2), (Some(0), 2, 4, 2), (Some(1), 2, 3, 2)]);
    }

    #[test]
    fn a_threshold_is_drawn_from_rows_that_meet_the_rest() {
        let (field, strip) = threshold(&condition(), &rows()).unwrap();
        assert_eq!(field, "amount");
        assert_eq!(strip.neighbours[0].text, "49,950 matches");
        assert_eq!(strip.neighbours[1].text, "50,010 differs");
        assert_eq!(strip.marks.len(), 4, "the one in FR is not among them");
    }

    #[test]
    fn where_no_row_meets_the_condition_nothing_is_said() {
        assert!(weights(&condition(), &[row(1.0, "DE", true)]).is_empty());
    }
}
