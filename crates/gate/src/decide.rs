//! Evidence in, decision out.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Fail,
    NotEnoughEvidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    Ready,
    NotReady,
    NotEnoughEvidence,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Targets {
    /// 0.001 = 0.1 %.
    pub max_mismatch_rate: f64,
    pub confidence: f64,
    /// Judged trials per endpoint.
    pub min_samples: u64,
    pub fail_on_new_clusters: bool,
    /// Share of pairs without an answer.
    pub max_no_answer_rate: f64,
    /// Share of what was meant to be copied and was dropped.
    pub max_capture_loss: f64,
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            max_mismatch_rate: 0.001,
            confidence: 0.95,
            min_samples: 1_000,
            fail_on_new_clusters: false,
            max_no_answer_rate: 0.01,
            max_capture_loss: 0.005,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointEvidence {
    pub endpoint: String,
    pub slice: Option<String>,
    pub compared: u64,
    pub no_answer: u64,
    pub lag: u64,
    /// Judged trials, and those of them that mismatch.
    pub trials: u64,
    pub mismatching_trials: u64,
    pub mismatched: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterEvidence {
    pub id: String,
    pub endpoint: String,
    pub title: String,
    /// new, known, accepted, fixed, regressed
    pub state: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct FunnelEvidence {
    pub balanced: bool,
    pub captured: u64,
    pub dropped: u64,
    pub lost: u64,
    pub in_flight: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateInput {
    pub version: Option<String>,
    pub slice: Option<String>,
    pub targets: Targets,
    pub funnel: FunnelEvidence,
    pub endpoints: Vec<EndpointEvidence>,
    pub clusters: Vec<ClusterEvidence>,
}

/// The body of `GET /api/v1/gate` and the JSON report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    pub version: Option<String>,
    pub slice: Option<String>,
    /// Sentences, the most important first.
    pub reasons: Vec<String>,
    pub endpoints: Vec<EndpointDecision>,
    pub new_clusters: Vec<ClusterEvidence>,
    /// Clusters that count against the verdict, largest first.
    pub clusters: Vec<ClusterEvidence>,
    /// Trials still needed over all endpoints; `None` when a rate is too high for any number.
    pub needed_samples: Option<u64>,
    pub targets: Targets,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointDecision {
    pub endpoint: String,
    pub slice: Option<String>,
    pub verdict: Verdict,
    pub compared: u64,
    pub mismatched: u64,
    pub trials: u64,
    pub rate: f64,
    pub rate_low: f64,
    pub rate_high: f64,
    pub needed_samples: Option<u64>,
    pub reason: String,
}

/// The decision over all endpoints of `input` (the caller has already chosen version and slice).
#[must_use]
pub fn decide(input: &GateInput) -> Decision {
    let _ = input;
    unimplemented!()
}

/// One endpoint's readiness under `targets`, as pages and API show it.
#[must_use]
pub fn readiness(evidence: &EndpointEvidence, targets: &Targets) -> Readiness {
    let _ = (evidence, targets);
    unimplemented!()
}
