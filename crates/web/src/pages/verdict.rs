//! Verdict chips: pass, fail, not enough evidence.

use gate::{EndpointDecision, Readiness};

use crate::{draw::Ring, words};

#[derive(Clone, Debug)]
pub(crate) struct Chip {
    /// `pass`, `fail` or `wait`.
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
    /// `777 more needed`
    pub(crate) more: String,
    pub(crate) ring: Option<Ring>,
}

/// How one endpoint, or the worst of several, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) readiness: Readiness,
    pub(crate) trials: u64,
    /// Trials still needed; `None`: out of reach at the rate seen so far.
    pub(crate) needed: Option<u64>,
}

impl Standing {
    pub(crate) fn of(decision: &EndpointDecision) -> Self {
        Self {
            readiness: decision.verdict.into(),
            trials: decision.trials,
            needed: decision.needed_samples,
        }
    }

    /// A slice is no better than its worst endpoint.
    pub(crate) fn worst(standings: &[Self]) -> Self {
        let is = |readiness| standings.iter().any(|one| one.readiness == readiness);
        let readiness = if is(Readiness::NotReady) {
            Readiness::NotReady
        } else if is(Readiness::NotEnoughEvidence) || standings.is_empty() {
            Readiness::NotEnoughEvidence
        } else {
            Readiness::Ready
        };
        let open = || standings.iter().filter(|one| one.readiness == Readiness::NotEnoughEvidence);
        Self {
            readiness,
            trials: open().map(|one| one.trials).sum(),
            needed: open().map(|one| one.needed).sum(),
        }
    }

    pub(crate) fn chip(&self) -> Chip {
        match self.readiness {
            Readiness::Ready => {
                Chip { class: "pass", word: "Pass", more: String::new(), ring: None }
            }
            Readiness::NotReady => {
                Chip { class: "fail", word: "Fail", more: String::new(), ring: None }
            }
            Readiness::NotEnoughEvidence => Chip {
                class: "wait",
                word: "Not enough",
                more: match self.needed {
                    Some(needed) if needed > 0 => format!("{} more needed", words::count(needed)),
                    _ => String::new(),
                },
                ring: Some(Ring::of(self.share())),
            },
        }
    }

    /// Share of the evidence already there.
    pub(crate) fn share(&self) -> f64 {
        self.needed.map_or(0.0, |needed| words::share(self.trials, self.trials + needed))
    }
}

/// `pass`, `fail` or `wait`.
pub(crate) fn class(readiness: Readiness) -> &'static str {
    match readiness {
        Readiness::Ready => "pass",
        Readiness::NotReady => "fail",
        Readiness::NotEnoughEvidence => "wait",
    }
}
