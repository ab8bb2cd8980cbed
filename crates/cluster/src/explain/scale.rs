//! The values of a field on a scale: what a threshold is drawn from.

use super::{derive, row::Row};

/// Numbers that a pair has at a field, derived ones (`hour(F)`) included.
#[must_use]
pub fn on_scale(row: &Row, field: &str) -> Vec<f64> {
    let own = row.values(field).cloned();
    let parts = derive::parse(field).into_iter().flat_map(|(derived, inner)| {
        row.values(inner).filter_map(move |value| derived.of(value)).collect::<Vec<_>>()
    });
    own.chain(parts).filter_map(|value| value.on_scale()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Scalar;

    #[test]
    fn own_and_derived_values_are_read() {
        let cells = vec![
            ("amount".to_owned(), Scalar::Number(7.5)),
            ("at".to_owned(), Scalar::Text("2026-11-20T23:10:00Z".to_owned())),
        ];
        let row = Row { cells };
        assert_eq!(on_scale(&row, "amount"), [7.5]);
        assert_eq!(on_scale(&row, "hour(at)"), [23.0]);
        assert!(on_scale(&row, "at").is_empty());
    }
}
