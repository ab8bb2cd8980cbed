//! What is known of one pair, as fields with scalar values: the row of a table.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Serialize};

/// One value of a field.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Scalar {
    Null,
    Bool(bool),
    /// Finite. Numbers that a double cannot hold exactly are texts.
    Number(f64),
    Text(String),
    /// Stands for a redacted value: equality survives, nothing else does.
    Token(String),
}

/// Fields with their values, as conditions name them (`request.body.amount`). A field that stands
/// there twice has several values: the items of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub cells: Vec<(String, Scalar)>,
}

/// Digits up to which a whole number is the same as a double.
const EXACT_DIGITS: usize = 15;

impl Scalar {
    /// A number as it was spelled.
    #[must_use]
    pub fn number(spelled: &str) -> Self {
        let digits = spelled.bytes().filter(u8::is_ascii_digit).count();
        match spelled.parse::<f64>() {
            Ok(number) if number.is_finite() && digits <= EXACT_DIGITS + 2 => Self::Number(number),
            _ => Self::Text(spelled.to_owned()),
        }
    }

    /// The value on a scale, where it is one: numbers, and texts that are spelled like one.
    #[must_use]
    pub fn on_scale(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) if text.len() <= EXACT_DIGITS + 2 && looks_numeric(text) => {
                text.parse().ok().filter(|number: &f64| number.is_finite())
            }
            _ => None,
        }
    }

    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As JSON, in terms of conditions.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Number(number) => json_number(*number),
            Self::Text(text) | Self::Token(text) => text.as_str().into(),
        }
    }

    /// As a thing is named.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Token(text) => text.clone(),
            other => other.json().to_string(),
        }
    }

    /// From the JSON of a term; structures are no scalars.
    #[must_use]
    pub fn of_json(value: &serde_json::Value) -> Option<Self> {
        Some(match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(truth) => Self::Bool(*truth),
            serde_json::Value::Number(number) => Self::Number(number.as_f64()?),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => return None,
        })
    }

    /// Whether this value is meant by the value of a term, which has lost what is a token.
    #[must_use]
    pub fn is(&self, named: &Self) -> bool {
        match (self, named) {
            (Self::Token(own), Self::Text(text)) => own == text,
            (own, named) => own == named,
        }
    }
}

/// Whole numbers are written without a point.
pub(super) fn json_number(number: f64) -> serde_json::Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return (number as i64).into();
    }
    number.into()
}

/// Digits with at most a sign and a point: no `inf`, no exponent, no leading zeros of a code.
fn looks_numeric(text: &str) -> bool {
    let bare = text.strip_prefix('-').unwrap_or(text);
    let code = bare.len() > 1 && bare.starts_with('0') && !bare.starts_with("0.");
    !code
        && bare.starts_with(|c: char| c.is_ascii_digit())
        && bare.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

impl Row {
    /// The values of a field.
    pub fn values<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a Scalar> {
        self.cells.iter().filter(move |(name, _)| name == field).map(|(_, value)| value)
    }

    /// As it is stored.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// `None` where the bytes are of another build.
    #[must_use]
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

impl Scalar {
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
            Self::Token(_) => 4,
        }
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(two)) => one.cmp(two),
            // Adding zero makes one of both zeros.
            (Self::Number(one), Self::Number(two)) => (one + 0.0).total_cmp(&(two + 0.0)),
            (Self::Text(one), Self::Text(two)) | (Self::Token(one), Self::Token(two)) => {
                one.cmp(two)
            }
            (one, two) => one.rank().cmp(&two.rank()),
        }
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(truth) => truth.hash(state),
            Self::Number(number) => (number + 0.0).to_bits().hash(state),
            Self::Text(text) | Self::Token(text) => text.hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_one_value_however_spelled_and_codes_are_none() {
        assert_eq!(Scalar::number("1e3"), Scalar::number("1000.0"));
        assert_eq!(Scalar::number("-0"), Scalar::number("0"));
        let long = Scalar::number("12345678901234567890");
        assert_eq!(long, Scalar::Text("12345678901234567890".into()));
        let scale = |text: &str| Scalar::Text(text.into()).on_scale();
        assert_eq!((scale("12"), scale("-0.5"), scale("0")), (Some(12.0), Some(-0.5), Some(0.0)));
        assert_eq!(
            (scale("0049"), scale("inf"), scale("1e3"), scale("")),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_row_comes_back_as_it_was_stored() {
        let cells = vec![
            ("request.body.amount".to_owned(), Scalar::Number(5.5)),
            ("request.body.note".to_owned(), Scalar::Null),
            ("request.header.x-key".to_owned(), Scalar::Token("tok·0011".into())),
        ];
        let row = Row { cells };
        assert_eq!(Row::unpack(&row.pack()), Some(row));
        assert_eq!(Row::unpack(&[255; 3]), None);
    }
}
