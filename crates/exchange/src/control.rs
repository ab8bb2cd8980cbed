//! Commands from the web role to every process, as JSON on the control line.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Copy,
    Replay,
    Both,
}

/// The desired state as a whole: a process that missed one learns it from the next.
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
