//! Evidence in, decision out.

mod endpoint;

use serde::{Deserialize, Serialize};

use crate::words;

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
///
/// It fails when anything speaks against the candidate or the evidence, passes when every
/// endpoint passes, and else waits. A pass is wrong with chance `1 - confidence` at most: to pass
/// wrongly, one endpoint whose rate is above the target has to pass wrongly itself. A fail by
/// mismatch rate is wrong with that chance at most over all endpoints together, as is one by missing
/// answers: each endpoint has its share of it.
#[must_use]
pub fn decide(input: &GateInput) -> Decision {
    let endpoints: Vec<EndpointDecision> =
        input.endpoints.iter().map(|evidence| endpoint::decide(evidence, input)).collect();
    let mut clusters: Vec<ClusterEvidence> =
        input.clusters.iter().filter(|cluster| counts(cluster)).cloned().collect();
    clusters.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
    let new_clusters: Vec<ClusterEvidence> =
        clusters.iter().filter(|cluster| cluster.state == NEW).cloned().collect();
    let objections = objections(input, &clusters);
    let verdict = if !any_data(input) {
        Verdict::NotEnoughEvidence
    } else if !objections.is_empty() || endpoints.iter().any(|e| e.verdict == Verdict::Fail) {
        Verdict::Fail
    } else if endpoints.iter().all(|e| e.verdict == Verdict::Pass) && !endpoints.is_empty() {
        Verdict::Pass
    } else {
        Verdict::NotEnoughEvidence
    };
    Decision {
        verdict,
        version: input.version.clone(),
        slice: input.slice.clone(),
        reasons: reasons(verdict, objections, &endpoints, input),
        needed_samples: if endpoints.is_empty() {
            endpoint::needed(0, 0, &input.targets)
        } else {
            endpoints.iter().map(|e| e.needed_samples).sum()
        },
        endpoints,
        new_clusters,
        clusters,
        targets: input.targets.clone(),
    }
}

/// An endpoint is as ready as the gate judges it: there is no second rule.
impl From<Verdict> for Readiness {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Ready,
            Verdict::Fail => Self::NotReady,
            Verdict::NotEnoughEvidence => Self::NotEnoughEvidence,
        }
    }
}

const NEW: &str = "new";
const REGRESSED: &str = "regressed";

/// Accepted and fixed clusters are settled; one without mismatches is but a memory.
fn counts(cluster: &ClusterEvidence) -> bool {
    cluster.count > 0 && !matches!(cluster.state.as_str(), "accepted" | "fixed")
}

/// Whether this cluster alone decides against the candidate.
fn decisive(cluster: &ClusterEvidence, targets: &Targets) -> bool {
    counts(cluster)
        && (cluster.state == REGRESSED || targets.fail_on_new_clusters && cluster.state == NEW)
}

fn any_data(input: &GateInput) -> bool {
    let FunnelEvidence { captured, dropped, lost, in_flight, .. } = input.funnel;
    [captured, dropped, lost, in_flight].iter().any(|&count| count > 0)
        || input.endpoints.iter().any(|e| e.compared > 0)
}

/// What speaks against evidence or candidate as a whole, the gravest first.
fn objections(input: &GateInput, clusters: &[ClusterEvidence]) -> Vec<String> {
    let FunnelEvidence { balanced, captured, dropped, lost, .. } = input.funnel;
    let mut objections = Vec::new();
    if lost > 0 {
        objections.push(format!(
            "{} captured and then lost: the evidence has holes.",
            words::were(lost, "exchange")
        ));
    }
    if !balanced {
        objections.push("The funnel does not balance: the evidence cannot be trusted.".to_owned());
    }
    let meant = captured.saturating_add(dropped);
    let loss = if meant == 0 { 0.0 } else { dropped as f64 / meant as f64 };
    if exceeds(loss, input.targets.max_capture_loss) {
        objections.push(format!(
            "{} of {} meant to be copied were dropped ({}), the limit is {}.",
            words::grouped(dropped),
            words::counted(meant, "exchange"),
            words::percent(loss),
            words::percent(input.targets.max_capture_loss)
        ));
    }
    let by_weight = |state| clusters.iter().filter(move |cluster| cluster.state == state);
    for cluster in by_weight(REGRESSED).chain(by_weight(NEW)) {
        if decisive(cluster, &input.targets) {
            objections.push(cluster_reason(cluster));
        }
    }
    objections
}

fn cluster_reason(cluster: &ClusterEvidence) -> String {
    format!(
        "{} cluster {} at {}: {} ({}).",
        if cluster.state == NEW { "New" } else { "Regressed" },
        cluster.id,
        cluster.endpoint,
        cluster.title,
        words::counted_es(cluster.count, "mismatch")
    )
}

/// A limit that is no number is exceeded by anything: the gate fails closed.
fn exceeds(value: f64, limit: f64) -> bool {
    limit.is_nan() || value > limit
}

fn reasons(
    verdict: Verdict,
    objections: Vec<String>,
    endpoints: &[EndpointDecision],
    input: &GateInput,
) -> Vec<String> {
    if !any_data(input) {
        return vec!["Nothing was compared yet: there is no evidence to decide on.".to_owned()];
    }
    if verdict == Verdict::Pass {
        return vec![format!(
            "At {} the mismatch rate is below {} at {} confidence.",
            if endpoints.len() == 1 {
                "the one endpoint".to_owned()
            } else {
                format!("all {} endpoints", endpoints.len())
            },
            words::percent(input.targets.max_mismatch_rate),
            words::percent(input.targets.confidence)
        )];
    }
    let mut reasons = objections;
    if endpoints.is_empty() {
        reasons.push("No endpoint was compared: there is no evidence to pass on.".to_owned());
    }
    let open = by_weight(endpoints).into_iter().filter(|e| e.verdict != Verdict::Pass);
    for endpoint in open {
        // A cluster that fails its endpoint is among the objections already.
        if !reasons.contains(&endpoint.reason) {
            reasons.push(endpoint.reason.clone());
        }
    }
    reasons
}

/// Failed ones first, then those that wait, by rate and name.
pub(crate) fn by_weight(endpoints: &[EndpointDecision]) -> Vec<&EndpointDecision> {
    let weight = |endpoint: &EndpointDecision| match endpoint.verdict {
        Verdict::Fail => 0,
        Verdict::NotEnoughEvidence => 1,
        Verdict::Pass => 2,
    };
    let mut sorted: Vec<&EndpointDecision> = endpoints.iter().collect();
    sorted.sort_by(|a, b| {
        (weight(a).cmp(&weight(b)))
            .then(b.rate.total_cmp(&a.rate))
            .then_with(|| (&a.endpoint, &a.slice).cmp(&(&b.endpoint, &b.slice)))
    });
    sorted
}

#[cfg(test)]
mod tests;
