//! `GET /api/v1/gate`: what may be asked, and the refusal of names that nothing bears.

use std::collections::BTreeSet;

use gate::{GateInput, Policy, TargetChanges};
use serde::{Deserialize, Serialize};

use super::{ApiError, gate_evidence, share};
use crate::{ledger::Ledger, words};

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
    pub min_per_status: Option<u64>,
    pub fail_on_new_clusters: Option<bool>,
    #[serde(deserialize_with = "share::deserialize")]
    pub max_no_answer_rate: Option<f64>,
    #[serde(deserialize_with = "share::deserialize")]
    pub max_lag_rate: Option<f64>,
    #[serde(deserialize_with = "share::deserialize")]
    pub max_masked_rate: Option<f64>,
    pub max_latency_ratio: Option<f64>,
    #[serde(deserialize_with = "share::deserialize")]
    pub max_capture_loss: Option<f64>,
    #[serde(deserialize_with = "share::deserialize")]
    pub max_unsettled: Option<f64>,
    pub max_behind_seconds: Option<u64>,
    pub seen_within_days: Option<u64>,
}

impl GateQuery {
    fn changes(&self) -> TargetChanges {
        TargetChanges {
            max_mismatch_rate: self.max_mismatch_rate,
            confidence: self.confidence,
            min_samples: self.min_samples,
            min_per_status: self.min_per_status,
            fail_on_new_clusters: self.fail_on_new_clusters,
            max_no_answer_rate: self.max_no_answer_rate,
            max_lag_rate: self.max_lag_rate,
            max_masked_rate: self.max_masked_rate,
            max_latency_ratio: self.max_latency_ratio,
            max_capture_loss: self.max_capture_loss,
            max_unsettled: self.max_unsettled,
            max_behind_seconds: self.max_behind_seconds,
            seen_within_days: self.seen_within_days,
        }
    }
}

pub fn gate_input_of(
    ledger: &Ledger,
    query: &GateQuery,
    policy: &Policy,
) -> Result<GateInput, ApiError> {
    let asked = query.changes();
    let targets = policy.targets.clone().with(&asked);
    gate::check(&targets).map_err(|(parameter, problem)| ApiError::Parameter {
        parameter,
        problem: problem.to_owned(),
    })?;
    let slice = query.slice.clone().filter(|slice| !slice.is_empty());
    known_version(ledger, query.version.as_deref())?;
    known_slice(ledger, slice.as_deref())?;
    let scope = ledger.scope(query.version.as_deref());
    let judge = gate_evidence::Judge { ledger, scope: &scope, policy, asked: &asked };
    let endpoints = judge.endpoints(slice.as_deref());
    let version = scope.version().unwrap_or("all");
    let link = words::link(
        "/gate",
        &[("version", version), ("slice", slice.as_deref().unwrap_or_default())],
    );
    Ok(GateInput {
        version: scope.version().map(str::to_owned),
        clusters: judge.clusters(slice.as_deref())?,
        slice,
        targets,
        funnel: judge.funnel(),
        notes: judge.notes(&endpoints),
        endpoints: endpoints.into_values().collect(),
        now: ledger.now,
        link: Some(link),
    })
}

/// A name that nothing bears is a mistake in the question, and waiting does not cure it. Before
/// there is any name at all, it may be the one that comes.
pub(super) fn known_version(ledger: &Ledger, asked: Option<&str>) -> Result<(), ApiError> {
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
