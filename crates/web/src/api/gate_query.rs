//! `GET /api/v1/gate`: from counters to what the gate judges.

use gate::{ClusterEvidence, FunnelEvidence, GateInput, Targets};
use serde::{Deserialize, Serialize};

use super::{ApiError, Clusters, ClustersQuery, clusters_of, endpoint_evidence, funnel_of, share};
use crate::ledger::Ledger;

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
    let scope = ledger.scope(query.version.as_deref());
    let slice = query.slice.clone().filter(|slice| !slice.is_empty());
    if let Some(slice) = &slice
        && !ledger.endpoints.values().any(|row| row.slice.as_ref() == Some(slice))
    {
        // Not an error: traffic of the slice may still come. Without endpoints the gate says that
        // there is not enough evidence.
        tracing::debug!(gate.slice = %slice, "gate asked about a slice without traffic");
    }
    let tallies = ledger.tallies(&scope);
    let endpoints = ledger
        .live_endpoints()
        .filter(|row| slice.is_none() || row.slice == slice)
        .filter_map(|row| {
            let tally = tallies.get(&row.key)?;
            Some(endpoint_evidence(ledger.name(row.key), row.slice.clone(), tally))
        })
        .collect();
    Ok(GateInput {
        version: scope.version().map(str::to_owned),
        clusters: clusters(ledger, query, slice.as_deref())?,
        slice,
        targets,
        funnel: funnel(ledger),
        endpoints,
    })
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
    query: &GateQuery,
    slice: Option<&str>,
) -> Result<Vec<ClusterEvidence>, ApiError> {
    let all = ClustersQuery {
        version: query.version.clone(),
        limit: Some(u32::MAX),
        ..ClustersQuery::default()
    };
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
