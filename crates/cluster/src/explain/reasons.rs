//! Refusals with one status for several reasons are several rules: what the primary refuses for is
//! said by a code in its answer.

use std::collections::BTreeMap;

use super::{book::Book, row::Scalar};

/// Members of an error that are codes, the most telling first.
const CODES: [&str; 7] = ["code", "error_code", "errorCode", "error", "reason", "type", "Error"];
/// Steps from the body to such a member, at most: `error.code`.
const DEEPEST: usize = 2;
/// A longer text is no code.
const LONGEST: usize = 60;
/// Codes of one status; more are no closed set.
const MOST: usize = 12;
/// Share of the refusals that have a code, for it to be one.
const NEARLY_ALL: f64 = 0.9;
/// Refusals for one reason, from which they are looked at by themselves.
const LEAST_ROWS: usize = 3;

/// Rows of refusals by what the primary refuses for, where there are several reasons. Rows of
/// rare reasons are left out.
pub(super) fn apart(book: &Book, refused: &[i64]) -> Vec<Vec<i64>> {
    let found = CODES.iter().filter_map(|name| by_code(book, refused, name)).next();
    let frequent = found.into_iter().flat_map(BTreeMap::into_values);
    let frequent: Vec<Vec<i64>> = frequent.filter(|rows| rows.len() >= LEAST_ROWS).collect();
    if frequent.len() < 2 { Vec::new() } else { frequent }
}

/// By the values of one member, where it is a code.
fn by_code(book: &Book, refused: &[i64], name: &str) -> Option<BTreeMap<Scalar, Vec<i64>>> {
    let mut rows: BTreeMap<Scalar, Vec<i64>> = BTreeMap::new();
    for id in refused {
        let code = book.cells(*id).iter().find(|(field, _)| is_member(book.field(*field), name));
        let Some((field, value)) = code else { continue };
        let value = book.value(*field, *value);
        let short = value.text().is_none_or(|text| text.len() <= LONGEST);
        if short && value != Scalar::Null {
            rows.entry(value).or_default().push(*id);
        }
    }
    let told: usize = rows.values().map(Vec::len).sum();
    let is_closed = rows.len() <= MOST && told as f64 >= NEARLY_ALL * refused.len() as f64;
    (is_closed && !rows.is_empty()).then_some(rows)
}

/// How telling a field is as the code of an answer, the least first; `None` for others.
pub(super) fn telling(field: &str) -> Option<usize> {
    CODES.iter().position(|name| is_member(field, name))
}

fn is_member(field: &str, name: &str) -> bool {
    let Some(path) = field.strip_prefix("response.body.") else { return false };
    path.split('.').count() <= DEEPEST && path.rsplit('.').next() == Some(name)
}
