//! The verdict on one endpoint.

use super::{
    EndpointDecision, EndpointEvidence, GateInput, Targets, Verdict, cluster_reason, decisive,
    exceeds,
};
use crate::{
    interval::{always_valid, trials_needed},
    words,
};

/// What `evidence` says by itself and, beside it, the clusters of its endpoint.
pub(super) fn decide(evidence: &EndpointEvidence, input: &GateInput) -> EndpointDecision {
    let mut decision = judge(evidence, &input.targets, input.endpoints.len());
    let cluster = input
        .clusters
        .iter()
        .find(|c| c.endpoint == evidence.endpoint && decisive(c, &input.targets));
    if let (Some(cluster), true) = (cluster, decision.verdict != Verdict::Fail) {
        decision.verdict = Verdict::Fail;
        decision.reason = cluster_reason(cluster);
    }
    decision
}

/// The verdict by rates alone; `endpoints` share the chance of a wrong fail (Bonferroni).
pub(super) fn judge(
    evidence: &EndpointEvidence,
    targets: &Targets,
    endpoints: usize,
) -> EndpointDecision {
    let EndpointEvidence { trials, mismatching_trials, .. } = *evidence;
    let interval = always_valid(mismatching_trials, trials, targets.confidence);
    let corrected = corrected(targets.confidence, endpoints);
    let certain = always_valid(mismatching_trials, trials, corrected).low;
    let view = View { evidence, targets, low: certain, high: interval.high };
    let unanswered = no_answer_rate(evidence);
    let (verdict, reason) = if certain > targets.max_mismatch_rate {
        (Verdict::Fail, view.too_high())
    } else if exceeds(unanswered, targets.max_no_answer_rate) {
        // One time-out among the first few requests is over any limit and proves nothing.
        let low = always_valid(evidence.no_answer, evidence.compared, corrected).low;
        let proved = exceeds(low, targets.max_no_answer_rate);
        (if proved { Verdict::Fail } else { Verdict::NotEnoughEvidence }, view.unanswered(proved))
    } else if trials < targets.min_samples {
        (Verdict::NotEnoughEvidence, view.too_few())
    } else if interval.high <= targets.max_mismatch_rate {
        (Verdict::Pass, view.below())
    } else {
        (Verdict::NotEnoughEvidence, view.unsure())
    };
    EndpointDecision {
        endpoint: evidence.endpoint.clone(),
        slice: evidence.slice.clone(),
        verdict,
        compared: evidence.compared,
        mismatched: evidence.mismatched,
        trials,
        rate: if trials == 0 { 0.0 } else { mismatching_trials.min(trials) as f64 / trials as f64 },
        rate_low: interval.low,
        rate_high: interval.high,
        needed_samples: needed(mismatching_trials, trials, targets),
        reason,
    }
}

/// The confidence of each of `count` statements that together have `confidence`.
fn corrected(confidence: f64, count: usize) -> f64 {
    1.0 - (1.0 - confidence) / count.max(1) as f64
}

fn no_answer_rate(evidence: &EndpointEvidence) -> f64 {
    if evidence.compared == 0 { 0.0 } else { evidence.no_answer as f64 / evidence.compared as f64 }
}

/// Further trials until the endpoint passes, should the rate stay as it is.
pub(super) fn needed(mismatches: u64, trials: u64, targets: &Targets) -> Option<u64> {
    let for_rate =
        trials_needed(mismatches, trials, targets.max_mismatch_rate, targets.confidence)?;
    Some(for_rate.max(targets.min_samples.saturating_sub(trials)))
}

/// What the sentences are made of.
struct View<'a> {
    evidence: &'a EndpointEvidence,
    targets: &'a Targets,
    /// Corrected for the number of endpoints.
    low: f64,
    high: f64,
}

impl View<'_> {
    fn too_high(&self) -> String {
        format!(
            "{}, at least {} for certain, the target is {}.",
            self.seen(),
            words::percent(self.low),
            self.target()
        )
    }

    fn below(&self) -> String {
        format!(
            "{}, at most {}, the target is {}.",
            self.seen(),
            words::percent(self.high),
            self.target()
        )
    }

    fn unanswered(&self, proved: bool) -> String {
        format!(
            "{}: {} of {} had no answer ({}), the limit is {}{}.",
            words::endpoint(self.evidence),
            words::grouped(self.evidence.no_answer),
            words::counted(self.evidence.compared, "pair"),
            words::percent(no_answer_rate(self.evidence)),
            words::percent(self.targets.max_no_answer_rate),
            if proved { "" } else { "; that may still be chance" }
        )
    }

    fn too_few(&self) -> String {
        let missing = self.targets.min_samples.saturating_sub(self.evidence.trials);
        let needed = self.needed().unwrap_or(missing);
        format!(
            "{}, {} are the least; {}.",
            self.seen(),
            words::grouped(self.targets.min_samples),
            needed_more(Some(needed))
        )
    }

    fn unsure(&self) -> String {
        format!(
            "{}, the rate may be up to {} and the target is {}; {}.",
            self.seen(),
            words::percent(self.high),
            self.target(),
            needed_more(self.needed())
        )
    }

    fn seen(&self) -> String {
        let EndpointEvidence { trials, mismatching_trials, .. } = *self.evidence;
        let name = words::endpoint(self.evidence);
        if trials == 0 {
            return format!("{name}: no trial yet");
        }
        let rate = mismatching_trials.min(trials) as f64 / trials as f64;
        let mismatch = if mismatching_trials == 1 { "mismatches" } else { "mismatch" };
        format!(
            "{name}: {} of {} {mismatch} ({})",
            words::grouped(mismatching_trials),
            words::counted(trials, "trial"),
            words::percent(rate)
        )
    }

    fn needed(&self) -> Option<u64> {
        needed(self.evidence.mismatching_trials, self.evidence.trials, self.targets)
    }

    fn target(&self) -> String {
        words::percent(self.targets.max_mismatch_rate)
    }
}

fn needed_more(needed: Option<u64>) -> String {
    match needed {
        Some(needed) => format!("about {} are needed", words::counted_more(needed, "trial")),
        None => "no number of trials at this rate will do".to_owned(),
    }
}
