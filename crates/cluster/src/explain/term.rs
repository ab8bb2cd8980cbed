//! One term of a condition: a field, how it is tested, and with what.

use serde_json::{Value, json};

use super::{
    derive,
    row::{Row, Scalar, json_number},
};
use crate::doc::DocTerm;

#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub field: String,
    pub test: Test,
}

/// Tests of a field with several values hold where one value passes; `NotEqual` and `NotIn` where
/// none is equal, and so also where there is no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Equal(Scalar),
    NotEqual(Scalar),
    In(Vec<Scalar>),
    NotIn(Vec<Scalar>),
    Above(Scalar),
    AtLeast(Scalar),
    Below(Scalar),
    AtMost(Scalar),
    /// Both ends included.
    Between(Scalar, Scalar),
    /// What is left when divided by the first is the second.
    Mod(f64, f64),
    Present,
    /// Absent or null.
    Missing,
    StartsWith(String),
    EndsWith(String),
    Contains(String),
}

impl Term {
    /// Whether the term holds for a pair.
    #[must_use]
    pub fn holds(&self, row: &Row) -> bool {
        let derived = derive::parse(&self.field);
        let own = row.values(&self.field).cloned();
        let parts = derived.into_iter().flat_map(|(derived, field)| {
            row.values(field).filter_map(move |value| derived.of(value)).collect::<Vec<_>>()
        });
        self.test.holds(own.chain(parts))
    }

    /// Whether a threshold is within a tenth of what a pair has.
    #[must_use]
    pub(super) fn is_close(&self, row: &Row) -> bool {
        let (Test::Above(bound) | Test::AtLeast(bound) | Test::Below(bound) | Test::AtMost(bound)) =
            &self.test
        else {
            return false;
        };
        let Some(bound) = bound.on_scale() else { return false };
        let mut values = row.values(&self.field).filter_map(Scalar::on_scale);
        values.any(|value| (value - bound).abs() <= 0.1 * bound.abs())
    }

    /// As the API tells it.
    #[must_use]
    pub fn doc(&self) -> DocTerm {
        let (op, value) = self.test.parts();
        DocTerm { field: self.field.clone(), op: op.to_owned(), value }
    }

    /// The term that the API told; `None` where it is of another build.
    #[must_use]
    pub fn read(doc: &DocTerm) -> Option<Self> {
        let test = Test::read(&doc.op, &doc.value)?;
        Some(Self { field: doc.field.clone(), test })
    }

    /// `amount > 50000`: fields of the request and the answer without what goes without saying.
    #[must_use]
    pub fn text(&self) -> String {
        let field = short_field(&self.field);
        match &self.test {
            Test::Present => format!("{field} present"),
            Test::Missing => format!("{field} missing"),
            Test::In(values) => format!("{field} in ({})", list(values)),
            Test::NotIn(values) => format!("{field} not in ({})", list(values)),
            Test::Between(low, high) => {
                format!("{field} between {} and {}", shown(low), shown(high))
            }
            Test::Mod(divisor, rest) => {
                format!("{field} mod {} = {}", json_number(*divisor), json_number(*rest))
            }
            Test::StartsWith(text) => format!("{field} starts with {text}"),
            Test::EndsWith(text) => format!("{field} ends with {text}"),
            Test::Contains(text) => format!("{field} contains {text}"),
            Test::Equal(value) => format!("{field} = {}", shown(value)),
            Test::NotEqual(value) => format!("{field} != {}", shown(value)),
            Test::Above(value) => format!("{field} > {}", shown(value)),
            Test::AtLeast(value) => format!("{field} >= {}", shown(value)),
            Test::Below(value) => format!("{field} < {}", shown(value)),
            Test::AtMost(value) => format!("{field} <= {}", shown(value)),
        }
    }
}

impl Test {
    fn holds(&self, mut values: impl Iterator<Item = Scalar>) -> bool {
        match self {
            Self::Missing => values.all(|value| value == Scalar::Null),
            Self::Present => values.any(|value| value != Scalar::Null),
            Self::NotEqual(named) => !values.any(|value| value.is(named)),
            Self::NotIn(named) => !values.any(|value| named.iter().any(|one| value.is(one))),
            _ => values.any(|value| self.passes(&value)),
        }
    }

    /// Of tests that hold where one value passes.
    pub(super) fn passes(&self, value: &Scalar) -> bool {
        let text = value.text();
        let compare = |bound: &Scalar| ordered(value, bound);
        match self {
            Self::Equal(named) => value.is(named),
            Self::In(named) => named.iter().any(|one| value.is(one)),
            Self::Above(bound) => compare(bound).is_some_and(std::cmp::Ordering::is_gt),
            Self::AtLeast(bound) => compare(bound).is_some_and(std::cmp::Ordering::is_ge),
            Self::Below(bound) => compare(bound).is_some_and(std::cmp::Ordering::is_lt),
            Self::AtMost(bound) => compare(bound).is_some_and(std::cmp::Ordering::is_le),
            Self::Between(low, high) => {
                compare(low).is_some_and(std::cmp::Ordering::is_ge)
                    && compare(high).is_some_and(std::cmp::Ordering::is_le)
            }
            Self::Mod(divisor, rest) => {
                value.on_scale().is_some_and(|number| number.rem_euclid(*divisor) == *rest)
            }
            Self::StartsWith(start) => text.is_some_and(|text| text.starts_with(start.as_str())),
            Self::EndsWith(end) => text.is_some_and(|text| text.ends_with(end.as_str())),
            Self::Contains(part) => text.is_some_and(|text| text.contains(part.as_str())),
            Self::Present => *value != Scalar::Null,
            Self::Missing | Self::NotEqual(_) | Self::NotIn(_) => false,
        }
    }

    fn parts(&self) -> (&'static str, Value) {
        let all = |values: &[Scalar]| Value::Array(values.iter().map(Scalar::json).collect());
        match self {
            Self::Equal(value) => ("==", value.json()),
            Self::NotEqual(value) => ("!=", value.json()),
            Self::In(values) => ("in", all(values)),
            Self::NotIn(values) => ("not_in", all(values)),
            Self::Above(value) => (">", value.json()),
            Self::AtLeast(value) => (">=", value.json()),
            Self::Below(value) => ("<", value.json()),
            Self::AtMost(value) => ("<=", value.json()),
            Self::Between(low, high) => ("between", json!([low.json(), high.json()])),
            Self::Mod(divisor, rest) => ("mod", json!([json_number(*divisor), json_number(*rest)])),
            Self::Present => ("present", Value::Null),
            Self::Missing => ("missing", Value::Null),
            Self::StartsWith(text) => ("starts_with", json!(text)),
            Self::EndsWith(text) => ("ends_with", json!(text)),
            Self::Contains(text) => ("contains", json!(text)),
        }
    }

    fn read(op: &str, value: &Value) -> Option<Self> {
        let one = || Scalar::of_json(value);
        let text = || value.as_str().map(str::to_owned);
        let all = || value.as_array()?.iter().map(Scalar::of_json).collect::<Option<Vec<_>>>();
        let two = || <[Scalar; 2]>::try_from(all()?).ok();
        Some(match op {
            "==" => Self::Equal(one()?),
            "!=" => Self::NotEqual(one()?),
            "in" => Self::In(all()?),
            "not_in" => Self::NotIn(all()?),
            ">" => Self::Above(one()?),
            ">=" => Self::AtLeast(one()?),
            "<" => Self::Below(one()?),
            "<=" => Self::AtMost(one()?),
            "between" => {
                let [low, high] = two()?;
                Self::Between(low, high)
            }
            "mod" => {
                let [divisor, rest] = two()?;
                Self::Mod(divisor.on_scale().filter(|d| *d > 0.0)?, rest.on_scale()?)
            }
            "present" => Self::Present,
            "missing" => Self::Missing,
            "starts_with" => Self::StartsWith(text()?),
            "ends_with" => Self::EndsWith(text()?),
            "contains" => Self::Contains(text()?),
            _ => return None,
        })
    }
}

/// Numbers by value, texts by code point; other pairs have no order.
fn ordered(value: &Scalar, bound: &Scalar) -> Option<std::cmp::Ordering> {
    match (value.on_scale(), bound.on_scale()) {
        (Some(one), Some(two)) => one.partial_cmp(&two),
        _ => Some(value.text()?.cmp(bound.text()?)),
    }
}

/// `request.body.amount` is `amount`, `hour(request.query.at)` is `hour(at)`; what the primary
/// answered is told apart from what was asked.
fn short_field(field: &str) -> String {
    if let Some((derived, inner)) = derive::parse(field) {
        return format!("{}({})", derived.name(), short_field(inner));
    }
    for prefix in ["request.body.", "request.query.", "request.path."] {
        if let Some(rest) = field.strip_prefix(prefix) {
            return rest.to_owned();
        }
    }
    for (prefix, word) in [
        ("request.header.", "header "),
        ("response.header.", "answered header "),
        ("response.body.", "answered "),
        ("entity.", ""),
    ] {
        if let Some(rest) = field.strip_prefix(prefix) {
            return format!("{word}{rest}");
        }
    }
    match field {
        "request.method" => "method".to_owned(),
        "response.status" => "answered status".to_owned(),
        other => other.to_owned(),
    }
}

fn list(values: &[Scalar]) -> String {
    values.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Scalar::Text(text) | Scalar::Token(text) => text.clone(),
        other => other.json().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, Value)]) -> Row {
        let cells = cells.iter().map(|(field, value)| {
            ((*field).to_owned(), Scalar::of_json(value).expect("scalars only"))
        });
        Row { cells: cells.collect() }
    }

    fn term(field: &str, op: &str, value: Value) -> Term {
        let doc = DocTerm { field: field.into(), op: op.into(), value };
        let term = Term::read(&doc).expect("a term");
        assert_eq!(term.doc(), doc, "terms come back as they were told");
        term
    }

    #[test]
    fn terms_hold_as_the_contract_says() {
        let pair = row(&[
            ("request.body.amount", json!(50_000)),
            ("request.query.page", json!("12")),
            ("request.body.at", json!("2025-06-07T22:10:00Z")),
            ("request.body.tags.*", json!("a")),
            ("request.body.tags.*", json!("b")),
            ("length(request.body.tags)", json!(2)),
            ("request.body.note", json!(null)),
        ]);
        let table = [
            ("request.body.amount", ">", json!(50_000), false),
            ("request.body.amount", ">=", json!(50_000), true),
            ("request.body.amount", "between", json!([50_000, 60_000]), true),
            ("request.body.amount", "mod", json!([7, 6]), true),
            ("request.query.page", "<", json!(9), false),
            ("request.query.page", ">", json!(9), true),
            ("request.body.at", ">", json!("2025-06-07"), true),
            ("hour(request.body.at)", "==", json!(22), true),
            ("weekday(request.body.at)", ">=", json!(5), true),
            ("length(request.body.tags)", "==", json!(2), true),
            ("request.body.tags.*", "==", json!("b"), true),
            ("request.body.tags.*", "not_in", json!(["b", "c"]), false),
            ("request.body.tags.*", "!=", json!("c"), true),
            ("request.body.gone", "!=", json!("c"), true),
            ("request.body.gone", "missing", Value::Null, true),
            ("request.body.note", "missing", Value::Null, true),
            ("request.body.note", "==", Value::Null, true),
            ("request.body.at", "present", Value::Null, true),
            ("request.body.at", "starts_with", json!("2025"), true),
            ("request.body.at", "ends_with", json!("00"), false),
            ("request.body.at", "contains", json!("-06-"), true),
            ("request.body.gone", "<", json!(5), false),
        ];
        for (field, op, value, expected) in table {
            assert_eq!(
                term(field, op, value.clone()).holds(&pair),
                expected,
                "{field} {op} {value}"
            );
        }
    }

    #[test]
    fn tokens_are_equal_by_their_text() {
        let cells = vec![("request.header.x-key".into(), Scalar::Token("tok·01".into()))];
        assert!(term("request.header.x-key", "==", json!("tok·01")).holds(&Row { cells }));
    }

    #[test]
    fn terms_read_well() {
        let table = [
            (term("request.body.amount", ">", json!(50_000)), "amount > 50000"),
            (term("request.query.country", "in", json!(["DE", "AT"])), "country in (DE, AT)"),
            (term("response.body.state", "==", json!("")), "answered state = \"\""),
            (term("hour(request.body.at)", ">=", json!(22)), "hour(at) >= 22"),
            (term("entity.customer.blocked", "==", json!(true)), "customer.blocked = true"),
            (term("request.body.tariff", "missing", Value::Null), "tariff missing"),
        ];
        for (term, text) in table {
            assert_eq!(term.text(), text);
        }
    }

    #[test]
    fn strange_terms_are_refused() {
        for (op, value) in
            [("~", json!(1)), ("between", json!([1])), ("mod", json!([0, 1])), ("in", json!(1))]
        {
            let doc = DocTerm { field: "request.method".into(), op: op.into(), value };
            assert_eq!(Term::read(&doc), None, "{op}");
        }
    }
}
