//! What asking again said of a pair whose answers differ.

use serde::{Deserialize, Serialize};

use crate::Micros;

/// The judgement on one differing pair, with the rounds it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub finding: Finding,
    /// In the order in which they were asked.
    pub rounds: Vec<Round>,
    /// The secondary's answer was the primary's of a later moment: it says nothing of what differs
    /// by nature.
    pub secondary_drifted: bool,
}

impl Reference {
    /// Nothing was found out.
    #[must_use]
    pub const fn unchecked() -> Self {
        Self { finding: Finding::Unchecked, rounds: Vec::new(), secondary_drifted: false }
    }
}

/// Whether a difference would be there again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// Not asked again, or what came back decides nothing.
    Unchecked,
    /// It stood for `stood_us` while the primary's answer stayed what it was.
    Deterministic { stood_us: u64 },
    /// It came and went while the primary's answer stayed what it was.
    Flaky,
    /// The candidate gave the primary's answer `delay_us` after the primary did.
    Lag { delay_us: u64 },
}

/// One moment at which the candidate was asked again, and with it, mostly, the primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// When the questions were sent.
    pub asked_at: Micros,
    /// `None` where only the candidate was asked.
    pub primary: Option<Look>,
    pub candidate: Look,
    /// The two answers of this moment agree; without the primary's, the candidate's agrees with
    /// the captured one.
    pub agree: bool,
}

/// An answer as it stands beside the one that was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// `None` without an answer.
    pub status: Option<u16>,
    /// Whether it agrees with what the primary answered when it was captured.
    pub as_captured: bool,
}

impl Finding {
    /// The name in API, store and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Deterministic { .. } => "deterministic",
            Self::Flaky => "flaky",
            Self::Lag { .. } => "lag",
        }
    }
}
