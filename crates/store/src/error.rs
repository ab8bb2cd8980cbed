//! What can go wrong with a store.

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
