//! `postgres://…` or `sqlite:PATH`.

use std::path::PathBuf;

#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// Holds credentials: shown only without them.
    Postgres(String),
    Sqlite(PathBuf),
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("store `{shown}`: {problem}; write postgres://HOST/DATABASE or sqlite:FILE")]
pub struct StoreUrlError {
    pub shown: String,
    pub problem: String,
}

impl std::str::FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let _ = text;
        unimplemented!()
    }
}

/// Without user and password.
impl std::fmt::Display for StoreUrl {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        unimplemented!()
    }
}

impl std::fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
