//! `GET /api/v1/endpoints`: how far each endpoint is.

use std::collections::BTreeMap;

use gate::{EndpointDecision, EndpointEvidence, Readiness, Targets};
use serde::{Deserialize, Serialize};
use store::{EndpointKey, EndpointRow};

use super::{Quantiles, checks, judged};
use crate::ledger::{Ledger, Scope, Tally};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointsQuery {
    /// Absent: the candidate's newest. `all`: every version together.
    pub version: Option<String>,
    pub slice: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoints {
    pub version: Option<String>,
    pub endpoints: Vec<Endpoint>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub endpoint: String,
    pub slice: Option<String>,
    pub compared: u64,
    pub mismatched: u64,
    pub no_answer: u64,
    pub lag: u64,
    /// How long after the primary the candidate gave the same answer, where it was late.
    pub lag_ms: Quantiles,
    /// The primary answered 5xx: compared, not judged.
    pub primary_error: u64,
    /// Judged trials, and those that mismatch: `rate` is their quotient.
    pub trials: u64,
    pub mismatching_trials: u64,
    pub rate: f64,
    pub rate_low: f64,
    pub rate_high: f64,
    pub readiness: Readiness,
    pub latency_ms: LatencyMs,
    pub clusters: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyMs {
    pub primary: Quantiles,
    pub candidate: Quantiles,
}

/// Endpoints with traffic within the version, those with most mismatches first.
#[must_use]
pub fn endpoints_of(ledger: &Ledger, query: &EndpointsQuery, targets: &Targets) -> Endpoints {
    let scope = ledger.scope(query.version.as_deref());
    let tallies = ledger.tallies(&scope);
    let clusters = ledger.open_clusters(&scope);
    let latencies = latencies(ledger, &scope);
    let slice = query.slice.as_deref().filter(|slice| !slice.is_empty());
    let judged = judged(ledger, &scope, slice, targets);
    let mut endpoints: Vec<Endpoint> = ledger
        .live_endpoints()
        .filter(|row| slice.is_none_or(|slice| row.slice.as_deref() == Some(slice)))
        .filter_map(|row| {
            let tally = tallies.get(&row.key)?;
            let decision = judged.get(&row.key)?;
            let clusters = clusters.get(&row.key).map_or(0, |ids| ids.len() as u64);
            let latency = latencies.get(&row.key).copied().unwrap_or_default();
            let lag = checks::delays(ledger, row.key, &scope);
            Some(Endpoint { lag_ms: lag, ..endpoint(decision, row, tally, clusters, latency) })
        })
        .collect();
    endpoints.sort_by(|a, b| {
        b.mismatched
            .cmp(&a.mismatched)
            .then(b.compared.cmp(&a.compared))
            .then(a.endpoint.cmp(&b.endpoint))
    });
    Endpoints { version: scope.version().map(str::to_owned), endpoints }
}

/// One endpoint's counts as the gate takes them.
#[must_use]
pub fn endpoint_evidence(
    endpoint: String,
    slice: Option<String>,
    tally: &Tally,
) -> EndpointEvidence {
    EndpointEvidence {
        endpoint,
        slice,
        compared: tally.compared,
        no_answer: tally.no_answer,
        lag: tally.lag,
        trials: tally.trials,
        mismatching_trials: tally.mismatching_trials,
        mismatched: tally.mismatched,
    }
}

fn endpoint(
    decision: &EndpointDecision,
    row: &EndpointRow,
    tally: &Tally,
    clusters: u64,
    latency_ms: LatencyMs,
) -> Endpoint {
    Endpoint {
        endpoint: decision.endpoint.clone(),
        slice: row.slice.clone(),
        compared: tally.compared,
        mismatched: tally.mismatched,
        no_answer: tally.no_answer,
        lag: tally.lag,
        lag_ms: Quantiles::default(),
        primary_error: tally.primary_error,
        trials: tally.trials,
        mismatching_trials: tally.mismatching_trials,
        rate: tally.rate(),
        rate_low: decision.rate_low,
        rate_high: decision.rate_high,
        readiness: decision.verdict.into(),
        latency_ms,
        clusters,
    }
}

fn latencies(ledger: &Ledger, scope: &Scope) -> BTreeMap<EndpointKey, LatencyMs> {
    type Sides = (BTreeMap<u16, u64>, BTreeMap<u16, u64>);
    let mut sums: BTreeMap<EndpointKey, Sides> = BTreeMap::new();
    for histogram in ledger.latencies.iter().filter(|row| scope.holds(&row.version)) {
        let (primary, candidate) = sums.entry(ledger.resolve(histogram.endpoint)).or_default();
        for (bucket, count) in &histogram.primary {
            *primary.entry(*bucket).or_default() += count;
        }
        for (bucket, count) in &histogram.candidate {
            *candidate.entry(*bucket).or_default() += count;
        }
    }
    sums.into_iter()
        .map(|(key, (primary, candidate))| {
            let latency = LatencyMs {
                primary: Quantiles::of(&primary),
                candidate: Quantiles::of(&candidate),
            };
            (key, latency)
        })
        .collect()
}
