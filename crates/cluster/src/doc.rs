//! A cluster as people read it.

use serde::{Deserialize, Serialize};

/// Stored with the cluster and served by the API as part of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterDoc {
    /// The sentence in pieces, so that pages can box values and API can print it.
    pub title: Vec<TitlePart>,
    /// `rule`, `data`, `primary_changed`, `lag`, `no_answer` or `unexplained`.
    pub cause_kind: String,
    #[serde(default)]
    pub severity: DocSeverity,
    pub differences: Vec<DocDifference>,
    pub conditions: Vec<DocCondition>,
    pub entities: Option<Vec<String>>,
    pub follows: Option<String>,
    /// When the primary changed, where that is the cause.
    #[serde(default)]
    pub changed: Option<DocChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocChange {
    /// RFC 3339.
    pub at: String,
    /// The build that answers since then, where the primary says so.
    pub version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "part", content = "text", rename_all = "snake_case")]
pub enum TitlePart {
    /// Connecting words.
    Words(String),
    /// A field or header name.
    Field(String),
    /// A value of the primary.
    Primary(String),
    /// A value of the candidate.
    Candidate(String),
    /// An amount such as "higher by 1".
    Amount(String),
    /// A term of the condition.
    Condition(String),
}

/// How much it matters, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocSeverity {
    pub level: Level,
    /// One half sentence: "the candidate allows what the primary refuses with 403".
    pub reason: String,
}

/// Least first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    #[default]
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl ClusterDoc {
    /// The sentence as plain text: names and terms between backticks.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentence = String::new();
        for part in &self.title {
            let text = match part {
                TitlePart::Field(text) | TitlePart::Condition(text) => format!("`{text}`"),
                TitlePart::Words(text)
                | TitlePart::Primary(text)
                | TitlePart::Candidate(text)
                | TitlePart::Amount(text) => text.clone(),
            };
            if !sentence.is_empty() && !text.starts_with([',', ';', ':', ')']) {
                sentence.push(' ');
            }
            sentence.push_str(&text);
        }
        sentence
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocDifference {
    #[serde(rename = "where")]
    pub place: String,
    pub path: String,
    pub kind: String,
    pub cause: Option<DocCause>,
    pub example: DocExample,
}

/// What the change is: `offset`, `factor`, …
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocCause {
    #[serde(rename = "type")]
    pub cause_type: String,
    /// What the candidate's value is: "higher by 1".
    pub text: String,
    /// Of the samples that show the place, 0 to 1.
    #[serde(default = "whole")]
    pub share: f64,
}

const fn whole() -> f64 {
    1.0
}

/// JSON values; `null` where a side has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocExample {
    pub primary: serde_json::Value,
    pub candidate: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocCondition {
    pub text: String,
    pub terms: Vec<DocTerm>,
    pub precision: f64,
    pub recall: f64,
    pub support: u64,
    /// `candidate` or `confirmed`.
    pub status: String,
    #[serde(default)]
    pub counts: DocCounts,
}

/// What a condition was counted on: stored rows, or every pair since `exact_since`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DocCounts {
    /// Meet the condition and differ so.
    pub hits: u64,
    /// Meet the condition.
    pub covered: u64,
    /// Differ so without meeting it.
    pub missed: u64,
    /// Do not meet it.
    pub others: u64,
    /// RFC 3339.
    pub exact_since: Option<String>,
}

impl DocCounts {
    /// `(212 of 213 such requests; 0 of 8,410 others)`
    #[must_use]
    pub fn sentence(&self) -> String {
        let kept = if self.exact_since.is_some() { "" } else { " kept" };
        format!(
            "({} of {} such requests{kept}; {} of {} others)",
            grouped(self.hits),
            grouped(self.covered),
            grouped(self.missed),
            grouped(self.others)
        )
    }
}

/// `8,410`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocTerm {
    pub field: String,
    pub op: String,
    pub value: serde_json::Value,
}
