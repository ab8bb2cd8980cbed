//! One text of SQL for both dialects.
//!
//! Statements are written once, with `$1` placeholders and these words:
//! - `{rows}`: the table of [`Rows`] bound to the statement, under the alias `r`;
//! - `{now}`: the database's clock in microseconds;
//! - `{lock OF t}`: row locks where the dialect has them (SQLite has one writer).
//!
//! A statement's text depends on nothing but the dialect, so that it is prepared once.

mod row;
mod rows;
mod tx;
mod value;

pub(crate) use row::Row;
pub(crate) use rows::Rows;
pub(crate) use tx::{Tx, patiently};
pub(crate) use value::{Value, column, storable};

use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Sqlite,
}

/// A text with what is bound to it.
#[derive(Debug)]
pub(crate) struct Statement {
    text: Cow<'static, str>,
    values: Vec<Value>,
    rows: Option<Rows>,
}

pub(crate) fn sql(text: impl Into<Cow<'static, str>>) -> Statement {
    Statement { text: text.into(), values: Vec::new(), rows: None }
}

impl Statement {
    /// Binds the next of `$1`, `$2`, ….
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds to the text, binding `value` to the `$` at its end.
    pub(crate) fn and(mut self, text: &str, value: impl Into<Value>) -> Self {
        let number = self.values.len() + 1;
        self.text = Cow::Owned(format!("{}{text}{number}", self.text));
        self.bind(value)
    }

    pub(crate) fn then(mut self, text: &str) -> Self {
        self.text = Cow::Owned(format!("{}{text}", self.text));
        self
    }

    /// Binds the table that `{rows}` names.
    pub(crate) fn rows(mut self, rows: Rows) -> Self {
        self.rows = Some(rows);
        self
    }

    fn render(&self, dialect: Dialect) -> String {
        let mut text = self.text.replace("{now}", dialect.now());
        if let Some(rows) = &self.rows {
            text = text.replace("{rows}", &rows.table(dialect, self.values.len()));
        }
        while let Some(start) = text.find("{lock") {
            let Some(length) = text[start..].find('}') else { break };
            let lock = match dialect {
                Dialect::Postgres => {
                    format!("FOR UPDATE{}", &text[start + "{lock".len()..start + length])
                }
                Dialect::Sqlite => String::new(),
            };
            text.replace_range(start..=start + length, &lock);
        }
        text
    }
}

impl Dialect {
    fn now(self) -> &'static str {
        match self {
            Self::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        }
    }
}

/// A text as a part of a `LIKE` pattern (with `ESCAPE '\\'`) that means what it says.
pub(crate) fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Rows, sql};

    #[test]
    fn one_text_becomes_either_dialect() {
        let rows = Rows::default().int("key", [1, 2]).text("word", ["a", "b"]);
        let statement =
            sql("SELECT key FROM t JOIN {rows} ON t.a = r.key WHERE b = $1 {lock OF t}")
                .bind(7)
                .rows(rows);
        assert_eq!(
            statement.render(Dialect::Postgres),
            "SELECT key FROM t JOIN UNNEST($2::bigint[], $3::text[]) AS r(key, word) \
             ON t.a = r.key WHERE b = $1 FOR UPDATE OF t"
        );
        assert_eq!(
            statement.render(Dialect::Sqlite),
            "SELECT key FROM t JOIN (SELECT value->>0 AS key, value->>1 AS word \
             FROM json_each($2)) AS r ON t.a = r.key WHERE b = $1 "
        );
    }

    #[test]
    fn conditions_are_numbered_as_they_come() {
        let statement = sql("SELECT 1 WHERE true").and(" AND a = $", 1).and(" AND b = $", "x");
        assert_eq!(statement.render(Dialect::Sqlite), "SELECT 1 WHERE true AND a = $1 AND b = $2");
    }
}
