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

use crate::{Decision, Verdict, words};

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
        (Verdict::NotEnoughEvidence, Some(needed)) => {
            Some(format!("about {} are needed", words::counted_more(needed, "trial")))
        }
        _ => None,
    }
}

/// Control characters and those that turn the direction of text become visible escapes.
fn visible(text: &str) -> String {
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
