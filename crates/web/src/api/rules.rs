//! `GET /api/v1/rules`: the rules of the configuration, in its order; and what others would change.

use std::{fmt::Debug, pin::Pin};

use serde::{Deserialize, Serialize};
use store::Store;

use super::ApiError;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Each as it stands in `understudy.toml`: `path`, `kind`, what belongs to the kind, `route`.
    pub rules: Vec<serde_json::Value>,
}

/// What rules would change of what was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesPreview {
    /// In the order they were given.
    pub rules: Vec<RulePreview>,
    /// Endpoints with a mismatch now or then, most first; `then` is under the exact rules alone.
    pub endpoints: Vec<EndpointPreview>,
    pub samples: SamplePreview,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulePreview {
    pub route: Option<String>,
    pub path: String,
    /// `exact`: from the counters; `samples`: only on kept samples.
    pub told: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPreview {
    pub endpoint: String,
    pub compared: u64,
    pub mismatching_now: u64,
    pub mismatching_then: u64,
}

/// Kept samples that mismatch today, and those of them that would match under all rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplePreview {
    pub looked_at: u64,
    pub would_match: u64,
}

pub type Previewing<'a> = Pin<Box<dyn Future<Output = Result<RulesPreview, ApiError>> + Send + 'a>>;

/// Who knows what rules do. This stage only shows it.
pub trait Previewer: Debug + Send + Sync {
    /// Of these rules in place of those in force.
    fn preview<'a>(&'a self, store: &'a Store, rules: Vec<serde_json::Value>) -> Previewing<'a>;
}
