//! The heartbeat: every two seconds it repeats the desired state to all processes, and looks at
//! the funnel, so that pages can say how fast copying goes and since when the store is silent.

use std::{collections::VecDeque, time::Duration};

use exchange::Micros;
use store::FunnelCounts;
use tokio_util::sync::CancellationToken;

use crate::{
    desired,
    serve::{App, News},
};

const EVERY: Duration = Duration::from_secs(2);
/// A store that takes longer is called silent.
const PATIENCE: Duration = Duration::from_secs(5);
/// Looks that the rate is taken over: 20 s.
const LOOKS: usize = 10;
/// Looks that are kept: 20 min, for the chart of what waits.
const KEPT: usize = 600;

/// What the heartbeat knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse {
    /// Oldest first.
    looks: VecDeque<Seen>,
    /// Since when the store does not answer, and what it said.
    pub(crate) store_down: Option<(Micros, String)>,
    pub(crate) queue_down_since: Option<Micros>,
}

/// The account at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) at: Micros,
    seen: u64,
    captured: u64,
    /// Accepted and not settled yet.
    pub(crate) waiting: u64,
}

impl Pulse {
    pub(crate) fn look(&mut self, at: Micros, funnel: &FunnelCounts) {
        let (seen, captured, waiting) = (funnel.seen, funnel.captured, funnel.in_flight);
        // Counters that went back belong to another store content: begin anew.
        if self.looks.back().is_some_and(|before| before.seen > seen) {
            self.looks.clear();
        }
        self.looks.push_back(Seen { at, seen, captured, waiting });
        while self.looks.len() > KEPT {
            self.looks.pop_front();
        }
    }

    /// Captured exchanges per second; `None` before there were two looks.
    pub(crate) fn copied_per_second(&self) -> Option<f64> {
        let from = self.looks.get(self.looks.len().saturating_sub(LOOKS))?;
        let to = self.looks.back()?;
        let seconds = (to.at - from.at) as f64 / 1e6;
        (seconds > 0.0).then(|| to.captured.saturating_sub(from.captured) as f64 / seconds)
    }

    /// What waited, oldest first.
    pub(crate) fn looks(&self) -> impl ExactSizeIterator<Item = &Seen> {
        self.looks.iter()
    }

    /// How far comparing is behind copying, in seconds: since when as many were captured as are
    /// settled now. `None` where that was before the looks that are kept.
    pub(crate) fn behind(&self) -> Option<i64> {
        let now = self.looks.back()?;
        let settled = now.captured.saturating_sub(now.waiting);
        if now.waiting == 0 {
            return Some(0);
        }
        let then = self.looks.iter().find(|look| look.captured >= settled)?;
        let is_first = self.looks.front().is_some_and(|first| first.at == then.at);
        (!is_first || then.captured == settled).then(|| (now.at - then.at) / 1_000_000)
    }
}

pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = beat(&app) => {}
        }
    }
}

fn news(funnel: &FunnelCounts) -> News {
    News {
        seen: funnel.seen,
        captured: funnel.captured,
        compared: funnel.compared,
        skipped: funnel.skipped.values().sum(),
        in_flight: funnel.in_flight,
        paused: funnel.paused,
    }
}

async fn beat(app: &App) {
    let now = app.now();
    let connected = app.queue().health().connected;
    app.pulse_mut(|pulse| {
        pulse.queue_down_since = (!connected).then(|| pulse.queue_down_since.unwrap_or(now));
    });
    let looked = tokio::time::timeout(PATIENCE, async {
        if let Some(desired) = desired::load(app.store()).await? {
            desired::send(app.queue(), &desired).await;
        }
        Ok::<_, crate::api::ApiError>(app.store().funnel().await?)
    })
    .await;
    let problem = match looked {
        Ok(Ok(funnel)) => {
            app.pulse_mut(|pulse| pulse.look(now, &funnel));
            app.feed().say(news(&funnel));
            None
        }
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    app.pulse_mut(|pulse| match (&problem, &pulse.store_down) {
        (None, Some(_)) => {
            tracing::info!("the store answers the pages again");
            pulse.store_down = None;
        }
        (Some(problem), None) => {
            tracing::warn!(%problem, "the store does not answer the pages");
            pulse.store_down = Some((now, problem.clone()));
        }
        _ => {}
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn funnel(seen: u64, captured: u64, in_flight: u64) -> FunnelCounts {
        FunnelCounts { seen, captured, in_flight, ..FunnelCounts::default() }
    }

    #[test]
    fn the_rate_is_taken_over_the_last_looks_and_begins_anew_after_a_reset() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.copied_per_second(), None);
        for look in 0..30 {
            pulse.look(look * 2_000_000, &funnel(look as u64 * 100, look as u64 * 50, 0));
        }
        assert_eq!(pulse.copied_per_second(), Some(25.0));
        pulse.look(70_000_000, &funnel(3, 1, 0));
        assert_eq!(pulse.copied_per_second(), None);
    }

    #[test]
    fn how_far_behind_is_since_when_as_many_were_captured() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.behind(), None);
        for look in 0..10 {
            let captured = 1_000 + look as u64 * 50;
            pulse.look(look * 2_000_000, &funnel(captured, captured, 100));
        }
        // 1,450 captured, 1,350 settled: as many were captured at the look of 14 s; it is 18 s.
        assert_eq!(pulse.behind(), Some(4));
        pulse.look(20_000_000, &funnel(1_500, 1_500, 0));
        assert_eq!(pulse.behind(), Some(0));
        pulse.look(22_000_000, &funnel(1_500, 1_500, 900));
        assert_eq!(pulse.behind(), None, "longer than is known");
    }
}
