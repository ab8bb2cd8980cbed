//! Messages in: opened and judged on blocking threads, handed on in any order.
//!
//! A pair that panics is tried three times and then parked; the rest of its message goes on. A
//! message that this process cannot open, for want of a key or because it is newer, is given
//! back, ever more slowly: acknowledging it would lose it, and whoever rolls out a key has most of
//! a day before the queue gives up on it. One that nobody can open is set aside whole.

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
use queue::{Consumer, Delivery, Lane, Queue};
use store::{FactRow, Fate, RecheckResult, Share};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    PREFETCH,
    begun::{BegunNotes, MOST_BEGINNINGS, SUSPECTED_FROM},
    judge::{Judge, Judged},
    metrics::Metrics,
    plan::Learned,
    recheck,
};

const TRIES: u32 = 3;
const CONSUMER_PAUSE: Duration = Duration::from_secs(1);
/// Before a message that cannot be opened here is given back; doubled at each delivery.
const GIVE_BACK_AFTER: Duration = Duration::from_secs(5);
/// Well below the half hour after which brokers take a delivery back themselves.
const LONGEST_GIVE_BACK: Duration = Duration::from_secs(600);

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
    pub(crate) rechecked: Vec<RecheckResult>,
    pub(crate) facts: Vec<FactRow>,
}

/// What the workers share.
#[derive(Clone, Debug)]
pub(crate) struct Workshop {
    pub(crate) judge: Arc<Judge>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) learned: watch::Receiver<Arc<Learned>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) begun: Arc<BegunNotes>,
}

/// A message that was opened.
#[derive(Debug)]
enum Opened {
    Batch(PairBatch),
    /// Nobody can open it.
    Aside(Content),
}

/// Takes messages of this process's part of the partitions until `shutdown` or the queue closes;
/// at most `workers` are judged at a time.
pub(crate) async fn take_shared(
    workshop: Workshop,
    queue: &Queue,
    mut share: Share,
    judged: mpsc::Sender<Batch>,
    workers: usize,
    shutdown: &CancellationToken,
) {
    let places = Arc::new(Semaphore::new(workers));
    while !shutdown.is_cancelled() {
        let consumer = match queue.consumer_of(Lane::Pairs, PREFETCH, &share.mine()).await {
            Ok(consumer) => consumer,
            Err(error) => {
                tracing::warn!(%error, "pairs cannot be taken: trying again");
                tokio::time::sleep(CONSUMER_PAUSE).await;
                continue;
            }
        };
        let taking = take(&workshop, consumer, &judged, &places, shutdown.clone());
        tokio::select! {
            () = taking => break,
            // What is being judged is recorded and acknowledged all the same.
            () = share.changed() => {}
        }
    }
    drop(judged);
    share.leave().await;
}

async fn take(
    workshop: &Workshop,
    mut consumer: Consumer,
    judged: &mpsc::Sender<Batch>,
    places: &Arc<Semaphore>,
    shutdown: CancellationToken,
) {
    loop {
        let place = tokio::select! {
            () = shutdown.cancelled() => return,
            place = Arc::clone(places).acquire_owned() => place,
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
                Err(problem) => {
                    tracing::error!(
                        queue.partition = delivery.partition,
                        queue.deliveries = delivery.deliveries,
                        error = problem,
                        "a message cannot be opened by this process and is given back"
                    );
                    give_back(delivery, &shutdown).await;
                }
            }
        });
    }
}

/// The later, the more often it came already.
pub(crate) async fn give_back(delivery: Delivery, shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(give_back_after(delivery.deliveries)) => {}
    }
    delivery.requeue().await;
}

fn give_back_after(deliveries: u32) -> Duration {
    let doublings = deliveries.saturating_sub(1).min(16);
    GIVE_BACK_AFTER.saturating_mul(1 << doublings).min(LONGEST_GIVE_BACK)
}

impl Workshop {
    async fn judge_message(&self, delivery: &Delivery) -> Result<Content, String> {
        let (payload, dead) = (delivery.payload.clone(), delivery.dead);
        if delivery.deliveries < SUSPECTED_FROM || dead {
            return self.aside(move |workshop| workshop.open_and_judge(&payload, dead)).await?;
        }
        match self.aside(move |workshop| workshop.open(&payload, dead)).await?? {
            Opened::Batch(batch) => self.judge_singly(batch).await,
            Opened::Aside(content) => Ok(content),
        }
    }

    /// On a blocking thread.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, String> {
        let workshop = self.clone();
        let work = tokio::task::spawn_blocking(move || work(&workshop));
        work.await.map_err(|error| format!("its worker ended: {error}"))
    }

    fn open_and_judge(&self, payload: &[u8], dead: bool) -> Result<Content, String> {
        let (batch, learned) = match self.open(payload, dead)? {
            Opened::Batch(batch) => (batch, Arc::clone(&self.learned.borrow())),
            Opened::Aside(content) => return Ok(content),
        };
        let (settled, content) = self.parted(batch, &learned);
        let facts = self.noted(&settled, &learned);
        let judged = settled
            .into_iter()
            .map(|settled| (settled.number, self.settle(settled, &learned, dead)));
        Ok(Content { items: judged.collect(), facts, ..content })
    }

    /// Notes what all pairs of a message say, before any of them is judged.
    fn noted(&self, settled: &[Settled], learned: &Learned) -> Vec<FactRow> {
        let pairs = settled.iter().filter_map(|one| match &one.settlement {
            Settlement::Replayed(pair) => Some(pair),
            _ => None,
        });
        // What cannot be read is judged all the same, and parked there if it must be.
        let noted = pairs.filter_map(|pair| tries(1, || self.judge.note(pair, learned)));
        noted.flatten().collect()
    }

    /// One pair after the other, each noted before it begins.
    async fn judge_singly(&self, batch: PairBatch) -> Result<Content, String> {
        let learned = Arc::clone(&self.learned.borrow());
        let (settled, content) = self.parted(batch, &learned);
        let mut items = Vec::with_capacity(settled.len());
        for settled in settled {
            items.push((settled.number, self.judge_noted(settled).await?));
        }
        Ok(Content { items, ..content })
    }

    async fn judge_noted(&self, settled: Settled) -> Result<Judged, String> {
        let (number, learned) = (settled.number, Arc::clone(&self.learned.borrow()));
        let Settlement::Replayed(pair) = &settled.settlement else {
            return Ok(self.settle(settled, &learned, false));
        };
        let alone = self.begun.alone().await;
        if alone.begin(number).await >= MOST_BEGINNINGS {
            let detail = "judging it began three times and never ended";
            let fate = self.park(pair, ParkReason::BegunThreeTimes, detail);
            alone.end(number).await;
            return Ok(Judged { fate, context: None });
        }
        let judged = self.aside(move |workshop| workshop.settle(settled, &learned, false)).await;
        alone.end(number).await;
        judged
    }

    fn open(&self, payload: &[u8], dead: bool) -> Result<Opened, String> {
        match envelope::open_pairs(&self.keys, payload) {
            Ok(batch) => Ok(Opened::Batch(batch)),
            Err(error) if is_for_others(&error) && !dead => Err(error.to_string()),
            Err(error) => {
                self.metrics.unreadable.inc();
                tracing::error!(%error, "a message that does not open is set aside");
                let (at, detail, sealed) = (now(), error.to_string(), payload.to_vec());
                let unreadable = vec![Unreadable { at, detail, sealed }];
                Ok(Opened::Aside(Content { unreadable, ..Content::default() }))
            }
        }
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

    /// What is to be judged, and what goes on beside it.
    fn parted(&self, batch: PairBatch, learned: &Learned) -> (Vec<Settled>, Content) {
        let PairBatch { settled, voids, snapshots, marks, unreadable, rechecked, .. } = batch;
        let rechecked = rechecked.iter().map(|one| {
            // One that panics every time says nothing; the rest of its message goes on.
            tries(TRIES, || recheck::judge(&self.judge, one, learned))
        });
        let rechecked = rechecked.flatten().collect();
        let content =
            Content { voids, snapshots, marks, unreadable, rechecked, ..Content::default() };
        (settled, content)
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
    fn who_rolls_out_a_key_has_hours() {
        assert_eq!(give_back_after(1), Duration::from_secs(5));
        assert_eq!(give_back_after(4), Duration::from_secs(40));
        assert_eq!(give_back_after(u32::MAX), LONGEST_GIVE_BACK);
        let all: Duration = (1..=queue::DELIVERY_LIMIT).map(give_back_after).sum();
        assert!(all > Duration::from_secs(12 * 3600), "{all:?}");
    }

    #[test]
    fn only_what_others_may_open_is_given_back() {
        assert!(is_for_others(&EnvelopeError::Newer(9)));
        assert!(is_for_others(&EnvelopeError::Seal(SealError::UnknownKey(1))));
        assert!(!is_for_others(&EnvelopeError::Seal(SealError::Broken)));
        assert!(!is_for_others(&EnvelopeError::Garbage("short")));
    }
}
