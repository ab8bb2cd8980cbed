//! What rules hide, between requests: to tell it every signature is looked at, with its counts.
//!
//! Figures of before are shown for so many times as long as telling them took: of a small store
//! they are of now. Other rules, or another model, are told anew at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use cluster::RuleName;

use crate::api::{ApiError, RuleReach};

pub(super) type Reach = BTreeMap<RuleName, RuleReach>;

const RESTS: u32 = 20;

#[derive(Debug, Default)]
pub(super) struct KeptReach {
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone, Debug)]
struct Kept {
    /// What it was told of.
    of: String,
    at: Instant,
    took: Duration,
    reach: Arc<Reach>,
}

impl KeptReach {
    pub(super) async fn look(
        &self,
        of: String,
        tell: impl Future<Output = Result<Reach, ApiError>>,
    ) -> Result<Arc<Reach>, ApiError> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().clone();
        if let Some(kept) = kept
            && kept.of == of
            && kept.at.elapsed() < kept.took * RESTS
        {
            return Ok(kept.reach);
        }
        let at = Instant::now();
        let reach = Arc::new(tell.await?);
        *lock() = Some(Kept { of, at, took: at.elapsed(), reach: Arc::clone(&reach) });
        Ok(reach)
    }
}
