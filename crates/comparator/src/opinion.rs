//! Where two answers differ today, for stages that have to know before a pair is recorded.
//!
//! Invariant: says what a comparator with the newest model would say; counts and keeps nothing.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use cluster::Model;
use exchange::{
    Pair,
    redact::{RedactConfig, Redactor},
    seal::Keyring,
};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::{analyst, config::CompareConfig, judge::Judge, plan::Learned};

const POLL: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub struct Opinion {
    judge: Judge,
    learned: RwLock<Arc<Learned>>,
}

impl Opinion {
    pub fn new(
        config: &CompareConfig,
        redact: RedactConfig,
        keys: Arc<Keyring>,
    ) -> anyhow::Result<Self> {
        let redactor = Redactor::new(redact, keys.derive("redact"));
        let judge = Judge::new(config, redactor, keys)?;
        let learned = RwLock::new(Arc::new(judge.learned(Model::default())));
        Ok(Self { judge, learned })
    }

    /// The places that count at which the pair's two answers differ, and a number that is the same
    /// for differences of one kind.
    #[must_use]
    pub fn differing(&self, pair: &Pair) -> (u64, BTreeSet<String>) {
        self.judge.differing(pair, &self.learned())
    }

    /// Loads every newer model until `shutdown`.
    pub async fn follow(&self, store: &Store, shutdown: &CancellationToken) {
        loop {
            // A store that is away is told by those who record.
            if let Ok(Some(row)) = store.model_newer(self.learned().model.number).await {
                match analyst::read_model(&row) {
                    Ok(model) => {
                        let learned = Arc::new(self.judge.learned(model));
                        *self.learned.write().unwrap_or_else(PoisonError::into_inner) = learned;
                    }
                    Err(error) => {
                        tracing::error!(error = format!("{error:#}"), "a model is not loaded");
                    }
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    fn learned(&self) -> Arc<Learned> {
        Arc::clone(&self.learned.read().unwrap_or_else(PoisonError::into_inner))
    }
}
