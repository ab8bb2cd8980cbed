//! What one rule would change: three lines, each with the exchanges behind it.

use std::collections::BTreeMap;

use cluster::RouteRules;
use exchange::ExchangeId;
use serde::{Deserialize, Serialize};

use super::{RuleId, RuleRequest};
use crate::{
    api::{ApiError, ClusterId},
    words,
};

/// The body of `POST /api/v1/rules/preview` that asks about one rule.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EffectRequest {
    /// As it would be saved; `null`: only `replaces` goes.
    pub rule: Option<RuleRequest>,
    /// The saved rule in whose place it would be.
    #[serde(default)]
    pub replaces: Option<RuleId>,
    /// The cluster from which it is asked: what would be hidden beyond it is said apart.
    #[serde(default)]
    pub cluster: Option<ClusterId>,
    /// Absent or `all`: every version.
    #[serde(default)]
    pub version: Option<String>,
}

/// What a [`super::Previewer`] is asked.
#[derive(Clone, Debug)]
pub struct EffectQuestion {
    pub configured: Vec<RouteRules>,
    pub rule: Option<RouteRules>,
    pub replaces: Option<i64>,
    pub cluster: Option<i64>,
    pub version: Option<String>,
}

/// What a [`super::Previewer`] answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleEffect {
    /// Told from the counters; else on kept samples.
    pub is_exact: bool,
    /// Pairs, or samples, that were looked at.
    pub looked_at: u64,
    pub clears: EffectLine,
    pub stays: EffectLine,
    pub newly_hides: EffectLine,
    pub returns: EffectLine,
    pub masked: Option<MaskedJson>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffectLine {
    pub pairs: u64,
    pub differences: u64,
    /// By cluster; `None`: in no cluster.
    pub clusters: BTreeMap<Option<i64>, u64>,
    pub signatures: Vec<i64>,
    pub exchanges: Vec<ExchangeId>,
}

/// The answer of the API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectJson {
    /// `exact`: lines count pairs, from the counters; `samples`: they count kept samples.
    pub told: String,
    pub looked_at: u64,
    pub clears: EffectLineJson,
    pub stays: EffectLineJson,
    pub newly_hides: EffectLineJson,
    pub returns: EffectLineJson,
    pub masked: Option<MaskedJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectLineJson {
    pub pairs: u64,
    pub differences: u64,
    /// Most pairs first.
    pub clusters: Vec<ClusterPairs>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterPairs {
    /// `null`: in no cluster.
    pub id: Option<ClusterId>,
    pub pairs: u64,
}

/// Shares of pairs that match only because a rule hides what differs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskedJson {
    pub before: f64,
    pub after: f64,
}

impl EffectRequest {
    pub(crate) fn question(&self, configured: Vec<RouteRules>) -> Result<EffectQuestion, ApiError> {
        if self.rule.is_none() && self.replaces.is_none() {
            let text = "say which `rule` would come, or which it `replaces`";
            return Err(ApiError::Request(text.to_owned()));
        }
        let rule = self.rule.as_ref().map(RuleRequest::rule).transpose()?;
        Ok(EffectQuestion {
            configured,
            rule,
            replaces: self.replaces.map(|id| id.0),
            cluster: self.cluster.map(|id| id.0),
            version: self.version.clone().filter(|version| version != "all"),
        })
    }
}

impl RuleEffect {
    #[must_use]
    pub fn json(&self) -> EffectJson {
        EffectJson {
            told: if self.is_exact { "exact" } else { "samples" }.to_owned(),
            looked_at: self.looked_at,
            clears: self.clears.json(),
            stays: self.stays.json(),
            newly_hides: self.newly_hides.json(),
            returns: self.returns.json(),
            masked: self.masked,
        }
    }
}

impl EffectLine {
    /// Clusters with their pairs, most first.
    #[must_use]
    pub fn by_cluster(&self) -> Vec<(Option<i64>, u64)> {
        let mut clusters: Vec<(Option<i64>, u64)> =
            self.clusters.iter().map(|(id, pairs)| (*id, *pairs)).collect();
        clusters.sort_by_key(|(id, pairs)| (std::cmp::Reverse(*pairs), id.is_none(), *id));
        clusters
    }

    fn json(&self) -> EffectLineJson {
        let clusters = self.by_cluster().into_iter();
        let clusters =
            clusters.map(|(id, pairs)| ClusterPairs { id: id.map(ClusterId), pairs }).collect();
        EffectLineJson { pairs: self.pairs, differences: self.differences, clusters }
    }
}

impl MaskedJson {
    #[must_use]
    pub fn of(before: u64, after: u64, compared: u64) -> Self {
        let share = |part| words::share(part, compared);
        Self { before: share(before), after: share(after) }
    }
}
