//! A user's word on how places are compared: rules of the configuration and of the store.
//!
//! `ignore` rules are applied to signatures afterwards, so that a new one also corrects what was
//! counted before, and one that is removed leaves no trace: for that, a path made of names and
//! wildcards is matched against generalised paths. An `ignore` with an index, a slice or a filter
//! cannot be told from a generalised path; what it masks is left out when a pair is compared.

mod book;
mod route;
mod steps;
mod written;

pub use book::{RuleBook, RuleBookError, RuleName};
pub use steps::json_path;
pub use written::RouteRules;

use serde::{Deserialize, Serialize};

/// A rule that was saved in the store, and is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredRule {
    pub id: i64,
    /// Shown wherever it hides something.
    #[serde(default)]
    pub reason: String,
    pub rule: RouteRules,
}
