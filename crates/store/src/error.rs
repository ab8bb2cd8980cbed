//! What can go wrong with a store.

use sqlx::{error::DatabaseError, sqlite::SqliteError};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store at {url} cannot be reached: {problem}")]
    Unreachable { url: String, problem: String },
    #[error("the store at {url} has schema {found}, this build needs {needed}: {advice}")]
    Schema { url: String, found: i64, needed: i64, advice: &'static str },
    #[error("{0} is in use by another process; separate roles need a postgres:// store")]
    Locked(std::path::PathBuf),
    #[error("the store is open for reading only")]
    ReadOnly,
    #[error("the cursor is not one that this store gave; start at the first page")]
    Cursor,
    #[error("the store answered with an error: {0}")]
    Database(#[from] sqlx::Error),
    #[error("stored data is not what this build wrote: {0}")]
    Corrupt(String),
}

impl StoreError {
    pub(crate) fn corrupt(error: impl std::fmt::Display) -> Self {
        Self::Corrupt(error.to_string())
    }

    /// Whether the store answers and does not take this very change, now or later. Everything else
    /// (no connection, no space, no right, another schema) may pass and is waited out.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            Self::Database(sqlx::Error::Database(error)) => refuses(error.as_ref()),
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }
            ),
            Self::Unreachable { .. }
            | Self::Schema { .. }
            | Self::Locked(_)
            | Self::ReadOnly
            | Self::Cursor => false,
        }
    }

    /// Whether the same transaction can succeed when it is simply run again: Postgres ended it
    /// because of another one.
    pub(crate) fn is_collision(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                matches!(error.code().as_deref(), Some("40001" | "40P01"))
            }
            _ => false,
        }
    }
}

/// By what the server says is wrong with the data.
fn refuses(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else { return false };
    if error.try_downcast_ref::<SqliteError>().is_none() {
        // Classes of SQLSTATE: cardinality, data, constraints, limits, raised by a function.
        return ["21", "22", "23", "44", "54", "P0"].iter().any(|class| code.starts_with(class));
    }
    // ERROR (arithmetic, JSON), TOOBIG, CONSTRAINT, MISMATCH, RANGE; the rest is about the file.
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 1 | 18 | 19 | 20 | 25))
}
