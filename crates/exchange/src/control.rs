//! Commands from the web role to every process, as JSON on the control line.

use serde::{Deserialize, Serialize};

use crate::Micros;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Copy,
    Replay,
    Both,
}

/// What is sent says nothing that the store does not hold: a process that missed a command learns
/// of it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Sent at every change and every few seconds.
    Desired {
        copy_paused: bool,
        replay_paused: bool,
        /// The candidate's version as announced, where it was.
        candidate_version: Option<String>,
    },
    /// The store holds a recheck that nobody has begun.
    Recheck,
}

/// The setting in the store that holds the desired state: a [`Command::Desired`] as JSON.
pub const DESIRED_SETTING: &str = "desired";

/// The setting in the store under which a replayer says whether it can reach the candidate: a
/// [`BreakerReport`] as JSON, written at every change.
pub const BREAKER_SETTING: &str = "replayer.breaker";

/// What keeps the candidate from being used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerKind {
    /// It cannot be reached.
    #[default]
    Down,
    /// It refuses whole clients that the primary accepts.
    Credentials,
    /// It says that it has too much to do.
    Overloaded,
}

impl BreakerKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Credentials => "credentials",
            Self::Overloaded => "overloaded",
        }
    }
}

/// Whether the candidate can be used, for a banner on the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerReport {
    /// Open: nothing is sent until a probe gets through.
    pub open: bool,
    /// Why, where it is open.
    #[serde(default)]
    pub kind: BreakerKind,
    /// Since when it is as it is.
    pub since: Micros,
    /// The candidate's origin.
    pub origin: String,
    /// Why it opened, one line; empty while it is closed.
    pub detail: String,
}

impl Scope {
    #[must_use]
    pub fn copy(self) -> bool {
        matches!(self, Self::Copy | Self::Both)
    }

    #[must_use]
    pub fn replay(self) -> bool {
        matches!(self, Self::Replay | Self::Both)
    }
}

/// The setting in the store under which a replayer says how its session memory stands: a
/// [`MemoryReport`] as JSON, written at every change.
pub const MEMORY_SETTING: &str = "replayer.memory";

/// What is remembered of the candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReport {
    pub entries: u64,
    pub bytes: u64,
    /// Values put into requests so far.
    pub used: u64,
    /// Forgotten for want of room.
    pub forgotten: u64,
    /// The newest first.
    pub alarms: Vec<MemoryAlarm>,
    pub alarm_count: u64,
}

/// Ids that stand for more than one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryAlarm {
    pub at: Micros,
    /// `mapped_to_two`: `one` of the primary stands for `two` of the candidate. `collision`: `two`
    /// of the primary stand for `one` of the candidate.
    pub what: String,
    pub entity: String,
    pub one: String,
    pub two: [String; 2],
}
