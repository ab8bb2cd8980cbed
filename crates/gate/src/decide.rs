//! Evidence in, decision out.

mod endpoint;
mod whole;

use serde::{Deserialize, Serialize};

use crate::{
    Branch, ClusterEvidence, EndpointEvidence, GateInput, LatencyRatio, Stratum, Targets, words,
};

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

/// The body of `GET /api/v1/gate` and the JSON report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    pub version: Option<String>,
    pub slice: Option<String>,
    /// Sentences, the most important first.
    pub reasons: Vec<String>,
    /// What a reader must know and what changes no verdict.
    pub notes: Vec<String>,
    pub slices: Vec<SliceDecision>,
    pub endpoints: Vec<EndpointDecision>,
    pub new_clusters: Vec<ClusterEvidence>,
    /// Clusters that count against the verdict, largest first.
    pub clusters: Vec<ClusterEvidence>,
    /// Clusters that a person accepted: their mismatches are left out.
    pub accepted_clusters: Vec<ClusterEvidence>,
    /// Trials still needed over all endpoints; `None` when a rate is too high for any number.
    pub needed_samples: Option<u64>,
    /// Until all of them are there at the pace of late; `None` where that cannot be said.
    pub needed_seconds: Option<u64>,
    /// When that will be (RFC 3339).
    pub expected_at: Option<String>,
    /// RFC 3339
    pub decided_at: String,
    /// Where the pages show this decision: a path from the API, a whole address in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    pub targets: Targets,
}

/// A slice is no better than its worst endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceDecision {
    /// `None`: traffic in no slice.
    pub slice: Option<String>,
    pub verdict: Verdict,
    pub endpoints: u64,
    /// As of [`Decision`], over the slice's endpoints.
    pub needed_samples: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointDecision {
    pub endpoint: String,
    pub slice: Option<String>,
    pub verdict: Verdict,
    pub compared: u64,
    pub mismatched: u64,
    pub no_answer: u64,
    pub lag: u64,
    /// Pairs that match only because a rule hides what differs.
    pub masked: u64,
    /// Judged trials, without those that a person accepted.
    pub trials: u64,
    pub accepted_trials: u64,
    /// Of the trials, those older than the primary's last change.
    pub stale_trials: u64,
    pub rate: f64,
    pub rate_low: f64,
    pub rate_high: f64,
    pub latency_ratio: Option<LatencyRatio>,
    pub statuses: Vec<Stratum>,
    pub branches: Vec<Branch>,
    pub needed_samples: Option<u64>,
    pub needed_seconds: Option<u64>,
    /// RFC 3339
    pub expected_at: Option<String>,
    /// The most important of `reasons`, or why it passes.
    pub reason: String,
    /// Everything that stands between this endpoint and a pass.
    pub reasons: Vec<String>,
    pub targets: Targets,
}

/// The decision over all endpoints of `input` (the caller has already chosen version and slice).
///
/// It fails when anything speaks against the candidate or the evidence, passes when every
/// endpoint passes and the evidence is complete, and else waits. A pass is wrong with chance
/// `1 - confidence` at most: to pass wrongly, one endpoint whose mismatch rate (or latency ratio)
/// is above its target has to pass wrongly itself. A fail by mismatch rate is wrong with that
/// chance at most over all endpoints together, as is one by missing answers, by lag, by masked
/// pairs and by latency: each endpoint has its share of it.
#[must_use]
pub fn decide(input: &GateInput) -> Decision {
    let endpoints: Vec<EndpointDecision> =
        input.endpoints.iter().map(|evidence| endpoint::decide(evidence, input)).collect();
    let mut clusters: Vec<ClusterEvidence> =
        input.clusters.iter().filter(|cluster| counts(cluster)).cloned().collect();
    clusters.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
    let whole = whole::look(input, &clusters);
    let verdict = verdict(input, &whole, &endpoints);
    let needed_samples = if endpoints.is_empty() {
        endpoint::needed(0, 0, &input.targets)
    } else {
        endpoints.iter().map(|e| e.needed_samples).sum()
    };
    let needed_seconds = endpoints.iter().map(|e| e.needed_seconds).max_by_key(|s| match s {
        Some(seconds) => *seconds,
        None => u64::MAX,
    });
    let needed_seconds = needed_seconds.flatten();
    Decision {
        verdict,
        version: input.version.clone(),
        slice: input.slice.clone(),
        reasons: whole::reasons(verdict, whole, &endpoints, input),
        notes: input.notes.clone(),
        slices: slices(&endpoints),
        endpoints,
        new_clusters: clusters.iter().filter(|c| c.state == NEW).cloned().collect(),
        clusters,
        accepted_clusters: input
            .clusters
            .iter()
            .filter(|cluster| cluster.state == ACCEPTED && cluster.count > 0)
            .cloned()
            .collect(),
        needed_samples,
        needed_seconds,
        expected_at: words::instant_after(input.now, needed_seconds),
        decided_at: words::instant(input.now),
        link: input.link.clone(),
        targets: input.targets.clone(),
    }
}

fn verdict(input: &GateInput, whole: &whole::Whole, endpoints: &[EndpointDecision]) -> Verdict {
    if !whole::any_data(input) {
        Verdict::NotEnoughEvidence
    } else if !whole.against.is_empty() || endpoints.iter().any(|e| e.verdict == Verdict::Fail) {
        Verdict::Fail
    } else if whole.open.is_empty()
        && !endpoints.is_empty()
        && endpoints.iter().all(|e| e.verdict == Verdict::Pass)
    {
        Verdict::Pass
    } else {
        Verdict::NotEnoughEvidence
    }
}

impl Decision {
    /// The same with links that lead somewhere from outside the pages.
    #[must_use]
    pub fn linked_from(mut self, origin: &str) -> Self {
        let origin = origin.trim_end_matches('/');
        let lists = [&mut self.clusters, &mut self.new_clusters, &mut self.accepted_clusters];
        let links = lists.into_iter().flatten().map(|cluster| &mut cluster.link);
        for link in links.chain([&mut self.link]).flatten() {
            if link.starts_with('/') {
                link.insert_str(0, origin);
            }
        }
        self
    }
}

fn slices(endpoints: &[EndpointDecision]) -> Vec<SliceDecision> {
    let mut names: Vec<Option<&str>> = endpoints.iter().map(|e| e.slice.as_deref()).collect();
    names.sort_unstable_by_key(|name| (name.is_none(), *name));
    names.dedup();
    let slices = names.into_iter().map(|name| {
        let members = || endpoints.iter().filter(move |e| e.slice.as_deref() == name);
        let any = |verdict| members().any(|e| e.verdict == verdict);
        SliceDecision {
            slice: name.map(str::to_owned),
            verdict: if any(Verdict::Fail) {
                Verdict::Fail
            } else if any(Verdict::NotEnoughEvidence) {
                Verdict::NotEnoughEvidence
            } else {
                Verdict::Pass
            },
            endpoints: members().count() as u64,
            needed_samples: members().map(|e| e.needed_samples).sum(),
        }
    });
    slices.collect()
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
const ACCEPTED: &str = "accepted";

/// Accepted and fixed clusters are settled; one without mismatches is but a memory.
fn counts(cluster: &ClusterEvidence) -> bool {
    cluster.count > 0 && !matches!(cluster.state.as_str(), ACCEPTED | "fixed")
}

/// Whether this cluster alone decides against the candidate.
fn decisive(cluster: &ClusterEvidence, targets: &Targets) -> bool {
    counts(cluster)
        && (cluster.state == REGRESSED || targets.fail_on_new_clusters && cluster.state == NEW)
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

/// The targets of the endpoint that a cluster hits most.
fn targets_of<'a>(cluster: &ClusterEvidence, input: &'a GateInput) -> &'a Targets {
    let at = |evidence: &&EndpointEvidence| evidence.endpoint == cluster.endpoint;
    input.endpoints.iter().find(at).map_or(&input.targets, |evidence| &evidence.targets)
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
