//! What the gate is given: counts, never samples of them.

use serde::{Deserialize, Serialize};

use crate::{Targets, ratio::RatioBuckets};

/// Everything one decision is made of; the caller has already chosen version and slice.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GateInput {
    pub version: Option<String>,
    pub slice: Option<String>,
    /// The general ones; each endpoint brings its own.
    pub targets: Targets,
    pub funnel: FunnelEvidence,
    pub endpoints: Vec<EndpointEvidence>,
    pub clusters: Vec<ClusterEvidence>,
    /// What a reader of the decision must know and what changes no verdict.
    pub notes: Vec<String>,
    /// Microseconds since the Unix epoch.
    pub now: i64,
    /// Where the pages show this decision: a path, or a whole address.
    pub link: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct EndpointEvidence {
    pub endpoint: String,
    pub slice: Option<String>,
    pub targets: Targets,
    pub compared: u64,
    pub no_answer: u64,
    pub lag: u64,
    pub mismatched: u64,
    /// Judged trials, and those of them that mismatch; without those that a person accepted.
    pub trials: u64,
    pub mismatching_trials: u64,
    /// Mismatching trials left out because their cluster is accepted.
    pub accepted_trials: u64,
    /// Pairs that match only because a rule hides what differs.
    pub masked: u64,
    pub latency: RatioBuckets,
    pub statuses: Vec<Stratum>,
    pub branches: Vec<Branch>,
    /// Pairs with other versions of the candidate, as far back as production is looked at.
    pub elsewhere: u64,
    /// New trials in an hour of late; `None` where nothing came.
    pub trials_per_hour: Option<f64>,
    /// Trials that came before the primary changed last.
    pub stale_trials: u64,
}

/// How often the primary answered with a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stratum {
    pub status: u16,
    /// Trials with the version judged.
    pub trials: u64,
    /// Trials with any version.
    pub seen: u64,
}

/// How often a place of the primary's answer held one of its few values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    pub status: u16,
    /// JSON Pointer.
    pub place: String,
    pub value: String,
    /// Trials with the version judged.
    pub trials: u64,
    /// Trials with any version.
    pub seen: u64,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct ClusterEvidence {
    pub id: String,
    /// The endpoint hit most.
    pub endpoint: String,
    pub title: String,
    /// new, known, accepted, fixed, regressed
    pub state: String,
    pub count: u64,
    /// Of an accepted one: who answers for it, why, and until when (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The condition under which it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct FunnelEvidence {
    pub balanced: bool,
    pub captured: u64,
    pub dropped: u64,
    pub lost: u64,
    pub in_flight: u64,
    /// Age of the newest account of a tap that runs; `None` where every tap ended in order.
    pub behind_seconds: Option<u64>,
}
