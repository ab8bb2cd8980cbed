//! What is asked of a candidate: the defaults, and what slices and endpoints have in their place.

use serde::{Deserialize, Serialize};

/// Every limit of one endpoint. Shares are 0 to 1: 0.001 = 0.1 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Targets {
    /// Of judged trials.
    pub max_mismatch_rate: f64,
    pub confidence: f64,
    /// Judged trials per endpoint.
    pub min_samples: u64,
    /// Judged trials per endpoint of each status that the primary answered in production.
    pub min_per_status: u64,
    pub fail_on_new_clusters: bool,
    /// Share of pairs without an answer.
    pub max_no_answer_rate: f64,
    /// Share of pairs that were equal only at another moment.
    pub max_lag_rate: f64,
    /// Share of pairs that match only because a rule hides what differs.
    pub max_masked_rate: f64,
    /// Median over pairs of the candidate's time divided by the primary's.
    pub max_latency_ratio: f64,
    /// Share of what was meant to be copied and was dropped. Of the whole installation, as are
    /// those below.
    pub max_capture_loss: f64,
    /// Share of captured exchanges that are not settled yet.
    pub max_unsettled: f64,
    /// Age of the newest account of the tap that came through to the store.
    pub max_behind_seconds: u64,
    /// An endpoint that production has not seen for so long need not be compared.
    pub seen_within_days: u64,
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            max_mismatch_rate: 0.001,
            confidence: 0.95,
            min_samples: 1_000,
            min_per_status: 1,
            fail_on_new_clusters: false,
            max_no_answer_rate: 0.01,
            max_lag_rate: 0.05,
            max_masked_rate: 0.5,
            max_latency_ratio: 2.0,
            max_capture_loss: 0.005,
            max_unsettled: 0.05,
            max_behind_seconds: 60,
            seen_within_days: 30,
        }
    }
}

/// What stands in the place of some targets; absent values leave them as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetChanges {
    pub max_mismatch_rate: Option<f64>,
    pub confidence: Option<f64>,
    pub min_samples: Option<u64>,
    pub min_per_status: Option<u64>,
    pub fail_on_new_clusters: Option<bool>,
    pub max_no_answer_rate: Option<f64>,
    pub max_lag_rate: Option<f64>,
    pub max_masked_rate: Option<f64>,
    pub max_latency_ratio: Option<f64>,
    pub max_capture_loss: Option<f64>,
    pub max_unsettled: Option<f64>,
    pub max_behind_seconds: Option<u64>,
    pub seen_within_days: Option<u64>,
}

/// Targets of some slices and endpoints. Absent patterns fit everything; `*` in one stands for
/// any letters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetRule {
    pub slice: Option<String>,
    /// `GET /loans/*`
    pub endpoint: Option<String>,
    pub max_mismatch_rate: Option<f64>,
    pub min_samples: Option<u64>,
    pub min_per_status: Option<u64>,
    pub fail_on_new_clusters: Option<bool>,
    pub max_no_answer_rate: Option<f64>,
    pub max_lag_rate: Option<f64>,
    pub max_masked_rate: Option<f64>,
    pub max_latency_ratio: Option<f64>,
}

/// The configured targets: the general ones, and rules of which the last that fits wins, value
/// by value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    pub targets: Targets,
    pub rules: Vec<TargetRule>,
}

impl Targets {
    #[must_use]
    pub fn with(mut self, changes: &TargetChanges) -> Self {
        set(&mut self.max_mismatch_rate, changes.max_mismatch_rate);
        set(&mut self.confidence, changes.confidence);
        set(&mut self.min_samples, changes.min_samples);
        set(&mut self.min_per_status, changes.min_per_status);
        set(&mut self.fail_on_new_clusters, changes.fail_on_new_clusters);
        set(&mut self.max_no_answer_rate, changes.max_no_answer_rate);
        set(&mut self.max_lag_rate, changes.max_lag_rate);
        set(&mut self.max_masked_rate, changes.max_masked_rate);
        set(&mut self.max_latency_ratio, changes.max_latency_ratio);
        set(&mut self.max_capture_loss, changes.max_capture_loss);
        set(&mut self.max_unsettled, changes.max_unsettled);
        set(&mut self.max_behind_seconds, changes.max_behind_seconds);
        set(&mut self.seen_within_days, changes.seen_within_days);
        self
    }
}

impl TargetRule {
    fn fits(&self, endpoint: &str, slice: Option<&str>) -> bool {
        let in_slice = self.slice.as_deref().is_none_or(|pattern| {
            slice.is_some_and(|slice| fits(pattern.as_bytes(), slice.as_bytes()))
        });
        let at = |pattern: &str| fits(pattern.as_bytes(), endpoint.as_bytes());
        in_slice && self.endpoint.as_deref().is_none_or(at)
    }

    fn changes(&self) -> TargetChanges {
        TargetChanges {
            max_mismatch_rate: self.max_mismatch_rate,
            min_samples: self.min_samples,
            min_per_status: self.min_per_status,
            fail_on_new_clusters: self.fail_on_new_clusters,
            max_no_answer_rate: self.max_no_answer_rate,
            max_lag_rate: self.max_lag_rate,
            max_masked_rate: self.max_masked_rate,
            max_latency_ratio: self.max_latency_ratio,
            ..TargetChanges::default()
        }
    }
}

impl Policy {
    /// The targets of one endpoint; what was `asked` for by flag or query comes before every rule.
    #[must_use]
    pub fn at(&self, endpoint: &str, slice: Option<&str>, asked: &TargetChanges) -> Targets {
        let fitting = self.rules.iter().filter(|rule| rule.fits(endpoint, slice));
        fitting
            .fold(self.targets.clone(), |targets, rule| targets.with(&rule.changes()))
            .with(asked)
    }

    /// The first thing wrong with these targets: the key and what it must be.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        check(&self.targets).map_err(|(key, must)| (format!("gate.{key}"), must))?;
        for (at, rule) in self.rules.iter().enumerate() {
            let name = |key: &str| format!("[[gate.target]] number {}: {key}", at + 1);
            check(&Targets::default().with(&rule.changes()))
                .map_err(|(key, must)| (name(key), must))?;
            if rule.slice.is_none() && rule.endpoint.is_none() {
                return Err((name("slice or endpoint"), "say for which; [gate] is for all"));
            }
        }
        Ok(())
    }
}

/// The first key whose value makes no sense, and what it must be.
pub fn check(targets: &Targets) -> Result<(), (&'static str, &'static str)> {
    const SHARE: &str = "must be a share from 0 to 1";
    let shares = [
        ("max_mismatch_rate", targets.max_mismatch_rate),
        ("max_no_answer_rate", targets.max_no_answer_rate),
        ("max_lag_rate", targets.max_lag_rate),
        ("max_masked_rate", targets.max_masked_rate),
        ("max_capture_loss", targets.max_capture_loss),
        ("max_unsettled", targets.max_unsettled),
    ];
    for (key, share) in shares {
        if !(0.0..=1.0).contains(&share) {
            return Err((key, SHARE));
        }
    }
    if !(0.5..1.0).contains(&targets.confidence) {
        return Err(("confidence", "must be at least 50% and below 100%; 95% is usual"));
    }
    if !(targets.max_latency_ratio > 0.0 && targets.max_latency_ratio.is_finite()) {
        return Err(("max_latency_ratio", "must be above 0; 2 means at most twice the time"));
    }
    Ok(())
}

fn set<T: Copy>(target: &mut T, change: Option<T>) {
    if let Some(change) = change {
        *target = change;
    }
}

/// Whether `text` fits a pattern in which `*` stands for any letters. Takes at most pattern ×
/// text steps: only the last `*` is ever taken back.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(letter) if *letter == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    (p, t) = (after, from + 1);
                    star = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("GET /loans/*", "GET /loans/{id}/decision", true),
            ("GET /loans/{id}", "GET /loans/{id}/decision", false),
            ("* /loans/*", "PUT /loans/{id}", true),
            ("*decision", "GET /loans/{id}/decision", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_last_rule_that_fits_wins_and_what_is_asked_for_before_it() {
        let rule = |slice: Option<&str>, endpoint: Option<&str>, min, rate| TargetRule {
            slice: slice.map(str::to_owned),
            endpoint: endpoint.map(str::to_owned),
            min_samples: min,
            max_mismatch_rate: rate,
            ..TargetRule::default()
        };
        let policy = Policy {
            targets: Targets::default(),
            rules: vec![
                rule(Some("queues"), None, Some(50), Some(0.05)),
                rule(None, Some("GET /queues/*/next"), None, Some(0.2)),
            ],
        };
        let at = |endpoint: &str, slice, asked: &TargetChanges| {
            let targets = policy.at(endpoint, slice, asked);
            (targets.min_samples, targets.max_mismatch_rate)
        };
        let nothing = TargetChanges::default();
        assert_eq!(at("GET /loans", None, &nothing), (1_000, 0.001));
        assert_eq!(at("GET /queues", Some("queues"), &nothing), (50, 0.05));
        assert_eq!(at("GET /queues/{q}/next", Some("queues"), &nothing), (50, 0.2));
        assert_eq!(at("GET /queues/{q}/next", None, &nothing), (1_000, 0.2));
        let asked = TargetChanges { max_mismatch_rate: Some(0.3), ..nothing };
        assert_eq!(at("GET /queues/{q}/next", Some("queues"), &asked), (50, 0.3));
    }

    #[test]
    fn targets_that_make_no_sense_are_named() {
        let of = |targets: Targets| Policy { targets, rules: vec![] }.check();
        assert_eq!(of(Targets::default()), Ok(()));
        let key = |targets| of(targets).unwrap_err().0;
        let standard = Targets::default;
        assert_eq!(key(Targets { max_lag_rate: f64::NAN, ..standard() }), "gate.max_lag_rate");
        assert_eq!(key(Targets { confidence: 1.0, ..standard() }), "gate.confidence");
        assert_eq!(key(Targets { max_latency_ratio: 0.0, ..standard() }), "gate.max_latency_ratio");
        let rules = vec![TargetRule { min_samples: Some(1), ..TargetRule::default() }];
        let policy = Policy { rules, ..Policy::default() };
        assert_eq!(policy.check().unwrap_err().0, "[[gate.target]] number 1: slice or endpoint");
    }
}
