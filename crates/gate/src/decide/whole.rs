//! What is judged over all endpoints together: the account of the requests, and the sentences of
//! the decision as a whole.

use super::{
    EndpointDecision, NEW, REGRESSED, Verdict, by_weight, cluster_reason, decisive, exceeds,
    targets_of,
};
use crate::{ClusterEvidence, FunnelEvidence, GateInput, words};

/// So few exchanges on their way are the ordinary state of a pipeline that runs.
const ON_THEIR_WAY: u64 = 200;

/// What stands against a pass beside the endpoints, the gravest first.
pub(super) struct Whole {
    /// Speaks against candidate or evidence.
    pub(super) against: Vec<String>,
    /// Is still to come.
    pub(super) open: Vec<String>,
}

pub(super) fn look(input: &GateInput, clusters: &[ClusterEvidence]) -> Whole {
    Whole { against: against(input, clusters), open: open(input) }
}

pub(super) fn any_data(input: &GateInput) -> bool {
    let FunnelEvidence { captured, dropped, lost, in_flight, .. } = input.funnel;
    [captured, dropped, lost, in_flight].iter().any(|&count| count > 0)
        || input.endpoints.iter().any(|e| e.compared > 0)
}

fn against(input: &GateInput, clusters: &[ClusterEvidence]) -> Vec<String> {
    let FunnelEvidence { balanced, captured, dropped, lost, .. } = input.funnel;
    let mut against = Vec::new();
    if lost > 0 {
        against.push(format!(
            "{} captured and then lost: the evidence has holes.",
            words::were(lost, "exchange")
        ));
    }
    if !balanced {
        against.push("The funnel does not balance: the evidence cannot be trusted.".to_owned());
    }
    let meant = captured.saturating_add(dropped);
    let loss = words::share(dropped, meant);
    if exceeds(loss, input.targets.max_capture_loss) {
        against.push(format!(
            "{} of {} meant to be copied were dropped ({}), the limit is {}.",
            words::grouped(dropped),
            words::counted(meant, "exchange"),
            words::percent(loss),
            words::percent(input.targets.max_capture_loss)
        ));
    }
    let by_weight = |state| clusters.iter().filter(move |cluster| cluster.state == state);
    for cluster in by_weight(REGRESSED).chain(by_weight(NEW)) {
        if decisive(cluster, targets_of(cluster, input)) {
            against.push(cluster_reason(cluster));
        }
    }
    against
}

fn open(input: &GateInput) -> Vec<String> {
    let FunnelEvidence { captured, in_flight, behind_seconds, .. } = input.funnel;
    let mut open = Vec::new();
    if let Some(behind) = behind_seconds.filter(|age| *age > input.targets.max_behind_seconds) {
        open.push(format!(
            "The newest account of the tap that came through is {} old, the limit is {}: tap, \
             replayer or comparator is down or behind.",
            words::lasting(behind),
            words::lasting(input.targets.max_behind_seconds)
        ));
    }
    let unsettled = words::share(in_flight, captured);
    if in_flight > ON_THEIR_WAY && exceeds(unsettled, input.targets.max_unsettled) {
        open.push(format!(
            "{} of {} captured are not settled yet ({}), the limit is {}: replayer or comparator \
             is behind.",
            words::grouped(in_flight),
            words::counted(captured, "exchange"),
            words::percent(unsettled),
            words::percent(input.targets.max_unsettled)
        ));
    }
    open
}

pub(super) fn reasons(
    verdict: Verdict,
    whole: Whole,
    endpoints: &[EndpointDecision],
    input: &GateInput,
) -> Vec<String> {
    if !any_data(input) {
        return vec!["Nothing was compared yet: there is no evidence to decide on.".to_owned()];
    }
    if verdict == Verdict::Pass {
        return vec![passed(endpoints, input)];
    }
    let mut reasons = whole.against;
    reasons.extend(whole.open);
    if endpoints.is_empty() {
        reasons.push("No endpoint was compared: there is no evidence to pass on.".to_owned());
    }
    let open = by_weight(endpoints).into_iter().filter(|e| e.verdict != Verdict::Pass);
    for reason in open.flat_map(|endpoint| &endpoint.reasons) {
        // A cluster that fails its endpoint is among them already.
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    reasons
}

fn passed(endpoints: &[EndpointDecision], input: &GateInput) -> String {
    let all_the_same = endpoints
        .iter()
        .all(|e| e.targets.max_mismatch_rate.total_cmp(&input.targets.max_mismatch_rate).is_eq());
    format!(
        "At {} the mismatch rate is below {} at {} confidence.",
        if endpoints.len() == 1 {
            "the one endpoint".to_owned()
        } else {
            format!("all {} endpoints", endpoints.len())
        },
        match (all_the_same, endpoints) {
            (true, _) => words::percent(input.targets.max_mismatch_rate),
            (false, [one]) => words::percent(one.targets.max_mismatch_rate),
            (false, _) => "its target".to_owned(),
        },
        words::percent(input.targets.confidence)
    )
}
