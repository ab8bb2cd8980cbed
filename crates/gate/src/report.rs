//! Reports of a [`crate::Decision`]: terminal text, Markdown, JUnit XML. (JSON is the decision
//! itself, serialized.)
//!
//! Names of endpoints and titles of clusters come from strangers' traffic: every format escapes
//! what its reader would act on, control characters first of all.

mod junit;
mod markdown;
mod text;

use std::fmt::Write;

pub use junit::junit;
pub use markdown::markdown;
pub use text::text;

use crate::{ClusterEvidence, Decision, EndpointDecision, Stratum, Verdict, words};

/// How a verdict is called in a heading.
fn headline(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::NotEnoughEvidence => "NOT ENOUGH EVIDENCE",
    }
}

/// How a verdict is called in a table.
fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::NotEnoughEvidence => "wait",
    }
}

/// `candidate v2, slice queues`
fn subject(decision: &Decision) -> String {
    let mut subject = match &decision.version {
        Some(version) => format!("candidate {version}"),
        None => "candidate of unknown version".to_owned(),
    };
    if let Some(slice) = &decision.slice {
        subject.push_str(", slice ");
        subject.push_str(slice);
    }
    subject
}

fn targets(decision: &Decision) -> String {
    format!(
        "target: mismatch rate below {} at {} confidence, {} per endpoint",
        words::percent(decision.targets.max_mismatch_rate),
        words::percent(decision.targets.confidence),
        words::counted(decision.targets.min_samples, "trial")
    )
}

/// `None` where more trials are no matter.
fn outlook(decision: &Decision) -> Option<String> {
    match (decision.verdict, decision.needed_samples) {
        (Verdict::NotEnoughEvidence, Some(needed)) if needed > 0 => {
            let when = match (decision.needed_seconds, &decision.expected_at) {
                (Some(seconds), Some(at)) => {
                    format!(", at the pace of late in about {} ({at})", words::lasting(seconds))
                }
                _ => String::new(),
            };
            Some(format!("about {} are needed{when}", words::counted_more(needed, "trial")))
        }
        _ => None,
    }
}

/// `accepted C-7 by ana until 2026-12-01: rounding is ours (212 mismatches left out)`
fn accepted(cluster: &ClusterEvidence) -> String {
    let mut text = format!("accepted {}", cluster.id);
    for (word, value) in [(" by ", &cluster.owner), (" until ", &cluster.expires_at)] {
        if let Some(value) = value {
            text.push_str(word);
            text.push_str(value);
        }
    }
    if let Some(condition) = &cluster.condition {
        text.push_str(" when ");
        text.push_str(condition);
    }
    let reason = cluster.reason.as_deref().unwrap_or(&cluster.title);
    let count = words::counted_es(cluster.count, "mismatch");
    format!("{text}: {reason} ({count} left out)")
}

/// `404: 3, 200: 1,212 trials`, the rarest first; nothing where there is but one status.
fn statuses(endpoint: &EndpointDecision) -> Option<String> {
    let mut strata: Vec<&Stratum> = endpoint.statuses.iter().collect();
    strata.sort_by_key(|stratum| (stratum.trials, stratum.status));
    let list: Vec<String> = strata
        .iter()
        .map(|stratum| format!("{}: {}", stratum.status, words::grouped(stratum.trials)))
        .collect();
    (list.len() > 1).then(|| format!("{} trials", list.join(", ")))
}

/// Only one that leads somewhere from outside the pages.
fn address(link: Option<&String>) -> Option<&str> {
    link.map(String::as_str).filter(|link| link.starts_with("http"))
}

/// Control characters and those that turn the direction of text become visible escapes.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}');
        if character.is_control() || turns {
            // Writing to a string cannot fail.
            let _ = write!(visible, "\\u{{{:x}}}", u32::from(character));
        } else {
            visible.push(character);
        }
    }
    visible
}

#[cfg(test)]
mod tests;
