//! Messages in: opened and judged on blocking threads, handed on in any order.
//!
//! A pair that panics is tried three times and then parked; the rest of its message goes on. A
//! message that this process cannot open, for want of a key or because it is newer, is given
//! back: acknowledging it would lose it. One that nobody can open is set aside whole.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, SystemTime},
};

use exchange::{
    Mark, Micros, Number, Pair, PairBatch, ParkReason, Settled, Settlement, TapSnapshot,
    Unreadable, Voids,
    envelope::{self, EnvelopeError},
    seal::{Keyring, SealError},
};
use queue::{Consumer, Delivery};
use store::Fate;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    judge::{Judge, Judged},
    metrics::Metrics,
    plan::Learned,
};

const TRIES: u32 = 3;
/// Before a message that cannot be opened here is given back.
const GIVE_BACK_AFTER: Duration = Duration::from_secs(5);

/// A judged message, to be recorded and then acknowledged.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) delivery: Delivery,
    pub(crate) content: Content,
}

#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) items: Vec<(Number, Judged)>,
    pub(crate) voids: Vec<Voids>,
    pub(crate) snapshots: Vec<TapSnapshot>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// What the workers share.
#[derive(Clone, Debug)]
pub(crate) struct Workshop {
    pub(crate) judge: Arc<Judge>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) learned: watch::Receiver<Arc<Learned>>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Takes messages until `shutdown` or the queue closes; at most `workers` are judged at a time.
pub(crate) async fn take(
    workshop: Workshop,
    mut consumer: Consumer,
    judged: mpsc::Sender<Batch>,
    workers: usize,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(workers));
    loop {
        let place = tokio::select! {
            () = shutdown.cancelled() => return,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let delivery = tokio::select! {
            () = shutdown.cancelled() => return,
            delivery = consumer.next() => delivery,
        };
        let (Ok(place), Some(delivery)) = (place, delivery) else { return };
        let (workshop, judged, shutdown) = (workshop.clone(), judged.clone(), shutdown.clone());
        tokio::spawn(async move {
            let opened = workshop.judge_message(&delivery).await;
            drop(place);
            match opened {
                Ok(content) => {
                    // Fails only when recording has ended: then the message comes again.
                    let _ = judged.send(Batch { delivery, content }).await;
                }
                Err(problem) => give_back(delivery, &problem, &shutdown).await,
            }
        });
    }
}

async fn give_back(delivery: Delivery, problem: &str, shutdown: &CancellationToken) {
    tracing::error!(
        queue.partition = delivery.partition,
        queue.deliveries = delivery.deliveries,
        error = problem,
        "a message cannot be opened by this process and is given back"
    );
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(GIVE_BACK_AFTER) => {}
    }
    delivery.requeue().await;
}

impl Workshop {
    async fn judge_message(&self, delivery: &Delivery) -> Result<Content, String> {
        let (workshop, payload, dead) = (self.clone(), delivery.payload.clone(), delivery.dead);
        let work = tokio::task::spawn_blocking(move || workshop.open_and_judge(&payload, dead));
        work.await.unwrap_or_else(|error| Err(format!("its worker ended: {error}")))
    }

    fn open_and_judge(&self, payload: &[u8], dead: bool) -> Result<Content, String> {
        let batch = match envelope::open_pairs(&self.keys, payload) {
            Ok(batch) => batch,
            Err(error) if is_for_others(&error) && !dead => return Err(error.to_string()),
            Err(error) => {
                self.metrics.unreadable.inc();
                tracing::error!(%error, "a message that does not open is set aside");
                let (at, detail, sealed) = (now(), error.to_string(), payload.to_vec());
                let unreadable = vec![Unreadable { at, detail, sealed }];
                return Ok(Content { unreadable, ..Content::default() });
            }
        };
        let PairBatch { settled, voids, snapshots, marks, unreadable, .. } = batch;
        let learned = Arc::clone(&self.learned.borrow());
        let items = settled
            .into_iter()
            .map(|settled| (settled.number, self.settle(settled, &learned, dead)))
            .collect();
        Ok(Content { items, voids, snapshots, marks, unreadable })
    }

    fn settle(&self, settled: Settled, learned: &Learned, dead: bool) -> Judged {
        let fate = match settled.settlement {
            Settlement::Replayed(pair) if dead => {
                self.park(&pair, ParkReason::DeliveryLimit, "its message was delivered too often")
            }
            Settlement::Replayed(pair) => {
                let judged = tries(TRIES, || self.judge.judge(&pair, learned));
                return judged.unwrap_or_else(|| Judged {
                    fate: self.park(&pair, ParkReason::Panic, "comparing it panicked three times"),
                    context: None,
                });
            }
            Settlement::Skipped { reason, candidate_version, .. } => {
                Fate::Skipped { version: candidate_version, reason }
            }
            Settlement::Parked { exchange, reason, detail, sealed } => {
                Fate::Parked { exchange, reason, detail, sealed, at: now() }
            }
        };
        Judged { fate, context: None }
    }

    fn park(&self, pair: &Pair, reason: ParkReason, detail: &str) -> Fate {
        tracing::error!(
            exchange.id = %pair.exchange.id,
            park.reason = reason.as_str(),
            "a pair is parked"
        );
        let sealed = envelope::seal_exchange(&self.keys, &pair.exchange).unwrap_or_default();
        let exchange = Some(pair.exchange.id);
        Fate::Parked { exchange, reason, detail: detail.to_owned(), sealed, at: now() }
    }
}

/// Another process, or this one with another key file, may open it.
fn is_for_others(error: &EnvelopeError) -> bool {
    matches!(error, EnvelopeError::Newer(_) | EnvelopeError::Seal(SealError::UnknownKey(_)))
}

/// The first result without a panic, of at most `most` tries.
fn tries<T>(most: u32, mut work: impl FnMut() -> T) -> Option<T> {
    // What a panic leaves behind is only caches of which every change is a single insert.
    (0..most).find_map(|_| catch_unwind(AssertUnwindSafe(&mut work)).ok())
}

pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_is_tried_three_times() {
        let mut calls = 0;
        let outcome: Option<()> = tries(TRIES, || {
            calls += 1;
            panic!("poison");
        });
        assert_eq!((outcome, calls), (None, 3));
        let mut calls = 0;
        let outcome = tries(TRIES, || {
            calls += 1;
            assert!(calls > 1, "poison");
            calls
        });
        assert_eq!(outcome, Some(2));
    }

    #[test]
    fn only_what_others_may_open_is_given_back() {
        assert!(is_for_others(&EnvelopeError::Newer(9)));
        assert!(is_for_others(&EnvelopeError::Seal(SealError::UnknownKey(1))));
        assert!(!is_for_others(&EnvelopeError::Seal(SealError::Broken)));
        assert!(!is_for_others(&EnvelopeError::Garbage("short")));
    }
}
