//! Errors of the API as RFC 9457 problem details.

use serde::{Deserialize, Serialize};
use store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error(transparent)]
    Store(StoreError),
    #[error("{0}")]
    NotFound(String),
    /// A parameter that cannot be read, or a combination that makes no sense.
    #[error("`{parameter}`: {problem}")]
    Parameter { parameter: &'static str, problem: String },
    /// The query string or the body as a whole.
    #[error("{0}")]
    Request(String),
    /// Nobody says who asks.
    #[error("{0}")]
    Unknown(String),
    /// Who asks may not; a browser's request from elsewhere, or under a foreign host name.
    #[error("{0}")]
    Forbidden(String),
    /// The path exists, this method does not.
    #[error("{0}")]
    Method(String),
    /// Stored documents that this build cannot read.
    #[error("{0}")]
    Unreadable(String),
}

impl From<StoreError> for ApiError {
    /// A cursor comes from who asks; everything else is the store's own.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor => {
                Self::Parameter { parameter: "cursor", problem: error.to_string() }
            }
            error => Self::Store(error),
        }
    }
}

/// The body of `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    #[serde(rename = "type")]
    pub problem_type: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
}

impl ApiError {
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Store(_) => 503,
            Self::NotFound(_) => 404,
            Self::Parameter { .. } | Self::Request(_) => 400,
            Self::Unknown(_) => 401,
            Self::Forbidden(_) => 403,
            Self::Method(_) => 405,
            Self::Unreadable(_) => 500,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Store(_) => "The store does not answer",
            Self::NotFound(_) => "Not found",
            Self::Parameter { .. } => "A parameter cannot be read",
            Self::Request(_) => "The request cannot be read",
            Self::Unknown(_) => "Nobody is logged in",
            Self::Forbidden(_) => "Refused",
            Self::Method(_) => "Not allowed here",
            Self::Unreadable(_) => "Stored data cannot be read",
        }
    }

    #[must_use]
    pub fn problem(&self, instance: &str) -> Problem {
        Problem {
            problem_type: "about:blank".to_owned(),
            title: self.title().to_owned(),
            status: self.status(),
            detail: self.to_string(),
            instance: instance.to_owned(),
        }
    }
}
