//! A row of either dialect, read by place.

use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use crate::StoreError;

#[derive(Debug)]
pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

macro_rules! reader {
    ($name:ident, $type:ty) => {
        pub(crate) fn $name(&self, place: usize) -> Result<$type, StoreError> {
            Ok(match self {
                Self::Postgres(row) => row.try_get(place)?,
                Self::Sqlite(row) => row.try_get(place)?,
            })
        }
    };
}

impl Row {
    reader!(int, i64);
    reader!(optional_int, Option<i64>);
    reader!(text, String);
    reader!(optional_text, Option<String>);
    reader!(bytes, Vec<u8>);
    reader!(optional_bytes, Option<Vec<u8>>);

    /// A count: never below zero.
    pub(crate) fn count(&self, place: usize) -> Result<u64, StoreError> {
        let int = self.int(place)?;
        u64::try_from(int).map_err(|_| StoreError::Corrupt(format!("a count of {int}")))
    }

    pub(crate) fn truth(&self, place: usize) -> Result<bool, StoreError> {
        Ok(self.int(place)? != 0)
    }
}
