//! What a set of rules would change of what was compared.
//!
//! `ignore` rules whose path is made of names and wildcards are told exactly, from the counters:
//! signatures hold the places they mask. All others act when a pair is compared; what they would do
//! is told on kept samples.

mod counted;
mod effect;
mod reach;
mod samples;

pub use effect::{Effect, EffectAsked, EffectLine, Masked, effect};
pub use reach::{Reach, reach};

use std::collections::BTreeMap;

use cluster::{EndpointId, Model, Place, RouteRules, RuleBook, RuleName, Signature, Verdict};
use serde::Serialize;
use store::{EndpointRow, Outcome, Store, Versus};

use crate::{CompareConfigError, analyst, plan::Learned};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// In the order they were given.
    pub rules: Vec<RulePreview>,
    /// Endpoints with a mismatch now or then, most first. `then` is under the exact rules alone.
    pub endpoints: Vec<EndpointPreview>,
    pub samples: SamplePreview,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RulePreview {
    pub route: Option<String>,
    pub path: String,
    /// `exact` or `samples`: how its effect is told.
    pub told: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointPreview {
    pub endpoint: String,
    pub compared: u64,
    pub mismatching_now: u64,
    pub mismatching_then: u64,
}

/// Kept samples that mismatch today, and those of them that would match under all rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SamplePreview {
    pub looked_at: u64,
    pub would_match: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error(transparent)]
    Rules(#[from] CompareConfigError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error("the model in the store does not read: {0}")]
    Model(String),
}

impl From<cluster::rules::RuleBookError> for PreviewError {
    fn from(error: cluster::rules::RuleBookError) -> Self {
        Self::Rules(error.into())
    }
}

/// Of `rules` in place of those of the configuration; those saved in the store stay in force.
pub async fn preview(store: &Store, rules: &[RouteRules]) -> Result<Preview, PreviewError> {
    let learned = Learned::new(model(store).await?, &RuleBook::compile(rules)?);
    let told = rules.iter().enumerate().map(|(at, rule)| RulePreview {
        route: rule.route.clone(),
        path: rule.rule.path.clone(),
        told: told(&learned.book, RuleName::File(at + 1)),
    });
    let rows = all_endpoints(store).await?;
    Ok(Preview {
        rules: told.collect(),
        endpoints: endpoints(store, &learned, &rows).await?,
        samples: samples::preview(store, &learned, &rows).await?,
    })
}

/// By key.
type Endpoints = BTreeMap<i64, EndpointRow>;

async fn all_endpoints(store: &Store) -> Result<Endpoints, PreviewError> {
    Ok(store.endpoints().await?.into_iter().map(|row| (row.key, row)).collect())
}

/// How the effect of a rule is told: `exact` or `samples`.
fn told(book: &RuleBook, name: RuleName) -> &'static str {
    if book.is_exact(name) { "exact" } else { "samples" }
}

/// The model in force.
async fn model(store: &Store) -> Result<Model, PreviewError> {
    let Some(row) = store.model_newer(0).await? else { return Ok(Model::default()) };
    analyst::read_model(&row).map_err(|error| PreviewError::Model(format!("{error:#}")))
}

async fn endpoints(
    store: &Store,
    learned: &Learned,
    rows: &Endpoints,
) -> Result<Vec<EndpointPreview>, PreviewError> {
    let mut found: BTreeMap<i64, EndpointPreview> = BTreeMap::new();
    for count in store.outcome_counts(None).await? {
        let Some(row) = rows.get(&count.endpoint) else { continue };
        let entry = found.entry(count.endpoint).or_insert_with(|| EndpointPreview {
            endpoint: format!("{} {}", row.method, row.template),
            compared: 0,
            mismatching_now: 0,
            mismatching_then: 0,
        });
        entry.compared += count.pairs;
        if count.outcome == Outcome::Answered && !count.matches {
            entry.mismatching_now += count.pairs;
        }
    }
    for count in store.signature_counts().await? {
        let home = home(rows, count.endpoint);
        let (Some(row), Some(entry)) = (rows.get(&home), found.get_mut(&home)) else { continue };
        if count.versus != Versus::Candidate || count.outcome != Outcome::Answered {
            continue;
        }
        let places: Vec<Place> = serde_json::from_str(&count.places).unwrap_or_default();
        let ignored = |place: &Place| learned.book.ignores(&row.method, &row.template, place);
        let verdict = learned.model.verdict(EndpointId(home), &Signature::new(places), &ignored);
        if verdict != Verdict::Match {
            entry.mismatching_then += count.pairs;
        }
    }
    let mut endpoints: Vec<EndpointPreview> =
        found.into_values().filter(|e| e.mismatching_now + e.mismatching_then > 0).collect();
    endpoints.sort_by(|a, b| {
        b.mismatching_now.cmp(&a.mismatching_now).then(a.endpoint.cmp(&b.endpoint))
    });
    Ok(endpoints)
}

/// Where an endpoint is after merges; a circle in the table ends.
fn home(rows: &Endpoints, key: i64) -> i64 {
    let mut at = key;
    for _ in 0..rows.len() {
        match rows.get(&at).and_then(|row| row.merged_into) {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}
