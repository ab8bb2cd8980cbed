//! One look at store and queue: all that pages show.

use exchange::{
    Micros,
    control::{BREAKER_SETTING, BreakerReport},
};
use queue::{Lane, QueueHealth};

use crate::{
    WebConfig,
    api::{ApiError, Funnel, funnel_of},
    desired::{self, Desired},
    ledger::{Ledger, Scope},
    pulse::Pulse,
    serve::App,
};

#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) now: Micros,
    pub(crate) config: WebConfig,
    /// `http://127.0.0.1:8090`
    pub(crate) address: String,
    pub(crate) ledger: Ledger,
    pub(crate) pulse: Pulse,
    pub(crate) desired: Desired,
    pub(crate) breaker: Option<BreakerReport>,
    pub(crate) queue: QueueHealth,
    /// Messages that wait for replayers, and for comparators.
    pub(crate) depths: (Option<u64>, Option<u64>),
}

impl Look {
    pub(crate) async fn at(app: &App) -> Result<Self, ApiError> {
        let ledger = Ledger::read(app.store()).await?;
        let desired = desired::load(app.store()).await?.unwrap_or_default();
        let breaker = match app.store().setting(BREAKER_SETTING).await? {
            Some(text) => serde_json::from_str(&text)
                .inspect_err(|error| tracing::warn!(%error, "the breaker's report is unreadable"))
                .ok(),
            None => None,
        };
        let queue = app.queue();
        let depths = tokio::join!(queue.depth(Lane::Exchanges), queue.depth(Lane::Pairs));
        Ok(Self {
            now: app.now(),
            config: app.config().clone(),
            address: format!("http://{}", app.address()),
            ledger,
            pulse: app.pulse(),
            desired,
            breaker,
            queue: queue.health(),
            depths,
        })
    }

    pub(crate) fn funnel(&self) -> Funnel {
        funnel_of(&self.ledger.funnel, self.depths.0)
    }

    /// The versions a page covers: what its URL says, else the candidate's newest.
    pub(crate) fn scope(&self, asked: &str) -> Scope {
        self.ledger.scope(Some(asked))
    }
}
