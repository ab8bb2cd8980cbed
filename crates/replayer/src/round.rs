//! From the queue to the sessions: takes messages over, opens them and deals out their exchanges.
//!
//! A round ends at a stop, when the queue closes, or when nothing could be sent for so long that
//! the messages are given back. What runs is finished within a bound; what does not end by then
//! is given back and delivered again.

use std::{sync::Arc, time::Duration};

use exchange::{
    Exchange, ExchangeBatch, ParkReason, SkipReason,
    envelope::{self, EnvelopeError},
};
use queue::{Consumer, Delivery};
use store::Share;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    ReplayConfig,
    begun::SUSPECTED_FROM,
    hand::{MessageId, Taken},
    instant::now_micros,
    perform::Performance,
    publish::Note,
    rhythm,
    sessions::{Added, Job},
};

const CHECK_EVERY: Duration = Duration::from_millis(250);
/// What was given back stands at the head of the queue: what has not come by then went elsewhere.
const RETURNS_WITHIN: Duration = Duration::from_secs(60);

/// Why a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundEnd {
    Stopped,
    QueueClosed,
    /// Nothing could be sent for long.
    Standing,
    /// Other partitions are this process's now.
    Shared,
}

#[derive(Debug)]
pub(crate) struct Round<'a> {
    config: &'a ReplayConfig,
    performance: &'a Performance,
    running: JoinSet<()>,
    /// Whoever waits for something outside goes home.
    closing: CancellationToken,
    begun: Instant,
    /// Messages that an earlier round gave back may still come.
    expects_returns: bool,
}

/// The exchanges of one message that are to be run.
struct Deal {
    message: MessageId,
    partition: exchange::Partition,
    redelivered: Option<Instant>,
    singly: Option<Arc<tokio::sync::Mutex<()>>>,
}

impl<'a> Round<'a> {
    pub(crate) fn new(config: &'a ReplayConfig, performance: &'a Performance) -> Self {
        Self {
            config,
            performance,
            running: JoinSet::new(),
            closing: CancellationToken::new(),
            begun: Instant::now(),
            expects_returns: true,
        }
    }

    /// Takes messages until the end of the round.
    pub(crate) async fn run(
        mut self,
        mut consumer: Consumer,
        share: &mut Share,
        shutdown: &CancellationToken,
    ) -> RoundEnd {
        let mut check = tokio::time::interval(CHECK_EVERY);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let standing = stands(self.config, self.performance);
        tokio::pin!(standing);
        let end = loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break RoundEnd::Stopped,
                () = &mut standing => break RoundEnd::Standing,
                () = share.changed() => break RoundEnd::Shared,
                _ = check.tick() => self.check(),
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                    note_panic(ended);
                }
                delivery = consumer.next() => match delivery {
                    Some(delivery) => self.take(delivery).await,
                    None => break RoundEnd::QueueClosed,
                },
            }
        };
        self.finish().await;
        // Without the consumer they wait in the queue instead of coming straight back.
        drop(consumer);
        drop(self.performance.hand.give_back());
        end
    }

    /// Skips what waits behind a slow exchange while its partition cannot go on, and forgets
    /// messages of an earlier round that went elsewhere.
    fn check(&mut self) {
        if self.expects_returns && self.begun.elapsed() > RETURNS_WITHIN {
            self.expects_returns = false;
            self.performance.hand.forget_given_back();
        }
        let limit = Duration::from_millis(self.config.session_wait_ms);
        let hand = &self.performance.hand;
        let prefetch = self.config.messages_in_hand();
        let overdue =
            self.performance.sessions.overdue(limit, |partition| hand.is_full(partition, prefetch));
        self.performance.skip(&overdue, SkipReason::SessionBacklog);
        self.performance.settle_all(self.performance.wave.overdue());
    }

    async fn take(&mut self, delivery: Delivery) {
        match envelope::open_exchanges(&self.performance.keys, &delivery.payload) {
            Ok(batch) => self.take_batch(delivery, batch).await,
            Err(error) => self.set_aside(delivery, &error),
        }
    }

    async fn take_batch(&mut self, delivery: Delivery, batch: ExchangeBatch) {
        let (partition, deliveries, dead) =
            (delivery.partition, delivery.deliveries, delivery.dead);
        let message = MessageId::of(&batch);
        let redelivered = (deliveries > 1).then(Instant::now);
        let mut deal = Deal { message, partition, redelivered, singly: None };
        match self.performance.hand.take(delivery, &batch) {
            Taken::Done(delivery) => delivery.ack().await,
            Taken::InHand => {}
            Taken::Again(open) => {
                // What this process did not run, it did not send either.
                deal.redelivered = None;
                let mut exchanges: Vec<_> = batch.exchanges.into_iter().map(Some).collect();
                for index in open {
                    if let Some(exchange) = exchanges.get_mut(index).and_then(Option::take) {
                        self.deal(&deal, (index, exchange, None), dead);
                    }
                }
            }
            Taken::New => {
                if deliveries >= SUSPECTED_FROM {
                    deal.singly = Some(Arc::default());
                }
                let ExchangeBatch { exchanges, voids, snapshot, .. } = batch;
                let head = Note::Head { message, snapshot, voids };
                self.performance.publisher.hand_in(partition, head);
                let dues = rhythm::dues(&exchanges, Instant::now(), now_micros());
                for (index, (exchange, due)) in exchanges.into_iter().zip(dues).enumerate() {
                    self.deal(&deal, (index, exchange, due), dead);
                }
            }
        }
    }

    /// Gives one exchange to its session, or parks it where the broker has given it up.
    fn deal(
        &mut self,
        deal: &Deal,
        (index, exchange, due): (usize, Exchange, Option<Instant>),
        dead: bool,
    ) {
        let job = Job {
            exchange,
            message: deal.message,
            index,
            partition: deal.partition,
            due,
            redelivered: deal.redelivered,
            singly: deal.singly.clone(),
        };
        if dead {
            let detail = "the broker delivered its message too often".to_owned();
            let parked = self.performance.park(&job.exchange, ParkReason::DeliveryLimit, detail);
            return self.performance.settle(&job, parked);
        }
        if let Some(memory) = &self.performance.player.memory {
            memory.expected.expect(&job.exchange);
        }
        match self.performance.sessions.add(job) {
            Added::Starts(first, under_way) => {
                let performance = self.performance.clone();
                let closing = self.closing.clone();
                self.running.spawn(performance.run_session(*first, under_way, closing));
            }
            Added::Waits => {}
            Added::Overflows(jobs) => self.performance.skip(&jobs, SkipReason::SessionBacklog),
        }
    }

    /// A message that does not open goes on as it is: what numbers it brought is not known.
    fn set_aside(&self, delivery: Delivery, error: &EnvelopeError) {
        tracing::error!(
            error = %error,
            queue.partition = delivery.partition,
            message.bytes = delivery.payload.len(),
            "a message does not open and is set aside; is the key file the tap's?"
        );
        self.performance.metrics.unreadable.inc();
        let partition = delivery.partition;
        let note = Note::Unreadable { delivery, detail: error.to_string(), at: now_micros() };
        self.performance.publisher.hand_in(partition, note);
    }

    /// Finishes what runs, within the bound.
    async fn finish(&mut self) {
        self.closing.cancel();
        let until = Instant::now() + Duration::from_millis(self.config.drain_ms);
        while let Ok(Some(ended)) = tokio::time::timeout_at(until, self.running.join_next()).await {
            note_panic(ended);
        }
        self.running.shutdown().await;
        self.performance.settle_all(self.performance.wave.release());
        if let Some(converge) = &self.performance.converge {
            converge.finish(until).await;
        }
        self.performance.sessions.clear();
        if let Some(memory) = &self.performance.player.memory {
            memory.expected.clear();
        }
    }
}

/// Resolves when the candidate could not be reached, or replaying was paused, for so long that
/// the messages are better off in the queue.
async fn stands(config: &ReplayConfig, performance: &Performance) {
    let limit = Duration::from_millis(config.give_back_ms);
    let mut paused = performance.player.paused.subscribe();
    let mut breaker = performance.player.candidate.breaker.watch();
    let mut since = None;
    loop {
        let (paused_now, open) = (*paused.borrow_and_update(), breaker.borrow_and_update().open);
        let stands = paused_now || open.is_some();
        since = stands.then(|| since.unwrap_or_else(Instant::now));
        tokio::select! {
            _ = paused.changed() => {}
            _ = breaker.changed() => {}
            () = tokio::time::sleep_until(since.unwrap_or_else(Instant::now) + limit), if stands => {
                return;
            }
        }
    }
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        // Its exchanges stay open and are delivered again after the next start.
        tracing::error!(error = %error, "a session's run panicked outside of its exchanges");
    }
}
