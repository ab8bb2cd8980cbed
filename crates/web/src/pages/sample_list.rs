//! The samples of a cluster as a list: with the values its condition speaks of, and beside them
//! the exchanges that match and are nearest.

use std::cmp::Ordering;

use cluster::{
    doc::{DocCondition, DocTerm},
    explain::{Row, Scalar, Term},
};
use store::SampleHead;

use super::Look;
use crate::words;

/// Matches shown beside the mismatches.
const NEAREST: usize = 5;
/// Values shown of one sample.
const MOST_VALUES: usize = 3;

pub(crate) struct SampleLink {
    pub(crate) href: String,
    /// In pieces after which a line may end.
    pub(crate) path: Vec<String>,
    /// Values of the condition's fields: `amount 72000 · country DE`.
    pub(crate) values: String,
    pub(crate) clock: String,
    pub(crate) time: String,
    pub(crate) current: bool,
}

/// The terms of the condition that separates most, if there is one.
fn terms(conditions: &[DocCondition]) -> &[DocTerm] {
    conditions.first().map_or(&[], |one| one.terms.as_slice())
}

pub(crate) fn link(
    look: &Look,
    head: &SampleHead,
    conditions: &[DocCondition],
    shown: Option<&str>,
    href: &dyn Fn(&[(&str, &str)]) -> String,
) -> SampleLink {
    let id = head.exchange.to_string();
    let at = crate::api::instant(head.captured_at);
    // The method stands in the endpoint above the list.
    let target = head.line.split_once(' ').map_or(head.line.as_str(), |(_, target)| target);
    SampleLink {
        href: href(&[("sample", &id), ("open", "")]),
        path: target.split_inclusive(['/', '?', '&']).map(str::to_owned).collect(),
        values: values(head, terms(conditions)),
        clock: words::moment(&at, look.now),
        time: at,
        current: shown == Some(id.as_str()),
    }
}

fn values(head: &SampleHead, terms: &[DocTerm]) -> String {
    let Some(row) = row(head) else { return String::new() };
    let mut fields: Vec<&str> = Vec::new();
    for term in terms {
        if !fields.contains(&term.field.as_str()) {
            fields.push(&term.field);
        }
    }
    let told = fields.into_iter().take(MOST_VALUES).map(|field| {
        let values: Vec<String> = row.values(base(field)).take(2).map(spelt).collect();
        let value = if values.is_empty() { "missing".to_owned() } else { values.join(", ") };
        format!("{} {value}", short(field))
    });
    told.collect::<Vec<_>>().join(" · ")
}

/// `response.body.amount` of `length(response.body.amount)`.
fn base(field: &str) -> &str {
    let inner = field.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(field)
}

/// `amount` of `response.body.loan.amount`.
fn short(field: &str) -> &str {
    let last = base(field).rsplit('.').find(|part| *part != "*");
    last.unwrap_or(field)
}

fn spelt(value: &Scalar) -> String {
    let text = match value {
        Scalar::Text(text) | Scalar::Token(text) => text.clone(),
        other => other.json().to_string(),
    };
    match text.char_indices().nth(24) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn row(head: &SampleHead) -> Option<Row> {
    Row::unpack(head.features.as_deref()?)
}

/// The matches nearest to `to`: those that meet most terms of the condition, then those whose
/// values are nearest, then the newest.
pub(crate) fn nearest<'a>(
    matches: &'a [SampleHead],
    to: Option<&SampleHead>,
    conditions: &[DocCondition],
) -> Vec<&'a SampleHead> {
    let doc_terms = terms(conditions);
    let read: Vec<Term> = doc_terms.iter().filter_map(Term::read).collect();
    let here = to.and_then(row);
    let mut ranked: Vec<(usize, f64, &SampleHead)> = matches
        .iter()
        .map(|head| {
            let Some(there) = row(head) else { return (0, f64::INFINITY, head) };
            let held = read.iter().filter(|term| term.holds(&there)).count();
            let far = here.as_ref().map_or(0.0, |here| distance(here, &there, doc_terms));
            (held, far, head)
        })
        .collect();
    ranked.sort_by(|a, b| {
        let far = a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal);
        b.0.cmp(&a.0).then(far).then(b.2.captured_at.cmp(&a.2.captured_at))
    });
    ranked.into_iter().take(NEAREST).map(|(_, _, head)| head).collect()
}

/// Of numbers how far apart they are, as a share of the larger; of others whether they differ.
fn distance(here: &Row, there: &Row, terms: &[DocTerm]) -> f64 {
    let of_field = |term: &DocTerm| {
        let field = base(&term.field);
        let (one, other) = (here.values(field).next(), there.values(field).next());
        match (one.and_then(Scalar::on_scale), other.and_then(Scalar::on_scale)) {
            (Some(one), Some(other)) => {
                let scale = one.abs().max(other.abs());
                if scale == 0.0 { 0.0 } else { ((one - other) / scale).abs().min(1.0) }
            }
            _ => f64::from(u8::from(one != other)),
        }
    };
    terms.iter().map(of_field).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(line: &str, amount: f64, country: &str, at: i64) -> SampleHead {
        let cells = vec![
            ("response.body.amount".to_owned(), Scalar::Number(amount)),
            ("response.body.country".to_owned(), Scalar::Text(country.to_owned())),
        ];
        SampleHead {
            exchange: exchange::ExchangeId::fresh(),
            captured_at: at,
            line: line.to_owned(),
            matches: true,
            features: Some(Row { cells }.pack()),
        }
    }

    fn condition() -> Vec<DocCondition> {
        let json = serde_json::json!([{
            "text": "amount > 50000 and country = DE",
            "terms": [
                {"field": "response.body.amount", "op": ">", "value": 50_000},
                {"field": "response.body.country", "op": "==", "value": "DE"},
            ],
            "precision": 1.0, "recall": 1.0, "support": 9, "status": "confirmed",
        }]);
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_sample_says_what_the_condition_speaks_of() {
        let one = head("GET /loans/1", 72_000.0, "DE", 1);
        assert_eq!(values(&one, terms(&condition())), "amount 72000 · country DE");
        assert_eq!(short("length(request.body.items.*)"), "items");
    }

    #[test]
    fn the_nearest_match_meets_most_terms_and_is_close() {
        let matches = [
            head("GET /a", 10.0, "FR", 9),
            head("GET /b", 49_950.0, "DE", 1),
            head("GET /c", 100.0, "DE", 2),
            head("GET /d", 90_000.0, "FR", 3),
        ];
        let to = head("GET /x", 72_000.0, "DE", 5);
        let nearest = nearest(&matches, Some(&to), &condition());
        let lines: Vec<&str> = nearest.iter().map(|head| head.line.as_str()).collect();
        assert_eq!(lines, ["GET /b", "GET /c", "GET /d", "GET /a"]);
    }
}
