//! `[replay.reference]` of `understudy.toml`.

use serde::Deserialize;

use super::routes::Routes;
use crate::{config::ReplayConfigError, origin::Origin};

/// What a candidate's answer is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceMode {
    /// What the primary answered the user. The primary is never asked.
    #[default]
    Captured,
    /// Where that differs, primary and candidate are asked again at the same moment.
    Converge,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReferenceConfig {
    /// For reads of which no route below says otherwise.
    pub mode: ReferenceMode,
    /// Routes that converge; a read declared for an unsafe method does only where it is named.
    pub converge: Vec<String>,
    /// Routes that do not, whatever the others say.
    pub captured: Vec<String>,
    /// Origin of the primary itself, never of a tap. Where absent, that of `[tap]`.
    pub primary: String,
    /// Times that primary and candidate are asked at the same moment, at most: after 100 ms, and
    /// after pauses that are each twice the one before.
    pub rounds: u32,
    /// A difference that stands this long while the primary's answer stays what it is, is
    /// deterministic. Shorter once the candidate's lag has been measured.
    pub patience_ms: u64,
    /// Questions to the primary per second, at most, of all replayers together.
    pub max_rate: f64,
    /// Pairs that are asked about at a time; the others are published unchecked.
    pub max_checks: usize,
    /// Questions rest when the primary takes this many times as long as it took its users.
    pub slow_factor: f64,
    /// How long they rest then.
    pub rest_ms: u64,
}

impl Default for ReferenceConfig {
    fn default() -> Self {
        Self {
            mode: ReferenceMode::Captured,
            converge: Vec::new(),
            captured: Vec::new(),
            primary: String::new(),
            rounds: 7,
            patience_ms: 3_000,
            max_rate: 100.0,
            max_checks: 256,
            slow_factor: 4.0,
            rest_ms: 30_000,
        }
    }
}

impl ReferenceConfig {
    /// Whether the primary may be asked at all.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.mode == ReferenceMode::Converge || !self.converge.is_empty()
    }

    pub(crate) fn validate(&self) -> Result<(), ReplayConfigError> {
        self.routes()?;
        let range =
            |field, value: String, wanted| Err(ReplayConfigError::Range { field, value, wanted });
        if !(2..=12).contains(&self.rounds) {
            return range("reference.rounds", self.rounds.to_string(), "a number from 2 to 12");
        }
        if !(100..=60_000).contains(&self.patience_ms) {
            let value = self.patience_ms.to_string();
            return range("reference.patience_ms", value, "a number from 100 to 60000");
        }
        if !(self.max_rate.is_finite() && self.max_rate > 0.0) {
            let value = self.max_rate.to_string();
            return range("reference.max_rate", value, "questions per second above 0");
        }
        if !(1..=10_000).contains(&self.max_checks) {
            let value = self.max_checks.to_string();
            return range("reference.max_checks", value, "a number from 1 to 10000");
        }
        if !(self.slow_factor.is_finite() && self.slow_factor >= 1.0) {
            return range("reference.slow_factor", self.slow_factor.to_string(), "1 or more");
        }
        if self.asks() {
            self.primary_origin()?;
        }
        Ok(())
    }

    pub(crate) fn primary_origin(&self) -> Result<Origin, ReplayConfigError> {
        let field = "reference.primary";
        self.primary.parse().map_err(|error| ReplayConfigError::Origin { field, error })
    }

    pub(crate) fn routes(&self) -> Result<Routes, ReplayConfigError> {
        let wrong = |route: &String, problem| ReplayConfigError::Route {
            field: "reference",
            route: route.clone(),
            problem,
        };
        Routes::new(self.mode, &self.converge, &self.captured).map_err(|(r, p)| wrong(&r, p))
    }
}
