//! Many rows in one statement: arrays for Postgres, one JSON text for SQLite.
//!
//! The number of rows never shows in the text, so there is no bind limit to mind and the
//! statement stays prepared. Bytes go to SQLite as one blob from which each row cuts its part.

use super::{Dialect, value::storable};

/// A small table, column by column. All columns have the same length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    columns: Vec<(&'static str, Column)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Column {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

/// What SQLite is given for [`Rows`].
pub(crate) struct Packed {
    pub(crate) json: String,
    /// The bytes of all rows one after the other, where a column holds bytes. It starts with a
    /// byte that belongs to none: SQLite cuts NULL from a blob without bytes.
    pub(crate) blob: Option<Vec<u8>>,
}

impl Rows {
    pub(crate) fn int<V: Into<Option<i64>>>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.columns.push((name, Column::Int(values.into_iter().map(Into::into).collect())));
        self
    }

    pub(crate) fn text<'a, V: Into<Option<&'a str>>>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let texts = values.into_iter().map(|text| text.into().map(|t| storable(t).into_owned()));
        self.columns.push((name, Column::Text(texts.collect())));
        self
    }

    pub(crate) fn bytes<V: Into<Option<Vec<u8>>>>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.columns.push((name, Column::Bytes(values.into_iter().map(Into::into).collect())));
        self
    }

    pub(crate) fn into_columns(self) -> impl Iterator<Item = Column> {
        self.columns.into_iter().map(|(_, column)| column)
    }

    /// The table expression, its placeholders following the first `bound`.
    pub(super) fn table(&self, dialect: Dialect, bound: usize) -> String {
        match dialect {
            Dialect::Postgres => self.unnest(bound),
            Dialect::Sqlite => self.json_each(bound),
        }
    }

    fn unnest(&self, bound: usize) -> String {
        let arrays = self.columns.iter().enumerate().map(|(at, (_, column))| {
            let element = match column {
                Column::Int(_) => "bigint",
                Column::Text(_) => "text",
                Column::Bytes(_) => "bytea",
            };
            format!("${}::{element}[]", bound + 1 + at)
        });
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        let names = self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        format!("UNNEST({arrays}) AS r({names})")
    }

    fn json_each(&self, bound: usize) -> String {
        let (json, blob) = (bound + 1, bound + 2);
        let mut at = 0;
        let mut cells = Vec::with_capacity(self.columns.len());
        for (name, column) in &self.columns {
            if let Column::Bytes(_) = column {
                cells.push(format!("substr(${blob}, value->>{at}, value->>{}) AS {name}", at + 1));
                at += 2;
            } else {
                cells.push(format!("value->>{at} AS {name}"));
                at += 1;
            }
        }
        format!("(SELECT {} FROM json_each(${json})) AS r", cells.join(", "))
    }

    pub(crate) fn pack(&self) -> Packed {
        let holds_bytes = self.columns.iter().any(|(_, c)| matches!(c, Column::Bytes(_)));
        let mut packed = Packed { json: String::from("["), blob: holds_bytes.then(|| vec![0]) };
        for row in 0..self.len() {
            packed.json.push_str(if row == 0 { "[" } else { ",[" });
            for (at, (_, column)) in self.columns.iter().enumerate() {
                if at > 0 {
                    packed.json.push(',');
                }
                packed.cell(column, row);
            }
            packed.json.push(']');
        }
        packed.json.push(']');
        packed
    }

    fn len(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| match column {
            Column::Int(values) => values.len(),
            Column::Text(values) => values.len(),
            Column::Bytes(values) => values.len(),
        })
    }
}

impl Packed {
    fn cell(&mut self, column: &Column, row: usize) {
        match column {
            Column::Int(values) => match values.get(row).copied().flatten() {
                Some(int) => self.json.push_str(&int.to_string()),
                None => self.json.push_str("null"),
            },
            Column::Text(values) => {
                // Without a text, JSON's null.
                let text = values.get(row).and_then(Option::as_deref);
                self.json.push_str(&serde_json::Value::from(text).to_string());
            }
            Column::Bytes(values) => match values.get(row).and_then(Option::as_ref) {
                Some(bytes) => {
                    let blob = self.blob.get_or_insert_with(|| vec![0]);
                    self.json.push_str(&format!("{},{}", blob.len() + 1, bytes.len()));
                    blob.extend_from_slice(bytes);
                }
                None => self.json.push_str("null,null"),
            },
        }
    }
}
