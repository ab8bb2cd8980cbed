//! `[replay]` of `understudy.toml`.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayConfig {
    /// Origin of the candidate; a path is a prefix.
    pub candidate: String,
    pub secondary: Option<String>,
    /// Stamped on pairs when the candidate does not say its version itself.
    pub candidate_version: Option<String>,
    /// Requests under way at the candidate.
    pub concurrency: usize,
    pub timeout_ms: u64,
    pub max_answer_bytes: usize,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self {
            candidate: String::new(),
            secondary: None,
            candidate_version: None,
            concurrency: 64,
            timeout_ms: 10_000,
            max_answer_bytes: 8 * 1024 * 1024,
        }
    }
}
