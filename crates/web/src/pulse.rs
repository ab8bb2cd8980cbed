//! The heartbeat: every two seconds it repeats the desired state to all processes, and looks at
//! the funnel, so that pages can say how fast copying goes and since when the store is silent.

use std::{collections::VecDeque, time::Duration};

use exchange::Micros;
use tokio_util::sync::CancellationToken;

use crate::{desired, serve::App};

const EVERY: Duration = Duration::from_secs(2);
/// A store that takes longer is called silent.
const PATIENCE: Duration = Duration::from_secs(5);
/// Looks that the rate is taken over: 20 s.
const LOOKS: usize = 10;

/// What the heartbeat knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse {
    /// When, seen, captured; oldest first.
    looks: VecDeque<(Micros, u64, u64)>,
    /// Since when the store does not answer, and what it said.
    pub(crate) store_down: Option<(Micros, String)>,
    pub(crate) queue_down_since: Option<Micros>,
}

impl Pulse {
    pub(crate) fn look(&mut self, at: Micros, seen: u64, captured: u64) {
        // Counters that went back belong to another store content: begin anew.
        if self.looks.back().is_some_and(|(_, before, _)| *before > seen) {
            self.looks.clear();
        }
        self.looks.push_back((at, seen, captured));
        while self.looks.len() > LOOKS {
            self.looks.pop_front();
        }
    }

    /// Captured exchanges per second; `None` before there were two looks.
    pub(crate) fn copied_per_second(&self) -> Option<f64> {
        let (from, _, before) = self.looks.front()?;
        let (to, _, after) = self.looks.back()?;
        let seconds = (to - from) as f64 / 1e6;
        (seconds > 0.0).then(|| after.saturating_sub(*before) as f64 / seconds)
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
            app.pulse_mut(|pulse| pulse.look(now, funnel.seen, funnel.captured));
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

    #[test]
    fn the_rate_is_taken_over_the_last_looks_and_begins_anew_after_a_reset() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.copied_per_second(), None);
        for look in 0..30 {
            pulse.look(look * 2_000_000, look as u64 * 100, look as u64 * 50);
        }
        assert_eq!(pulse.copied_per_second(), Some(25.0));
        pulse.look(70_000_000, 3, 1);
        assert_eq!(pulse.copied_per_second(), None);
    }
}
