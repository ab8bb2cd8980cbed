//! A cluster to take along: a Markdown brief, curl commands, a Hurl file, JSON.
//!
//! Invariants:
//! - Everything captured is hostile: each writer quotes for the language it writes, and comments
//!   hold no line breaks of strangers.
//! - Exports are made of redacted views; what was redacted is named, never guessed.

mod curl;
mod hurl;
mod markdown;
mod request;

use serde::{Deserialize, Serialize};

use crate::api::{ApiError, Cluster, SampleJson};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    Md,
    Curl,
    Hurl,
    Json,
}

/// What an export is made of.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) cluster: &'a Cluster,
    /// Newest first.
    pub(crate) samples: &'a [SampleJson],
    /// Origins of both sides, where this process knows them.
    pub(crate) primary: &'a str,
    pub(crate) candidate: &'a str,
    /// Of these pages.
    pub(crate) address: &'a str,
}

/// JSON: the cluster with its samples.
#[derive(Serialize)]
struct Whole<'a> {
    cluster: &'a Cluster,
    samples: &'a [SampleJson],
}

impl Format {
    /// `md` unless told.
    pub(crate) fn asked(text: Option<&str>) -> Result<Self, ApiError> {
        match text.filter(|text| !text.is_empty()) {
            None | Some("md") => Ok(Self::Md),
            Some("curl") => Ok(Self::Curl),
            Some("hurl") => Ok(Self::Hurl),
            Some("json") => Ok(Self::Json),
            Some(other) => Err(ApiError::Parameter {
                parameter: "format",
                problem: format!("`{other}` is no format; write md, curl, hurl or json"),
            }),
        }
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Md => "text/markdown; charset=utf-8",
            // Never a type that a browser or a desktop would run.
            Self::Curl | Self::Hurl => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// `C-7.hurl`
    pub(crate) fn file_name(self, cluster: &Cluster) -> String {
        let ending = match self {
            Self::Md => "md",
            Self::Curl => "sh",
            Self::Hurl => "hurl",
            Self::Json => "json",
        };
        format!("{}.{ending}", cluster.id)
    }

    pub(crate) fn write(self, subject: &Subject<'_>) -> Result<String, ApiError> {
        match self {
            Self::Md => Ok(markdown::write(subject)),
            Self::Curl => Ok(curl::write(subject)),
            Self::Hurl => Ok(hurl::write(subject)),
            Self::Json => {
                let whole = Whole { cluster: subject.cluster, samples: subject.samples };
                serde_json::to_string_pretty(&whole)
                    .map_err(|error| ApiError::Unreadable(format!("the export: {error}")))
            }
        }
    }
}
