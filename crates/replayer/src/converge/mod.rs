//! The reference `converge`: a read that differs is asked again, of both sides at one moment.
//!
//! Invariants:
//! - Opt-in, by route. Nothing but reads, never a write, and the primary itself, never the tap;
//!   each question bears the shadow mark. The other sides are asked with their own ids; nothing
//!   is learnt from what they say.
//! - Beside the session: the next exchange of the session does not wait. The pair is published
//!   once, when the judgement stands, with all rounds.
//! - Bounded: checks at a time, questions per second, and rest for a primary that gets slow
//!   ([`guard`]). What is over a bound is published at once, unchecked.
//!
//! [`finding`] is the judgement, [`patience`] how long a difference must stand.

mod config;
mod familiar;
mod finding;
mod guard;
mod patience;
mod questions;
mod routes;
mod sides;

pub use config::{ReferenceConfig, ReferenceMode};
pub use questions::{Differing, Opinion};

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant as StdInstant},
};

use exchange::{Finding, Outcome, Pair, Reference, Settlement};
use futures_util::FutureExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use self::{
    familiar::Familiar,
    guard::{Guard, Limits},
    patience::Patience,
    questions::Questions,
    routes::Routes,
    sides::Sides,
};
use crate::{ReplayConfig, player::Player, request::HeaderEdits, wire::Line};

#[derive(Debug)]
pub(crate) struct Converge {
    routes: Routes,
    opinion: Arc<dyn Opinion>,
    primary: Line,
    guard: Guard,
    patience: Patience,
    familiar: Familiar,
    rounds: u32,
    places: Arc<Semaphore>,
    running: Mutex<JoinSet<()>>,
}

/// A pair that may be asked about, and its place among those.
#[derive(Debug)]
pub(crate) struct Admitted {
    pair: Box<Pair>,
    _place: OwnedSemaphorePermit,
}

impl Converge {
    /// `None` where the configuration asks nothing.
    pub(crate) fn new(
        config: &ReplayConfig,
        opinion: Option<Arc<dyn Opinion>>,
    ) -> anyhow::Result<Option<Self>> {
        let reference = &config.reference;
        let (true, Some(opinion)) = (reference.asks(), opinion) else { return Ok(None) };
        let limits = Limits {
            rate: reference.max_rate,
            slow_factor: reference.slow_factor,
            rest: Duration::from_millis(reference.rest_ms),
        };
        Ok(Some(Self {
            routes: reference.routes()?,
            opinion,
            primary: Line::new(reference.primary_origin()?, HeaderEdits::default(), config)?,
            guard: Guard::new(limits, StdInstant::now()),
            patience: Patience::new(reference.patience_ms.saturating_mul(1_000)),
            familiar: Familiar::default(),
            rounds: reference.rounds,
            places: Arc::new(Semaphore::new(reference.max_checks)),
            running: Mutex::default(),
        }))
    }

    /// Takes a result that may differ, where its route converges and there is room.
    pub(crate) fn admit(&self, settlement: Settlement) -> Result<Admitted, Settlement> {
        let Settlement::Replayed(pair) = settlement else { return Err(settlement) };
        let judged = pair.exchange.response.status < 500
            && matches!(pair.candidate.outcome, Outcome::Answered(_));
        if !judged || !self.routes.converges(&pair.exchange) {
            return Err(Settlement::Replayed(pair));
        }
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => Ok(Admitted { pair, _place: place }),
            Err(_) => {
                let reference = Some(Reference::unchecked());
                Err(Settlement::Replayed(Box::new(Pair { reference, ..*pair })))
            }
        }
    }

    /// This process has so many of all partitions, and as much of the questions.
    pub(crate) fn share(&self, mine: usize, all: usize) {
        self.guard.share(mine, all);
    }

    /// Runs `check` beside everything else.
    pub(crate) fn spawn(&self, check: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running();
        while running.try_join_next().is_some() {}
        running.spawn(check);
    }

    /// Lets what runs end, until `until`; then it is given up.
    pub(crate) async fn finish(&self, until: Instant) {
        let mut running = std::mem::take(&mut *self.running());
        while let Ok(Some(_)) = tokio::time::timeout_at(until, running.join_next()).await {}
        running.shutdown().await;
    }

    /// The result with what asking again said, where the answers differ.
    pub(crate) async fn check(
        &self,
        player: &Player,
        admitted: Admitted,
        closing: &CancellationToken,
    ) -> Settlement {
        let pair = admitted.pair;
        let sides = Sides { converge: self, player, pair: &pair };
        let questions = Questions { sides, closing };
        let asked = AssertUnwindSafe(questions.ask()).catch_unwind().await;
        let asked = asked.unwrap_or_else(|_| {
            player.metrics.panics.inc();
            tracing::error!(exchange.id = %pair.exchange.id, "asking again panicked");
            questions::Outcome::of(Some(Reference::unchecked()))
        });
        let questions::Outcome { reference, stood } = asked;
        if let Some(reference) = &reference {
            player.metrics.checked(reference);
            // Since asking began: a replayer that is behind must not lengthen the patience.
            if let (Finding::Lag { .. }, [first, .., last]) =
                (reference.finding, reference.rounds.as_slice())
            {
                let watched = last.asked_at.saturating_sub(first.asked_at);
                self.patience.measured(u64::try_from(watched).unwrap_or(0));
            }
        }
        let mut pair = Pair { reference, ..*pair };
        if let Some((stood, mapped)) = stood {
            pair.candidate = stood;
            pair.mapped.candidate = mapped;
        }
        Settlement::Replayed(Box::new(pair))
    }

    fn running(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
