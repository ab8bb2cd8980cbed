//! One look at store and queue: all that pages show.

use exchange::{
    Micros,
    control::{BREAKER_SETTING, BreakerReport},
};
use queue::{Lane, QueueHealth};
use store::FunnelCounts;

use std::sync::Arc;

use crate::{
    WebConfig,
    api::{ApiError, Funnel, funnel_of},
    desired::{self, Desired},
    ledger::{Ledger, Scope},
    pulse::Pulse,
    serve::{Actor, App},
    words,
};

/// A tap reports every second; on its way through queue and store a report may take this long.
const LATE: Micros = 5_000_000;

#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) now: Micros,
    pub(crate) config: WebConfig,
    /// `http://127.0.0.1:8090`
    pub(crate) address: String,
    /// Who looks.
    pub(crate) actor: Actor,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) pulse: Pulse,
    pub(crate) desired: Desired,
    pub(crate) breaker: Option<BreakerReport>,
    pub(crate) queue: QueueHealth,
    /// Messages that wait for replayers, and for comparators.
    pub(crate) depths: (Option<u64>, Option<u64>),
}

impl Look {
    pub(crate) async fn at(app: &App, actor: &Actor) -> Result<Self, ApiError> {
        let ledger = app.ledger().await?;
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
            actor: actor.clone(),
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

    /// `counters are 12 s old`, where a tap should have reported since; empty otherwise.
    pub(crate) fn counters_late(&self) -> String {
        counters_late(&self.ledger.funnel, self.desired.copy_paused(), self.ledger.now)
    }

    /// The versions a page covers: what its URL says, else the candidate's newest.
    pub(crate) fn scope(&self, asked: &str) -> Scope {
        self.ledger.scope(Some(asked))
    }
}

fn counters_late(counts: &FunnelCounts, told_to_pause: bool, now: Micros) -> String {
    let rests = told_to_pause || counts.paused || counts.closed;
    match counts.newest_snapshot.map(|at| now.saturating_sub(at)) {
        Some(age) if age > LATE && !rests => {
            format!("counters are {} old", words::long(age / 1_000_000))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_late_when_a_tap_that_should_report_does_not() {
        let counts = |newest| FunnelCounts { newest_snapshot: newest, ..FunnelCounts::default() };
        let now = 1_000_000_000;
        let late = |counts: &FunnelCounts, told| counters_late(counts, told, now);
        assert_eq!(late(&counts(None), false), "");
        assert_eq!(late(&counts(Some(now - 4_000_000)), false), "");
        // A clock ahead of ours is no news of the past.
        assert_eq!(late(&counts(Some(now + 60_000_000)), false), "");
        let old = counts(Some(now - 12_000_000));
        assert_eq!(late(&old, false), "counters are 12 s old");
        assert_eq!(late(&old, true), "");
        assert_eq!(late(&FunnelCounts { paused: true, ..old.clone() }, false), "");
        assert_eq!(late(&FunnelCounts { closed: true, ..old }, false), "");
        assert_eq!(late(&counts(Some(now - 600_000_000)), false), "counters are 10 min old");
    }
}
