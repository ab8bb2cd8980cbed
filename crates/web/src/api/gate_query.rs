//! `GET /api/v1/gate`: from counters to what the gate judges.

use std::collections::{BTreeMap, BTreeSet};

use gate::{
    ClusterEvidence, EndpointDecision, EndpointEvidence, FunnelEvidence, GateInput, Targets,
};
use serde::{Deserialize, Serialize};
use store::{ClusterState, EndpointKey};

use super::{ApiError, Clusters, ClustersQuery, clusters_of, endpoint_evidence, funnel_of, share};
use crate::ledger::{Ledger, Scope};

/// Absent values are those of the configuration. Shares may be written `0.1%` or `0.001`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateQuery {
    #[serde(alias = "candidate_version")]
    pub version: Option<String>,
    pub slice: Option<String>,
    #[serde(deserialize_with = "share::deserialize")]
    pub max_mismatch_rate: Option<f64>,
    #[serde(deserialize_with = "share::deserialize")]
    pub confidence: Option<f64>,
    pub min_samples: Option<u64>,
    pub fail_on_new_clusters: Option<bool>,
    #[serde(deserialize_with = "share::deserialize")]
    pub max_no_answer_rate: Option<f64>,
    #[serde(deserialize_with = "share::deserialize")]
    pub max_capture_loss: Option<f64>,
}

impl GateQuery {
    /// The configured targets with what this query says in their place.
    pub fn targets(&self, configured: &Targets) -> Result<Targets, ApiError> {
        let targets = Targets {
            max_mismatch_rate: self.max_mismatch_rate.unwrap_or(configured.max_mismatch_rate),
            confidence: self.confidence.unwrap_or(configured.confidence),
            min_samples: self.min_samples.unwrap_or(configured.min_samples),
            fail_on_new_clusters: self
                .fail_on_new_clusters
                .unwrap_or(configured.fail_on_new_clusters),
            max_no_answer_rate: self.max_no_answer_rate.unwrap_or(configured.max_no_answer_rate),
            max_capture_loss: self.max_capture_loss.unwrap_or(configured.max_capture_loss),
        };
        if !(0.5..1.0).contains(&targets.confidence) {
            return Err(ApiError::Parameter {
                parameter: "confidence",
                problem: "must be at least 50% and below 100%; 95% is usual".to_owned(),
            });
        }
        Ok(targets)
    }
}

pub fn gate_input_of(
    ledger: &Ledger,
    query: &GateQuery,
    configured: &Targets,
) -> Result<GateInput, ApiError> {
    let targets = query.targets(configured)?;
    let slice = query.slice.clone().filter(|slice| !slice.is_empty());
    known_version(ledger, query.version.as_deref())?;
    known_slice(ledger, slice.as_deref())?;
    let scope = ledger.scope(query.version.as_deref());
    let endpoints = evidence(ledger, &scope, slice.as_deref());
    Ok(GateInput {
        version: scope.version().map(str::to_owned),
        clusters: clusters(ledger, query.version.clone(), slice.as_deref())?,
        slice,
        targets,
        funnel: funnel(ledger),
        endpoints: endpoints.into_values().collect(),
    })
}

/// What the gate says of each endpoint, which is what pages and API call its readiness.
#[must_use]
pub(crate) fn judged(
    ledger: &Ledger,
    scope: &Scope,
    slice: Option<&str>,
    targets: &Targets,
) -> BTreeMap<EndpointKey, EndpointDecision> {
    let evidence = evidence(ledger, scope, slice);
    let keys: Vec<EndpointKey> = evidence.keys().copied().collect();
    // Most often no cluster can decide by itself: then their documents need not be read.
    let matter = targets.fail_on_new_clusters
        || ledger.clusters.iter().any(|row| row.state == ClusterState::Regressed);
    let version = scope.version().unwrap_or("all").to_owned();
    let clusters = if matter { clusters(ledger, Some(version), slice) } else { Ok(Vec::new()) };
    let input = GateInput {
        version: None,
        slice: None,
        targets: targets.clone(),
        funnel: FunnelEvidence::default(),
        endpoints: evidence.into_values().collect(),
        clusters: clusters.unwrap_or_else(|error| {
            tracing::warn!(%error, "readiness is judged without clusters");
            Vec::new()
        }),
    };
    keys.into_iter().zip(gate::decide(&input).endpoints).collect()
}

/// Counts of the endpoints with traffic.
fn evidence(
    ledger: &Ledger,
    scope: &Scope,
    slice: Option<&str>,
) -> BTreeMap<EndpointKey, EndpointEvidence> {
    let tallies = ledger.tallies(scope);
    let rows = ledger
        .live_endpoints()
        .filter(|row| slice.is_none_or(|slice| row.slice.as_deref() == Some(slice)));
    rows.filter_map(|row| {
        let tally = tallies.get(&row.key)?;
        Some((row.key, endpoint_evidence(ledger.name(row.key), row.slice.clone(), tally)))
    })
    .collect()
}

/// A name that nothing bears is a mistake in the question, and waiting does not cure it. Before
/// there is any name at all, it may be the one that comes.
fn known_version(ledger: &Ledger, asked: Option<&str>) -> Result<(), ApiError> {
    let versions = ledger.candidate_versions();
    let compared = |version| ledger.outcomes.iter().any(|count| count.version == version);
    match asked {
        None | Some("" | "all") => Ok(()),
        Some(version) if versions.is_empty() || versions.contains(&version) => Ok(()),
        Some(version) if compared(version) => Ok(()),
        Some(version) => Err(ApiError::NotFound(format!(
            "there is no candidate version `{version}`; the newest are {}",
            listed(&versions)
        ))),
    }
}

fn known_slice(ledger: &Ledger, asked: Option<&str>) -> Result<(), ApiError> {
    let slices: BTreeSet<&str> =
        ledger.endpoints.values().filter_map(|row| row.slice.as_deref()).collect();
    match asked {
        Some(slice) if !ledger.endpoints.is_empty() && !slices.contains(slice) => {
            let slices: Vec<&str> = slices.into_iter().collect();
            Err(ApiError::NotFound(match slices.len() {
                0 => format!("there is no slice `{slice}`: no traffic falls into any"),
                _ => format!(
                    "there is no slice `{slice}`; those with traffic are {}",
                    listed(&slices)
                ),
            }))
        }
        _ => Ok(()),
    }
}

fn listed(names: &[&str]) -> String {
    const MOST: usize = 12;
    let quoted: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MOST { ", …" } else { "" };
    format!("{}{more}", quoted.join(", "))
}

fn funnel(ledger: &Ledger) -> FunnelEvidence {
    let funnel = funnel_of(&ledger.funnel, None);
    FunnelEvidence {
        balanced: funnel.balanced,
        captured: funnel.captured,
        dropped: funnel.dropped_total(),
        lost: funnel.lost,
        in_flight: funnel.in_flight,
    }
}

/// Clusters within the version; the candidate's first version has no new ones for the gate.
fn clusters(
    ledger: &Ledger,
    version: Option<String>,
    slice: Option<&str>,
) -> Result<Vec<ClusterEvidence>, ApiError> {
    let all = ClustersQuery { version, limit: Some(u32::MAX), ..ClustersQuery::default() };
    let Clusters { clusters, version, .. } = clusters_of(ledger, &all)?;
    let first = ledger.candidate_versions().last().map(|version| (*version).to_owned());
    let is_first = version.is_some() && version == first;
    let in_slice = |endpoint: &str| {
        slice.is_none_or(|slice| {
            let key = ledger.endpoint_named(endpoint);
            let row = key.and_then(|key| ledger.endpoints.get(&key));
            row.and_then(|row| row.slice.as_deref()) == Some(slice)
        })
    };
    Ok(clusters
        .into_iter()
        .filter(|cluster| cluster.endpoints.iter().any(|endpoint| in_slice(endpoint)))
        // Lag has a rate and a limit of its own.
        .filter(|cluster| cluster.cause_kind != "lag")
        .map(|cluster| ClusterEvidence {
            id: cluster.id.to_string(),
            endpoint: cluster.endpoint,
            title: cluster.title,
            state: match cluster.state.as_str() {
                "new" if is_first => "known".to_owned(),
                state => state.to_owned(),
            },
            count: cluster.count,
        })
        .collect())
}
