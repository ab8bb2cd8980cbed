//! `/api/v1/rules`: the rules of the configuration and of the store, what others would change,
//! and how those of the store are changed.

mod effect;
mod listed;
mod saved;

pub use effect::{
    ClusterPairs, EffectJson, EffectLine, EffectLineJson, EffectQuestion, EffectRequest,
    MaskedJson, RuleEffect,
};
pub use listed::{RuleId, RuleJson, RuleList, RuleReach, rule_list};
pub use saved::{RuleRequest, add_rule, change_rule, remove_rule, restore_rule, shown_rule};

use std::{collections::BTreeMap, fmt::Debug, pin::Pin};

use cluster::{RouteRules, RuleName};
use serde::{Deserialize, Serialize};
use store::Store;

use super::ApiError;

/// A set of rules, each as it stands in `understudy.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
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

pub type Told<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// Who knows what rules do. This stage only shows it.
pub trait Previewer: Debug + Send + Sync {
    /// Of these rules in place of those of the configuration.
    fn preview<'a>(
        &'a self,
        store: &'a Store,
        rules: Vec<serde_json::Value>,
    ) -> Told<'a, RulesPreview>;

    /// Of one rule, added to those in force or in place of one of them.
    fn effect<'a>(&'a self, store: &'a Store, question: EffectQuestion) -> Told<'a, RuleEffect>;

    /// What the exact rules hide today, within a version.
    fn reach<'a>(
        &'a self,
        store: &'a Store,
        configured: Vec<RouteRules>,
        version: Option<String>,
    ) -> Told<'a, BTreeMap<RuleName, RuleReach>>;
}

/// The rules of the configuration, which was checked when it was read.
pub(crate) fn configured(rules: &[serde_json::Value]) -> Vec<RouteRules> {
    rules.iter().filter_map(|rule| serde_json::from_value(rule.clone()).ok()).collect()
}
