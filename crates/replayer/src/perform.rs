//! Running sessions: each exchange in its turn, whatever happens to it, is settled and handed on.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use exchange::{Exchange, ParkReason, Settled, Settlement, SkipReason, envelope, seal::Keyring};
use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    begun::{BegunNotes, MOST_BEGINNINGS},
    converge::Converge,
    hand::Hand,
    held::{HeldBytes, size_of},
    metrics::Metrics,
    player::Player,
    publish::{Note, Publisher},
    sessions::{Job, Sessions, UnderWay},
    wave::{Ruling, Wave},
    writes::Claim,
};

/// An exchange whose run panics this often is parked.
const MOST_PANICS: u32 = 3;
/// For messages that were delivered before to come in again, before a read of them is judged.
const LOOK_AHEAD: Duration = Duration::from_millis(300);

/// What runs sessions and takes their results on.
#[derive(Clone, Debug)]
pub(crate) struct Performance {
    pub(crate) player: Arc<Player>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) hand: Arc<Hand>,
    pub(crate) publisher: Publisher,
    pub(crate) begun: Arc<BegunNotes>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) held: Arc<HeldBytes>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) wave: Arc<Wave>,
    /// Where differing reads are asked again.
    pub(crate) converge: Option<Arc<Converge>>,
}

impl Performance {
    /// Runs `first` and what waits behind it in its session until the session is idle, or until
    /// `closing` where it waits for something itself.
    pub(crate) async fn run_session(
        self,
        first: Job,
        under_way: UnderWay,
        closing: CancellationToken,
    ) {
        let session = first.exchange.session;
        let mut turn = Some((first, under_way));
        while let Some((job, under_way)) = turn {
            let Some(settlement) = self.run(&job, &under_way, &closing).await else { return };
            self.rule(job, settlement, &closing);
            turn = self.sessions.next(session);
        }
    }

    /// Settles an exchange, unless its answer may be one of a wave of refusals.
    fn rule(&self, job: Job, settlement: Settlement, closing: &CancellationToken) {
        match self.wave.rule(job, settlement, self.player.refuses_credentials()) {
            Ruling::Settle(settled) => {
                for (job, settlement) in settled {
                    self.conclude(job, settlement, closing);
                }
            }
            Ruling::Wave(refused) => {
                let jobs: Vec<Job> = refused.into_iter().map(|(job, _)| job).collect();
                self.player.refused(&jobs);
                self.skip(&jobs, SkipReason::Credentials);
            }
        }
    }

    pub(crate) fn settle_all(&self, settled: Vec<(Job, Settlement)>) {
        for (job, settlement) in settled {
            self.settle(&job, settlement);
        }
    }

    /// Settles an exchange, at once or when it has been asked about again.
    fn conclude(&self, job: Job, settlement: Settlement, closing: &CancellationToken) {
        let Some(converge) = &self.converge else { return self.settle(&job, settlement) };
        match converge.admit(settlement) {
            Err(settlement) => self.settle(&job, settlement),
            Ok(admitted) => {
                let (here, closing) = (self.clone(), closing.clone());
                let checking = Arc::clone(converge);
                converge.spawn(async move {
                    let checked = checking.check(&here.player, admitted, &closing).await;
                    here.settle(&job, checked);
                });
            }
        }
    }

    /// Skips exchanges that are not to wait any longer.
    pub(crate) fn skip(&self, jobs: &[Job], reason: SkipReason) {
        for job in jobs {
            let settlement = self.player.skipped(&job.exchange, reason);
            self.settle(job, settlement);
        }
    }

    /// Sets an exchange aside with its sealed original.
    pub(crate) fn park(
        &self,
        exchange: &Exchange,
        reason: ParkReason,
        detail: String,
    ) -> Settlement {
        let sealed = envelope::seal_exchange(&self.keys, exchange).unwrap_or_else(|error| {
            tracing::error!(
                error = %error,
                exchange.id = %exchange.id,
                "an exchange is parked without its original: it cannot be sealed"
            );
            Vec::new()
        });
        Settlement::Parked { exchange: Some(exchange.id), reason, detail, sealed }
    }

    /// Hands a result on.
    pub(crate) fn settle(&self, job: &Job, settlement: Settlement) {
        self.sessions.settled(&job.exchange, &settlement);
        if let Some(memory) = &self.player.memory {
            memory.settled(&job.exchange, &settlement);
        }
        self.metrics.settled(&settlement);
        let settled = Settled { number: job.exchange.number, settlement };
        let bytes = size_of(&settled);
        self.held.add(bytes);
        self.hand.settled(job.message, job.index);
        let note = Note::Settled { message: job.message, index: job.index, settled, bytes };
        self.publisher.hand_in(job.partition, note);
    }

    async fn run(
        &self,
        job: &Job,
        under_way: &UnderWay,
        closing: &CancellationToken,
    ) -> Option<Settlement> {
        let exchange = &job.exchange;
        if let Some(reason) = self.sessions.gap(exchange) {
            return Some(self.player.skipped(exchange, reason));
        }
        if let Some(taken) = job.redelivered
            && !exchange.write
            && self.player.send_writes
            && self.is_overtaken(exchange, taken, closing).await?
        {
            return Some(self.player.skipped(exchange, SkipReason::SessionGap));
        }
        if let Some(due) = job.due {
            tokio::select! {
                () = closing.cancelled() => return None,
                () = tokio::time::sleep_until(due) => {}
            }
        }
        if let Some(memory) = &self.player.memory {
            memory.expected.wait(exchange, self.player.create_wait, closing).await?;
        }
        match &job.singly {
            None => self.run_caught(exchange, under_way, closing).await,
            Some(singly) => {
                let _alone = singly.lock().await;
                self.run_noted(exchange, under_way, closing).await
            }
        }
    }

    /// Whether a read that may have been sent before comes after a write of its session that was
    /// sent: it would see a state the primary did not have then.
    async fn is_overtaken(
        &self,
        exchange: &Exchange,
        taken: Instant,
        closing: &CancellationToken,
    ) -> Option<bool> {
        tokio::select! {
            () = closing.cancelled() => return None,
            () = tokio::time::sleep_until(taken + LOOK_AHEAD) => {}
        }
        for number in self.sessions.redelivered_writes(exchange.session) {
            let claim = self.player.claim(number, closing).await?;
            if claim == Claim::Known {
                return Some(true);
            }
        }
        Some(false)
    }

    async fn run_noted(
        &self,
        exchange: &Exchange,
        under_way: &UnderWay,
        closing: &CancellationToken,
    ) -> Option<Settlement> {
        if self.begun.begin(exchange.number).await >= MOST_BEGINNINGS {
            self.begun.end(exchange.number).await;
            let detail = format!("began {MOST_BEGINNINGS} times and never ended");
            return Some(self.park(exchange, ParkReason::BegunThreeTimes, detail));
        }
        let settlement = self.run_caught(exchange, under_way, closing).await;
        self.begun.end(exchange.number).await;
        settlement
    }

    async fn run_caught(
        &self,
        exchange: &Exchange,
        under_way: &UnderWay,
        closing: &CancellationToken,
    ) -> Option<Settlement> {
        let played = caught(MOST_PANICS, || self.player.play(exchange, under_way, closing)).await;
        played.unwrap_or_else(|panic| {
            self.metrics.panics.inc();
            tracing::error!(
                exchange.id = %exchange.id,
                panic = %panic,
                "running an exchange panicked again and again: it is parked"
            );
            Some(self.park(exchange, ParkReason::Panic, panic))
        })
    }
}

/// Tries `attempt` until one does not panic, `times` at most; then what the last panic said.
/// A write that may have been sent is not sent again by a later attempt: its note is known.
async fn caught<T, F: Future<Output = T>>(
    times: u32,
    attempt: impl Fn() -> F,
) -> Result<T, String> {
    let mut said = String::new();
    for _ in 0..times {
        match AssertUnwindSafe(attempt()).catch_unwind().await {
            Ok(done) => return Ok(done),
            Err(panic) => said = describe(panic.as_ref()),
        }
    }
    Err(said)
}

fn describe(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_tried_again_and_told_in_the_end() {
        let tries = AtomicU32::new(0);
        let done = caught(3, async || {
            assert!(tries.fetch_add(1, Ordering::Relaxed) >= 2, "not yet");
            7
        });
        assert_eq!(done.await, Ok(7));

        let tries = AtomicU32::new(0);
        let never: Result<(), String> = caught(3, async || {
            panic!("number {}", tries.fetch_add(1, Ordering::Relaxed));
        })
        .await;
        assert_eq!(never, Err("number 2".to_owned()));
    }
}
