//! The verdict on one endpoint.

use super::{EndpointDecision, GateInput, Verdict, cluster_reason, decisive, exceeds};
use crate::{
    EndpointEvidence, LatencyRatio, Targets,
    interval::{always_valid, trials_needed},
    ratio, words,
};

/// Something that stands between an endpoint and a pass.
struct Finding {
    /// Proved against the candidate; else still open.
    proved: bool,
    reason: String,
}

/// What `evidence` says by itself and, beside it, the clusters of its endpoint.
pub(super) fn decide(evidence: &EndpointEvidence, input: &GateInput) -> EndpointDecision {
    let EndpointEvidence { trials, mismatching_trials, targets, .. } = evidence;
    let interval = always_valid(*mismatching_trials, *trials, targets.confidence);
    let needed_samples = needed(*mismatching_trials, *trials, targets);
    let needed_seconds = seconds(needed_samples, evidence.trials_per_hour);
    let latency_ratio = ratio::median(&evidence.latency, targets.confidence);
    let view = View {
        evidence,
        targets,
        corrected: corrected(targets.confidence, input.endpoints.len()),
        high: interval.high,
        needed: needed_samples,
        pace: words::until(input.now, needed_seconds),
        version: input.version.as_deref(),
    };
    let mut findings = findings(&view, latency_ratio);
    let own = |cluster: &&crate::ClusterEvidence| cluster.endpoint == evidence.endpoint;
    let against = input.clusters.iter().filter(own).filter(|c| decisive(c, targets));
    findings.extend(against.map(|c| Finding { proved: true, reason: cluster_reason(c) }));
    // What is proved comes first; otherwise the order is that of weight already.
    findings.sort_by_key(|finding| !finding.proved);
    EndpointDecision {
        endpoint: evidence.endpoint.clone(),
        slice: evidence.slice.clone(),
        verdict: match findings.first() {
            None => Verdict::Pass,
            Some(Finding { proved: true, .. }) => Verdict::Fail,
            Some(Finding { proved: false, .. }) => Verdict::NotEnoughEvidence,
        },
        compared: evidence.compared,
        mismatched: evidence.mismatched,
        no_answer: evidence.no_answer,
        lag: evidence.lag,
        masked: evidence.masked,
        trials: *trials,
        accepted_trials: evidence.accepted_trials,
        stale_trials: evidence.stale_trials,
        rate: words::share((*mismatching_trials).min(*trials), *trials),
        rate_low: interval.low,
        rate_high: interval.high,
        latency_ratio,
        statuses: evidence.statuses.clone(),
        branches: evidence.branches.clone(),
        needed_samples,
        needed_seconds,
        expected_at: words::instant_after(input.now, needed_seconds),
        reason: findings.first().map_or_else(|| view.below(), |finding| finding.reason.clone()),
        reasons: findings.into_iter().map(|finding| finding.reason).collect(),
        targets: targets.clone(),
    }
}

/// By weight: first what speaks of wrong answers, then of missing ones, then of missing evidence.
fn findings(view: &View<'_>, latency: Option<LatencyRatio>) -> Vec<Finding> {
    let EndpointEvidence { compared, no_answer, lag, masked, trials, .. } = *view.evidence;
    let targets = view.targets;
    let mut findings = Vec::new();
    let certain = always_valid(view.evidence.mismatching_trials, trials, view.corrected).low;
    let too_high = certain > targets.max_mismatch_rate;
    if too_high {
        findings.push(Finding { proved: true, reason: view.too_high(certain) });
    }
    for (count, limit, what) in [
        (no_answer, targets.max_no_answer_rate, "had no answer"),
        (lag, targets.max_lag_rate, "were equal only at another moment"),
        (masked, targets.max_masked_rate, "match only because a rule hides what differs"),
    ] {
        if exceeds(words::share(count, compared), limit) {
            // One time-out among the first few requests is over any limit and proves nothing.
            let proved = exceeds(always_valid(count, compared, view.corrected).low, limit);
            findings.push(Finding { proved, reason: view.over(count, limit, what, proved) });
        }
    }
    findings.extend(slowness(view, latency));
    if compared == 0 && view.evidence.elsewhere > 0 {
        findings.push(Finding { proved: false, reason: view.not_compared() });
    } else if trials < targets.min_samples {
        findings.push(Finding { proved: false, reason: view.too_few() });
    } else if !too_high && exceeds(view.high, targets.max_mismatch_rate) {
        findings.push(Finding { proved: false, reason: view.unsure() });
    }
    findings.extend(view.rare_statuses().map(|reason| Finding { proved: false, reason }));
    findings
}

/// A pass needs the whole interval below the limit, a fail the whole of it above.
fn slowness(view: &View<'_>, latency: Option<LatencyRatio>) -> Option<Finding> {
    let (latency, limit) = (latency?, view.targets.max_latency_ratio);
    if latency.high.is_some_and(|high| high <= limit) {
        return None;
    }
    let surer = ratio::median(&view.evidence.latency, view.corrected)?;
    let proved = exceeds(surer.low, limit);
    // Until there are trials enough, that they are too few says it all.
    let waits = view.evidence.trials < view.targets.min_samples && latency.median <= limit;
    (proved || !waits).then(|| Finding { proved, reason: view.slow(latency, surer.low, proved) })
}

/// The confidence of each of `count` statements that together have `confidence`.
fn corrected(confidence: f64, count: usize) -> f64 {
    1.0 - (1.0 - confidence) / count.max(1) as f64
}

/// Further trials until the endpoint passes, should the rate stay as it is.
pub(super) fn needed(mismatches: u64, trials: u64, targets: &Targets) -> Option<u64> {
    let for_rate =
        trials_needed(mismatches, trials, targets.max_mismatch_rate, targets.confidence)?;
    Some(for_rate.max(targets.min_samples.saturating_sub(trials)))
}

/// Until `needed` trials came at this pace.
fn seconds(needed: Option<u64>, per_hour: Option<f64>) -> Option<u64> {
    match (needed?, per_hour) {
        (0, _) => Some(0),
        (needed, Some(pace)) if pace > 0.0 => Some((needed as f64 / pace * 3_600.0).ceil() as u64),
        _ => None,
    }
}

/// What the sentences are made of.
struct View<'a> {
    evidence: &'a EndpointEvidence,
    targets: &'a Targets,
    /// The confidence of what speaks against one of several endpoints.
    corrected: f64,
    high: f64,
    needed: Option<u64>,
    /// `, at the pace of late in about 3 hours`
    pace: String,
    version: Option<&'a str>,
}

impl View<'_> {
    fn too_high(&self, certain: f64) -> String {
        format!(
            "{}, at least {} for certain, the target is {}.",
            self.seen(),
            words::percent(certain),
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

    fn over(&self, count: u64, limit: f64, what: &str, proved: bool) -> String {
        format!(
            "{}: {} of {} {what} ({}), the limit is {}{}.",
            words::endpoint(self.evidence),
            words::grouped(count),
            words::counted(self.evidence.compared, "pair"),
            words::percent(words::share(count, self.evidence.compared)),
            words::percent(limit),
            if proved { "" } else { "; that may still be chance" }
        )
    }

    fn slow(&self, latency: LatencyRatio, certain: f64, proved: bool) -> String {
        let bound = match (proved, latency.high) {
            (true, _) => format!("at least {} for certain", words::times(certain)),
            (false, Some(high)) => format!("it may be up to {}", words::times(high)),
            (false, None) => "it may be anything yet".to_owned(),
        };
        format!(
            "{}: takes {} the primary's time in the median of {}, {bound}, the limit is {}.",
            words::endpoint(self.evidence),
            words::times(latency.median),
            words::counted(latency.pairs, "pair"),
            words::times(self.targets.max_latency_ratio)
        )
    }

    fn not_compared(&self) -> String {
        format!(
            "{}: seen in production ({} with other versions), never compared with {}.",
            words::endpoint(self.evidence),
            words::counted(self.evidence.elsewhere, "pair"),
            self.version.unwrap_or("this version")
        )
    }

    fn too_few(&self) -> String {
        let missing = self.targets.min_samples.saturating_sub(self.evidence.trials);
        let needed = self.needed.unwrap_or(missing);
        format!(
            "{}, {} are the least; {}.",
            self.seen(),
            words::grouped(self.targets.min_samples),
            self.needed_more(Some(needed))
        )
    }

    fn unsure(&self) -> String {
        format!(
            "{}, the rate may be up to {} and the target is {}; {}.",
            self.seen(),
            words::percent(self.high),
            self.target(),
            self.needed_more(self.needed)
        )
    }

    /// The primary's errors are not judged, so they need no trials.
    fn rare_statuses(&self) -> Option<String> {
        let least = self.targets.min_per_status;
        let rare =
            self.evidence.statuses.iter().filter(|stratum| {
                stratum.status < 500 && stratum.seen > 0 && stratum.trials < least
            });
        let rare: Vec<String> = rare
            .map(|stratum| format!("{} ({})", stratum.status, words::grouped(stratum.trials)))
            .collect();
        // Where nothing at all was compared, that is said already.
        (!rare.is_empty() && self.evidence.compared > 0).then(|| {
            format!(
                "{}: the primary answered {} in production, each status needs {}.",
                words::endpoint(self.evidence),
                rare.join(", "),
                words::counted(least, "trial")
            )
        })
    }

    fn seen(&self) -> String {
        let EndpointEvidence { trials, mismatching_trials, .. } = *self.evidence;
        let name = words::endpoint(self.evidence);
        if trials == 0 {
            return format!("{name}: no trial yet");
        }
        let mismatch = if mismatching_trials == 1 { "mismatches" } else { "mismatch" };
        format!(
            "{name}: {} of {} {mismatch} ({})",
            words::grouped(mismatching_trials),
            words::counted(trials, "trial"),
            words::percent(words::share(mismatching_trials.min(trials), trials))
        )
    }

    fn target(&self) -> String {
        words::percent(self.targets.max_mismatch_rate)
    }

    fn needed_more(&self, needed: Option<u64>) -> String {
        match needed {
            Some(needed) => {
                format!("about {} are needed{}", words::counted_more(needed, "trial"), self.pace)
            }
            None => "no number of trials at this rate will do".to_owned(),
        }
    }
}
