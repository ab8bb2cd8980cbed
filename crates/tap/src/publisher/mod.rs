//! The publisher: one thread that numbers, packs, seals and submits what the workers hand over.
//!
//! At most one message per partition is unconfirmed; meanwhile the next one fills, within the
//! byte budget that bounds everything held. The account ([`exchange::TapSnapshot`]) goes with
//! every message, and at least once a second with one of its own.

mod lane;
mod lone;
mod prepare;
mod thrift;

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use exchange::{
    DropReason, ExchangeBatch, Partition, TapSnapshot, TapTotals,
    envelope::{Packer, Squeeze},
    seal::Keyring,
};
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use queue::spool::{Accepted, Spooled};
use tokio::sync::mpsc;

pub(crate) use self::thrift::thread_time;
use self::{lane::Lane, lone::Lone, prepare::prepare, thrift::Thrift};
use crate::{
    account,
    capture::Capture,
    shared::{Bell, Shared},
};

/// Between two looks at the hand-over while traffic flows: many exchanges per wake-up.
const LOOK: Duration = Duration::from_millis(5);
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Taken over at once before messages are looked after again.
const AT_ONCE: usize = 4096;

/// What the publisher is started with.
#[derive(Debug)]
pub(crate) struct PublisherInputs {
    pub(crate) shared: Arc<Shared>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) spooled: Spooled,
    pub(crate) partitions: Partition,
    pub(crate) captures: mpsc::Receiver<Box<Capture>>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) published: Arc<Published>,
}

/// What became of what was taken over, for metrics.
#[derive(Debug, Default)]
pub(crate) struct Published {
    counts: Mutex<PublishedCounts>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PublishedCounts {
    pub(crate) captured: u64,
    pub(crate) dropped: std::collections::BTreeMap<DropReason, u64>,
    pub(crate) messages: u64,
    pub(crate) spooled_messages: u64,
}

impl Published {
    pub(crate) fn counts(&self) -> PublishedCounts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut PublishedCounts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Runs until every worker has let go of the hand-over, then until all is accepted or given up.
pub(crate) async fn run(inputs: PublisherInputs) {
    let mut publisher = Publisher::new(inputs);
    while publisher.turn().await {}
    publisher.finish().await;
}

type Fate = (Partition, Result<Accepted, DropReason>);

struct Publisher {
    inputs: PublisherInputs,
    lanes: Vec<Lane>,
    lone: Lone,
    under_way: FuturesUnordered<Pin<Box<dyn Future<Output = Fate> + Send>>>,
    packer: Packer,
    thrift: Thrift,
    serial: u64,
    last_message: Instant,
    /// Whose turn the next heartbeat is.
    next_heartbeat: usize,
    closed: bool,
}

impl Publisher {
    fn new(inputs: PublisherInputs) -> Self {
        let thrift = Thrift::new(inputs.shared.limits.compress_share);
        let epoch = inputs.shared.epoch;
        let lanes = (0..inputs.partitions.max(1)).map(|at| Lane::new(epoch, at)).collect();
        Self {
            inputs,
            lanes,
            lone: Lone::default(),
            under_way: FuturesUnordered::new(),
            packer: Packer::default(),
            thrift,
            serial: 0,
            last_message: Instant::now(),
            next_heartbeat: 0,
            closed: false,
        }
    }

    /// One look at everything, then a rest; false when no more captures will come.
    async fn turn(&mut self) -> bool {
        let Ok(taken) = self.take_over() else { return false };
        while let Some(Some(fate)) = self.under_way.next().now_or_never() {
            self.settle(fate);
        }
        let now = Instant::now();
        self.pack_due(now, false);
        if now.saturating_duration_since(self.last_message) >= HEARTBEAT {
            self.heartbeat();
        }
        if taken > 0 || self.lanes.iter().any(Lane::is_filling) {
            self.rest(LOOK, false).await;
            return true;
        }
        self.inputs.bell.fall_asleep();
        // What came between the last look and falling asleep has not rung.
        if self.inputs.captures.is_empty() && !self.inputs.captures.is_closed() {
            let until = HEARTBEAT.saturating_sub(self.last_message.elapsed());
            self.rest(until, true).await;
        }
        self.inputs.bell.stay_awake();
        true
    }

    /// Waits for a fate, for `limit`, and where `asleep` for the bell.
    async fn rest(&mut self, limit: Duration, asleep: bool) {
        let fate = tokio::select! {
            Some(fate) = self.under_way.next() => Some(fate),
            () = self.inputs.bell.rung(), if asleep => None,
            () = tokio::time::sleep(limit) => None,
        };
        if let Some(fate) = fate {
            self.settle(fate);
        }
    }

    /// Takes what was handed over; how many, or an error when nobody can hand over any more.
    fn take_over(&mut self) -> Result<usize, mpsc::error::TryRecvError> {
        for count in 0..AT_ONCE {
            match self.inputs.captures.try_recv() {
                Ok(capture) => self.take(*capture),
                Err(mpsc::error::TryRecvError::Empty) => return Ok(count),
                Err(error) if count == 0 => return Err(error),
                Err(_) => return Ok(count),
            }
        }
        Ok(AT_ONCE)
    }

    fn take(&mut self, capture: Capture) {
        let now = Instant::now();
        match prepare(&self.inputs.shared, capture, now) {
            Ok(mut waiting) => {
                let at = self.lone.place(&mut waiting, &self.lanes);
                if let Some(lane) = self.lanes.get_mut(at) {
                    lane.push(waiting);
                }
            }
            Err(reason) => {
                if let Some(lane) = self.lanes.first_mut() {
                    lane.lose(reason);
                }
                self.lost(reason, 1);
            }
        }
    }

    fn pack_due(&mut self, now: Instant, stopping: bool) {
        for at in 0..self.lanes.len() {
            if self.lanes.get(at).is_some_and(|lane| lane.is_due(now, stopping)) {
                self.submit(at, false);
                self.lone.packed(at, self.lanes.len());
            }
        }
    }

    /// A message without exchanges: where there is news, else each partition in its turn.
    fn heartbeat(&mut self) {
        let count = self.lanes.len();
        let order = (0..count).map(|step| (self.next_heartbeat + step) % count);
        let free: Vec<usize> =
            order.filter(|at| self.lanes.get(*at).is_some_and(Lane::is_free)).collect();
        let news = free.iter().find(|at| self.lanes.get(**at).is_some_and(Lane::has_news));
        if let Some(at) = news.or(free.first()).copied() {
            self.next_heartbeat = (at + 1) % count;
            self.submit(at, true);
        }
    }

    fn submit(&mut self, at: usize, heartbeat: bool) {
        let totals = TapTotals {
            closed: self.closed,
            paused: self.inputs.shared.pause.is_on(),
            ..account::totals(&self.inputs.shared.ledgers)
        };
        let epoch = self.inputs.shared.epoch;
        let Some(lane) = self.lanes.get_mut(at) else { return };
        let packed = lane.pack(heartbeat);
        let partition = packed.count.partition;
        self.serial += 1;
        self.last_message = Instant::now();
        let batch = ExchangeBatch {
            epoch,
            partition,
            exchanges: packed.exchanges,
            voids: packed.voids,
            snapshot: TapSnapshot {
                epoch,
                serial: self.serial,
                at: wall_clock(),
                partition: packed.count,
                totals,
            },
        };
        let squeeze = self.thrift.squeeze(account::worked(&self.inputs.shared.ledgers));
        let before = thread_time();
        let sealed = self.packer.seal_exchanges(&self.inputs.keys, &batch, squeeze);
        if squeeze == Squeeze::Yes {
            self.thrift.spend(thread_time().saturating_sub(before));
        }
        match sealed {
            Ok(sealed) => {
                let submitted = self.inputs.spooled.submit(partition, sealed.into());
                self.under_way.push(Box::pin(submitted.map(move |fate| (partition, fate))));
            }
            Err(error) => {
                tracing::error!(%error, partition, "Cannot seal a message");
                self.settle((partition, Err(DropReason::Unpackable)));
            }
        }
    }

    fn settle(&mut self, (partition, fate): Fate) {
        let Some(lane) = self.lanes.get_mut(usize::from(partition)) else { return };
        match fate {
            Ok(accepted) => {
                let count = lane.accepted();
                self.inputs.published.change(|counts| {
                    counts.captured += count;
                    counts.messages += 1;
                    counts.spooled_messages += u64::from(accepted == Accepted::Spooled);
                });
            }
            Err(reason) => {
                let count = lane.refused(reason);
                self.lost(reason, count);
            }
        }
    }

    fn lost(&self, reason: DropReason, count: u64) {
        if count > 0 {
            tracing::debug!(%reason, count, "Lost captured exchanges");
            self.inputs
                .published
                .change(|counts| *counts.dropped.entry(reason).or_default() += count);
        }
    }

    /// Everything out, then the last word of every partition, within the drain limit.
    async fn finish(&mut self) {
        let limit = self.inputs.shared.limits.drain;
        let deadline = tokio::time::Instant::now() + limit;
        let in_time = tokio::time::timeout_at(deadline, self.empty()).await.is_ok();
        if !in_time {
            self.give_up();
        }
        self.closed = true;
        let last = tokio::time::timeout(limit.max(HEARTBEAT), self.close()).await;
        if last.is_err() {
            tracing::warn!("The last account of this tap was not accepted in time");
        }
        self.inputs.spooled.flush(limit.max(HEARTBEAT)).await;
    }

    async fn empty(&mut self) {
        loop {
            self.pack_due(Instant::now(), true);
            if self.lanes.iter().all(Lane::is_done) {
                return;
            }
            if let Some(fate) = self.under_way.next().await {
                self.settle(fate);
            }
        }
    }

    fn give_up(&mut self) {
        self.under_way.clear();
        for at in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get_mut(at) else { continue };
            let count =
                lane.refused(DropReason::Unconfirmed) + lane.abandon(DropReason::Unconfirmed);
            self.lost(DropReason::Unconfirmed, count);
        }
    }

    /// The closing account: on every partition whose last one is out of date, and on at least
    /// one. A refused one is tried again.
    async fn close(&mut self) {
        let mut told = false;
        loop {
            let news: Vec<usize> = (0..self.lanes.len())
                .filter(|at| self.lanes.get(*at).is_some_and(Lane::has_news))
                .collect();
            let due = if news.is_empty() && !told { vec![0] } else { news };
            if due.is_empty() {
                return;
            }
            for at in due {
                self.submit(at, true);
            }
            while let Some(fate) = self.under_way.next().await {
                told |= fate.1.is_ok();
                self.settle(fate);
            }
            if !told {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn wall_clock() -> exchange::Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    exchange::Micros::try_from(since.as_micros()).unwrap_or(exchange::Micros::MAX)
}
