//! Versions of both sides, and the desired state of copying and replaying.

use serde::{Deserialize, Serialize};
use store::VersionRow;

use super::instant;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    pub versions: Vec<VersionJson>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionJson {
    /// `candidate` or `primary`.
    pub side: String,
    pub version: String,
    pub first_seen: String,
    /// By `POST /api/v1/versions`, rather than only seen in answers.
    pub announced: bool,
}

/// The body of `POST /api/v1/versions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionAnnouncement {
    /// `candidate` or `primary`.
    pub side: String,
    pub version: String,
}

/// The body of `POST /api/v1/pause` and `/resume`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    pub scope: exchange::control::Scope,
}

/// What pause and resume answer: the desired state as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseState {
    pub copy_paused: bool,
    pub replay_paused: bool,
    /// Since when the one paused longest is paused.
    pub since: Option<String>,
}

#[must_use]
pub fn versions_of(rows: &[VersionRow]) -> Versions {
    Versions { versions: rows.iter().map(version_json).collect() }
}

pub(super) fn version_json(row: &VersionRow) -> VersionJson {
    VersionJson {
        side: row.side.clone(),
        version: row.version.clone(),
        first_seen: instant(row.first_seen),
        announced: row.announced,
    }
}
