//! Lends the comparator's opinion to the replayer: neither stage knows the other.

use std::sync::Arc;

use comparator::CompareConfig;
use exchange::{Pair, redact::RedactConfig, seal::Keyring};
use store::Store;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Debug)]
pub(crate) struct Opinion(Arc<comparator::Opinion>);

impl Opinion {
    pub(crate) fn new(
        config: &CompareConfig,
        redact: &RedactConfig,
        keys: &Arc<Keyring>,
    ) -> anyhow::Result<Self> {
        let opinion = comparator::Opinion::new(config, redact.clone(), Arc::clone(keys))?;
        Ok(Self(Arc::new(opinion)))
    }

    pub(crate) fn for_replayer(&self) -> Arc<dyn replayer::Opinion> {
        Arc::new(self.clone())
    }

    /// Keeps up with the newest model until `shutdown`.
    pub(crate) async fn follow(&self, store: &Store, shutdown: &CancellationToken) {
        self.0.follow(store, shutdown).await;
    }
}

impl replayer::Opinion for Opinion {
    fn differing(&self, pair: &Pair) -> replayer::Differing {
        let (kind, places) = self.0.differing(pair);
        replayer::Differing { kind, places }
    }
}
