//! What is known of a pair beside its fields: when, in which session, which build of the primary
//! answered, and which entities of a list are wrong. No condition names any of it.

use super::row::{Row, Scalar};

/// No field begins so.
const MARK: &str = "~";
const AT: &str = "~at";
const SESSION: &str = "~session";
const PRIMARY: &str = "~primary";
const WRONG: &str = "~wrong";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aside {
    /// When the request was captured: milliseconds since the Unix epoch; 0 where it is not known.
    pub at: i64,
    /// A hash of the session.
    pub session: i64,
    /// The build that the primary said it is.
    pub primary: Option<String>,
    /// Of lists: ids of the elements that differ.
    pub wrong: Vec<String>,
}

impl Aside {
    /// As cells in front of a row's own; the form in which it is stored.
    #[must_use]
    pub fn cells(&self) -> Vec<(String, Scalar)> {
        let mut cells = vec![
            (AT.to_owned(), Scalar::Number(self.at as f64)),
            // A double would not hold it.
            (SESSION.to_owned(), Scalar::Text(format!("{:x}", self.session))),
        ];
        cells.extend(self.primary.iter().map(|v| (PRIMARY.to_owned(), Scalar::Text(v.clone()))));
        cells.extend(self.wrong.iter().map(|id| (WRONG.to_owned(), Scalar::Text(id.clone()))));
        cells
    }

    /// Takes it out of a stored row, which then holds nothing but fields.
    pub(super) fn taken_from(row: &mut Row) -> Self {
        let mut aside = Self::default();
        row.cells.retain(|(name, value)| {
            match (name.as_str(), value) {
                (AT, Scalar::Number(at)) => aside.at = *at as i64,
                (SESSION, Scalar::Text(text)) => {
                    aside.session = i64::from_str_radix(text, 16).unwrap_or_default();
                }
                (PRIMARY, Scalar::Text(text)) => aside.primary = Some(text.clone()),
                (WRONG, Scalar::Text(text)) => aside.wrong.push(text.clone()),
                _ => {}
            }
            !name.starts_with(MARK)
        });
        aside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_with_the_row_and_is_no_field() {
        let aside = Aside {
            at: 1_764_513_727_123,
            session: i64::MAX,
            primary: Some("7.4.0".into()),
            wrong: vec!["P-1".into(), "P-2".into()],
        };
        let own = ("request.query.qty".to_owned(), Scalar::Number(3.0));
        let mut cells = aside.cells();
        cells.push(own.clone());
        let mut row = Row { cells };
        assert_eq!(Aside::taken_from(&mut row), aside);
        assert_eq!(row.cells, [own]);
        assert_eq!(Aside::taken_from(&mut row), Aside::default());
    }
}
